"""The XSF dialect of aenet (spec 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.limits import FINITE
from aenetpy.data.structure import Structure, spans_volume
from aenetpy.errors import DataError
from aenetpy.files.files import write_text
from aenetpy.inputs.lines import Place, expand_repeats, parse_integer, parse_real, read_text

_SEPARATORS = re.compile(r"[,;\t]")
_UNUSUAL = ",;*_"
_SECTIONS = ("PRIMVEC", "PRIMCOORD", "ATOMS")
_PARTLY_PERIODIC = ("SLAB", "POLYMER")
_NUMBER = " %14.8f"
_PARENT = "# parent structure = "


@dataclass
class _Draft:
    """The parts of a structure that were read so far."""

    energies: dict[str, float] = field(default_factory=dict)
    parent: str | None = None
    rows: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    announced: int | None = None
    count_line: int = 0
    cell_cc: Float | None = None
    n_frames: int = 0
    dimension: str = ""


def read_xsf(path: str | Path, name: str | None = None) -> Structure:
    """Return the structure of an XSF file with aenet's energy line.

    Parameters
    ----------
    path
        The file.
    name
        Name of the structure; the path if not given.

    Returns
    -------
    Structure
        Periodic if the file has ``PRIMVEC``, otherwise isolated. Coordinates in Å as given,
        forces in eV/Å if every atom has them, energies in eV if the file has them.

    Raises
    ------
    DataError
        If the file cannot be read or is inconsistent, with the line. Where
        aenet goes on with other atoms than meant (a blank line inside the
        atoms, a wrong count), the file is refused.

    Notes
    -----
    Spec 5.1. Of several frames the last one counts; SLAB and POLYMER are read as
    periodic in three directions; both with a warning.
    """
    file = str(path)
    lines = read_text(path, DataError).split("\n")
    draft = _Draft()
    position = 0
    while position < len(lines):
        position = _read_line(file, draft, lines, position)
    return _finish(file, draft, file if name is None else name)


def _read_line(file: str, draft: _Draft, lines: list[str], position: int) -> int:
    """Read the item that begins on a line and return the position behind it."""
    line = lines[position]
    if "energy" in line:
        for label in ("cohesive energy", "total energy"):
            if label in line:
                draft.energies[label] = _read_energy(file, line, position + 1, label)
                return position + 1
    if line.lstrip()[:1] == "#":
        if line.startswith(_PARENT):
            draft.parent = unquote(line[len(_PARENT) :].strip(), errors="surrogateescape")
        return position + 1
    if "PRIMVEC" in line:
        draft.cell_cc, position = _read_cell(file, lines, position + 1)
        return position
    if "PRIMCOORD" in line:
        position = _skip_blank(lines, position + 1)
        draft.announced, draft.count_line = _read_count(file, lines, position), position + 1
        return _read_atoms(draft, lines, position + 1)
    if "ATOMS" in line:
        draft.announced = None
        return _read_atoms(draft, lines, position + 1)
    if line.strip() in _PARTLY_PERIODIC:
        draft.dimension = line.strip()
    elif draft.rows and _is_atom(line):
        raise _error(
            file, position + 1, "an atom stands behind a blank line", "remove the blank line"
        )
    return len(lines) if "BEGIN_BLOCK" in line else position + 1


def _error(file: str, line: int | None, message: str, hint: str | None = None) -> DataError:
    return DataError(message, file=file, line=line, hint=hint)


def _split(line: str) -> list[str]:
    tokens = _SEPARATORS.sub(" ", line).split()
    return expand_repeats(tokens) if "*" in line else tokens


def _skip_blank(lines: list[str], position: int) -> int:
    while position < len(lines) and lines[position].strip()[:1] in ("", "#"):
        position += 1
    return position


def _read_energy(file: str, line: str, number: int, label: str) -> float:
    tokens = line[line.index(label) :].partition("=")[2].split()
    try:
        return parse_real(tokens[0])
    except (ValueError, IndexError):
        raise _error(
            file, number, f"no number in '{line.strip()}'", f"write '# {label} = -1.0 eV'"
        ) from None


def _read_cell(file: str, lines: list[str], position: int) -> tuple[Float, int]:
    rows: list[list[float]] = []
    while len(rows) < 3:
        position = _skip_blank(lines, position)
        tokens = _split(lines[position]) if position < len(lines) else []
        try:
            x, y, z = (parse_real(token) for token in tokens[:3])
        except ValueError:
            text = " ".join(tokens) if tokens else "the end of the file"
            raise _error(
                file,
                position + 1,
                f"lattice vector {len(rows) + 1} needs three numbers, not {text}",
            ) from None
        rows.append([x, y, z])
        position += 1
    cell_cc = np.array(rows)
    if not spans_volume(cell_cc):
        raise _error(file, position, "the lattice vectors span no volume", "check PRIMVEC")
    return cell_cc, position


def _read_count(file: str, lines: list[str], position: int) -> int:
    tokens = _split(lines[position]) if position < len(lines) else []
    try:
        return parse_integer(tokens[0])
    except (ValueError, IndexError):
        raise _error(
            file, position + 1, "PRIMCOORD is not followed by the number of atoms"
        ) from None


def _read_atoms(draft: _Draft, lines: list[str], position: int) -> int:
    draft.rows, draft.numbers = [], []
    draft.n_frames += 1
    while position < len(lines):
        line = lines[position].lstrip()
        if not line or line.startswith(_SECTIONS) or line.startswith("BEGIN_BLOCK"):
            break
        if line[0] != "#":
            draft.rows.append(line)
            draft.numbers.append(position + 1)
        elif "energy" in line:
            break
        position += 1
    return position


def _is_atom(line: str) -> bool:
    tokens = _split(line)
    try:
        return len([parse_real(token) for token in tokens[1:4]]) == 3
    except ValueError:
        return False


def _finish(file: str, draft: _Draft, name: str) -> Structure:
    _check(file, draft)
    tokens_n = [row.split() for row in draft.rows]
    n_columns = _count_columns(tokens_n)
    try:
        text = "".join(draft.rows)
        if n_columns is None or any(mark in text for mark in _UNUSUAL):
            raise ValueError
        tokens = chain.from_iterable(row[1:n_columns] for row in tokens_n)
        values_nk = np.fromiter(map(float, tokens), np.float64).reshape(len(tokens_n), -1)
    except ValueError:
        tokens_n = [_split(row) for row in draft.rows]
        n_columns = _require_columns(file, draft, tokens_n)
        values_nk = _parse_values(file, draft, tokens_n, n_columns)
    if FINITE.objection(values_nk) is not None:
        atom, column = np.argwhere(~FINITE.allows(values_nk))[0]
        token = tokens_n[atom][column + 1]
        raise _error(file, draft.numbers[atom], f"'{token}' must be {FINITE.text}")
    # The file of a copy holds the forces of its parent.
    has_forces = n_columns == 7 and draft.parent is None
    return Structure(
        species=tuple(_symbol(file, draft.numbers[n], row[0]) for n, row in enumerate(tokens_n)),
        positions_nc=np.ascontiguousarray(values_nk[:, :3]),
        cell_cc=draft.cell_cc,
        pbc_c=(draft.cell_cc is not None,) * 3,
        energy=draft.energies.get("total energy"),
        cohesive_energy=draft.energies.get("cohesive energy"),
        forces_nc=np.ascontiguousarray(values_nk[:, 3:]) if has_forces else None,
        name=name,
        parent=draft.parent,
    )


def _check(file: str, draft: _Draft) -> None:
    n_atoms, announced = len(draft.rows), draft.announced
    if draft.n_frames == 0:
        raise _error(
            file, None, "no atoms: neither PRIMCOORD nor ATOMS found", "is it an XSF file?"
        )
    if n_atoms == 0:
        raise _error(file, None, "the structure has no atoms")
    if announced is not None and announced != n_atoms:
        raise _error(
            file,
            draft.count_line,
            f"PRIMCOORD announces {announced} atoms but {n_atoms} follow",
            "correct the number, or remove a blank line among the atoms",
        )
    if announced is not None and draft.cell_cc is None:
        raise _error(file, None, "PRIMCOORD without PRIMVEC", "write ATOMS for isolated structures")
    if draft.n_frames > 1:
        Place(file).warn(f"{draft.n_frames} frames; the last one is taken")
    if draft.dimension and draft.cell_cc is not None:
        Place(file).warn(f"{draft.dimension} is treated as periodic in all directions, as in aenet")


def _count_columns(tokens_n: list[list[str]]) -> int | None:
    """Return 4 without forces, 7 with forces, None if the atoms differ in that."""
    lengths = [len(tokens) for tokens in tokens_n]
    if min(lengths) >= 7:
        return 7
    return 4 if min(lengths) >= 4 and max(lengths) <= 5 else None


def _require_columns(file: str, draft: _Draft, tokens_n: list[list[str]]) -> int:
    columns = _count_columns(tokens_n)
    if columns is not None:
        return columns
    n_tokens = max(len(tokens) for tokens in tokens_n)
    wanted = 7 if n_tokens > 5 else 4
    for number, tokens in zip(draft.numbers, tokens_n, strict=True):
        if len(tokens) < wanted:
            what = "three coordinates" if len(tokens) < 4 else "three force components"
            raise _error(file, number, f"atom line '{' '.join(tokens)}' lacks {what}")
    raise AssertionError("lines of atoms differ in nothing")


def _parse_values(file: str, draft: _Draft, tokens_n: list[list[str]], n_columns: int) -> Float:
    values_nk = np.empty((len(tokens_n), n_columns - 1))
    for n, tokens in enumerate(tokens_n):
        for k, token in enumerate(tokens[1:n_columns]):
            try:
                values_nk[n, k] = parse_real(token)
            except ValueError as reason:
                raise _error(file, draft.numbers[n], str(reason)) from None
    return values_nk


def _symbol(file: str, line: int, token: str) -> str:
    """Return the symbol as aenet cuts it; atomic numbers, legal in XSF, become symbols."""
    if not token.isdecimal():
        return token[:2]
    from ase.data import chemical_symbols

    number = int(token[:9])  # Python refuses to convert thousands of digits
    if not 0 < number < len(chemical_symbols):
        raise _error(file, line, f"'{token}' is neither a symbol nor an atomic number")
    return str(chemical_symbols[number])


def format_xsf(structure: Structure) -> str:
    """Return a structure as text in aenet's XSF dialect, eight decimals.

    A structure that is periodic in some directions only is written as
    periodic in all, with a warning, since aenet knows nothing between.

    Spec 5.1; ``read_xsf`` returns the same structure to 5e-9.
    """
    if len(structure) == 0:
        raise DataError(f"{structure.name}: a structure without atoms cannot be written")
    lines = []
    if structure.energy is not None:
        lines.append(f"# total energy = {structure.energy:.8f} eV")
    if structure.cohesive_energy is not None:
        lines.append(f"# cohesive energy = {structure.cohesive_energy:.8f} eV")
    if structure.parent is not None:
        # Quoted: a name may look like a line of the format (a "total energy").
        lines.append(_PARENT + quote(structure.parent, "/@:,+~=", errors="surrogateescape"))
    lines.append("")
    if structure.is_isolated:
        lines.append("ATOMS")
    else:
        lines += _format_cell(structure)
    columns = [structure.positions_nc]
    if structure.forces_nc is not None:
        columns.append(structure.forces_nc)
    values_nk = np.hstack(columns)
    row = _NUMBER * values_nk.shape[1]
    # One formatting operation for all atoms: augment writes hundreds of thousands of files.
    rows = "\n".join(f"{symbol:<3}".replace("%", "%%") + row for symbol in structure.species)
    return "\n".join(lines) + "\n" + rows % tuple(values_nk.ravel().tolist()) + "\n"


def _format_cell(structure: Structure) -> list[str]:
    if structure.cell_cc is None:
        raise DataError(f"{structure.name}: periodic, but there is no cell")
    if not all(structure.pbc_c):
        Place(structure.name).warn("written as periodic in all directions, as aenet reads it")
    vectors = ["   " + _NUMBER * 3 % tuple(row) for row in structure.cell_cc.tolist()]
    return ["CRYSTAL", "PRIMVEC", *vectors, "PRIMCOORD", f"{len(structure)} 1"]


def write_xsf(path: str | Path, structure: Structure) -> None:
    """Write a structure to a file in aenet's XSF dialect, completely or not at all.

    Raises
    ------
    DataError
        If the structure cannot be written, or the file cannot.
    """
    write_text(path, format_xsf(structure))
