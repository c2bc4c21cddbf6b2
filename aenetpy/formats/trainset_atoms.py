"""The atoms of a training set file, records A1-A5 of spec 7.2, without a loop over atoms.

Atoms with equal number of fingerprint components take the same bytes, so a
run of them is one structured array whose record frames are checked at once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float, Index, Int
from aenetpy.data.setup import Setup
from aenetpy.formats.records import RecordReader

# The records of an atom (A1-A5) as 4-byte words: where the frames stand, and
# in which word the number of fingerprint components is found.
_FRAMES = np.array([0, 2, 3, 10, 11, 18, 19, 21, 22])
_N_FEATURES_WORD = 20
_SMALLEST_ATOM = 96


@lru_cache(maxsize=64)
def _layout(n_features: int) -> np.dtype[Any]:
    """Structured dtype of the five records of one atom, frames included."""
    records = [
        ("type", "<i4", ()),
        ("position", "<f8", (3,)),
        ("force", "<f8", (3,)),
        ("n_features", "<i4", ()),
        ("features", "<f8", (n_features,)),
    ]
    fields: list[Any] = []
    for name, kind, shape in records:
        fields += [(f"before {name}", "<i4"), (name, kind, shape), (f"after {name}", "<i4")]
    return np.dtype(fields)


@lru_cache(maxsize=64)
def _frames(n_features: int) -> tuple[Index, Int]:
    """Words of an atom that hold frames, and their values."""
    words = np.append(_FRAMES, _layout(n_features).itemsize // 4 - 1)
    return words, np.array([4, 4, 24, 24, 24, 24, 4, 4] + 2 * [8 * n_features], np.int32)


def encode_atoms(
    types_n: Int, positions_nc: Float, forces_nc: Float, features_tng: Sequence[Float]
) -> list[memoryview]:
    """Encode the atoms of a structure; pieces of bytes in atom order."""
    n_features_n = np.array([features.shape[1] for features in features_tng])[types_n]
    pieces: dict[int, memoryview] = {}
    lengths = set(n_features_n.tolist())
    for n_features in lengths:
        atoms = n_features_n == n_features if len(lengths) > 1 else slice(None)
        types_a = types_n[atoms]
        rows = np.empty(len(types_a), _layout(n_features))
        words, marks = _frames(n_features)
        rows.view("<i4").reshape(len(rows), -1)[:, words] = marks
        rows["type"] = types_a + 1
        rows["position"] = positions_nc[atoms]
        rows["force"] = forces_nc[atoms]
        rows["n_features"] = n_features
        for t in set(types_a.tolist()):
            rows["features"][types_a == t] = features_tng[t]
        pieces[n_features] = memoryview(rows.view(np.uint8).data)
    return _interleaved(pieces, n_features_n)


def _interleaved(pieces: dict[int, memoryview], n_features_n: NDArray[Any]) -> list[memoryview]:
    """Cut encoded atoms with equal number of components back into atom order."""
    if len(pieces) < 2:
        return list(pieces.values())
    starts = np.append(0, np.flatnonzero(np.diff(n_features_n)) + 1)
    lengths = np.diff(starts, append=len(n_features_n))
    used = dict.fromkeys(pieces, 0)
    runs = []
    for n_features, length in zip(n_features_n[starts].tolist(), lengths.tolist(), strict=True):
        first = used[n_features]
        used[n_features] += length * _layout(n_features).itemsize
        runs.append(pieces[n_features][first : used[n_features]])
    return runs


class AtomsReader:
    """Collect types, coordinates, forces and fingerprints of the atoms of all structures."""

    def __init__(self, n_types: int) -> None:
        self.types: list[NDArray[Any]] = []
        self.positions: list[NDArray[Any]] = []
        self.forces: list[NDArray[Any]] = []
        self._features_t: list[list[NDArray[Any]]] = [[] for _ in range(n_types)]

    def read(self, reader: RecordReader, n_atoms: int, what: str) -> None:
        """Read the atoms of one structure, in runs with equal number of components."""
        while n_atoms:
            rows = _read_run(reader, n_atoms, what)
            types_n = rows["type"] - 1
            self.types.append(types_n)
            self.positions.append(rows["position"].copy())  # a view would keep all of the rows
            self.forces.append(rows["force"].copy())
            for t in np.unique(types_n).tolist():
                if not 0 <= t < len(self._features_t):
                    raise reader.damaged(f"{what}: atom type {t + 1}")
                self._features_t[t].append(rows["features"][types_n == t])
            n_atoms -= len(rows)

    def features(self, reader: RecordReader, setups_t: Sequence[Setup] | None) -> tuple[Float, ...]:
        """Join the fingerprints of each species, which must have one length."""
        features_t = []
        for t, parts in enumerate(self._features_t):
            lengths = {part.shape[1] for part in parts}
            if setups_t is not None:
                lengths.add(setups_t[t].n_features)
            if len(lengths) > 1:
                found = " and ".join(str(length) for length in sorted(lengths))
                raise reader.error(
                    f"atoms of type {t + 1} have {found} fingerprint components",
                    "the set was mixed from different setups; generate it again",
                )
            features_t.append(joined(parts, (0, *lengths) if lengths else (0, 0)))
        return tuple(features_t)


def _read_run(reader: RecordReader, n_atoms: int, what: str) -> NDArray[Any]:
    """Read up to ``n_atoms`` atoms that have as many components as the next one."""
    if reader.remaining < _SMALLEST_ATOM:
        raise reader.truncated(what)
    before, n_features, after, n_bytes = struct.unpack(
        "<4i", reader.bytes_at(reader.position + 4 * _N_FEATURES_WORD - 4, 16)
    )
    if (before, after, n_bytes) != (4, 4, 8 * n_features) or n_features < 0:
        raise reader.damaged(f"{what}: number of fingerprint components")
    size = _SMALLEST_ATOM + 8 * n_features
    n_rows = min(n_atoms, reader.remaining // size)
    if n_rows == 0:
        raise reader.truncated(what)
    data = reader.bytes_at(reader.position, n_rows * size)
    words = np.ndarray((n_rows, size // 4), "<i4", data)
    same = words[:, _N_FEATURES_WORD] == n_features
    if not same.all():
        n_rows = int(np.argmin(same))
    columns, marks = _frames(n_features)
    intact = (words[:n_rows, columns] == marks).all(axis=1)
    if not intact.all():
        raise reader.damaged(what, reader.position + size * int(np.argmin(intact)))
    rows = np.ndarray(n_rows, _layout(n_features), data)
    reader.position += size * n_rows
    return rows


def joined(
    parts: list[NDArray[Any]], empty: tuple[int, ...], dtype: type[Any] = np.float64
) -> NDArray[Any]:
    """Join arrays along the first axis; zeros of shape ``empty`` if there are none."""
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(empty, dtype)
