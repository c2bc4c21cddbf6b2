"""Structures from any file: aenet's XSF, ``input.data``, extended XYZ, or whatever ASE reads."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.limits import FINITE
from aenetpy.data.structure import Structure, spans_volume
from aenetpy.errors import DataError
from aenetpy.interruption import interruptible, waiting
from aenetpy.structures.calculation_notes import names_isolated_atom, notes_of, says_unconverged
from aenetpy.structures.entries import INDEX, SLICE, Entry, is_index, parse_entry
from aenetpy.structures.labels import Labels, Tell, labels_of
from aenetpy.structures.read_frames import read_frames
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
    tell: Tell

    def structure(self) -> Structure:
        """Return the frame as a structure; DataError if it cannot be one."""
        if isinstance(self.content, DataError):
            raise self.content
        if isinstance(self.content, Structure):
            return replace(self.content, name=self.name)
        return structure_from_atoms(
            self.content, self.name, choice=self.entry.labels, tell=self.tell
        )

    def atoms(self) -> Atoms:
        """Return the frame as atoms, whose labels are results of a calculator."""
        if isinstance(self.content, DataError):
            raise self.content
        if isinstance(self.content, Structure):
            return atoms_from_structure(self.content)
        atoms = self.content
        labels = labels_of(
            atoms, _results(atoms, self.name), self.name, self.entry.labels, self.tell
        )
        for key in labels.keys:
            atoms.info.pop(key, None)
            if key in atoms.arrays:
                del atoms.arrays[key]
        atoms.calc = None
        _attach(atoms, labels)
        return atoms


@dataclass(frozen=True)
class Unread:
    """A structure that could not be read: the name that it would have, and why."""

    name: str
    error: DataError


def iter_structures(
    entry: str, file: str | Path | None = None, line: int | None = None
) -> Iterator[Structure]:
    """Yield the structures of one entry of FILES, one at a time.

    Notes
    -----
    Forces are taken as stored, without regard to constraints.
    """
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
        hint = "write @:, @-1 or @::10"
        if len(index) > 18:
            hint += "; a number has 18 digits at most"
        raise DataError(f"'@{index}' is no index", file=path, hint=hint)
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            log.warning("%s: %s", path, text)

    read = _reader(replace(entry, index="-1") if last and index is None else entry)
    if read is None:
        if index is not None:
            raise DataError(f"an XSF file holds one structure; drop @{index}", file=path)
        yield Frame(text, read_xsf(path, text), entry, tell)
        return
    for name, content in _named_frames(entry, read, last):
        yield Frame(name, content, entry, tell)


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


def source_of(name: str) -> tuple[str, int] | None:
    """Return where a structure that `iter_structures` has named is found again.

    The first is an entry of FILES (all frames of one file have one), the second the number of
    the structure among those of the entry, from 0. None if there is no such file.
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
    """Return what reads a file, by its content, name and options; None for XSF."""
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
        return _input_data_reader(path, entry)
    _refuse_options(entry, "units", *({"units"} & entry.options.keys()))
    if not known and (named_xsf or _is_xsf(path)):
        _refuse_options(entry, "labels", *entry.labels)
        return None
    return partial(_read, path, entry.format)


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
        if isinstance(index, str) and index.endswith(":"):
            return iter_input_data(path, known, int(index[:-1] or 0))
        if not isinstance(index, int):
            raise DataError(f"'@{index}' is no index", file=path, hint="write @:, @-1 or @::10")
        if index < 0:
            index += sum(1 for _ in iter_input_data(path, known))
        return islice(iter_input_data(path, known, index), 1) if index >= 0 else iter(())

    return read


def _read(path: str, format: str | None, index: int | str) -> Iterator[Atoms]:
    """Yield frames, the manifold exceptions of their readers turned into one."""
    try:
        yield from interruptible(read_frames(path, index, format))
    except DataError:
        raise
    except Exception as reason:
        text = str(reason).strip().split("\n")[0]
        raise DataError(
            f"ASE cannot read it: {type(reason).__name__}{': ' * bool(text)}{text}",
            file=path,
            hint=f"check the file, or {_name_format(path)}",
        ) from None


def _name_format(path: str) -> str:
    return f"name its format: {path}@:#format=vasp-xml (`ase info --formats` lists them)"


def as_structure(structure: Structure | Atoms) -> Structure:
    """Return a structure as it is, and an ASE ``Atoms`` object without its results."""
    if isinstance(structure, Structure):
        return structure
    return structure_from_atoms(structure, labels=False)


def structure_from_atoms(
    atoms: Atoms,
    name: str = "structure",
    labels: bool = True,
    choice: Mapping[str, str] | None = None,
    tell: Tell | None = None,
) -> Structure:
    """Return an ASE ``Atoms`` object as a structure."""
    if len(atoms) == 0:
        raise DataError("the structure has no atoms", file=name)
    found = Labels()
    if labels:
        told = tell or partial(log.warning, "%s: %s", name)
        found = labels_of(atoms, _results(atoms, name), name, choice or {}, told)
    pbc = tuple(bool(flag) for flag in atoms.pbc)
    return Structure(
        species=_symbols(atoms, name),
        positions_nc=_finite(atoms.positions, (len(atoms), 3), "a coordinate", name),
        cell_cc=_periodic_cell(atoms, name) if any(pbc) else None,
        pbc_c=(pbc[0], pbc[1], pbc[2]),
        energy=found.energy,
        forces_nc=found.forces_nc,
        stress_cc=found.stress_cc,
        name=name,
        converged=not says_unconverged(atoms),
        named_isolated=names_isolated_atom(atoms),
    )


def atoms_from_structure(structure: Structure) -> Atoms:
    """Return a structure as ASE ``Atoms``.

    Energy (eV), forces (eV/Å) and stress (eV/Å^3) become the results of a calculator that can do no
    more than tell them; the cohesive energy goes to ``info["cohesive_energy"]``.
    """
    from ase import Atoms
    from ase.data import atomic_numbers

    for symbol in structure.species:
        if symbol not in atomic_numbers:
            raise DataError(f"ASE knows no species '{symbol}'", file=structure.name)
    atoms = Atoms(
        structure.species, structure.positions_nc, cell=structure.cell_cc, pbc=structure.pbc_c
    )
    _attach(atoms, Labels(structure.energy, structure.forces_nc, structure.stress_cc))
    if structure.cohesive_energy is not None:
        atoms.info["cohesive_energy"] = structure.cohesive_energy
    atoms.info.update(notes_of(structure))
    return atoms


def _attach(atoms: Atoms, labels: Labels) -> None:
    """Give atoms a calculator that knows their labels, if there are any."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.stress import full_3x3_to_voigt_6_stress

    stress = labels.stress_cc
    results = {
        "energy": labels.energy,
        "forces": labels.forces_nc,
        "stress": None if stress is None else full_3x3_to_voigt_6_stress(stress),
    }
    known = {key: value for key, value in results.items() if value is not None}
    if known:
        atoms.calc = SinglePointCalculator(atoms, **known)


def _symbols(atoms: Atoms, name: str) -> tuple[str, ...]:
    """Return the symbols of the elements; ASE takes any number, and fails, or counts back."""
    from ase.data import chemical_symbols

    strange = [z for z in atoms.numbers.tolist() if not 0 <= z < len(chemical_symbols)]
    if strange:
        raise DataError(
            f"there is no element of atomic number {strange[0]}",
            file=name,
            hint=f"numbers go to {len(chemical_symbols) - 1}",
        )
    return tuple(atoms.get_chemical_symbols())


def _results(atoms: Atoms, name: str) -> Mapping[str, Any]:
    """Return what the calculator knows of these atoms; nothing if they have moved on since."""
    results: Mapping[str, Any] = getattr(atoms.calc, "results", None) or {}
    if results and getattr(atoms.calc, "atoms", None) is not None and atoms.calc.check_state(atoms):
        log.warning(
            "%s: the results of the calculator belong to other atoms and are left out", name
        )
        return {}
    return results


def _finite(value: Any, shape: tuple[int, ...], what: str, name: str) -> Float:
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise DataError(f"{what} is missing or surplus: {array.shape} for {shape}", file=name)
    if (reason := FINITE.objection(array)) is not None:
        raise DataError(
            f"{what}: {reason}", file=name, hint="correct the structure, or leave it out"
        )
    return array


def _periodic_cell(atoms: Atoms, name: str) -> Float:
    cell_cc = _finite(atoms.cell.array, (3, 3), "a lattice vector", name)
    if cell_cc[atoms.pbc].any(axis=1).all():
        # Directions that are not periodic may have no vector.
        cell_cc = atoms.cell.complete().array
    if not spans_volume(cell_cc):
        raise DataError(
            "periodic, but the lattice vectors span no volume",
            file=name,
            hint="give a vector for each periodic direction, or set pbc to false",
        )
    return cell_cc
