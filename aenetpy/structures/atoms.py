"""Structures as ASE's ``Atoms``, with what only those hold: constraints, partial cells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aenetpy.errors import DataError
from aenetpy.files.files import read_bytes, write_bytes
from aenetpy.structures.entries import parse_entry
from aenetpy.structures.reading import iter_frames, structure_from_atoms
from aenetpy.structures.xsf import write_xsf

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class NamedAtoms:
    """Atoms and where they come from."""

    name: str
    atoms: Atoms
    format: str | None


def read_atoms(entry: str, format: str | None = None) -> Iterator[NamedAtoms]:
    """Yield the atoms of a file, by default the last frame."""
    named = parse_entry(entry).format
    failure: DataError | None = None
    for candidate in [named or format] if named or format else [None, "vasp"]:
        added = f"#format={candidate}" if candidate and not named else ""
        try:
            frames = list(iter_frames(entry + added, last=True))
        except DataError as error:
            failure = failure or error
            continue
        for frame in frames:
            yield NamedAtoms(frame.name.removesuffix(added), frame.atoms(), candidate)
        return
    assert failure is not None, "nothing was read"
    raise failure


def relaxed_name(named: NamedAtoms, word: str = "relaxed") -> str:
    """Return ``<name>-relaxed.<ext>``, the frame in between if there are several.

    An ``input.data`` cannot say in which units it is: relaxed structures become XSF files.
    """
    entry = parse_entry(named.name)
    root, suffix = os.path.splitext(entry.path)
    suffix = suffix if entry.units is None else ".xsf"
    return f"{root}{'' if entry.index is None else f'-{entry.index}'}-{word}{suffix}"


def write_atoms(path: str, atoms: Atoms, format: str | None) -> None:
    """Write atoms in the format given or told by the name."""
    if format is None and path.lower().endswith(".xsf"):
        write_xsf(path, structure_from_atoms(atoms, path))
        return
    from ase.io import write
    from ase.io.formats import filetype

    with TemporaryDirectory() as folder:
        written = os.path.join(folder, os.path.basename(path))
        try:
            write(written, atoms, format=format or filetype(path, read=False))
        except Exception as reason:
            raise DataError(
                f"ASE cannot write it: {_first_line(reason)}",
                file=path,
                hint="choose a format that ASE writes with --format",
            ) from None
        write_bytes(path, read_bytes(written))


def _first_line(reason: Exception) -> str:
    text = str(reason).strip().split("\n")[0]
    return f"{type(reason).__name__}{': ' * bool(text)}{text}"
