"""Output of ``train --members``."""

from __future__ import annotations

import math
from collections.abc import Sequence


def heading(quantities: Sequence[tuple[str, str]]) -> str:
    """Name the columns: for each quantity, by name and unit, errors of training and testing."""
    titles = [f"{name} RMSE {unit}" for name, unit in quantities]
    first = f"{'':12}{'epochs':>8}" + "".join(f"{title:>28}" for title in titles)
    second = f"{'':20}" + "".join(f"{'train':>16}{'test':>12}" for _ in titles)
    return f"{first}\n{second}\n"


def member_row(name: str, epochs: int | None, rmse: Sequence[float]) -> str:
    """Return the errors of a member, or of the mean of all; unknown ones are left empty."""
    widths = (16 - 4 * (k % 2) for k in range(len(rmse)))
    cells = (
        f"{'' if math.isnan(value) else format(value, '.6f'):>{width}}"
        for value, width in zip(rmse, widths, strict=True)
    )
    return f"{name:12}{'' if epochs is None else epochs:>8}{''.join(cells)}\n"
