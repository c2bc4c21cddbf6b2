"""Tables and numbers in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aenetpy.analysis.errors import Interval


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table under a heading."""
    lines = [f"## {title}", "", _row(head), _row(["---"] * len(head)), *map(_row, rows), ""]
    return "\n".join(lines)


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(value.replace("|", r"\|") for value in values) + " |"


def number(value: float, sign: bool = False) -> str:
    """Return a number with three digits, a power of ten only if tiny; - if there is none."""
    if math.isnan(value):
        return "-"
    text = f"{value:+.3g}" if sign else f"{value:.3g}"
    return f"{value:+.0f}" if sign and "e+" in text else f"{value:.0f}" if "e+" in text else text


def brackets(interval: Interval, sign: bool = False) -> str:
    """Return the ends of an interval."""
    return f"[{number(interval.low, sign)}, {number(interval.high, sign)}]"
