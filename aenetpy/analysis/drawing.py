"""Functions that all figures share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.0
"""Of a figure, inches."""


def new_figure(height: float) -> Figure:
    """Return an empty figure of the usual width, its height in inches."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.1))


def legend_above(figure: Figure, axes: Axes) -> None:
    """Put the legend above all panels, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    longest = max(map(len, labels))
    columns = max(1, min(len(labels), int(90 / (longest + 6))))
    figure.legend(
        handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=9
    )


def without_frames(figure: Figure) -> Figure:
    """Return a figure whose axes have lines on the left and below alone."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()
