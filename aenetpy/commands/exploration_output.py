"""Output of ``explore``, as plain data and as a page."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from aenetpy.analysis.drawing import png
from aenetpy.analysis.survey_figures import distance_figure, energy_figure, force_figure
from aenetpy.arrays import Float, Long
from aenetpy.commands.explore import Exploration, standard_errors
from aenetpy.reports.explore import exploration_markdown
from aenetpy.reports.html import html_page
from aenetpy.training.forces import EV_PER_A3_IN_GPA


def exploration_summary(found: Exploration) -> dict[str, Any]:
    """Return the content of the output, as numbers, text, lists and dictionaries of them.

    ``structures``, ``species``, ``compositions`` and ``periodic_directions`` (with numbers of
    structures); ``atoms``, ``energy_per_atom_eV``, ``rest_per_atom_eV`` (less fitted atomic
    energies), ``longest_force_eV_per_A``, ``pressure_GPa``, ``largest_stress_GPa`` (the largest
    component; ``structures_with_stress`` have one), ``cell_height_A``,
    ``shortest_distances_A`` (by pair): minimum, median and maximum over the structures, or None;
    ``cutoffs``: ``cutoff_A``,
    ``cells_lower``, mean number of ``neighbours`` (None beyond 8 Å); ``suggested``: ``r_min_A``,
    ``radial_cutoff_A``, ``angular_cutoff_A``; ``atomic_energies_eV`` and their standard errors
    ``atomic_energy_errors_eV`` by species, ``isolated_atoms`` (the species whose energy is not
    fitted), ``atomic_energies_determined``,
    ``rest_rmse_meV_per_atom``, ``types_block``; ``findings``: ``kind``, ``text`` and ``names``
    of structures or files.
    """
    table, dataset = found.survey, found.dataset
    fit = dataset.atomic_energies
    per_atom_s = table.energies_s / table.n_atoms_s
    return {
        "structures": len(table.names_s),
        "species": list(table.species),
        "compositions": dict(Counter(table.formulas_s).most_common()),
        "periodic_directions": {
            str(k): int((table.periodic_s == k).sum()) for k in np.unique(table.periodic_s)
        },
        "atoms": _range(table.n_atoms_s),
        "energy_per_atom_eV": _range(per_atom_s),
        "rest_per_atom_eV": _range(found.rest_s),
        "longest_force_eV_per_A": _range(table.longest_s),
        "structures_with_stress": int(np.isfinite(table.stress_sk).all(axis=1).sum()),
        "pressure_GPa": _range(-table.stress_sk[:, :3].mean(axis=1) * EV_PER_A3_IN_GPA),
        "largest_stress_GPa": _range(np.abs(table.stress_sk).max(axis=1) * EV_PER_A3_IN_GPA),
        "cell_height_A": _range(table.heights_s),
        "shortest_distances_A": {
            f"{a}-{b}": _range(shortest_s)
            for (a, b), shortest_s in zip(table.pairs, table.shortest_sp.T, strict=True)
        },
        "cutoffs": [
            {
                "cutoff_A": cutoff,
                "cells_lower": int((table.heights_s < cutoff).sum()),
                "neighbours": dataset.neighbors_within(cutoff) if 0.1 <= cutoff <= 8.0 else None,
            }
            for cutoff in found.cutoffs
        ],
        "suggested": {
            "r_min_A": dataset.r_min,
            "radial_cutoff_A": dataset.radial_cutoff,
            "angular_cutoff_A": dataset.angular_cutoff,
        },
        "atomic_energies_eV": None
        if fit is None
        else dict(zip(table.species, fit.energies_t.tolist(), strict=True)),
        "atomic_energy_errors_eV": None
        if fit is None
        else dict(zip(table.species, standard_errors(table).tolist(), strict=True)),
        "isolated_atoms": []
        if fit is None
        else [symbol for symbol, is_ in zip(table.species, fit.isolated_t, strict=True) if is_],
        "atomic_energies_determined": fit is not None and fit.unique,
        "rest_rmse_meV_per_atom": None if fit is None else 1000 * fit.rmse,
        "types_block": found.types_block,
        "findings": [
            {"kind": one.kind, "text": one.text, "names": list(map(str, one.names))}
            for one in found.findings
        ],
    }


def exploration_page(found: Exploration) -> str:
    """Return one HTML file with tables and figures."""
    pictures: dict[str, bytes] = {}
    shown = []
    for name, text, figure in (
        ("energies.png", "Energies by composition", energy_figure(found.survey, found.rest_s)),
        ("distances.png", "Shortest distances by pair of species", distance_figure(found.survey)),
        ("forces.png", "Longest forces", force_figure(found.survey)),
    ):
        if figure is not None:
            pictures[name] = png(figure)
            shown.append((name, text))
    return html_page(exploration_markdown(exploration_summary(found), shown), pictures.__getitem__)


def _range(values_s: Float | Long) -> dict[str, float] | None:
    """Return the smallest, middle and largest of the known values."""
    known = np.asarray(values_s, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    found = {
        "minimum": float(known.min()),
        "median": float(np.median(known)),
        "maximum": float(known.max()),
    }
    assert all(map(math.isfinite, found.values())), "only finite values are kept"
    return found
