"""Figures of a run of learning. matplotlib is loaded when one is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.drawing import legend_above, new_figure, without_frames
from aenetpy.analysis.parity import energy_panel, force_panel, parity_figure
from aenetpy.inputs.properties import BULK_UNITS
from aenetpy.learning.record import GammaTrace, LearnRecord, ParityRecord
from aenetpy.learning.state import CycleRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 2
"""Panels side by side."""

SHOWN = 1e3
"""Between the ends of an axis of gamma."""

MOST_NAMED = 10
"""Cycles in a legend."""

LOCAL, WIDE = (f": {name} ({BULK_UNITS[name]})" for name in ("B", "B wide"))
RESIDUAL = f": residual ({BULK_UNITS['residual']})"
"""At the end of names; a residual is no error."""


def gamma_figure(trace: GammaTrace, cycles: Sequence[CycleRecord]) -> Figure | None:
    """Draw gamma against the step, a panel for each walk and a colour for each cycle.

    Thresholds are dashed lines along the steps of their cycle. Structures whose gamma is not a
    number are crosses at the upper end; what is far below all others, as of a perfect crystal,
    is not shown.
    """
    from matplotlib import colormaps

    if not len(trace.gammas_k):
        return None
    walks = list(dict.fromkeys(trace.walks_k))
    figure = new_figure(0.8 + 2.0 * len(walks))
    panels = figure.subplots(len(walks), 1, squeeze=False, sharey=True)[:, 0]
    numbers = np.unique(trace.cycles_k)
    scale = colormaps["viridis"](np.linspace(0.0, 0.9, len(numbers)))
    colours = dict(zip(numbers.tolist(), scale, strict=True))
    for number in numbers[:: -(-len(numbers) // MOST_NAMED)].tolist():
        panels[0].plot([], [], color=colours[number], label=f"cycle {number}")
    thresholds = {cycle.number: (cycle.lower, cycle.upper) for cycle in cycles}
    levels = np.concatenate([trace.gammas_k, *thresholds.values()])
    top = 2.0 * float(levels[np.isfinite(levels)].max(initial=1e-3))
    for axes, walk in zip(panels, walks, strict=True):
        for number, colour in colours.items():
            own = (np.array(trace.walks_k) == walk) & (trace.cycles_k == number)
            steps, gammas = trace.steps_k[own], trace.gammas_k[own]
            if not steps.size:
                continue
            axes.plot(steps, gammas, "o-", color=colour, markersize=2.5, linewidth=1.0)
            absurd = steps[~np.isfinite(gammas)]
            if absurd.size:
                axes.plot(absurd, np.full(absurd.size, top), "x", color=colour, clip_on=False)
            for threshold in filter(math.isfinite, thresholds.get(number, ())):
                ends = steps.min(), steps.max()
                axes.plot(ends, [threshold] * 2, color=colour, linewidth=0.8, linestyle="--")
        axes.set_title(walk, loc="left", fontsize=10, fontweight="bold")
        axes.set(yscale="log", ylim=(top / SHOWN, top), ylabel="gamma (eV/Å)")
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[-1].set_xlabel("step")
    legend_above(figure, panels[0])
    return without_frames(figure)


def property_figure(record: LearnRecord) -> Figure | None:
    """Draw how far each property is from the reference after each cycle.

    Errors are in percent of the reference; of energies, which have no zero, in meV/atom. What a
    committee of all data gives is a dashed line. The bulk modulus of a wide fit stands beside
    that of small strains.
    """
    names = [name for name, value in record.reference.items() if math.isfinite(value)]
    names = [name for name in names if not name.endswith(RESIDUAL)]
    names = [name for name in names if any(name in cycle.properties for cycle in record.cycles)]
    wide = {name: name.replace(LOCAL, WIDE) for name in names if LOCAL in name}
    beside = {name: [name, other] for name, other in wide.items() if other in names}
    names = [name for name in names if all(name not in pair[1:] for pair in beside.values())]
    if not names:
        return None
    n_rows = -(-len(names) // COLUMNS)
    figure = new_figure(0.6 + 2.1 * n_rows)
    panels = figure.subplots(n_rows, COLUMNS, squeeze=False, sharex=True).reshape(-1)
    for axes, name in zip(panels, names, strict=False):
        numbers = [cycle.number for cycle in record.cycles]
        for k, one in enumerate(beside.get(name, [name])):
            errors = [property_error(record, one, cycle) for cycle in record.cycles]
            (line,) = axes.plot(
                numbers, errors, "o-", color=COLOURS[k], markersize=4, linewidth=1.3
            )
            if name in beside:
                line.set_label("B of the wide fit" if k else "B at small strains")
        axes.axhline(0.0, color="black", linewidth=0.8)
        if record.full is not None and name in record.full:
            level = _error(name, record.full[name], record.reference[name])
            axes.axhline(level, color=GREY, linestyle="--", linewidth=1.3, label="all data")
            spread = record.full_spread.get(name, math.nan)
            ends = [
                _error(name, record.full[name] + sign * spread, record.reference[name])
                for sign in (-1, 1)
            ]
            if not math.isnan(ends[0]):
                axes.axhspan(*ends, color=GREY, alpha=0.2, linewidth=0)
        axes.set_title(name.partition(" (")[0], loc="left", fontsize=10, fontweight="bold")
        axes.set_ylabel(f"error ({error_unit(name)})")
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(names) - COLUMNS) : len(names)]:
        axes.set_xlabel("cycle")
        axes.tick_params(labelbottom=True)
    legend_above(figure, max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[0])))
    return without_frames(figure)


def property_error(record: LearnRecord, name: str, cycle: CycleRecord) -> float:
    """Return how far a property is from the reference, see `error_unit`; nan if it is unknown."""
    return _error(name, cycle.properties.get(name, math.nan), record.reference.get(name, math.nan))


def error_unit(name: str) -> str:
    """Return the unit of the error of a property."""
    return "meV/atom" if name.endswith("(eV/atom)") else "%"


def _error(name: str, value: float, reference: float) -> float:
    if name.endswith(RESIDUAL):
        return math.nan
    if error_unit(name) == "meV/atom":
        return 1000.0 * (value - reference)
    return 100.0 * (value / reference - 1.0) if reference else math.nan


def parity_of(record: ParityRecord, when: str) -> Figure:
    """Draw energies and forces of held-out structures against the reference."""
    return parity_figure(
        [
            energy_panel(record.energies, f"Energies, {when}"),
            force_panel(record.forces, f"Forces, {when}"),
        ]
    )


def calibration_figure(cycles: Sequence[CycleRecord]) -> Figure | None:
    """Draw the true error of new labels against the disagreement that had them chosen."""
    from matplotlib.ticker import LogLocator, NullFormatter

    pairs = [
        pair
        for one in cycles
        if len(one.gammas) == len(one.new_errors)  # all chosen structures have a label
        for pair in zip(one.gammas, one.new_errors, strict=True)
    ]
    points = np.array(pairs).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1) & (points > 0.0).all(axis=1)]
    if not len(points):
        return None
    figure = new_figure(4.6)
    axes = figure.subplots()
    axes.plot(points[:, 0], points[:, 1], "o", color=COLOURS[0], markersize=4, alpha=0.7)
    limits = points.min() / 1.6, 1.6 * points.max()
    axes.plot(limits, limits, color="black", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    digits = (1.0, 2.0, 5.0) if limits[1] < 1000.0 * limits[0] else (1.0,)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=digits))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("gamma (eV/Å)")
    axes.set_ylabel("largest true force error (eV/Å)")
    return without_frames(figure)
