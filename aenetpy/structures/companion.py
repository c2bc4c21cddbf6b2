"""The companion of a training set, ``<training set>.geometry``: cells, stress, known forces."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.data.copies import copy_source
from aenetpy.data.geometry import ROW, Geometry, geometry_of_rows, geometry_row
from aenetpy.data.limits import FINITE, FINITE_OR_NAN, TEXT, Form, taken
from aenetpy.data.structure import Structure
from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError
from aenetpy.files.archive import read_archive
from aenetpy.files.files import Opener, replace_file
from aenetpy.interruption import interruptible
from aenetpy.structures.reading import iter_structures, source_of

FORMAT = "aenetpy geometry 1"

FORMS = {
    "format": TEXT,
    "digests_s": Form("iu", 1),
    "cells_scc": Form("f", 3, FINITE),
    "pbc_sc": Form("b", 2),
    "stress_scc": Form("f", 3, FINITE_OR_NAN),
    "has_forces_s": Form("b", 1),
}
"""Type and axes of each item."""

INSTEAD = "remove it, and the structure files are read instead, or generate the set again"

TOLERANCE = 1e-5
"""Å, that coordinates may differ by; files have eight decimals, and wrapping costs a rounding."""

AGAIN = "put the file back as it was, or generate the set again"


COLUMNS = [field.name for field in fields(Geometry)]


def companion_name(training_set: str | Path) -> str:
    """Return the name of the companion of a training set: ``refdata.train.geometry``."""
    return f"{training_set}.geometry"


def find_companion(training_set: str | Path) -> str | None:
    """Return the companion of a training set, also of its ``.scaled``; None without."""
    names = (str(training_set), str(training_set).removesuffix(".scaled"))
    return next((path for path in map(companion_name, names) if os.path.lexists(path)), None)


def read_geometry(
    training_set: str | Path, trainset: TrainingSet, folder: str | Path = "."
) -> Geometry:
    """Return the geometry that forces and stress of a training set need.

    It comes from the companion; without one (a set of ``generate.x``) from the structure files.
    """
    companion = find_companion(training_set)
    if companion is None:
        return geometry_of_files(training_set, trainset, folder)
    found = read_companion(companion)
    known = {digest: k for k, digest in enumerate(found.digests_s.tolist())}
    wanted = digests_of(trainset).tolist()
    for s, digest in enumerate(wanted):
        if digest not in known:
            raise DataError(
                f"belongs to another training set: structure {s + 1} of {training_set} "
                f"({trainset.names_s[s]}) is not in it",
                file=companion,
                hint=INSTEAD,
            )
    return found.geometry.select(np.array([known[digest] for digest in wanted], np.intp))


class Companion(NamedTuple):
    """The content of a companion: the geometry, and a digest of each record of its training set."""

    geometry: Geometry
    digests_s: Long


def read_companion(path: str | Path) -> Companion:
    """Read a companion, of any training set."""
    try:
        items = taken(read_archive(path), FORMS)
        shapes = [(len(items["digests_s"]), *ROW[k].shape) for k in range(len(COLUMNS))]
        if [items[name].shape for name in COLUMNS] != shapes or items["format"] != FORMAT:
            raise ValueError("is of another form")
    except ValueError as reason:
        raise DataError(
            f"is damaged, or not a file that 'aenetpy generate' wrote ({reason})",
            file=path,
            hint=INSTEAD,
        ) from None
    columns = (items[name].astype(ROW[k].base) for k, name in enumerate(COLUMNS))
    return Companion(Geometry(*columns), items["digests_s"])


class GeometryWriter:
    """Collect the geometry of a training set, structure by structure, and write the companion."""

    def __init__(self, training_set: str | Path) -> None:
        self._path = companion_name(training_set)
        self._digests, self._rows = bytearray(), bytearray()

    def append(self, structure: Structure, name: str, types_n: Int, positions_nc: Float) -> None:
        """Add a structure, with name, types and coordinates as in its record."""
        self._digests += _digest(name, types_n, positions_nc)
        self._rows += geometry_row(structure).tobytes()

    def finish(self, opener: Opener = replace_file) -> None:
        """Write a NumPy archive (``.npz``), complete or not at all."""
        geometry = geometry_of_rows(np.frombuffer(self._rows, ROW))
        columns = {name: getattr(geometry, name) for name in COLUMNS}
        digests_s = np.frombuffer(self._digests, np.int64)
        with opener(self._path) as file:
            np.savez(file, format=FORMAT, digests_s=digests_s, **columns)


def digests_of(trainset: TrainingSet) -> Long:
    """Return a digest of name, types and coordinates of each structure, (s,).

    Energies and forces are left out, so that it stays the same when they are normalised.
    """
    ends_s = np.cumsum(trainset.n_atoms_s, dtype=np.int64)
    digests = [
        _digest(name, trainset.types_n[end - n : end], trainset.positions_nc[end - n : end])
        for name, n, end in zip(
            trainset.names_s, trainset.n_atoms_s.tolist(), ends_s.tolist(), strict=True
        )
    ]
    return np.frombuffer(b"".join(digests), np.int64)


def _digest(name: str, types_n: Int, positions_nc: Float) -> bytes:
    content = hashlib.blake2b(digest_size=8)
    content.update(name.rstrip(" ").encode("utf-8", "surrogateescape"))
    content.update(np.ascontiguousarray(types_n, "<i4").tobytes())
    content.update(np.ascontiguousarray(positions_nc, "<f8").tobytes())
    return content.digest()


def geometry_of_files(
    training_set: str | Path, trainset: TrainingSet, folder: str | Path = "."
) -> Geometry:
    """Return the geometry from the structure files that the records name."""
    wanted = _wanted(training_set, trainset, [os.fspath(folder), os.path.dirname(training_set)])
    ends_s = np.cumsum(trainset.n_atoms_s, dtype=np.int64)
    rows_s = np.zeros(trainset.n_structures, ROW)
    for entry, numbers in interruptible(wanted.items()):
        for k, structure in enumerate(iter_structures(entry)):
            for s in numbers.pop(k, ()):
                atoms = slice(int(ends_s[s] - trainset.n_atoms_s[s]), int(ends_s[s]))
                symbols = tuple(trainset.species[t] for t in trainset.types_n[atoms].tolist())
                record = f"structure {s + 1} of {training_set}"
                check_same_atoms(structure, symbols, trainset.positions_nc[atoms], record)
                rows_s[s] = geometry_row(structure)
            if not numbers:
                break
        for k, (s, *_) in numbers.items():
            raise DataError(
                f"has no structure {k} (counted from 0), structure {s + 1} of {training_set}",
                file=entry,
                hint=AGAIN,
            )
    return geometry_of_rows(rows_s)


def _wanted(
    training_set: str | Path, trainset: TrainingSet, folders: list[str]
) -> dict[str, dict[int, list[int]]]:
    """Return for each entry which of its structures are which of the set."""
    wanted: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    gone = []
    for s, name in enumerate(trainset.names_s):
        paths = (os.path.join("" if f == "." else f, copy_source(name)) for f in folders)
        source = next(filter(None, map(source_of, paths)), None)
        if source is None:
            gone.append(name)
        else:
            entry, k = source
            wanted[entry][k].append(s)
    if gone:
        original = str(training_set).removesuffix(".scaled")
        raise DataError(
            f"the files of {len(gone)} of {trainset.n_structures} structures are gone "
            f"(first '{gone[0]}'), and there is no {original}.geometry",
            file=original,
            hint="put them back, or generate the set again",
        )
    return wanted


def check_same_atoms(
    structure: Structure, symbols: tuple[str, ...], positions_nc: Float, record: str
) -> None:
    """Refuse a structure whose atoms differ from the atoms of a record."""
    if len(structure) != len(symbols):
        difference = f"has {len(structure)} atoms, and {record} {len(symbols)}"
    elif structure.species != symbols:
        n = next(n for n, symbol in enumerate(symbols) if structure.species[n] != symbol)
        difference = f"atom {n + 1} is {structure.species[n]}, and {symbols[n]} in {record}"
    else:
        largest = _largest_distance(structure, positions_nc)
        if largest <= TOLERANCE:
            return
        difference = f"atoms lie up to {largest:.3g} Å from where they are in {record}"
    raise DataError(difference, file=structure.name, hint=AGAIN)


def _largest_distance(structure: Structure, positions_nc: Float) -> float:
    """Return the largest distance of an atom from its record or an image of it, Å."""
    apart_nc = structure.positions_in_cell() - positions_nc
    if not structure.is_isolated:
        assert structure.cell_cc is not None
        fractional_nc = np.linalg.solve(structure.cell_cc.T, apart_nc.T).T
        fractional_nc -= np.where(structure.pbc_c, np.round(fractional_nc), 0.0)
        apart_nc = fractional_nc @ structure.cell_cc
    return float(np.linalg.norm(apart_nc, axis=1).max())
