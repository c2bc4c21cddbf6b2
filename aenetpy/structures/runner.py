"""The ``input.data`` of RuNNer and n2p2: many structures in one text file, which names no units."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure, spans_volume
from aenetpy.errors import DataError
from aenetpy.files.files import reading_error, replace_file
from aenetpy.inputs.lines import parse_real
from aenetpy.interruption import check, interruptible
from aenetpy.structures.compressed import opener_of
from aenetpy.structures.units import BOHR, HARTREE

ENERGIES = {"ev": 1.0, "hartree": HARTREE}
LENGTHS = {"angstrom": 1.0, "bohr": BOHR}

_DAMAGED = (EOFError, zlib.error, lzma.LZMAError)
_COLUMN = re.compile(r"(\w+)(?:\((\d{1,3})\))?")
_COLUMNS = ("position(3)", "element", "charge", "n", "force(3)")
_HEAD_BYTES = 65536
_ATOM = "atom x y z element charge n fx fy fz"


@dataclass(frozen=True)
class Units:
    """The units of a file.

    Parameters
    ----------
    energy
        eV per unit of energy.
    length
        Å per unit of length. Forces are energies per length.
    """

    energy: float
    length: float


@dataclass
class _Draft:
    """The lines of a structure that were read so far, with their numbers."""

    line: int
    forces_column: int | None
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    cell: list[list[float]] = field(default_factory=list)
    energy: float | None = None


def parse_units(text: str) -> Units:
    """Return the units called ``energy,length``, such as ``eV,Angstrom`` or ``Hartree,Bohr``."""
    energy, _, length = (word.strip().lower() for word in text.partition(","))
    if energy not in ENERGIES or length not in LENGTHS:
        raise ValueError(f"'{text}' are no units of energy and length")
    return Units(ENERGIES[energy], LENGTHS[length])


def is_input_data(path: str | Path) -> bool:
    """Return whether a file begins like ``input.data``; the name does not matter."""
    with _opened(path) as file:
        head = file.read(_HEAD_BYTES)  # not more: it may be a small file that unpacks to a large
    for line in head.split("\n"):
        words = line.split()
        if words and words[0] != "comment" and words[0][0] not in "#!":
            return words[0] == "begin" and words[1:2] in ([], ["position(3)"])
    return False


def iter_input_data(path: str | Path, units: Units, start: int = 0) -> Iterator[Structure]:
    """Yield the structures of a file, one at a time; those before ``start`` are skipped unread.

    https://compphysvienna.github.io/n2p2/topics/cfg_file.html. A ``begin`` that names the
    columns of the atoms (RuNNer 2, ASE) is read too. Charges are left out.
    """
    draft: _Draft | None = None
    number = k = 0
    with _opened(path) as file:
        for number, text in enumerate(file, start=1):
            if number % 1000 == 0:
                check()
            words = text.split()
            if not words or words[0] == "comment" or words[0][0] in "#!":
                continue
            if k < start:
                k += words[0] == "end"
                continue
            try:
                if draft is None:
                    draft = _begin(words, number)
                elif words[0] == "end":
                    yield _finish(draft, units, str(path))
                    draft = None
                else:
                    _read_line(draft, words, number)
            except ValueError as reason:
                raise DataError(str(reason), file=path, line=number) from None
    if draft is not None:
        raise DataError(
            f"ends inside the structure that begins on line {draft.line}",
            file=path,
            line=number,
            hint="the file is cut; copy it again",
        )


def write_input_data(path: str | Path, structures: Iterable[Structure], units: Units) -> int:
    """Write structures as ``input.data``, completely or not at all; return how many.

    Every number has as many digits as it takes to read the same one back.
    """
    count = 0
    with replace_file(path) as file:
        for structure in interruptible(structures):
            file.write(_format(structure, units).encode("utf-8", "surrogateescape"))
            count += 1
        if count == 0:
            raise DataError("there are no structures to write", file=path)
    return count


def _format(structure: Structure, units: Units) -> str:
    """Return one structure, from begin to end."""
    for name, value in (("energy", structure.energy), ("forces", structure.forces_nc)):
        if value is None:
            raise DataError(
                f"has no {name}, without which n2p2 cannot use it",
                file=structure.name,
                hint="leave it out",
            )
    assert structure.energy is not None
    assert structure.forces_nc is not None
    if len(structure) == 0:
        raise DataError("the structure has no atoms", file=structure.name)
    lines = ["begin", f"comment {' '.join(structure.name.split())}"]
    if structure.cell_cc is not None and not structure.is_isolated:
        cell_cc = structure.cell_cc / units.length
        lines += ["lattice " + " ".join(map(repr, row_c)) for row_c in cell_cc.tolist()]
    positions_nc = (structure.positions_nc / units.length).tolist()
    forces_nc = (structure.forces_nc / (units.energy / units.length)).tolist()
    for symbol, position_c, force_c in zip(structure.species, positions_nc, forces_nc, strict=True):
        place, force = (" ".join(map(repr, row_c)) for row_c in (position_c, force_c))
        lines.append(f"atom {place} {symbol} 0.0 0.0 {force}")
    lines += [f"energy {float(structure.energy) / units.energy!r}", "charge 0.0", "end"]
    return "\n".join(lines) + "\n"


@contextmanager
def _opened(path: str | Path) -> Iterator[IO[str]]:
    """Open a text file, decompressed; any failure becomes a DataError."""
    opener: Any = opener_of(path) or open
    try:
        with opener(path, "rt", encoding="utf-8", errors="surrogateescape") as file:
            yield file
    except OSError as error:
        raise reading_error(path, error) from None
    except _DAMAGED as error:
        raise DataError(f"cannot be decompressed ({error})", file=path) from None


def _begin(words: list[str], line: int) -> _Draft:
    """Begin a structure; ``begin`` may name the columns of the atoms."""
    if words[0] != "begin":
        raise ValueError(f"'{words[0]}' stands outside of begin and end")
    column, forces_column = 0, None
    for name in words[1:] or _COLUMNS:
        match = _COLUMN.fullmatch(name)
        if match is None:
            raise ValueError(f"'{name}' is no name of a column")
        if match[1] in ("force", "forces") and match[2] == "3":
            forces_column = column
        column += int(match[2] or 1)
    if words[1:] and words[1:3] != ["position(3)", "element"]:
        raise ValueError("the columns of atoms must begin with position(3) element")
    return _Draft(line, forces_column)


def _read_line(draft: _Draft, words: list[str], number: int) -> None:
    """Read a line between ``begin`` and ``end``; ValueError if it is wrong."""
    keyword, *values = words
    if keyword == "atom":
        if len(values) < (4 if draft.forces_column is None else draft.forces_column + 3):
            raise ValueError(f"an atom has too few columns, write '{_ATOM}'")
        if not (values[3].isalpha() and len(values[3]) <= 2):
            raise ValueError(f"'{values[3]}' is no symbol of an element, write '{_ATOM}'")
        draft.rows.append(values)
        draft.lines.append(number)
    elif keyword == "lattice":
        if len(values) != 3 or len(draft.cell) == 3:
            raise ValueError("a lattice is three lines 'lattice x y z'")
        draft.cell.append([parse_real(value) for value in values])
    elif keyword == "energy":
        if len(values) != 1:
            raise ValueError("write 'energy' and one number")
        draft.energy = parse_real(values[0])
    elif keyword == "begin":
        raise ValueError(f"the structure that begins on line {draft.line} has no end")
    elif keyword != "charge":
        raise ValueError(f"unknown keyword '{keyword}'")


def _finish(draft: _Draft, units: Units, path: str) -> Structure:
    """Return the structure in eV and Å; ValueError if it cannot be one."""
    if not draft.rows:
        raise ValueError("the structure has no atoms")
    cell_cc = np.array(draft.cell) * units.length if draft.cell else None
    if cell_cc is not None and len(cell_cc) != 3:
        raise ValueError(f"the lattice has {len(cell_cc)} vectors, not three")
    if cell_cc is not None and not spans_volume(cell_cc):
        raise ValueError("the lattice vectors span no volume")
    columns = [slice(0, 3)]
    if draft.forces_column is not None:
        columns.append(slice(draft.forces_column, draft.forces_column + 3))
    positions_nc, *forces = (_vectors([row[c] for row in draft.rows], draft, path) for c in columns)
    energy = None if draft.energy is None else draft.energy * units.energy
    with np.errstate(over="ignore"):
        positions_nc = positions_nc * units.length
        forces_nc = forces[0] * (units.energy / units.length) if forces else None
    if not all(np.isfinite(x).all() for x in (positions_nc, forces_nc, energy) if x is not None):
        raise ValueError("a number is too large")
    return Structure(
        species=tuple(row[3] for row in draft.rows),
        positions_nc=positions_nc,
        cell_cc=cell_cc,
        pbc_c=(cell_cc is not None,) * 3,
        energy=energy,
        forces_nc=forces_nc,
        name=path,
    )


def _vectors(rows: list[list[str]], draft: _Draft, path: str) -> Float:
    """Return three numbers per atom, all finite."""
    try:
        if any("_" in word for row in rows for word in row):
            raise ValueError  # Python would take 1_0 for ten
        values_nc = np.array(rows, dtype=np.float64)
        if np.isfinite(values_nc).all():
            return values_nc
    except ValueError:
        pass
    return np.array([_numbers(row, draft.lines[n], path) for n, row in enumerate(rows)])


def _numbers(row: list[str], line: int, path: str) -> list[float]:
    """Return the numbers of one atom, Fortran's exponents too."""
    try:
        return [parse_real(word) for word in row]
    except ValueError as reason:
        raise DataError(str(reason), file=path, line=line) from None
