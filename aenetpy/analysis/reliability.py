"""Whether the spread of a committee says how large its errors are, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.arrays import Float
from aenetpy.models.calibration import Spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10
"""At most, each with as many errors as the others."""

IN_A_BIN = 5
"""Errors that a bin has at least, if there are as many."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Errors and standard deviations of one quantity, which may be drawn.

    Parameters
    ----------
    quantity, unit
        For the axes: ``force``, ``eV/Å``.
    errors_k, stds_k
        Errors of the mean, and standard deviations as they are, (k,) float64.
    spread
        What was found of them.
    """

    quantity: str
    unit: str
    errors_k: Float
    stds_k: Float
    spread: Spread


def reliability_bins(errors_k: Float, stds_k: Float) -> tuple[Float, Float]:
    """Return predicted and observed errors in bins of ascending standard deviation.

    ``predicted_b = sqrt(mean of std^2)`` and ``observed_b = sqrt(mean of err^2)`` over the bin.

    Returns
    -------
    predicted_b, observed_b
        In the unit of the errors, (b,) float64.
    """
    n_bins = max(1, min(BINS, len(errors_k) // IN_A_BIN))
    parts = np.array_split(np.argsort(stds_k, kind="stable"), n_bins)
    predicted_b = np.array([np.sqrt(np.mean(stds_k[part] ** 2)) for part in parts])
    observed_b = np.array([np.sqrt(np.mean(errors_k[part] ** 2)) for part in parts])
    return predicted_b, observed_b


def reliability_figure(panels: Sequence[Reliability]) -> Figure:
    """Draw observed errors against predicted ones, before and after calibration."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(panels), 4.4), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        is_energy = panel.unit.startswith("eV/atom")
        unit = f"m{panel.unit}" if is_energy else panel.unit
        size = 1000.0 if is_energy else 1.0
        predicted_b, observed_b = reliability_bins(size * panel.errors_k, size * panel.stds_k)
        factor, spread = panel.spread.factor, panel.spread
        for scale, colour, name, within in (
            (1.0, GREY, "as it is", spread.within),
            (factor, COLOURS[0], f"calibrated (times {factor:.2f})", spread.within_calibrated),
        ):
            shares = f"{within[0]:.0%} within 1σ, {within[1]:.0%} within 2σ"
            axes.plot(
                scale * predicted_b, observed_b, "o-", color=colour, label=f"{name}: {shares}"
            )
        top = 1.05 * max(float((max(1.0, factor) * predicted_b).max()), float(observed_b.max()))
        axes.plot([0.0, top], [0.0, top], color="black", linewidth=0.8, zorder=1)
        axes.set(xlim=(0.0, top), ylim=(0.0, top), aspect="equal")
        axes.set_xlabel(f"predicted standard deviation of the {panel.quantity} ({unit})")
        axes.set_ylabel(f"observed RMSE ({unit})")
        axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axes.spines[["top", "right"]].set_visible(False)
    return figure
