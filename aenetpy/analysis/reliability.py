"""Whether the spread of a committee says how large its errors are, bin by bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.arrays import Float
from aenetpy.models.calibration import ONE_SIGMA, TWO_SIGMA, Spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10
"""At most, each with as many errors as the others."""

IN_A_BIN = 5
"""Errors that a bin has at least, if there are as many."""

MILLI = 1000.0


@dataclass(frozen=True, eq=False)
class Reliability:
    """Errors and standard deviations of one quantity, which may be drawn.

    Parameters
    ----------
    quantity, unit
        For the axes: ``force``, ``eV/Å``; drawn in thousandths.
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


def reliability_bins(errors_k: Float, stds_k: Float) -> tuple[Float, Float, Float]:
    """Return predicted and observed errors in bins of ascending standard deviation.

    Predicted is the median of std over the bin, observed the 68th percentile of abs(err), and half
    the 95th: all three are equal for normal errors of these standard deviations.
    """
    n_bins = max(1, min(BINS, len(errors_k) // IN_A_BIN))
    parts = np.array_split(np.argsort(stds_k, kind="stable"), n_bins)
    predicted_b = np.array([np.median(stds_k[part]) for part in parts])
    observed_b = np.array([np.quantile(abs(errors_k[part]), ONE_SIGMA) for part in parts])
    double_b = np.array([np.quantile(abs(errors_k[part]), TWO_SIGMA) for part in parts])
    return predicted_b, observed_b, 0.5 * double_b


def reliability_figure(panels: Sequence[Reliability]) -> Figure:
    """Draw observed errors against predicted ones, before and after calibration."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(panels), 4.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        predicted_b, observed_b, half_b = (
            MILLI * bins_b for bins_b in reliability_bins(panel.errors_k, panel.stds_k)
        )
        spread = panel.spread
        factor, (low, high) = spread.factor, spread.interval
        for scale, colour, name, within in (
            (1.0, GREY, "as it is", spread.within),
            (
                factor,
                COLOURS[0],
                f"times {factor:.2f} ({low:.2f} to {high:.2f})",
                spread.within_calibrated,
            ),
        ):
            shares = f"{within[0]:.0%} within 1σ, {within[1]:.0%} within 2σ"
            if scale == factor:
                shares += f", {spread.beyond_three:.1%} beyond 3σ"
            axes.plot(
                scale * predicted_b, observed_b, "o-", color=colour, label=f"{name}: {shares}"
            )
        axes.plot(
            factor * predicted_b,
            half_b,
            "o:",
            color=COLOURS[0],
            markerfacecolor="none",
            label=f"half of what 95 % are below; the largest is {MILLI * spread.largest[0]:.3g}"
            f" m{panel.unit}, its σ {MILLI * spread.largest[1]:.3g}",
        )
        largest = float((max(1.0, factor) * predicted_b).max())
        top = 1.05 * max(largest, float(observed_b.max()), float(half_b.max()))
        axes.plot([0.0, top], [0.0, top], color="black", linewidth=0.8, zorder=1)
        axes.set(xlim=(0.0, top), ylim=(0.0, top), aspect="equal")
        axes.set_xlabel(f"predicted standard deviation of the {panel.quantity} (m{panel.unit})")
        axes.set_ylabel(f"68 % of the errors are below (m{panel.unit})")
        axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axes.spines[["top", "right"]].set_visible(False)
    return figure
