"""Names in a training set that tell which structures are copies of which parent."""

from __future__ import annotations

import os
from collections.abc import Iterable

from aenetpy.data.structure import Structure

MARK = "#taylor:"
"""Mark between the names of parent and copy; names without it are of structures as given."""


def copy_name(parent: str, name: str | int) -> str:
    """Return the name of a displaced copy: ``xsf/a.xsf#taylor:1``."""
    return f"{parent}{MARK}{name}"


def is_copy(name: str) -> bool:
    """Return whether a name belongs to a displaced copy."""
    return MARK in name


def parent_of(name: str) -> str:
    """Return the parent of a copy; any other structure is its own."""
    return name.partition(MARK)[0]


def copy_source(name: str) -> str:
    """Return the file that a structure came from: for a copy, the part behind the mark."""
    return name.partition(MARK)[2] or name


class Families:
    """Finds the parents that the files of copies name, however FILES spells them."""

    def __init__(self, entries: Iterable[str], folder: str | os.PathLike[str] = ".") -> None:
        self._entries: dict[str, str] = {}
        self._folder = folder
        for entry in entries:
            for path in (entry, entry.rpartition("@")[0]):
                self._entries.setdefault(self._place(path), path)

    def _place(self, path: str) -> str:
        return os.path.realpath(os.path.join(self._folder, path))

    def name(self, structure: Structure) -> str:
        """Return the name in the training set; the name of a copy begins with its parent's."""
        if structure.parent is None or is_copy(structure.name):
            return structure.name
        # A file names the parent as seen from its own folder.
        seen = os.path.normpath(os.path.join(os.path.dirname(structure.name), structure.parent))
        path, at, frame = seen.rpartition("@")
        for known, tail in ((seen, ""), (path, at + frame)):
            entry = self._entries.get(self._place(known))
            if entry:
                return copy_name(entry + tail, structure.name)
        return copy_name(seen, structure.name)
