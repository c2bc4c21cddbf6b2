"""Figures of predicted against reference values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.analysis.colours import COLOURS, GREY
from aenetpy.analysis.comparison import SETS, Comparison, Pair
from aenetpy.analysis.errors import Summary, summarise
from aenetpy.arrays import Float

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MOST_VECTORS = 5000
"""Points of a group that are drawn as vectors in a PDF or SVG; more are drawn as an image."""


@dataclass(frozen=True, eq=False)
class ParityGroup:
    """Values that are drawn alike.

    Parameters
    ----------
    name
        For the legend; may be empty if it is the only one.
    reference, predicted
        Any shape, but the same.
    deviation
        Standard deviation of each prediction, drawn as a bar; None without.
    """

    name: str
    reference: Float
    predicted: Float
    deviation: Float | None = None

    @property
    def errors(self) -> Summary:
        """Of predicted less reference values."""
        return summarise(self.predicted - self.reference)


@dataclass(frozen=True, eq=False)
class Panel:
    """A parity plot of one quantity.

    Parameters
    ----------
    title, quantity, unit
        Above, and for the axes: ``Energies``, ``energy``, ``eV/atom``.
    counted
        What there are as many of as values: ``structures``.
    groups
        The first is drawn below the others.
    error_unit, per_unit
        Unit of the errors, and how many of it make ``unit``: meV/atom, 1000.
    """

    title: str
    quantity: str
    unit: str
    counted: str
    groups: Sequence[ParityGroup]
    error_unit: str
    per_unit: float = 1.0


def energy_panel(groups: Sequence[ParityGroup], title: str = "Energies") -> Panel:
    """Return the panel of energies per atom, given in eV."""
    return Panel(title, "energy", "eV/atom", "structures", groups, "meV/atom", 1000.0)


def force_panel(groups: Sequence[ParityGroup], title: str = "Forces") -> Panel:
    """Return the panel of force components, given in eV/Å."""
    return Panel(title, "force", "eV/Å", "components", groups, "eV/Å")


def stress_panel(groups: Sequence[ParityGroup], title: str = "Stress") -> Panel:
    """Return the panel of stress components, given in GPa."""
    return Panel(title, "stress", "GPa", "components", groups, "GPa")


class Compared(Comparison):
    """The comparison, as panels."""

    def panels(self) -> list[Panel]:
        """Return the panels that can be drawn, training structures below those for testing."""
        panels = []
        makers = {"energy": energy_panel, "force": force_panel, "stress": stress_panel}
        for quantity, panel_of in makers.items():
            groups = [
                _group(self.of(quantity, which), f"{which} set" if which in SETS[:2] else which)
                for which in ("training", "test", "other", "")
                if self.of(quantity, which)
            ]
            if groups:
                panels.append(panel_of(groups))
        return panels


def _group(pairs: Sequence[Pair], name: str) -> ParityGroup:
    """Return all values of some structures as one group."""
    deviations = [pair.deviation.ravel() for pair in pairs if pair.deviation is not None]
    return ParityGroup(
        name,
        np.concatenate([pair.reference.ravel() for pair in pairs]),
        np.concatenate([pair.predicted.ravel() for pair in pairs]),
        np.concatenate(deviations) if deviations else None,
    )


def parity_figure(panels: Sequence[Panel]) -> Figure:
    """Draw panels side by side, each with its errors written into the corner."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(4.5 * len(panels), 4.6), layout=ConstrainedLayoutEngine(w_pad=0.1))
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw(axes, panel)
    return figure


def _draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel."""
    single = len(panel.groups) == 1
    for k, group in enumerate(panel.groups):
        colour = COLOURS[0] if single else (GREY, *COLOURS[1:])[k % len(COLOURS)]
        reference, predicted = group.reference.ravel(), group.predicted.ravel()
        if group.deviation is not None:
            bars = axes.errorbar(
                reference,
                predicted,
                yerr=group.deviation.ravel(),
                fmt="none",
                ecolor=colour,
                elinewidth=0.6,
                alpha=0.5,
                zorder=2 + k,
            )
            bars.lines[2][0].set_rasterized(reference.size > MOST_VECTORS)
        axes.scatter(
            reference,
            predicted,
            s=12,
            color=colour,
            alpha=0.9 if reference.size < 200 else 0.5,
            linewidth=0,
            zorder=2 + k,
            rasterized=reference.size > MOST_VECTORS,
        )
        errors, of = group.errors, panel.per_unit
        count = reference.size
        name = f"{group.name} ({count})" if group.name else f"{count} {panel.counted}"
        axes.text(
            0.97,
            0.04 + 0.055 * (len(panel.groups) - 1 - k),
            f"{name}: MAE {of * errors.mean:.3g}, RMSE {of * errors.rmse:.3g} {panel.error_unit}",
            color=colour,
            ha="right",
            transform=axes.transAxes,
            fontsize=9,
        )
    _frame(axes, panel)


def _frame(axes: Axes, panel: Panel) -> None:
    """Draw the diagonal on equal axes that hold all values, and label them."""
    values = np.concatenate(
        [array.ravel() for group in panel.groups for array in (group.reference, group.predicted)]
    )
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    limits = low - margin, high + margin
    axes.plot(limits, limits, color="black", linewidth=0.8, zorder=1)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.locator_params(nbins=6)
    axes.set_xticks([tick for tick in axes.get_yticks() if limits[0] <= tick <= limits[1]])
    axes.set_yticks(axes.get_xticks())
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel(f"reference {panel.quantity} ({panel.unit})")
    axes.set_ylabel(f"predicted {panel.quantity} ({panel.unit})")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(direction="in")
