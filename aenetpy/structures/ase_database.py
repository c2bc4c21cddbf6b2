"""Structures of ASE's databases, which reading does not change."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aenetpy.errors import DataError

if TYPE_CHECKING:
    from ase import Atoms


def iter_database(path: str, index: int | str | slice) -> Iterator[Atoms]:
    """Yield structures of a database file that is opened for reading only.

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
        yield from selected_rows(database, index)


def selected_rows(database: Any, index: int | str | slice) -> Iterator[Atoms]:
    """Yield the structures of an open database that an index, or a selection, chooses."""
    chosen = chosen_numbers(index, database.count())
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


def chosen_numbers(index: int | str | slice, n_rows: int) -> range | str:
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
