"""Structures from any file: aenet's XSF, ``input.data``, extended XYZ, or any format of ASE."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.inputs.entries import INDEX, SLICE, Entry, is_index, parse_entry
from aenetpy.interruption import interruptible, waiting
from aenetpy.structures.ase_files import choose, read_frames
from aenetpy.structures.atoms import (
    NamedAtoms,
    atoms_from_structure,
    first_line,
    labelled_atoms,
    structure_from_atoms,
)
from aenetpy.structures.labels import Warn
from aenetpy.structures.runner import is_input_data, iter_input_data, parse_units
from aenetpy.structures.xsf import read_xsf

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

    _Frames: TypeAlias = Iterator[Atoms | Structure]
    _Content: TypeAlias = Atoms | Structure | DataError
    _Read: TypeAlias = Callable[[int | str], _Frames]

log = logging.getLogger("aenetpy")

_XSF_SECTION = re.compile(rb"^[ \t]*(PRIMVEC|PRIMCOORD|ATOMS)\b", re.MULTILINE)
_HEAD_BYTES = 4096


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a file, as its reader gives it, or the error of its reader."""

    name: str
    content: _Content
    entry: Entry
    warn: Warn

    def structure(self) -> Structure:
        """Return the frame as a structure; DataError if it cannot be one."""
        if isinstance(self.content, DataError):
            raise self.content
        if isinstance(self.content, Structure):
            return replace(self.content, name=self.name)
        return structure_from_atoms(
            self.content, self.name, choice=self.entry.labels, warn=self.warn
        )

    def atoms(self) -> Atoms:
        """Return the frame as atoms, whose labels are results of a calculator."""
        if isinstance(self.content, DataError):
            raise self.content
        if isinstance(self.content, Structure):
            return atoms_from_structure(self.content)
        return labelled_atoms(self.content, self.name, self.entry.labels, self.warn)


@dataclass(frozen=True)
class Unread:
    """A structure that could not be read: the name that it would have, and why."""

    name: str
    error: DataError


def iter_structures(
    entry: str, file: str | Path | None = None, line: int | None = None
) -> Iterator[Structure]:
    """Yield the structures of one entry of FILES, with forces as stored, without constraints."""
    for frame in iter_frames(entry, file, line):
        yield frame.structure()


def iter_outcomes(
    entry: str, file: str | Path | None = None, line: int | None = None
) -> Iterator[Structure | Unread]:
    """Yield as `iter_structures`, and go on after a frame that cannot be read."""
    for frame in iter_frames(entry, file, line):
        try:
            yield frame.structure()
        except DataError as error:
            yield Unread(frame.name, error)


def iter_frames(
    text: str, file: str | Path | None = None, line: int | None = None, last: bool = False
) -> Iterator[Frame]:
    """Yield the frames of an entry; without index the only one, or the last if that is meant."""
    entry = parse_entry(text)
    path, index = entry.path, entry.index
    if not os.path.exists(path):
        raise DataError(
            f"structure file '{path}' not found",
            file=file,
            line=line,
            hint="paths are relative to the folder of the run",
        )
    if index is not None and not (is_index(index) or path.endswith(".db")):
        raise _no_index(entry)
    warned: set[str] = set()

    def warn(text: str) -> None:
        if text not in warned:
            warned.add(text)
            log.warning("%s: %s", path, text)

    read = _reader(replace(entry, index="-1") if last and index is None else entry)
    if read is None:
        if index is not None:
            raise DataError(f"an XSF file holds one structure; drop @{index}", file=path)
        yield Frame(text, read_xsf(path, text), entry, warn)
        return
    for name, content in _named_frames(entry, read, last):
        yield Frame(name, content, entry, warn)


def _named_frames(entry: Entry, read: _Read, last: bool) -> Iterator[tuple[str, _Content]]:
    """Yield the frames that an index chooses, with their names."""
    path, index = entry.path, entry.index
    if index is None and last:
        frames = list(read(-1))
    elif index is None:
        frames = list(islice(read(":"), 2))
        if len(frames) > 1:
            raise DataError(
                "holds several structures",
                file=path,
                hint=f"write {path}@:{entry.tail} for all, {path}@-1{entry.tail} for the last",
            )
    elif SLICE.fullmatch(index):
        yield from _several_frames(path, index, read, entry.tail)
        return
    else:
        frames = list(read(int(index) if INDEX.fullmatch(index) else index))
    if not frames:
        raise DataError(
            "holds no structure" if index is None else f"no structure matches @{index}",
            file=path,
            hint=None if entry.format else _name_format(path),
        )
    for k, frame in enumerate(frames):
        yield entry.text if len(frames) == 1 else f"{entry.text}#{k}", frame


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


def source_of(name: str) -> tuple[str, int] | None:
    """Return where a structure that `iter_structures` has named is found again.

    The first is an entry of FILES (all frames of one file have one), the second the number of
    the structure in the entry, from 0. None if there is no such file.
    """
    head, mark, number = name.rpartition("#")
    if mark and number.isdecimal() and not os.path.exists(name):  # of a selection from a database
        return (head, int(number)) if source_of(head) else None
    entry = parse_entry(name)
    if not os.path.exists(entry.path):
        return None
    if entry.index is None or not entry.index.isdecimal():
        return name, 0
    return f"{entry.path}@:{entry.tail}", int(entry.index)


def _reader(entry: Entry) -> _Read | None:
    """Return the reader of a file, by its content, name and options; None for XSF."""
    path = entry.path
    named_xsf = path.lower().endswith(".xsf")  # the common case, in which one look less is enough
    if not named_xsf and Path(path).is_fifo():
        raise DataError(
            "is a pipe, and can be read only once",
            file=path,
            hint="write its content to a file, or read XSF from a pipe called *.xsf",
        )
    known = entry.format not in (None, "runnerdata")
    if not named_xsf and not known and os.path.isfile(path) and is_input_data(path):
        _refuse_options(entry, "labels", *entry.labels)
        if entry.index is not None and not is_index(entry.index):
            raise _no_index(entry)
        return _input_data_reader(path, entry)
    _refuse_options(entry, "units", *({"units"} & entry.options.keys()))
    if not known and (named_xsf or _is_xsf(path)):
        _refuse_options(entry, "labels", *entry.labels)
        return None
    return partial(_read, path, entry.format)


def _no_index(entry: Entry) -> DataError:
    hint = "write @:, @-1 or @::10"
    if len(entry.index or "") > 18:
        hint += "; a number has 18 digits at most"
    return DataError(f"'@{entry.index}' is no index", file=entry.path, hint=hint)


def _refuse_options(entry: Entry, what: str, *options: str) -> None:
    if options:
        raise DataError(
            f"its format fixes the {what}",
            file=entry.path,
            hint=f"drop #{options[0]}={entry.options[options[0]]} from the entry",
        )


def _is_xsf(path: str) -> bool:
    if os.path.isdir(path):
        return False
    try:
        with waiting(), Path(path).open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as reason:
        raise DataError(f"cannot be read: {reason.strerror}", file=path) from None
    return b"\0" not in head and _XSF_SECTION.search(head) is not None


def _several_frames(
    path: str, index: str, read: _Read, tail: str
) -> Iterator[tuple[str, _Content]]:
    match = SLICE.fullmatch(index)
    assert match is not None
    start, stop, step = (int(text) if text else None for text in match.groups())
    if step == 0:
        raise DataError(f"the step of @{index} is zero", file=path)
    if (start or 0) < 0 or (stop or 0) < 0:
        n_frames = sum(1 for _ in read(":"))
        start, stop, step = slice(start, stop, step).indices(n_frames)
    found = False
    for k, frame in islice(enumerate(_frames(read)), start, stop, step):
        found = True
        yield f"{path}@{k}{tail}", frame
    if not found:
        raise DataError(f"no structure matches @{index}", file=path)


def _frames(read: _Read) -> Iterator[_Content]:
    """Yield all frames, and an error in place of one behind which the reader finds others."""
    number, failed = 0, -1
    while True:
        try:
            for frame in read(f"{number}:" if number else ":"):
                yield frame
                number += 1
            return
        except DataError as error:
            if failed == number:  # the reader comes no further
                return
            yield error
            number += 1
            failed = number


def _input_data_reader(path: str, entry: Entry) -> _Read:
    """Return the reader of an ``input.data``, whose units the entry must name."""
    bare = path if entry.index is None else f"{path}@{entry.index}"
    try:
        if entry.units is None:
            raise ValueError("RuNNer and n2p2 write no units into it")
        known = parse_units(entry.units)
    except ValueError as reason:
        raise DataError(
            str(reason),
            file=path,
            hint=f"write {bare}#units=eV,Angstrom or {bare}#units=Hartree,Bohr",
        ) from None

    def read(index: int | str) -> Iterator[Structure]:
        return choose(partial(iter_input_data, path, known), index)

    return read


def _read(path: str, format: str | None, index: int | str) -> Iterator[Atoms]:
    """Yield frames; any exception of their reader becomes a DataError."""
    try:
        yield from interruptible(read_frames(path, index, format))
    except DataError:
        raise
    except Exception as reason:
        raise DataError(
            f"ASE cannot read it: {first_line(reason)}",
            file=path,
            hint=f"check the file, or {_name_format(path)}",
        ) from None


def _name_format(path: str) -> str:
    return f"name its format: {path}@:#format=vasp-xml (`ase info --formats` lists them)"
