"""Structures as ASE's ``Atoms``, with what only those hold: constraints, partial cells."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from aenetpy.errors import DataError
from aenetpy.interruption import interruptible
from aenetpy.io.structures import atoms_from_structure, structure_from_atoms
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
        A file; ``path@index`` chooses frames as ASE does.
    format
        ASE's name of the format. By default ASE recognises it, XSF is read in aenet's
        dialect, and what ASE cannot recognise is tried as VASP, which is all that
        aenet's own scripts read.

    Raises
    ------
    DataError
        If the file is missing or cannot be read.
    """
    path, index = _split_index(entry)
    if not os.path.exists(path):
        raise DataError(
            f"structure file '{path}' not found", hint="paths are relative to the working directory"
        )
    if format is None and path.lower().endswith(".xsf"):
        yield NamedAtoms(entry, atoms_from_structure(read_xsf(path)), None)
        return
    found_format, frames = _read(path, index, format)
    for k, atoms in frames:
        yield NamedAtoms(entry if k is None else f"{path}@{k}", atoms, found_format)


def relaxed_name(named: NamedAtoms) -> str:
    """Return ``<name>-relaxed.<ext>``, the frame in between if there are several."""
    path, index = _split_index(named.name)
    root, suffix = os.path.splitext(path)
    return f"{root}{'' if index is None else f'-{index}'}-relaxed{suffix}"


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

    folder, name = os.path.split(os.path.realpath(path))
    temporary = os.path.join(folder, f".{secrets.token_hex(4)}.{name}")
    try:
        write(temporary, atoms, format=format or filetype(path, read=False))
        os.replace(temporary, path)
    except BaseException as reason:
        with suppress(OSError):
            os.unlink(temporary)
        if not isinstance(reason, Exception):
            raise
        raise DataError(
            f"ASE cannot write it: {_first_line(reason)}",
            file=path,
            hint="choose a format that ASE writes with --format",
        ) from None


def _split_index(entry: str) -> tuple[str, str | None]:
    path, at, index = entry.rpartition("@")
    return (path, index) if at and path and not os.path.exists(entry) else (entry, None)


def _read(path: str, index: str | None, format: str | None) -> tuple[str | None, _Frames]:
    """Read frames in the format given; in any, then as VASP, if none is given."""
    failure: Exception | None = None
    for candidate in (format,) if format else (None, "vasp"):
        try:
            frames = _frames(path, index, candidate)
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
    from ase.io import iread, read
    from ase.io.formats import string2index

    chosen = string2index("-1" if index is None else index)
    if isinstance(chosen, slice):
        frames = iread(path, index=":", format=format, do_not_split_by_at_sign=True)
        return list(enumerate(interruptible(frames)))[chosen]
    found = read(path, index=chosen, format=format, do_not_split_by_at_sign=True)
    return list(enumerate(found)) if isinstance(found, list) else [(None, found)]


def _first_line(reason: Exception) -> str:
    text = str(reason).strip().split("\n")[0]
    return f"{type(reason).__name__}{': ' * bool(text)}{text}"
