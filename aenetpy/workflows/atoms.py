"""Structures as ASE's ``Atoms``, with what only those hold: constraints, partial cells."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from aenetpy.errors import DataError
from aenetpy.interruption import interruptible
from aenetpy.io.ase_files import iter_frames
from aenetpy.io.files import read_bytes, write_bytes
from aenetpy.io.input_data import is_input_data
from aenetpy.io.structures import (
    atoms_from_structure,
    iter_structures,
    split_index,
    split_units,
    structure_from_atoms,
)
from aenetpy.io.xsf import read_xsf, write_xsf

if TYPE_CHECKING:
    from ase import Atoms

    _Frames: TypeAlias = Sequence[tuple[int | None, Atoms]]


@dataclass(frozen=True, eq=False)
class NamedAtoms:
    """Atoms and where they come from.

    Parameters
    ----------
    name
        The file, with ``@k`` if several of its frames are read.
    atoms
        As ASE reads them.
    format
        ASE's name of the file format; None if the name of the file tells it.
    """

    name: str
    atoms: Atoms
    format: str | None


def read_atoms(entry: str, format: str | None = None) -> Iterator[NamedAtoms]:
    """Yield the atoms of a file, by default the last frame.

    Parameters
    ----------
    entry
        A file; ``path@index`` chooses frames as ASE does, ``#units=`` names the units of
        an ``input.data``.
    format
        ASE's name of the format. By default ASE recognises it, XSF is read in aenet's
        dialect, and what ASE cannot recognise is tried as VASP, which is all that
        aenet's own scripts read.

    Raises
    ------
    DataError
        If the file is missing or cannot be read.
    """
    bare, units = split_units(entry)
    path, index = split_index(bare)
    if not os.path.exists(path):
        raise DataError(
            f"structure file '{path}' not found", hint="paths are relative to the working directory"
        )
    if units is not None or (format is None and os.path.isfile(path) and is_input_data(path)):
        last = entry if index is not None else f"{path}@-1" + entry[len(path) :]
        for structure in iter_structures(last):
            yield NamedAtoms(structure.name, atoms_from_structure(structure), None)
        return
    if format is None and path.lower().endswith(".xsf"):
        yield NamedAtoms(entry, atoms_from_structure(read_xsf(path)), None)
        return
    found_format, frames = _read(path, index, format)
    for k, atoms in frames:
        yield NamedAtoms(entry if k is None else f"{path}@{k}", atoms, found_format)


def relaxed_name(named: NamedAtoms, word: str = "relaxed") -> str:
    """Return ``<name>-relaxed.<ext>``, the frame in between if there are several.

    An ``input.data`` cannot say in which units it is: relaxed structures become XSF files.
    """
    bare, units = split_units(named.name)
    path, index = split_index(bare)
    root, suffix = os.path.splitext(path)
    suffix = suffix if units is None else ".xsf"
    return f"{root}{'' if index is None else f'-{index}'}-{word}{suffix}"


def write_atoms(path: str, atoms: Atoms, format: str | None) -> None:
    """Write atoms in the format given or told by the name.

    Raises
    ------
    DataError
        If ASE cannot write this format, or the file cannot be written.
    """
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


def _read(path: str, index: str | None, format: str | None) -> tuple[str | None, _Frames]:
    """Read frames in the format given; in any, then as VASP, if none is given."""
    failure: Exception | None = None
    for candidate in (format,) if format else (None, "vasp"):
        try:
            frames = _frames(path, index, candidate)
        except DataError:
            raise
        except Exception as reason:
            failure = failure or reason
            continue
        if frames:
            return candidate, frames
    if failure is None:
        raise DataError(f"no structure matches @{index}", file=path)
    raise DataError(
        f"ASE cannot read it: {_first_line(failure)}",
        file=path,
        hint="name its format with --format, or check the file",
    )


def _frames(path: str, index: str | None, format: str | None) -> _Frames:
    """Frames with their numbers; None for a single one."""
    from ase.io.formats import string2index

    chosen = string2index("-1" if index is None else index)
    if isinstance(chosen, slice):
        return list(enumerate(interruptible(iter_frames(path, ":", format))))[chosen]
    frames = list(iter_frames(path, chosen, format))
    return list(enumerate(frames)) if isinstance(chosen, str) else [(None, frames[0])]


def _first_line(reason: Exception) -> str:
    text = str(reason).strip().split("\n")[0]
    return f"{type(reason).__name__}{': ' * bool(text)}{text}"
