"""Extended XYZ: structures with energy, forces and stress in one text file, by ASE."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aenetpy.data.structure import Structure
from aenetpy.files.files import write_text
from aenetpy.structures.reading import atoms_from_structure


def format_xyz(structures: Sequence[Structure], info: Mapping[str, Any] | None = None) -> str:
    """Return the text of some structures, lengths and forces with eight decimals.

    What else there is to say of each, ``info``, stands in its second line.
    """
    from ase.io import write

    text = io.StringIO()
    if structures:
        atoms = [atoms_from_structure(one) for one in structures]
        for one in atoms:
            one.info |= info or {}
        write(text, atoms, format="extxyz")
    return text.getvalue()


def write_xyz(path: str | Path, structures: Sequence[Structure]) -> None:
    """Write structures, complete or not at all."""
    write_text(path, format_xyz(structures))
