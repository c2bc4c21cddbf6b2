"""Structures from any file: aenet's XSF, ``input.data``, or whatever ASE reads."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
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
from aenetpy.io.ase_files import iter_frames
from aenetpy.io.input_data import is_input_data, iter_input_data, parse_units
from aenetpy.io.xsf import read_xsf

if TYPE_CHECKING:
    from ase import Atoms

    _Frames: TypeAlias = Iterator[Atoms | Structure]

log = logging.getLogger("aenetpy")

_INDEX = re.compile(r"-?\d{1,18}")
_SLICE = re.compile(r"(-?\d{0,18}):(-?\d{0,18})(?::(\d{0,18}))?")
_UNITS = re.compile(r"#units=([^#@/]*)")
_XSF_SECTION = re.compile(rb"^[ \t]*(PRIMVEC|PRIMCOORD|ATOMS)\b", re.MULTILINE)
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Unread:
    """A structure that could not be read: the name that it would have, and why."""

    name: str
    error: DataError


def iter_structures(
    entry: str, file: str | Path | None = None, line: int | None = None
) -> Iterator[Structure]:
    """Yield the structures of one entry of FILES, one at a time.

    Parameters
    ----------
    entry
        A path. An XSF file holds one structure. Any other file is read by
        ASE; ``path@index`` chooses from several frames as ASE does: ``run.traj@-1``,
        ``run.traj@::10``, ``data.db@:``. The ``input.data`` of RuNNer and n2p2 is known
        by its content, and needs units: ``input.data@:#units=eV,Angstrom``.
    file, line
        Where the entry stands, for messages.

    Yields
    ------
    Structure
        Named like the entry, or ``path@k`` for frame k of several. Energy (eV), forces
        (eV/Å) and stress (eV/Å^3) are the results stored with the frame; None if there are none.

    Raises
    ------
    DataError
        If the file is missing, unreadable, has several frames and no index, or no units
        where they are needed.

    Notes
    -----
    Forces are taken as stored, without regard to constraints.
    """
    for found in iter_outcomes(entry, file, line):
        if isinstance(found, Unread):
            raise found.error
        yield found


def iter_outcomes(
    entry: str, file: str | Path | None = None, line: int | None = None
) -> Iterator[Structure | Unread]:
    """Yield as `iter_structures`, and go on after a frame that cannot be read.

    Raises
    ------
    DataError
        If the entry as a whole is wrong.
    """
    bare, units = split_units(entry)
    path, index = split_index(bare)
    if not os.path.exists(path):
        raise DataError(
            f"structure file '{path}' not found",
            file=file,
            line=line,
            hint="paths are relative to the folder of the run",
        )
    if index is not None and not (_is_index(index) or path.endswith(".db")):
        hint = "write @:, @-1 or @::10"
        if len(index) > 18:
            hint += "; a number has 18 digits at most"
        raise DataError(f"'@{index}' is no index", file=path, hint=hint)
    read: Callable[[int | str], _Frames] = partial(_read_ase, path)
    tail = ""
    named_xsf = path.lower().endswith(".xsf")  # the common case, in which one look less is enough
    if not named_xsf and Path(path).is_fifo():
        raise DataError(
            "is a pipe, and can be read only once",
            file=path,
            hint="write its content to a file, or read XSF from a pipe called *.xsf",
        )
    if not named_xsf and is_input_data(path):
        read, tail = _input_data_reader(path, bare, units), f"#units={units}"
    elif units is not None:
        raise DataError(
            "its format fixes the units", file=path, hint=f"drop #units={units} from the entry"
        )
    elif named_xsf or _is_xsf(path):
        if index is not None:
            raise DataError(f"an XSF file holds one structure; drop @{index}", file=path)
        yield read_xsf(path, entry)
        return
    if index is None:
        yield _only_frame(entry, path, read, tail)
    elif _SLICE.fullmatch(index):
        yield from _several_frames(path, index, read, tail)
    else:
        frames = list(read(int(index) if _INDEX.fullmatch(index) else index))
        if not frames:
            raise DataError(f"no structure matches @{index}", file=path)
        for k, frame in enumerate(frames):
            yield _outcome(frame, entry if len(frames) == 1 else f"{entry}#{k}")


def source_of(name: str) -> tuple[str, int] | None:
    """Return where a structure that `iter_structures` has named is found again.

    Parameters
    ----------
    name
        Of the structure.

    Returns
    -------
    tuple or None
        An entry of FILES, and the number of the structure among those that it stands for, from
        0. All frames of one file have one entry. None if there is no such file.
    """
    head, mark, number = name.rpartition("#")
    if mark and number.isdecimal() and not os.path.exists(name):  # of a selection from a database
        return (head, int(number)) if source_of(head) else None
    bare, units = split_units(name)
    path, index = split_index(bare)
    if not os.path.exists(path):
        return None
    if index is None or not index.isdecimal():
        return name, 0
    return f"{path}@:" + ("" if units is None else f"#units={units}"), int(index)


def split_units(entry: str) -> tuple[str, str | None]:
    """Return an entry without ``#units=``, and what stands there; None if nothing does."""
    match = _UNITS.search(entry)
    if match is None or os.path.exists(entry):
        return entry, None
    return (entry[: match.start()] + entry[match.end() :]).strip(), match[1]


def split_index(entry: str) -> tuple[str, str | None]:
    """Return the path of an entry, and what stands behind its ``@``; None if nothing does."""
    path, at, index = entry.rpartition("@")
    if not at or not path or os.path.exists(entry):
        return entry, None
    return (path, index) if _is_index(index) or os.path.exists(path) else (entry, None)


def _is_index(text: str) -> bool:
    return bool(_INDEX.fullmatch(text) or _SLICE.fullmatch(text))


def _is_xsf(path: str) -> bool:
    try:
        with waiting(), Path(path).open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as reason:
        raise DataError(f"cannot be read: {reason.strerror}", file=path) from None
    return b"\0" not in head and _XSF_SECTION.search(head) is not None


def _only_frame(
    entry: str, path: str, read: Callable[[int | str], _Frames], tail: str
) -> Structure:
    frames = list(islice(read(":"), 2))
    if not frames:
        raise DataError("holds no structure", file=path)
    if len(frames) > 1:
        raise DataError(
            "holds several structures",
            file=path,
            hint=f"write {path}@:{tail} for all, {path}@-1{tail} for the last",
        )
    return _named(frames[0], entry)


def _several_frames(
    path: str, index: str, read: Callable[[int | str], _Frames], tail: str
) -> Iterator[Structure | Unread]:
    match = _SLICE.fullmatch(index)
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
        yield _outcome(frame, f"{path}@{k}{tail}")
    if not found:
        raise DataError(f"no structure matches @{index}", file=path)


def _frames(read: Callable[[int | str], _Frames]) -> Iterator[Atoms | Structure | DataError]:
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


def _outcome(frame: Atoms | Structure | DataError, name: str) -> Structure | Unread:
    if isinstance(frame, DataError):
        return Unread(name, frame)
    try:
        return _named(frame, name)
    except DataError as error:
        return Unread(name, error)


def _named(frame: Atoms | Structure, name: str) -> Structure:
    if isinstance(frame, Structure):
        return replace(frame, name=name)
    return structure_from_atoms(frame, name)


def _input_data_reader(
    path: str, entry: str, units: str | None
) -> Callable[[int | str], Iterator[Structure]]:
    """Return the reader of an ``input.data``, whose units the entry must name."""
    try:
        if units is None:
            raise ValueError("RuNNer and n2p2 write no units into it")
        known = parse_units(units)
    except ValueError as reason:
        raise DataError(
            str(reason),
            file=path,
            hint=f"write {entry}#units=eV,Angstrom or {entry}#units=Hartree,Bohr",
        ) from None

    def read(index: int | str) -> Iterator[Structure]:
        frames = iter_input_data(path, known)
        if index == ":":
            return frames
        if not isinstance(index, int):
            raise DataError(f"'@{index}' is no index", file=path, hint="write @:, @-1 or @::10")
        if index < 0:
            index += sum(1 for _ in iter_input_data(path, known))
        return islice(frames, index, index + 1) if index >= 0 else iter(())

    return read


def _read_ase(path: str, index: int | str) -> Iterator[Atoms]:
    """Yield frames as ASE reads them, its manifold exceptions turned into one."""
    try:
        yield from interruptible(iter_frames(path, index))
    except DataError:
        raise
    except Exception as reason:
        text = str(reason).strip().split("\n")[0]
        raise DataError(
            f"ASE cannot read it: {type(reason).__name__}{': ' * bool(text)}{text}",
            file=path,
            hint="check the file and its suffix",
        ) from None


def as_structure(structure: Structure | Atoms) -> Structure:
    """Return a structure as it is, and an ASE ``Atoms`` object without its results.

    Raises
    ------
    DataError
        As `structure_from_atoms`.
    """
    if isinstance(structure, Structure):
        return structure
    return structure_from_atoms(structure, labels=False)


def structure_from_atoms(atoms: Atoms, name: str = "structure", labels: bool = True) -> Structure:
    """Return an ASE ``Atoms`` object as a structure.

    Parameters
    ----------
    atoms
        With the energy (eV) and forces (eV/Å) of its calculator's stored results, or
        in ``info`` and ``arrays`` as ``energy``/``REF_energy`` and ``forces``/``REF_forces``,
        and the stress (eV/Å^3) as ``stress``/``REF_stress``, or as ``virial``/``REF_virial`` (eV),
        which in extended XYZ is -V times the stress.
        Nothing is calculated, and the free energy is not used. A lattice vector that is
        zero and not periodic becomes a unit vector perpendicular to the others.
    name
        Name of the structure.
    labels
        Whether energy, forces and stress are wanted.

    Raises
    ------
    DataError
        If there are no atoms, an atomic number is of no element, a number is not finite,
        or the cell of a periodic structure has no volume.
    """
    if len(atoms) == 0:
        raise DataError("the structure has no atoms", file=name)
    energy = forces = stress_cc = None
    if labels:
        results = _results(atoms, name)
        energy = _first_of("energy", results, atoms.info)
        forces = _first_of("forces", results, atoms.arrays)
        stress_cc = _stress(atoms, results, name)
    pbc = tuple(bool(flag) for flag in atoms.pbc)
    return Structure(
        species=_symbols(atoms, name),
        positions_nc=_finite(atoms.positions, (len(atoms), 3), "a coordinate", name),
        cell_cc=_periodic_cell(atoms, name) if any(pbc) else None,
        pbc_c=(pbc[0], pbc[1], pbc[2]),
        energy=None if energy is None else float(_finite(energy, (), "the energy", name)),
        forces_nc=None if forces is None else _finite(forces, (len(atoms), 3), "a force", name),
        stress_cc=stress_cc,
        name=name,
    )


def atoms_from_structure(structure: Structure) -> Atoms:
    """Return a structure as ASE ``Atoms``.

    Energy (eV), forces (eV/Å) and stress (eV/Å^3) become the results of a calculator that can do no
    more than tell them; the cohesive energy goes to ``info["cohesive_energy"]``.

    Raises
    ------
    DataError
        If a species is not a chemical symbol.
    """
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.data import atomic_numbers
    from ase.stress import full_3x3_to_voigt_6_stress

    for symbol in structure.species:
        if symbol not in atomic_numbers:
            raise DataError(f"ASE knows no species '{symbol}'", file=structure.name)
    atoms = Atoms(
        structure.species, structure.positions_nc, cell=structure.cell_cc, pbc=structure.pbc_c
    )
    stress = structure.stress_cc
    labels = {
        "energy": structure.energy,
        "forces": structure.forces_nc,
        "stress": None if stress is None else full_3x3_to_voigt_6_stress(stress),
    }
    known = {key: value for key, value in labels.items() if value is not None}
    if known:
        atoms.calc = SinglePointCalculator(atoms, **known)
    if structure.cohesive_energy is not None:
        atoms.info["cohesive_energy"] = structure.cohesive_energy
    return atoms


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


def _first_of(key: str, results: Mapping[str, Any], stored: Mapping[str, Any]) -> Any:
    candidates = (results.get(key), stored.get(key), stored.get(f"REF_{key}"))
    return next((value for value in candidates if value is not None), None)


def _stress(atoms: Atoms, results: Mapping[str, Any], name: str) -> Float | None:
    """Return the stress, if it is known; NaN stands for one that is not."""
    known, per_volume = _first_of("stress", results, atoms.info), 1.0
    if known is None and atoms.cell.rank == 3:
        known, per_volume = _first_of("virial", results, atoms.info), -1.0 / atoms.get_volume()
    if known is None:
        return None
    stress = _numbers(known, "the stress", name)
    if np.isnan(stress).any():
        return None
    if stress.size == 6:  # in the order of Voigt: xx yy zz yz xz xy
        stress = stress.ravel()[[0, 5, 4, 5, 1, 3, 4, 3, 2]]
    if stress.size == 9:
        stress = stress.reshape(3, 3)
    return _finite(per_volume * stress, (3, 3), "the stress", name)


def _numbers(value: Any, what: str, name: str) -> Float:
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{what} is not a number", file=name) from None


def _finite(value: Any, shape: tuple[int, ...], what: str, name: str) -> Float:
    array = _numbers(value, what, name)
    if array.size == 1 and shape == ():
        array = array.reshape(())
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
