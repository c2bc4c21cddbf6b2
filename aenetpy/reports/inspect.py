"""The text of ``inspect``: a nested summary as indented lines (JSON is the same as data)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Summary = Mapping[str, Any]

_INDENT = "  "
_UNITS = {"_eV_per_A": " (eV/Å)", "_eV": " (eV)", "_A": " (Å)"}


def format_summary(summary: Summary, verbose: bool = False) -> str:
    """Return a summary as text."""
    rest = {key: value for key, value in summary.items() if key not in ("file", "kind")}
    lines = [f"{summary['file']}: {summary['kind']}", *_block(rest, _INDENT, verbose)]
    return "\n".join(lines) + "\n"


def _block(values: Summary, indent: str, verbose: bool) -> list[str]:
    width = max((len(_label(key)) for key in values), default=0)
    lines = []
    for key, value in values.items():
        start = f"{indent}{_label(key):{width}}  "
        if _is_rows(value) and _is_nested(value[0]):
            for number, row in enumerate(value, start=1):
                title = f"{indent}{_label(key).removesuffix('s')} {number}"
                lines += [title, *_block(row, indent + _INDENT, verbose)]
        elif _is_nested(value):
            lines += [f"{indent}{_label(key)}", *_block(value, indent + _INDENT, verbose)]
        elif not _is_rows(value):
            lines.append((start + _inline(value)).rstrip())
        elif verbose:
            lines += [f"{indent}{_label(key)}", *_table(value, indent + _INDENT)]
        else:
            lines.append(f"{start}{len(value)} (listed with --verbose)")
    return lines


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) and any(_is_rows(entry) for entry in value.values())


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _label(key: str) -> str:
    for suffix, unit in _UNITS.items():
        if key.endswith(suffix):
            return key.removesuffix(suffix).replace("_", " ") + unit
    return key.replace("_", " ")


def _inline(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.8g}"
        case Mapping():
            return ", ".join(f"{_label(key)} {_inline(entry)}" for key, entry in value.items())
        case list():
            return " ".join(_inline(entry) for entry in value) if value else "none"
    return str(value)


def _table(rows: Sequence[Summary], indent: str) -> list[str]:
    """Columns under their keys, numbers to the right, text to the left."""
    keys = list(rows[0])
    cells = [[_label(key) for key in keys], *([_inline(row[key]) for key in keys] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(keys))]
    left = [isinstance(rows[0][key], str) for key in keys]
    return [
        (
            indent
            + "  ".join(
                cell.ljust(width) if to_left else cell.rjust(width)
                for cell, width, to_left in zip(row, widths, left, strict=True)
            )
        ).rstrip()
        for row in cells
    ]
