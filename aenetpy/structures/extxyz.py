"""Extended XYZ: read as programs write it, with names in any case; written by ASE."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.files.files import write_text
from aenetpy.interruption import check
from aenetpy.structures.atoms import atoms_from_structure
from aenetpy.structures.compressed import opener_of
from aenetpy.structures.units import to_ev_and_angstrom

if TYPE_CHECKING:
    from ase import Atoms

_PAIR = re.compile(
    r"""("(?:[^"\\]|\\.)*"|[^\s=]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|\{[^}]*\}|\[[^=]*\]|\S*))?"""
)
_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
_FLAGS = {"t": True, "true": True, "f": False, "false": False}
_SPECIES = re.compile(r"([A-Za-z]{1,2})(?![A-Za-z])")
_COLUMNS = {
    "species": ["species", "symbol", "symbols", "element", "elements", "type"],
    "z": ["z", "numbers", "atomic_number", "atomic_numbers"],
    "pos": ["pos", "position", "positions", "coord", "coords", "coordinates"],
}
_OF_ASE = {"charge": "initial_charges", "charges": "initial_charges"}
_LENGTHS = ("length_unit", "position_unit", "pos_unit", "lattice_unit", "cell_unit")


def iter_xyz(path: str, start: int = 0) -> Iterator[Atoms]:
    """Yield the frames of a file from a number on, with all keys in ``info`` and ``arrays``.

    The frames before are skipped unread. A frame that is wrong is a DataError with the line on
    which it begins.
    """
    opener: Any = opener_of(path) or open
    with opener(path, "rt", encoding="utf-8", errors="surrogateescape") as file:
        number, head, k = 1, file.readline(), 0
        while head:
            check()
            first = number
            if not head.strip():
                head, number = file.readline(), number + 1
                continue
            try:
                n_atoms = _count(head)
                comment = file.readline().strip()
                lines = list(islice(file, n_atoms))
                if len(lines) < n_atoms:
                    raise ValueError(f"ends after {len(lines)} of {n_atoms} atoms")
                atoms = _frame(comment, lines) if k >= start else None
                head, number = file.readline(), number + n_atoms + 2
                while head.startswith("VEC"):  # ADF writes the lattice behind the atoms
                    if atoms is not None:
                        _read_vector(head, atoms)
                    head, number = file.readline(), number + 1
            except ValueError as reason:
                raise DataError(str(reason), file=path, line=first) from None
            k += 1
            if atoms is not None:
                yield atoms


def _count(line: str) -> int:
    words = line.split()
    if not words[0].isdecimal() or len(words[0]) > 18:
        raise ValueError(f"'{words[0][:20]}' is no number of atoms")
    return int(words[0])


def parse_comment(line: str) -> dict[str, Any]:
    """Return the keys and values of a comment line; a key alone is True."""
    info: dict[str, Any] = {}
    for match in _PAIR.finditer(line):
        key = match[1].strip("\"'")
        value = True if match[2] is None else _parse_value(match[2])
        if key in info and str(info[key]) != str(value):
            raise ValueError(f"'{key}' is given twice with different values")
        info[key] = value
    return info


def _parse_value(text: str) -> Any:
    quoted = text[:1] in "\"'{[" and len(text) > 1
    bare = text[1:-1].replace('\\"', '"') if quoted else text
    if bare.startswith("_JSON "):
        return json.loads(bare[6:])
    words = re.split(r"[\s,\[\]]+", bare.strip(" \t,[]"))
    if all(map(_INTEGER.fullmatch, words)) and all(len(word) < 18 for word in words):
        numbers = np.array(words, dtype=np.int64)
    elif all(map(_REAL.fullmatch, words)):
        numbers = _reals(words)
    elif all(word.lower() in _FLAGS for word in words):
        flags = [_FLAGS[word.lower()] for word in words]
        return flags[0] if len(flags) == 1 else flags
    else:
        return bare
    return numbers[0].item() if len(numbers) == 1 else numbers


def _reals(words: Any) -> Any:
    """Return numbers, Fortran's exponents too."""
    return np.array([re.sub("[dD]", "e", word) for word in words], dtype=np.float64)


def _frame(comment: str, lines: list[str]) -> Atoms:
    from ase import Atoms
    from ase.constraints import FixAtoms, FixCartesian

    info = parse_comment(comment)
    lattice = _pop(info, "lattice", "cell")
    periodic = _pop(info, "pbc")
    properties = _pop(info, "properties")
    rows = [line.split() for line in lines]
    default = "species:S:1:pos:R:3"
    if rows and all(len(row) == 7 and all(map(_REAL.fullmatch, row[4:])) for row in rows):
        # labels.py warns that they look like forces.
        default += ":columns_5_to_7:R:3"
    arrays = _columns(str(properties or default), rows)
    scale = 1.0
    for key in [key for key in info if key.lower().replace("-", "_").rstrip("s") in _LENGTHS]:
        scale = to_ev_and_angstrom("length", str(info.pop(key)))
    named: dict[str, Any] = {}
    for key in list(arrays):
        for kind, names in _COLUMNS.items():
            if key.lower() in names and kind not in named:
                named[kind] = arrays.pop(key)
                break
    if "pos" not in named or not {"species", "z"} & named.keys():
        raise ValueError("Properties= names no species or no pos")
    species = named["z"] if "z" in named else named["species"]
    cell_cc = None if lattice is None else _cell(lattice)
    pbc = lattice is not None if periodic is None else _flags(periodic)
    atoms = Atoms(
        numbers=[_number(one) for one in map(str, species.tolist())],
        positions=scale * np.asarray(named["pos"], dtype=np.float64).reshape(-1, 3),
        cell=None if cell_cc is None else scale * cell_cc,
        pbc=pbc,
        info=info,
    )
    mask = arrays.pop("move_mask", None)
    if mask is not None and mask.ndim == 1:
        atoms.set_constraint(FixAtoms(mask=~mask))
    elif mask is not None:
        atoms.set_constraint([FixCartesian(n, ~row_c) for n, row_c in enumerate(mask)])
    for key, values in arrays.items():
        atoms.set_array(_OF_ASE.get(key.lower(), key), values)
    return atoms


def _pop(info: dict[str, Any], *names: str) -> Any:
    """Take the value of a key in any case."""
    keys = [key for key in info if key.lower() in names]
    values = [info.pop(key) for key in keys]
    if any(str(value) != str(values[0]) for value in values[1:]):
        raise ValueError(f"'{keys[0]}' and '{keys[1]}' differ")
    return values[0] if values else None


def _columns(properties: str, rows: list[list[str]]) -> dict[str, Any]:
    """Return the columns that ``name:type:count`` and so on name."""
    words = properties.split(":")
    if len(words) % 3 or not all(word.isdecimal() for word in words[2::3]):
        raise ValueError(f"Properties={properties} is not name:type:count and so on")
    counts = [int(word) for word in words[2::3]]
    short = next((k for k, row in enumerate(rows) if len(row) < sum(counts)), None)
    if short is not None:
        raise ValueError(f"atom {short + 1} has fewer columns than Properties= names")
    table = np.array([row[: sum(counts)] for row in rows], dtype=object).reshape(
        len(rows), sum(counts)
    )
    columns, start = {}, 0
    for name, kind, count in zip(words[::3], words[1::3], counts, strict=True):
        values = table[:, start : start + count]
        start += count
        columns[name] = _converted(kind.upper(), values[:, 0] if count == 1 else values, name)
    return columns


def _converted(kind: str, values: Any, name: str) -> Any:
    if kind == "S":
        return values.astype(str)
    if kind == "L":
        return np.vectorize(lambda word: _FLAGS.get(word.lower(), word == "1"), otypes=[bool])(
            values
        )
    try:
        if kind == "I":
            return values.astype(np.int64)
        if kind != "R":
            raise ValueError
        try:
            return values.astype(np.float64)
        except ValueError:
            return _reals(values.ravel()).reshape(values.shape)
    except (ValueError, OverflowError):
        raise ValueError(f"column '{name}' of Properties= is not of type {kind}") from None


@cache
def _number(text: str) -> int:
    """Return the atomic number of a symbol, a number, or a symbol with a label (Si1, O_2, Ti4+)."""
    from ase.data import atomic_numbers, chemical_symbols

    if text.isdecimal() and int(text) < len(chemical_symbols):
        return int(text)
    match = _SPECIES.match(text)
    symbol = match[1].capitalize() if match else text
    symbol = "H" if symbol in ("D", "T") else symbol
    if symbol not in atomic_numbers:
        raise ValueError(f"'{text}' is no species; write a chemical symbol or an atomic number")
    return int(atomic_numbers[symbol])


def _cell(lattice: Any) -> Any:
    numbers = np.asarray(lattice)
    if numbers.dtype.kind not in "if" or numbers.size not in (3, 9):
        raise ValueError("Lattice= is not nine numbers")
    numbers = numbers.astype(np.float64)
    return np.diag(numbers.ravel()) if numbers.size == 3 else numbers.reshape(3, 3)


def _flags(value: Any) -> Any:
    """Return where a frame is periodic."""
    words = [value] if isinstance(value, (bool, int)) else value
    if isinstance(words, str):  # TTF
        words = [_FLAGS.get(letter.lower()) for letter in words]
    flags = [word for word in words if word in (0, 1)]
    if len(flags) != len(words) or len(flags) not in (1, 3):
        raise ValueError("pbc= is not one or three of T and F")
    return [bool(flag) for flag in flags] if len(flags) == 3 else bool(flags[0])


def _read_vector(line: str, atoms: Atoms) -> None:
    word, *numbers = line.split()
    axis = int(word[3:] or 1) - 1
    if axis not in range(3) or len(numbers) < 3:
        raise ValueError(f"'{word}' is not VEC1, VEC2 or VEC3 with three numbers")
    atoms.cell[axis] = [float(number) for number in numbers[:3]]
    atoms.pbc[axis] = True


def format_xyz(structures: Sequence[Structure], info: Mapping[str, Any] | None = None) -> str:
    """Return the text of some structures, lengths and forces with eight decimals.

    More keys and values for the second line of each are in ``info``.
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
