"""Names in a training set that tell which structures are copies of which parent."""

from __future__ import annotations

MARK = "#taylor:"
"""Between the name of the parent and that of the copy; other names are of structures as given."""


def copy_name(parent: str, name: str | int) -> str:
    """Return the name of a displaced copy: ``xsf/a.xsf#taylor:1``."""
    return f"{parent}{MARK}{name}"


def is_copy(name: str) -> bool:
    """Tell whether a name is that of a displaced copy."""
    return MARK in name


def parent_of(name: str) -> str:
    """Return the parent of a copy; any other structure is its own."""
    return name.partition(MARK)[0]
