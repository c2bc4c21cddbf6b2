"""Structure files for ASE to read, checked first: impossible sizes, databases of other programs."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aenetpy.errors import DataError
from aenetpy.interruption import check
from aenetpy.structures.calculation_notes import unconverged_steps

if TYPE_CHECKING:
    from ase import Atoms

LARGEST_EXPANSION = 100
"""Times the size of a compressed file; structures as text shrink to a third, or a tenth."""

SMALL = 10_000_000
"""Bytes that any compressed file may expand to."""

_PIECE = 1 << 20

_COUNT_OF_XYZ = rb"\n[ \t]*(\d+)[ \t\r]*(?=\n)(?:\n[ \t]*\d+[ \t\r]*(?=\n))?"
"""With the comment below if that is a number, too: a step of dynamics, say."""

_COUNTS = {
    "extxyz": _COUNT_OF_XYZ + rb"|:[RILS]:(\d{7,})",
    "xyz": _COUNT_OF_XYZ,
    "vasp": rb"\n[ \t]*(?:\d+[ \t]+)*(\d{7,})(?=[ \t\d]*\r?\n)",
    "vasp-xdatcar": rb"\n[ \t]*(?:\d+[ \t]+)*(\d{7,})(?=[ \t\d]*\r?\n)",
    "cube": rb"\n[ \t]*-?(\d{7,})(?:[ \t]+\S+){3}[ \t\r]*(?=\n)",
    "cfg": rb"Number of particles[ \t]*=[ \t]*(\d{7,})",
    "lammps-data": rb"\n[ \t]*(\d{7,})[ \t]+\w+[ \t\r]*(?=\n)",
}
"""Where a format announces how much follows, for which ASE takes memory or time at once."""


def iter_frames(path: str, index: int | str | slice, format: str | None = None) -> Iterator[Atoms]:
    """Yield frames of a file as ASE reads them."""
    from ase.io import iread
    from ase.io.formats import filetype

    format = format or filetype(path)
    if format == "db":
        yield from _rows(path, index)
        return
    if format == "json":
        from ase.db import connect

        yield from _selected(connect(path, type="json"), index)
        return
    check_size(path, format)
    read = partial(iread, path, format=format, do_not_split_by_at_sign=True)
    unconverged = unconverged_steps(path, format, opener_of(path))
    if not any(unconverged):
        yield from read(index=index)
        return
    steps = list(zip(read(index=":"), unconverged, strict=False))  # the last may be incomplete
    for k in _chosen(index, len(steps)):
        atoms, is_unconverged = steps[int(k)]
        if is_unconverged:
            atoms.info["converged"] = False
        yield atoms


def check_size(path: str, format: str) -> None:
    """Compare what a file announces, or unpacks to, with its size."""
    if os.path.isfile(path) and (opener_of(path) is not None or format in _COUNTS):
        status = os.stat(path)
        _check_content(path, format, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1000)
def _check_content(path: str, format: str, file_size: int, time: int) -> None:
    """As `check_size`; each file once, unless it changes."""
    compressed = opener_of(path)
    limit = max(SMALL, LARGEST_EXPANSION * file_size)
    announced, size = 0.0, 0
    tail = b"\n" if format in ("xyz", "extxyz") else b""  # the others begin with a title
    with compressed(path) if compressed else Path(path).open("rb") as file:
        while piece := file.read(_PIECE):
            check()
            size += len(piece)
            if compressed and size > limit:
                raise DataError(
                    f"expands to more than {limit / 1e6:.0f} MB,"
                    f" {LARGEST_EXPANSION} times its size or more",
                    file=path,
                    hint="unpack it first, if that is meant",
                )
            if format in _COUNTS:
                found, tail = _largest_count(format, tail + piece)
                announced = max(announced, found)
    announced = max(announced, _largest_count(format, tail + b"\n")[0])
    if announced > size:
        raise DataError(
            f"announces {announced:.3g} atoms or values in {size} bytes",
            file=path,
            hint="correct the number, or complete the file",
        )


def opener_of(path: str | Path) -> Any:
    """Return what opens a compressed file; None for others. ASE goes by the suffix, too."""
    match os.path.splitext(path)[1].lower():
        case ".gz":
            import gzip

            return gzip.open
        case ".bz2":
            import bz2

            return bz2.open
        case ".xz":
            import lzma

            return lzma.open
    return None


def _largest_count(format: str, text: bytes) -> tuple[float, bytes]:
    """Return the largest number announced, and the last line, which may be incomplete."""
    if format not in _COUNTS:
        return 0, b""
    found = [float(match[match.lastindex or 0]) for match in _pattern(format).finditer(text)]
    end = text.rfind(b"\n")
    return max(found, default=0), text[max(end, 0) :]


@cache
def _pattern(format: str) -> re.Pattern[bytes]:
    return re.compile(_COUNTS[format])


def _rows(path: str, index: int | str | slice) -> Iterator[Atoms]:
    """Yield the structures of a database that is opened for reading only.

    ASE itself opens it for writing, and makes its tables where there are none.
    """
    from ase.db.sqlite import SQLite3Database

    class ReadOnly(SQLite3Database):
        def _connect(self) -> sqlite3.Connection:
            return _connect(path)

    with closing(_connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'systems'")
        if tables.fetchone() is None:
            raise DataError("is a database, but not one of ASE", file=path)
    with ReadOnly(path, serial=True) as database:
        yield from _selected(database, index)


def _selected(database: Any, index: int | str | slice) -> Iterator[Atoms]:
    chosen = _chosen(index, database.count())
    if isinstance(chosen, str):
        yield from map(_atoms_of_row, database.select(chosen))
    else:
        rows = enumerate(database.select())
        yield from (_atoms_of_row(row) for k, row in rows if k in chosen)


def _atoms_of_row(row: Any) -> Atoms:
    """Return the atoms of a row, with its key-value pairs and data in ``info``."""
    atoms: Atoms = row.toatoms()
    atoms.info.update({**row.data, **row.key_value_pairs})
    return atoms


def _chosen(index: int | str | slice, n_rows: int) -> range | str:
    """Return the numbers of the rows that an index stands for, or a selection as it is."""
    from ase.io.formats import string2index

    chosen = string2index(index) if isinstance(index, str) else index
    if isinstance(chosen, int):
        chosen = slice(chosen, chosen + 1 or None)
    return range(*chosen.indices(n_rows)) if isinstance(chosen, slice) else str(chosen)


def _connect(path: str) -> sqlite3.Connection:
    """Open a database, without a trace beside it.

    A database with a log (WAL) whose writer has gone is immutable: otherwise the log would
    be made anew, which a folder may not allow.
    """
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    if _has_log(path) and not os.path.exists(f"{path}-wal"):
        uri += "&immutable=1"
    return sqlite3.connect(uri, uri=True, timeout=20)


def _has_log(path: str) -> bool:
    """Return whether a database is in WAL mode, by its header."""
    with Path(path).open("rb") as file:
        return file.read(20)[18:] == b"\2\2"
