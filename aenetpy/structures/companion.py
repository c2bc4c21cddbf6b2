"""The companion of a training set: ``<training set>.geometry``, with what that does not hold."""

from __future__ import annotations

import hashlib
import os
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.data.geometry import ROW, Geometry, geometry_of_rows, geometry_row
from aenetpy.data.limits import FINITE, FINITE_OR_NAN, TEXT, Form, taken
from aenetpy.data.structure import Structure
from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError
from aenetpy.files.archive import read_archive
from aenetpy.files.files import Opener, replace_file
from aenetpy.structures.companion_from_structures import geometry_of_files

FORMAT = "aenetpy geometry 1"

FORMS = {
    "format": TEXT,
    "digests_s": Form("iu", 1),
    "cells_scc": Form("f", 3, FINITE),
    "pbc_sc": Form("b", 2),
    "stress_scc": Form("f", 3, FINITE_OR_NAN),
    "has_forces_s": Form("b", 1),
}
"""What the items may be."""

INSTEAD = "remove it, and the structure files are read instead, or generate the set again"

COLUMNS = [field.name for field in fields(Geometry)]


def companion_name(training_set: str | Path) -> str:
    """Return the name of the companion of a training set: ``refdata.train.geometry``."""
    return f"{training_set}.geometry"


def find_companion(training_set: str | Path) -> str | None:
    """Return the companion of a training set, or of what ``.scaled`` was made of; None without."""
    names = (str(training_set), str(training_set).removesuffix(".scaled"))
    return next((path for path in map(companion_name, names) if os.path.lexists(path)), None)


def read_geometry(
    training_set: str | Path, trainset: TrainingSet, folder: str | Path = "."
) -> Geometry:
    """Return what forces and stress need of the structures of a training set.

    From its companion; where there is none (a set of ``generate.x``) from the structure files.
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
    """What a companion holds: the geometry, and a digest of each record of its training set."""

    geometry: Geometry
    digests_s: Long


def read_companion(path: str | Path) -> Companion:
    """Read a companion, of whatever training set."""
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
    """Collect what forces and stress need, structure by structure, and write the companion."""

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
