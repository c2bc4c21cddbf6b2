"""Tables of measures: per atom and per structure, training and testing; ranking."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

import numpy as np

from aenetpy.analysis.errors import summarise
from aenetpy.analysis.measures import FAR, GAUSSIAN_SHARE, Measures, measure
from aenetpy.arrays import Float, Long
from aenetpy.inputs.study import Study
from aenetpy.reports.markdown import number, table
from aenetpy.studies.cells import FORCE, UNITS, Cell
from aenetpy.studies.trial_files import TrialResult

MEV = 1000.0
PARTS = ("train", "test")
WARNING = (
    "The variants are ranked by their errors on the common test set, and the error of the first is"
    " optimistic: the best of many is also the luckiest on these structures."
)
"""Note on the best variant of a search."""


def residuals(result: TrialResult, part: str) -> tuple[Float, Float, Long]:
    """Return errors of the energy per atom, meV; reference energies, eV; atoms; (s,) each."""
    if part == "train":
        return result.train_errors_s, result.train_energies_s, result.train_n_atoms_s
    return result.energy_errors_s, result.energies_s, result.n_atoms_s


def cell_measures(cell: Cell, part: str, whole: bool) -> Measures:
    """Return the measures of all seeds together."""
    errors, references = [], []
    for result in cell.results:
        errors_s, energies_s, n_atoms_s = residuals(result, part)
        errors.append(errors_s * n_atoms_s / MEV if whole else errors_s)
        references.append(energies_s if whole else MEV * energies_s / n_atoms_s)
    return measure(np.concatenate(errors), np.concatenate(references))


def measure_table(cells: Sequence[Cell], whole: bool) -> str:
    """Return the measures of the energies, of all seeds together."""
    unit = "eV/structure" if whole else "meV/atom"
    names = {"mae": "MAE", "rmse": "RMSE", "maximum": "maximum", "mean": "mean", "deviation": "SD"}
    head = (
        *("variant", "size", "set", "energies", *(f"{name} ({unit})" for name in names.values())),
        *("R² (1)", f"beyond {FAR} SD (%), Gaussian {100 * GAUSSIAN_SHARE:.1f}"),
    )
    rows = []
    for cell in cells:
        for part in PARTS:
            found = cell_measures(cell, part, whole)
            rows.append(
                (
                    *(cell.variant.name, str(cell.size), part, str(found.n)),
                    *(number(getattr(found, name)) for name in names),
                    *(f"{found.r2:.5g}".replace("nan", "-"), f"{100 * found.beyond:.1f}"),
                )
            )
    title = "Energies of structures" if whole else "Energies per atom"
    return table(f"{title}: training and testing", head, rows)


def species_table(cells: Sequence[Cell]) -> str:
    """Return the errors of the force components on the atoms of each species, all seeds together.

    Of energies there is no such table: the data hold energies of structures, not of atoms.
    """
    rows = []
    for cell in cells:
        if not cell.has(FORCE):
            continue
        species_n = np.array(cell.results[0].species_n)
        errors_rnc = np.array([result.force_errors_nc for result in cell.results])
        for symbol in dict.fromkeys(species_n.tolist()):
            found = summarise(errors_rnc[:, species_n == symbol])
            shown = (found.median, found.mean, found.rmse, found.maximum)
            n_atoms = str(int((species_n == symbol).sum()))
            rows.append((cell.variant.name, str(cell.size), symbol, n_atoms, *map(number, shown)))
    names = ("median", "MAE", "RMSE", "largest")
    head = ("variant", "size", "species", "atoms", *(f"{name} ({UNITS[FORCE]})" for name in names))
    return table("Force components by species", head, rows) if rows else ""


def ranking(study: Study, cells: Sequence[Cell]) -> str:
    """Return the variants of the largest set size, the best first; empty if there are no grids.

    Errors are RMSE of the energy per atom: mean and standard deviation over the seeds.
    """
    if not study.apart and not study.has_grid:
        return ""
    size = max((cell.size for cell in cells), default=0)
    chosen = [cell for cell in cells if cell.size == size]
    chosen.sort(key=lambda cell: fmean(seed_errors(cell, "test")))
    rows = []
    for place, cell in enumerate(chosen, 1):
        test, apart = (seed_errors(cell, part) for part in ("test", "apart"))
        again = number(fmean(apart)) if apart and place == 1 else "-"
        row = (number(fmean(test)), number(stdev(test)) if len(test) > 1 else "-", again)
        rows.append((str(place), cell.variant.name, str(len(cell.results)), *row))
    head = (
        *("place", "variant", "seeds", "RMSE (meV/atom)", "SD over seeds (meV/atom)"),
        f"RMSE on {study.apart} structures kept apart (meV/atom)",
    )
    again = (
        f" It is measured again on {study.apart} structures kept apart."
        if study.apart
        else " With `apart: 20` it is measured again on 20 structures kept apart."
    )
    return f"{table('Ranking', head, rows)}\n{WARNING}{again}\n"


def seed_errors(cell: Cell, part: str) -> list[float]:
    """Return the RMSE of the energy per atom of each seed, meV; empty if nothing is kept apart."""
    name = "energy_errors_s" if part == "test" else "apart_errors_s"
    errors = [getattr(result, name) for result in cell.results]
    return [float(np.sqrt(np.mean(errors_s**2))) for errors_s in errors if errors_s.size]


def importance_table(cells: Sequence[Cell], n: int = 10) -> str:
    """Return the components of fingerprints that matter most; means over the seeds."""
    rows = []
    for cell in cells:
        names, means = importances(cell)
        for k in np.argsort(-means)[:n]:
            if means[k] > 0:
                name = names[k]
                rows.append((cell.variant.name, str(cell.size), name, number(float(means[k]))))
    head = ("variant", "size", "component", "growth of RMSE when permuted (meV/atom)")
    return table("Importance of fingerprint components", head, rows) if rows else ""


def importances(cell: Cell) -> tuple[list[str], Float]:
    """Return names of components, and their importances, meV/atom, means over the seeds."""
    found = np.array([result.importances for result in cell.results])
    return list(cell.results[0].components), found.mean(axis=0)
