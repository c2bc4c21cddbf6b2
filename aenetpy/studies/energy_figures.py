"""Figures of energies: distributions, parity, residuals, epochs, importance of components."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.drawing import legend_above, new_figure, png, without_frames
from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.io.files import write_bytes
from aenetpy.studies.cells import Cell
from aenetpy.studies.figures import STYLES, colours, two_panels
from aenetpy.studies.measures import MEV, PARTS, importances, residuals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_GROUPS = 8
COMPONENTS = 15
MOST_SHOWN = 4
"""Variants whose importances are drawn."""

TOLD_OF_EPOCHS = (
    "RMSE of training after each epoch: of the energy per atom, of other models than networks of"
    " their labels"
)


def energy_figures(cells: Sequence[Cell], reference: str) -> Iterator[tuple[str, str, Figure]]:
    """Yield name, text and figure of what there are data for; cells of one size."""
    yield "parity", "Energies per atom of the model against those given", parity(cells)
    yield (
        "residuals",
        "Residuals of testing, and a Gaussian",
        residuals_of(cells),
    )
    if any(result.history.size > 1 for cell in cells for result in cell.results):
        yield "epochs", TOLD_OF_EPOCHS, epochs(cells, reference)
    if any((importances(cell)[1] > 0).any() for cell in cells):
        text = "Growth of the RMSE of testing when a component is permuted"
        yield "importance", text, importance(cells)


def parity_data(cell: Cell, part: str) -> tuple[Float, Float]:
    """Return given energies per atom and those of the model, eV, less atomic energies."""
    given, found = [], []
    for result in cell.results:
        errors_s, energies_s, n_atoms_s = residuals(result, part)
        given.append(energies_s / n_atoms_s)
        found.append(energies_s / n_atoms_s + errors_s / MEV)
    return np.concatenate(given), np.concatenate(found)


def parity(cells: Sequence[Cell]) -> Figure:
    """Draw energies of the model against those given, a panel for each variant."""
    figure, panels = _grid(cells)
    for axes, cell in zip(panels, cells, strict=False):
        for part, colour in zip(PARTS, (GREY, COLOURS[0]), strict=True):
            axes.plot(*parity_data(cell, part), ".", color=colour, markersize=3, label=part)
        low, high = (f(parity_data(cell, "test")[0]) for f in (np.min, np.max))
        axes.plot([low, high], [low, high], color="black", linewidth=0.8)
    legend_above(figure, panels[0])
    figure.supxlabel("given energy (eV/atom)", fontsize=10)
    figure.supylabel("energy of the model (eV/atom)", fontsize=10)
    return without_frames(figure)


def residuals_of(cells: Sequence[Cell]) -> Figure:
    """Draw histograms of the residuals of testing, in units of their deviation."""
    figure, panels = _grid(cells)
    edges = np.linspace(-4.0, 4.0, 33)
    x = np.linspace(-4.0, 4.0, 200)
    for axes, cell in zip(panels, cells, strict=False):
        axes.stairs(residual_density(cell, edges), edges, fill=True, color=COLOURS[0])
        gaussian = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
        axes.plot(x, gaussian, color="black", linewidth=0.8, label="Gaussian")
    legend_above(figure, panels[0])
    figure.supxlabel("(residual − mean) / standard deviation", fontsize=10)
    figure.supylabel("density", fontsize=10)
    return without_frames(figure)


def _grid(cells: Sequence[Cell]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel for each variant."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    n_columns = min(len(cells), 4)
    n_rows = -(-len(cells) // n_columns)
    size = (1.9 * n_columns + 0.6, 1.9 * n_rows + 0.7)
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine())
    panels = list(np.ravel(figure.subplots(n_rows, n_columns, squeeze=False)))
    for axes, cell in zip(panels, cells, strict=False):
        axes.set_title(cell.variant.name, fontsize=9)
        axes.tick_params(labelsize=8)
    for axes in panels[len(cells) :]:
        axes.set_visible(False)
    return figure, panels


def residual_density(cell: Cell, edges: Float) -> Float:
    """Return the density of (e - mean) / deviation between edges; those beyond count, too."""
    errors = np.concatenate([result.energy_errors_s for result in cell.results])
    deviation = float(errors.std()) or 1.0
    counts = np.histogram((errors - errors.mean()) / deviation, edges)[0]
    density: Float = counts / (len(errors) * np.diff(edges))
    return density


def epochs(cells: Sequence[Cell], reference: str) -> Figure:
    """Draw the error of training after each epoch, one line for each seed."""
    figure = new_figure(3.8)
    axes = figure.subplots()
    colour = colours(cells, reference)
    names = list(colour)
    for cell in cells:
        style = STYLES[names.index(cell.variant.name) // len(COLOURS) % len(STYLES)]
        for k, result in enumerate(cell.results):
            if result.history.size > 1:
                first = result.epochs - result.history.size  # those of the last call are known
                axes.plot(
                    np.arange(first + 1, result.epochs + 1),
                    result.history,
                    color=colour[cell.variant.name],
                    linestyle=style,
                    linewidth=1.0,
                    label=cell.variant.name if k == 0 else None,
                )
    axes.set(xscale="log", yscale="log", xlabel="epoch")
    axes.set_ylabel("RMSE of training (meV)")
    legend_above(figure, axes)
    return without_frames(figure)


def importance(cells: Sequence[Cell]) -> Figure:
    """Draw the components that matter most, of the variants with the smallest errors."""
    shown = [cell for cell in cells if (importances(cell)[1] > 0).any()]
    shown = sorted(shown, key=lambda cell: cell.energy.summary.rmse)[:MOST_SHOWN]
    figure = new_figure(0.6 + 2.6 * len(shown))
    panels = np.ravel(figure.subplots(len(shown), 1, squeeze=False))
    for axes, cell in zip(panels, shown, strict=True):
        names, means = importances(cell)
        order = np.argsort(-means)[:COMPONENTS][::-1]
        axes.barh([names[k] for k in order], means[order], color=COLOURS[0])
        axes.tick_params(axis="y", labelsize=6)
        axes.set_title(cell.variant.name, fontsize=9)
        axes.set_xlabel("growth of RMSE (meV/atom)")
    return without_frames(figure)


def groups(names: Sequence[str], formulas: Sequence[str]) -> list[str]:
    """Return the group of each structure: its name without number, or its composition.

    Names such as ``rutile-07.xsf`` tell the polymorph; where they make fewer than two groups or
    more than eight, the composition does.
    """
    stems = [re.sub(r"[-_.]?\d+$", "", name.rpartition("/")[2].partition(".")[0]) for name in names]
    return stems if 1 < len(set(stems)) <= MOST_GROUPS else list(formulas)


def distributions(energies_s: Float, n_atoms_s: Float, groups_s: Sequence[str]) -> Figure:
    """Draw how often energies occur, of structures and per atom, coloured by group.

    Parameters
    ----------
    energies_s
        Total energies of the structures, eV.
    n_atoms_s
        Their atoms.
    groups_s
        What each belongs to.
    """
    figure, panels = two_panels(3.6)
    names = sorted(set(groups_s))
    values = (energies_s, energies_s / n_atoms_s)
    units = ("total energy (eV)", "energy (eV/atom)")
    for axes, x_s, unit in zip(panels, values, units, strict=True):
        edges = np.histogram_bin_edges(x_s, 40)
        stacked = np.zeros(len(edges) - 1)
        for k, name in enumerate(names):
            counts = np.histogram(x_s[[group == name for group in groups_s]], edges)[0]
            colour = COLOURS[k % len(COLOURS)]
            axes.stairs(
                stacked + counts, edges, baseline=stacked, fill=True, color=colour, label=name
            )
            stacked = stacked + counts
        axes.set_xlabel(unit)
        axes.set_ylabel("structures")
    legend_above(figure, panels[0])
    return without_frames(figure)


def draw_energies(path: Path, structures: Sequence[Structure]) -> None:
    """Write the figure of `distributions` of structures, by polymorph or composition."""
    energies_s = np.array([one.energy or one.cohesive_energy or 0.0 for one in structures])
    n_atoms_s = np.array([len(one.species) for one in structures])
    formulas = [
        "".join(f"{symbol}{n}" for symbol, n in sorted(Counter(one.species).items()))
        for one in structures
    ]
    chosen = groups([one.name for one in structures], formulas)
    write_bytes(path, png(distributions(energies_s, n_atoms_s, chosen)))
