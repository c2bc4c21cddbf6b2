"""Figures of a study. Each function returns a figure; matplotlib is loaded when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.drawing import legend_above, new_figure, without_frames
from aenetpy.analysis.errors import Interval
from aenetpy.arrays import Float
from aenetpy.io.study_in import in_words
from aenetpy.studies.cells import ENERGY, FORCE, UNITS, Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


STYLES = ("-", "--", ":")
NAMES = {ENERGY: "energy error", FORCE: "force error"}
BINS = 81
DECADES = 3.5
"""Of the axis of |error|. Forces that vanish by symmetry have errors far below."""

DODGE = 1.012
"""Factor between the places of two variants, whose error bars would hide each other."""


def colours(cells: Sequence[Cell], reference: str) -> dict[str, str]:
    """Return the colour of each variant, the reference grey."""
    names = dict.fromkeys(cell.variant.name for cell in cells)
    others = [name for name in names if name != reference]
    return {reference: GREY} | {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(others)}


def violins(cells: Sequence[Cell], reference: str) -> Figure:
    """Draw the distribution of |error| of each variant, on a logarithmic axis.

    Parameters
    ----------
    cells
        Of one size. Their marks are the median and the range of the middle half.
    reference
        Name of the variant that is drawn grey.
    """
    figure, panels = two_panels(0.8 + 0.45 * len(cells), share_y=True)
    colour = colours(cells, reference)
    positions = list(range(len(cells), 0, -1))
    for axes, quantity in zip(panels, (ENERGY, FORCE), strict=True):
        places = [(k, cell) for k, cell in zip(positions, cells, strict=True) if cell.has(quantity)]
        if not places:
            axes.set_visible(False)
            continue
        logarithms = [_logarithms(cell.errors(quantity).errors_rc) for _, cell in places]
        high = max(float(values.max()) for values in logarithms)
        low = max(high - DECADES, min(float(values.min()) for values in logarithms))
        for (position, cell), values in zip(places, logarithms, strict=True):
            _violin(axes, values[values >= low], position, colour[cell.variant.name])
            below, middle, above = np.percentile(values, (25, 50, 75))
            axes.plot([below, above], [position] * 2, color="black", linewidth=2.0)
            axes.plot(middle, position, "o", color="white", markeredgecolor="black", markersize=5)
        _decades(axes, low, high)
        axes.set_xlabel(f"|{NAMES[quantity]}| ({UNITS[quantity]})")
    panels[0].set_yticks(positions, [cell.variant.name for cell in cells])
    return without_frames(figure)


def _logarithms(errors: Float) -> Float:
    """Return lg |error|; zeros, which have none, take the place of the smallest other value."""
    sizes = np.abs(errors).reshape(-1)
    positive = sizes[sizes > 0]
    smallest = positive.min() if positive.size else 1e-12
    logarithms: Float = np.log10(np.maximum(sizes, smallest))
    return logarithms


def _violin(axes: Axes, values: Float, position: float, colour: str) -> None:
    """Fill the density of some values, of which there must be different ones, around a line."""
    from scipy.stats import gaussian_kde

    if values.size < 2 or np.ptp(values) == 0.0:
        return
    x = np.linspace(values.min(), values.max(), 200)
    density = gaussian_kde(values)(x)
    half = 0.43 * density / density.max()
    axes.fill_between(x, position - half, position + half, color=colour, alpha=0.65, linewidth=0)


def _decades(axes: Axes, low: float, high: float) -> None:
    """Label an axis of logarithms by powers of ten."""
    axes.set_xlim(low - 0.1, high + 0.1)
    ticks = np.arange(np.ceil(low - 0.1), np.floor(high + 0.1) + 1)
    axes.set_xticks(ticks, [f"{10.0**tick:g}" for tick in ticks])
    decades = 10.0 ** np.arange(np.floor(low) - 1, np.ceil(high) + 1)
    minor = np.log10(np.outer(decades, np.arange(2, 10))).reshape(-1)
    axes.set_xticks([x for x in minor if low - 0.1 < x < high + 0.1], minor=True)
    axes.grid(axis="x", linewidth=0.5, alpha=0.4)


def histograms(cells: Sequence[Cell], reference: str) -> Figure | None:
    """Draw how often force errors of each size occur, on a logarithmic axis.

    Parameters
    ----------
    cells
        Of one size.
    reference
        Name of the variant that is drawn grey.

    Returns
    -------
    figure
        None if no variant knows forces.
    """
    figure = new_figure(4.2)
    axes = figure.subplots()
    colour = colours(cells, reference)
    cells = [cell for cell in cells if cell.has(FORCE)]
    if not cells:
        return None
    widest = max(float(np.abs(cell.force.errors_rc).max()) for cell in cells)
    edges = np.linspace(-widest, widest, BINS + 1)
    for k, cell in enumerate(cells):
        counts = np.histogram(cell.force.errors_rc, edges)[0] / len(cell.results)
        shown = np.where(counts > 0, counts, np.nan)
        axes.stairs(
            shown,
            edges,
            color=colour[cell.variant.name],
            linestyle=STYLES[(k // len(COLOURS)) % len(STYLES)],
            zorder=3 if cell.variant.name == reference else 2,
            linewidth=1.3,
            label=cell.variant.name,
        )
    axes.set_yscale("log")
    axes.set_xlabel(f"{NAMES[FORCE]} ({UNITS[FORCE]})")
    axes.set_ylabel(f"components per seed and {edges[1] - edges[0]:.2g} eV/Å")
    legend_above(figure, axes)
    return without_frames(figure)


def error_against_delta(cells: Sequence[Cell], reference: str) -> Figure | None:
    """Draw the mean |error| of variants that differ in delta alone.

    The bars are the intervals of the difference from the reference, seed by seed and structure by
    structure; those of the errors themselves are as wide as the test set is varied.

    Parameters
    ----------
    cells
        Of one size.
    reference
        Its error is a horizontal line.

    Returns
    -------
    figure
        None if there are no such variants.
    """
    curves: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.variant.delta is not None:
            curves.setdefault(_all_but_delta(cell), []).append(cell)
    curves = {
        name: sorted(found, key=_delta)
        for name, found in curves.items()
        if len({_delta(cell) for cell in found}) > 1
    }
    if not curves:
        return None
    references = [cell for cell in cells if cell.variant.name == reference]
    figure, panels = two_panels(3.6)
    for axes, quantity in zip(panels, (ENERGY, FORCE), strict=True):
        for line in references:
            level = line.errors(quantity).summary.mean
            axes.axhline(level, color=GREY, linewidth=1.3, label=reference)
        for k, (name, found) in enumerate(curves.items()):
            ends = [_ends(cell, quantity, references) for cell in found]
            _curve(axes, [_delta(cell) for cell in found], found, ends, quantity, k, name)
        axes.set_xlabel("delta (Å)")
        axes.set_ylabel(f"mean |{NAMES[quantity]}| ({UNITS[quantity]})")
        axes.set_ylim(bottom=0)
    legend_above(figure, panels[0])
    return without_frames(figure)


def _delta(cell: Cell) -> float:
    assert cell.variant.delta is not None, "such cells are left out"
    return cell.variant.delta


def _all_but_delta(cell: Cell) -> str:
    """Return how a variant differs but for delta: variants that are alike make one curve."""
    taylor = dict(cell.variant.given["taylor"])
    del taylor["delta"]
    words = [str(taylor.pop("strategy", "axis")), *in_words(taylor)]
    for key, value in cell.variant.given.items():
        if key != "taylor":
            words += in_words(value if isinstance(value, Mapping) else {key: value})
    return ", ".join(words)


def error_against_size(cells: Sequence[Cell], reference: str) -> Figure | None:
    """Draw the mean |error| against the number of training structures.

    Parameters
    ----------
    cells
        Of all sizes.
    reference
        Name of the variant that is drawn grey.

    Returns
    -------
    figure
        None if there is one size only.
    """
    if len({cell.size for cell in cells}) < 2:
        return None
    figure, panels = two_panels(3.6)
    colour = colours(cells, reference)
    for axes, quantity in zip(panels, (ENERGY, FORCE), strict=True):
        for k, (name, hue) in enumerate(colour.items()):
            mine = (c for c in cells if c.variant.name == name and c.has(quantity))
            found = sorted(mine, key=lambda c: c.size)
            if not found:
                continue
            shift = DODGE ** (k - 0.5 * (len(colour) - 1))
            ends = [cell.errors(quantity).intervals["mean"] for cell in found]
            _curve(axes, [c.size * shift for c in found], found, ends, quantity, k, name, hue)
        sizes = sorted({cell.size for cell in cells})
        axes.set(xscale="log", yscale="log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("training structures")
        axes.set_ylabel(f"mean |{NAMES[quantity]}| ({UNITS[quantity]})")
        _plain_numbers(axes)
    legend_above(figure, panels[0])
    return without_frames(figure)


def _ends(cell: Cell, quantity: str, references: Sequence[Cell]) -> Interval:
    """Return the interval of the mean |error|, with a reference that of the difference from it."""
    for reference in references:
        found = cell.compared(reference, quantity)
        if found is not None:
            mean = cell.errors(quantity).summary.mean - found.difference
            return Interval(mean + found.interval.low, mean + found.interval.high)
    return cell.errors(quantity).intervals["mean"]


def _curve(
    axes: Axes,
    x: Sequence[float],
    cells: Sequence[Cell],
    ends: Sequence[Interval],
    quantity: str,
    k: int,
    name: str,
    colour: str | None = None,
) -> None:
    """Draw mean |error| with intervals."""
    means = np.array([cell.errors(quantity).summary.mean for cell in cells])
    below = np.maximum(means - [end.low for end in ends], 0.0)
    above = np.maximum([end.high for end in ends] - means, 0.0)
    axes.errorbar(
        x,
        means,
        (below, above),
        color=colour or COLOURS[k % len(COLOURS)],
        linestyle=STYLES[(k // len(COLOURS)) % len(STYLES)],
        marker="o",
        markersize=4,
        capsize=3,
        linewidth=1.3,
        label=name,
    )


def two_panels(height: float, share_y: bool = False) -> tuple[Figure, list[Axes]]:
    """Return a figure with two panels side by side."""
    figure = new_figure(height)
    panels = list(figure.subplots(1, 2, sharey=share_y))
    return figure, panels


def _plain_numbers(axes: Axes) -> None:
    """Write 0.5 and 20 on a logarithmic axis instead of powers."""
    low, high = axes.get_ylim()
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1, 2, 3, 4, 5, 7) if high < 8 * low else (1, 2, 5)
    ticks = [tick for tick in np.outer(decades, steps).reshape(-1) if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(low, high)
