"""``parity``: how well a potential reproduces the energies and forces that files hold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np

from aenetpy.analysis.comparison import SETS
from aenetpy.analysis.parity import Compared, Panel, ParityGroup, parity_figure
from aenetpy.analysis.split_record import set_of
from aenetpy.commands.predict import Failures, predictions
from aenetpy.commands.predict_output import NoNumber
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.errors import DataError, UsageError
from aenetpy.files.files import replace_file
from aenetpy.inputs.predict_in import PredictInput
from aenetpy.models.committee import Committee, read_committee
from aenetpy.models.potential import Potential
from aenetpy.models.reading import read_potential
from aenetpy.parallel import one_blas_thread
from aenetpy.reports.errors import ByQuantity

log = logging.getLogger("aenetpy")


def parity(
    settings: PredictInput,
    figure: str | Path,
    out: TextIO,
    jobs: int = 1,
    on_entry: Callable[[], object] = lambda: None,
    chebyshev_domain: ConventionChoice = "auto",
    committee: str | Path | None = None,
) -> list[Panel]:
    """Draw predicted against reference energies and forces, and report the errors."""
    suffix = _figure_format(figure)
    if settings.relax is not None:
        log.info("%s: RELAX is left out; structures are compared as given", settings.path)
    settings = replace(settings, forces=True, relax=None)
    compared, failures = Compared(), Failures()
    with one_blas_thread():
        model: Potential | Committee
        if committee is None:
            paths = {symbol: settings.networks[symbol].text for symbol in settings.species}
            model = read_potential(paths, chebyshev_domain)
        else:
            model = read_committee(committee, chebyshev_domain)
        which = set_of(model if isinstance(model, Potential) else model.potentials[0])
        for prediction in predictions(settings, model, ".", jobs, on_entry):
            failures.add(prediction)
            if isinstance(prediction, NoNumber):
                log.warning("%s", prediction)
                continue
            structure, uncertainty = prediction.structure, prediction.uncertainty
            compared.add(structure, prediction.evaluation, which(structure.name), uncertainty)
    panels = compared.panels()
    if not panels:
        raise DataError(
            "no structure holds an energy or forces to compare with",
            file=settings.path,
            hint="name files of reference calculations in FILES, or on the command line",
        )
    for panel in panels:
        for group in sorted(panel.groups, key=_rank):
            of_species = compared.by_species(_which(group)) if panel.quantity == "force" else {}
            out.write(_line(panel, group, of_species))
    with replace_file(figure) as file:
        parity_figure(panels).savefig(file, format=suffix, dpi=200)
    failures.warn()
    failures.refuse()
    return panels


def _figure_format(path: str | Path) -> str:
    """Return the suffix of a figure, if matplotlib can write that."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    suffix = Path(path).suffix[1:].lower()
    if suffix not in known:
        raise UsageError(
            f"cannot draw '{path}': no figure format '{suffix}'",
            hint=f"name a file with one of the suffixes {' '.join(sorted(known))}",
        )
    return suffix


def _which(group: ParityGroup) -> str:
    """Return the set of a group."""
    return group.name.removesuffix(" set")


def _rank(group: ParityGroup) -> int:
    return SETS.index(_which(group))


def _line(panel: Panel, group: ParityGroup, of_species: ByQuantity) -> str:
    """Return the errors of a group in one line: its set, and MAE/RMSE of each species, last."""
    found, of = group.errors, panel.per_unit
    tail = f"   {group.name}" if group.name else ""
    if len(of_species) > 1:
        by_species = (f"{k} {of * e.mae:.4g}/{of * e.rmse:.4g}" for k, e in of_species.items())
        tail += f"   MAE/RMSE of {', '.join(by_species)}"
    return (
        f"{panel.quantity:6s} {np.size(group.reference):8d} {panel.counted:10s}   "
        f"MAE {of * found.mean:.4g}   RMSE {of * found.rmse:.4g}   "
        f"largest {of * found.maximum:.4g}   mean {of * found.bias:+.3g}   {panel.error_unit}"
        f"{tail}\n"
    )
