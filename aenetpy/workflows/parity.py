"""``parity``: how well a potential reproduces the energies and forces that files hold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np

from aenetpy.analysis.parity import Compared, Panel, parity_figure
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.errors import DataError, UsageError
from aenetpy.io.files import replace_file
from aenetpy.io.predict_in import PredictInput
from aenetpy.models.reading import read_potential
from aenetpy.parallel import one_blas_thread
from aenetpy.workflows.predict import Failures, predictions
from aenetpy.workflows.predict_output import NoNumber

log = logging.getLogger("aenetpy")


def parity(
    settings: PredictInput,
    figure: str | Path,
    out: TextIO,
    jobs: int = 1,
    on_entry: Callable[[], object] = lambda: None,
    chebyshev_domain: ConventionChoice = "auto",
) -> list[Panel]:
    """Draw predicted against reference energies and forces, and report the errors.

    Parameters
    ----------
    settings
        Contents of ``predict.in``; structures without energy and forces have no part in it.
    figure
        File to draw; its suffix is the format: png, pdf, svg, ... It is replaced.
    out
        Receives a line for each quantity.
    jobs, on_entry, chebyshev_domain
        As in `aenetpy.workflows.predict.predict`.

    Returns
    -------
    panels
        What was drawn.

    Raises
    ------
    UsageError
        If matplotlib knows no format of that suffix.
    DataError
        If a potential or a structure is wrong, or no structure has an energy or forces.
    """
    suffix = _figure_format(figure)
    if settings.relax is not None:
        log.info("%s: RELAX is left out; structures are compared as given", settings.path)
    settings = replace(settings, forces=True, relax=None)
    compared, failures = Compared(), Failures()
    with one_blas_thread():
        paths = {symbol: settings.networks[symbol].text for symbol in settings.species}
        potential = read_potential(paths, chebyshev_domain)
        for prediction in predictions(settings, potential, ".", jobs, on_entry):
            failures.add(prediction)
            if isinstance(prediction, NoNumber):
                log.warning("%s", prediction)
                continue
            compared.add(prediction.structure, prediction.evaluation)
    panels = compared.panels()
    if not panels:
        raise DataError(
            "no structure holds an energy or forces to compare with",
            file=settings.path,
            hint="name files of reference calculations in FILES, or on the command line",
        )
    for panel in panels:
        out.write(_line(panel))
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


def _line(panel: Panel) -> str:
    """Return the errors of a panel with one group in one line."""
    (group,) = panel.groups
    found, of = group.errors, panel.per_unit
    return (
        f"{panel.quantity:6s} {np.size(group.reference):8d} {panel.counted:10s}   "
        f"MAE {of * found.mean:.4g}   RMSE {of * found.rmse:.4g}   "
        f"largest {of * found.maximum:.4g}   mean {of * found.bias:+.3g}   {panel.error_unit}\n"
    )
