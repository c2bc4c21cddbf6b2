"""Figures of energies: distributions, parity, residuals, epochs, importance of components."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.atomic_energies import EnergiesOfCompositions
from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.drawing import legend_above, new_figure, png, without_frames
from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.files.files import write_bytes
from aenetpy.studies.cells import Cell
from aenetpy.studies.figures import small_panels, two_panels
from aenetpy.studies.measures import MEV, PARTS, importances, residuals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_GROUPS = 8
COMPONENTS = 15
MOST_SHOWN = 4
"""Variants whose importances are drawn."""

TOLD_OF_EPOCHS = (
    "RMSE after each epoch: of the energy per atom, of the trainer's own training and test sets;"
    " of other models than networks the training alone, of their labels"
)


def energy_figures(cells: Sequence[Cell]) -> Iterator[tuple[str, str, Figure]]:
    """Yield name, text and figure of all that there are data for; cells of one size."""
    yield "parity", "Energies per atom of the model against those given", parity(cells)
    caption = "Energies of whole structures of the model against the given ones"
    yield "parity-structure", caption, parity(cells, whole=True)
    yield (
        "residuals",
        "Residuals of testing, and a Gaussian",
        residuals_of(cells),
    )
    if any(result.history.size > 1 for cell in cells for result in cell.results):
        yield "epochs", TOLD_OF_EPOCHS, epochs(cells)
    if any((importances(cell)[1] > 0).any() for cell in cells):
        text = "Growth of the RMSE of testing when a component is permuted"
        yield "importance", text, importance(cells)


def parity_data(cell: Cell, part: str, whole: bool = False) -> tuple[Float, Float]:
    """Return given energies, of structures or per atom, and the model's, less atomic energies."""
    given, found = [], []
    for result in cell.results:
        errors_s, energies_s, n_atoms_s = residuals(result, part)
        sizes_s = np.ones_like(energies_s) if whole else n_atoms_s
        given.append(energies_s / sizes_s)
        found.append((energies_s + errors_s * n_atoms_s / MEV) / sizes_s)
    return np.concatenate(given), np.concatenate(found)


def parity(cells: Sequence[Cell], whole: bool = False) -> Figure:
    """Draw energies of the model against those given, a panel for each variant, on one scale.

    The scale is of the given energies and some more; points beyond are drawn at its edge.
    """
    figure, panels = small_panels([cell.variant.name for cell in cells])
    data = {
        (k, part): parity_data(cell, part, whole) for k, cell in enumerate(cells) for part in PARTS
    }
    low = min(float(given.min(initial=np.inf)) for given, _ in data.values())
    high = max(float(given.max(initial=-np.inf)) for given, _ in data.values())
    margin = 0.25 * (high - low) or 0.01
    low, high = low - margin, high + margin
    for k, axes in enumerate(panels[: len(cells)]):
        axes.plot([low, high], [low, high], color="black", linewidth=0.8)
        n_beyond = 0
        for part, colour in zip(PARTS, (GREY, COLOURS[0]), strict=True):
            given, found = data[k, part]
            inside = (found >= low) & (found <= high)
            axes.plot(*(given[inside], found[inside], "."), color=colour, markersize=3, label=part)
            for marker, edge, beyond in (("v", low, found < low), ("^", high, found > high)):
                if beyond.any():  # clipping would cut the markers
                    edges = np.full(int(beyond.sum()), edge)
                    axes.plot(
                        *(given[beyond], edges, marker), color=colour, markersize=4, clip_on=False
                    )
            n_beyond += int((~inside).sum())
        axes.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
        if n_beyond:
            text = f"{n_beyond} beyond"
            axes.text(0.05, 0.85, text, transform=axes.transAxes, fontsize=7)
    unit = "eV/structure" if whole else "eV/atom"
    legend_above(figure, panels[0])
    figure.supxlabel(f"given energy less atomic energies ({unit})", fontsize=10)
    figure.supylabel(f"energy of the model ({unit})", fontsize=10)
    return without_frames(figure)


def residuals_of(cells: Sequence[Cell]) -> Figure:
    """Draw histograms of the residuals of testing, in units of their deviation and in meV/atom."""
    figure, panels = small_panels([cell.variant.name for cell in cells], share=False)
    edges = np.linspace(-4.0, 4.0, 33)
    x = np.linspace(-4.0, 4.0, 200)
    for axes, cell in zip(panels, cells, strict=False):
        mean, deviation = _mean_and_deviation(cell)
        axes.stairs(residual_density(cell, edges), edges, fill=True, color=COLOURS[0])
        gaussian = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
        axes.plot(x, gaussian, color="black", linewidth=0.8, label="Gaussian")
        axes.set_xlim(-4.0, 4.0)
        above = axes.twiny()
        above.set_xlim(mean - 4.0 * deviation, mean + 4.0 * deviation)
        above.locator_params(nbins=4)
        above.tick_params(labelsize=7)
        above.spines["right"].set_visible(False)
    legend_above(figure, panels[0])
    figure.supxlabel(
        "below: (residual − mean) / standard deviation; above: residual (meV/atom)", fontsize=10
    )
    figure.supylabel("density", fontsize=10)
    for axes in panels:
        axes.spines["right"].set_visible(False)
    return figure


def _mean_and_deviation(cell: Cell) -> tuple[float, float]:
    """Return mean and standard deviation of the residuals of testing, meV/atom; never 0."""
    errors = np.concatenate([result.energy_errors_s for result in cell.results])
    return float(errors.mean()), float(errors.std()) or 1.0


def residual_density(cell: Cell, edges: Float) -> Float:
    """Return the density of (e - mean) / deviation between edges; those beyond count, too."""
    errors = np.concatenate([result.energy_errors_s for result in cell.results])
    mean, deviation = _mean_and_deviation(cell)
    counts = np.histogram((errors - mean) / deviation, edges)[0]
    density: Float = counts / (len(errors) * np.diff(edges))
    return density


def epochs(cells: Sequence[Cell]) -> Figure:
    """Draw the errors of training and testing after each epoch, a panel for each variant."""
    cells = [cell for cell in cells if any(result.history.size > 1 for result in cell.results)]
    figure, panels = small_panels([cell.variant.name for cell in cells])
    for axes, cell in zip(panels, cells, strict=False):
        for k, result in enumerate(cell.results):
            curves = (result.history, result.test_history)
            for part, colour, history in zip(PARTS, (GREY, COLOURS[0]), curves, strict=True):
                first = result.epochs - history.size  # those of the last call are known
                if np.isfinite(history).any():
                    axes.plot(
                        *(np.arange(first + 1, result.epochs + 1), history),
                        color=colour,
                        linewidth=1.0,
                        label=part if k == 0 else None,
                    )
        axes.set(xscale="log", yscale="log")
    both = next((k for k, cell in enumerate(cells) if cell.results[0].test_history.size), 0)
    legend_above(figure, panels[both])
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("RMSE (meV)", fontsize=10)
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
    """Draw how often energies occur, of structures and per atom, coloured by group."""
    figure, panels = two_panels(3.6)
    usual = [name for name, _ in Counter(groups_s).most_common(MOST_GROUPS)]
    groups_s = [group if group in usual else "others" for group in groups_s]
    names = sorted(set(groups_s), key=lambda name: (name == "others", name))
    values = (energies_s, energies_s / n_atoms_s)
    units = ("energy less atomic energies (eV)", "energy less atomic energies (eV/atom)")
    for axes, x_s, unit in zip(panels, values, units, strict=True):
        edges = np.histogram_bin_edges(x_s, 40)
        stacked = np.zeros(len(edges) - 1)
        for k, name in enumerate(names):
            counts = np.histogram(x_s[[group == name for group in groups_s]], edges)[0]
            colour = GREY if name == "others" else COLOURS[k]
            axes.stairs(
                stacked + counts, edges, baseline=stacked, fill=True, color=colour, label=name
            )
            stacked = stacked + counts
        axes.set_xlabel(unit)
        axes.set_ylabel("structures")
    legend_above(figure, panels[0])
    return without_frames(figure)


def draw_energies(path: Path, structures: Sequence[Structure]) -> None:
    """Write the figure of `distributions` of structures, by polymorph or composition.

    Fitted atomic energies are subtracted where structures state total energies; the cohesive
    energies of other structures are taken as they are.
    """
    species = sorted({symbol for one in structures for symbol in one.species})
    counts_st = np.array([[one.species.count(symbol) for symbol in species] for one in structures])
    total = EnergiesOfCompositions()
    for one in structures:
        total.add(one)
    energies_s = np.array([one.energy or one.cohesive_energy or 0.0 for one in structures])
    if len(total):
        stated_s = np.array([not one.cohesive_energy for one in structures])
        energies_s = energies_s - stated_s * (counts_st @ total.fit(species).energies_t)
    formulas = [
        "".join(f"{symbol}{n}" for symbol, n in zip(species, row, strict=True) if n)
        for row in counts_st.tolist()
    ]
    chosen = groups([one.name for one in structures], formulas)
    write_bytes(path, png(distributions(energies_s, counts_st.sum(axis=1), chosen)))
