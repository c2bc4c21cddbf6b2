"""Figures of a data set. Each function returns a figure; matplotlib is loaded when one is drawn."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.drawing import new_figure, without_frames
from aenetpy.analysis.survey import Survey
from aenetpy.arrays import Float

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 40


def energy_figure(found: Survey, rest_s: Float) -> Figure | None:
    """Draw how often energies occur, coloured by composition."""
    if not np.isfinite(rest_s).any():
        return None
    formulas = np.array(found.formulas_s)
    usual = [name for name, _ in Counter(found.formulas_s).most_common(len(COLOURS))]
    groups = {name: rest_s[formulas == name] for name in usual}
    groups["others"] = rest_s[~np.isin(formulas, usual)]
    figure, axes = _axes("energy less fitted atomic energies (eV/atom)", "structures")
    shown = {name: values[np.isfinite(values)] for name, values in groups.items()}
    _stacked(axes, {name: values for name, values in shown.items() if values.size})
    return figure


def distance_figure(found: Survey) -> Figure | None:
    """Draw how often shortest distances occur, for each pair of species; None if there are none."""
    shown = {
        f"{a}-{b}": values[np.isfinite(values)]
        for (a, b), values in zip(found.pairs, found.shortest_sp.T, strict=True)
    }
    shown = {name: values for name, values in shown.items() if values.size}
    if not shown:
        return None
    figure, axes = _axes("shortest distance in a structure (Å)", "structures")
    _stacked(axes, shown, stacked=False)
    return figure


def force_figure(found: Survey) -> Figure | None:
    """Draw how often the longest force of a structure has each length; None without forces."""
    values = found.longest_s[np.isfinite(found.longest_s)]
    if not values.size:
        return None
    figure, axes = _axes("longest force on an atom of a structure (eV/Å)", "structures")
    _stacked(axes, {"": values})
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    """Return a figure with one labelled panel."""
    figure = new_figure(3.6)
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    return without_frames(figure), axes


def _stacked(axes: Axes, groups: dict[str, Float], stacked: bool = True) -> None:
    """Draw histograms on common bins, on each other or as lines."""
    names = [f"{name} ({values.size})" if name else "" for name, values in groups.items()]
    hues = [
        GREY if name == "others" else COLOURS[k % len(COLOURS)] for k, name in enumerate(groups)
    ]
    low = min(float(values.min()) for values in groups.values())
    high = max(float(values.max()) for values in groups.values())
    margin = 0.01 * (high - low) or 0.01
    axes.hist(
        list(groups.values()),
        np.linspace(low - margin, high + margin, BINS + 1).tolist(),
        label=names,
        color=hues,
        histtype="stepfilled" if stacked else "step",
        stacked=stacked,
        linewidth=1.3,
    )
    if any(names):
        axes.legend(frameon=False, fontsize=8)
