"""Figures of a study. Each function returns a figure; matplotlib is loaded when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.drawing import legend_above, new_figure, without_frames
from aenetpy.analysis.errors import Interval
from aenetpy.arrays import Float
from aenetpy.studies.cells import ENERGY, FORCE, UNITS, Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


STYLES = ("-", "--", ":")
NAMES = {ENERGY: "energy error", FORCE: "force error"}
BINS = 81
DECADES = 3.5
"""Of a violin below its largest error. Forces that vanish by symmetry have errors far below."""

MOST_CURVES = 12
"""Curves in one panel: of the variants with the smallest errors."""

MOST_COLUMNS = 4
MOST_LETTERS = 26
"""Of a line of a title above a small panel."""

DODGE = 1.012
"""Factor between the places of two variants, whose error bars would hide each other."""


def colours(cells: Sequence[Cell], reference: str) -> dict[str, str]:
    """Return the colour of each variant, the reference grey."""
    names = dict.fromkeys(cell.variant.name for cell in cells)
    others = [name for name in names if name != reference]
    return {reference: GREY} | {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(others)}


def violins(cells: Sequence[Cell], reference: str) -> Figure:
    """Draw the distribution of |error| of each variant, on a logarithmic axis."""
    figure, panels = two_panels(0.8 + 0.45 * min(len(cells), 12) + 0.25 * max(len(cells) - 12, 0))
    panels[1].sharey(panels[0])
    panels[1].tick_params(labelleft=False)
    colour = colours(cells, reference)
    positions = list(range(len(cells), 0, -1))
    for axes, quantity in zip(panels, (ENERGY, FORCE), strict=True):
        places = [(k, cell) for k, cell in zip(positions, cells, strict=True) if cell.has(quantity)]
        if not places:
            axes.set_visible(False)
            continue
        logarithms = [_logarithms(cell.errors(quantity).errors_rc) for _, cell in places]
        ends = [max(float(values.max()) - DECADES, float(values.min())) for values in logarithms]
        quarters = [np.percentile(values, (25, 50, 75)) for values in logarithms]
        high = max(float(values.max()) for values in logarithms)
        low = min(*ends, *(float(below) for below, _, _ in quarters), high)
        for (position, cell), values, end, (below, middle, above) in zip(
            places, logarithms, ends, quarters, strict=True
        ):
            _violin(axes, values[values >= end], position, colour[cell.variant.name])
            axes.plot([below, above], [position] * 2, color="black", linewidth=2.0)
            axes.plot(middle, position, "o", color="white", markeredgecolor="black", markersize=5)
        _decades(axes, low, high)
        axes.set_xlabel(f"|{NAMES[quantity]}| ({UNITS[quantity]})")
    names = [fill(cell.variant.name, MOST_LETTERS) for cell in cells]
    panels[0].set_yticks(positions, names, fontsize=8)
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
    step = max(1, int(np.ceil((high - low) / 4)))  # labels of more decades would overlap
    ticks = np.arange(np.ceil(low - 0.1), np.floor(high + 0.1) + 1, step)
    axes.set_xticks(ticks, [f"{10.0**tick:g}" for tick in ticks])
    decades = 10.0 ** np.arange(np.floor(low) - 1, np.ceil(high) + 1)
    minor = np.log10(np.outer(decades, np.arange(2, 10))).reshape(-1)
    axes.set_xticks([x for x in minor if low - 0.1 < x < high + 0.1], minor=True)
    axes.grid(axis="x", linewidth=0.5, alpha=0.4)


def histograms(cells: Sequence[Cell], reference: str) -> Figure | None:
    """Draw how often force errors of each size occur, a panel for each variant."""
    cells = [cell for cell in cells if cell.has(FORCE)]
    if not cells:
        return None
    colour = colours(cells, reference)
    widest = max(float(np.abs(cell.force.errors_rc).max()) for cell in cells) or 1.0
    edges = np.linspace(-widest, widest, BINS + 1)
    counts = {
        cell.variant.name: np.histogram(cell.force.errors_rc, edges)[0] / len(cell.results)
        for cell in cells
    }
    floor = 0.5 / max(len(cell.results) for cell in cells)  # an empty bin reaches down to it
    figure, panels = small_panels([cell.variant.name for cell in cells])
    for axes, name in zip(panels, counts, strict=False):
        if reference in counts:
            filled = np.maximum(counts[reference], floor)
            axes.stairs(
                filled, edges, baseline=floor, fill=True, color=GREY, alpha=0.5, label=reference
            )
        line = np.maximum(counts[name], floor)
        axes.stairs(line, edges, baseline=floor, color=colour[name], linewidth=1.0)
        axes.set(yscale="log", xlim=(-widest, widest))
        axes.set_ylim(floor, 1.5 * max(float(found.max()) for found in counts.values()))
    legend_above(figure, panels[0])
    figure.supxlabel(f"{NAMES[FORCE]} ({UNITS[FORCE]})", fontsize=10)
    figure.supylabel(f"components per seed and {edges[1] - edges[0]:.2g} eV/Å", fontsize=9)
    return without_frames(figure)


def error_against_size(cells: Sequence[Cell], reference: str) -> Figure | None:
    """Draw the mean |error| against the number of training structures, of the best variants."""
    if len({cell.size for cell in cells}) < 2:
        return None
    figure, panels = two_panels(3.6)
    colour = colours(best_variants(cells, reference), reference)
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


def best_variants(cells: Sequence[Cell], reference: str) -> list[Cell]:
    """Return the cells of the reference and of the variants with the smallest energy errors."""
    errors: dict[str, float] = {}
    for cell in sorted(cells, key=lambda cell: cell.size):  # the error of the largest size stays
        errors[cell.variant.name] = cell.energy.summary.mean
    chosen = {reference, *sorted(errors, key=errors.__getitem__)[:MOST_CURVES]}
    return [cell for cell in cells if cell.variant.name in chosen]


def _curve(
    axes: Axes,
    x: Sequence[float],
    cells: Sequence[Cell],
    ends: Sequence[Interval],
    quantity: str,
    k: int,
    name: str,
    colour: str,
) -> None:
    """Draw mean |error| with intervals."""
    means = np.array([cell.errors(quantity).summary.mean for cell in cells])
    below = np.maximum(means - [end.low for end in ends], 0.0)
    above = np.maximum([end.high for end in ends] - means, 0.0)
    axes.errorbar(
        x,
        means,
        (below, above),
        color=colour,
        linestyle=STYLES[(k // len(COLOURS)) % len(STYLES)],
        marker="o",
        markersize=4,
        capsize=3,
        linewidth=1.3,
        label=name,
    )


def two_panels(height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with two panels side by side."""
    figure = new_figure(height)
    return figure, list(figure.subplots(1, 2))


def small_panels(names: Sequence[str], share: bool = True) -> tuple[Figure, list[Axes]]:
    """Return a figure with a small panel under each name, all with the same axes if shared."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    n_columns = min(len(names), MOST_COLUMNS)
    n_rows = -(-len(names) // n_columns)
    size = (1.9 * max(n_columns, 2) + 0.6, 1.9 * n_rows + 1.4)
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine())
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=share, sharey=share)
    panels = list(np.ravel(grid))
    for axes, name in zip(panels, names, strict=False):
        axes.set_title(fill(name, MOST_LETTERS), fontsize=8)
        axes.tick_params(labelsize=7)
    for k, axes in enumerate(panels):
        below = k + n_columns >= len(names)
        axes.tick_params(labelbottom=below or not share)
        axes.set_visible(k < len(names))
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
