"""Structures as dense blocks: the atoms of each species are the columns of one matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.data.training_set import TrainingSet

ATOMS_PER_BLOCK = 4000
"""Atoms that pass together: many enough to hide the interpreter, few enough for the cache."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The atoms of one species in a block."""

    x_1n: Float
    structures: Index
    counts: Index
    starts: Index

    def add_sums(self, y_n: Float, sums_s: Float) -> None:
        """sums_s += sum of y over the atoms of structure s."""
        if len(self.structures):
            sums_s[self.structures] += np.add.reduceat(y_n, self.starts)

    def spread(self, value_s: Float) -> Float:
        """Give every atom the value of its structure, (n,)."""
        return np.repeat(value_s[self.structures], self.counts)


@dataclass(frozen=True, eq=False)
class Block:
    """Structures that are evaluated together: atoms by species, E_ref and number of atoms."""

    rows_t: tuple[Rows, ...]
    energies_s: Float
    n_atoms_s: Float

    @property
    def n_structures(self) -> int:
        """Number of structures."""
        return len(self.energies_s)


class Packing:
    """Where the atoms of each structure are in a normalised training set."""

    def __init__(self, trainset: TrainingSet) -> None:
        self.energies_s = trainset.energies_s
        self.n_atoms_s = trainset.n_atoms_s.astype(np.float64)
        self._features_tng = trainset.features_tng
        self._counts_ts = np.ascontiguousarray(trainset.counts_st.T)
        self._first_ts = np.cumsum(self._counts_ts, axis=1) - self._counts_ts

    def blocks(self, structures: Index) -> list[Block]:
        """Return structures, in order, as equal blocks of at most about ATOMS_PER_BLOCK atoms."""
        return [self.block(chosen) for chosen in self.cut(structures, ATOMS_PER_BLOCK)]

    def cut(self, structures: Index, n_largest: int) -> list[Index]:
        """Cut structures, in order, into equal pieces of at most about so many atoms."""
        n_atoms_s = self.n_atoms_s[structures].astype(np.intp)
        n_atoms = int(n_atoms_s.sum())
        n_pieces = math.ceil(n_atoms / n_largest)
        if n_pieces <= 1:
            return [structures] if len(structures) else []
        piece_s = (np.cumsum(n_atoms_s) - n_atoms_s) * n_pieces // n_atoms
        return np.split(structures, np.flatnonzero(np.diff(piece_s)) + 1)

    def block(self, chosen: Index) -> Block:
        """Return some structures as one block."""
        rows_t = tuple(
            _gather(features_ng, first_s[chosen], counts_s[chosen])
            for features_ng, first_s, counts_s in zip(
                self._features_tng, self._first_ts, self._counts_ts, strict=True
            )
        )
        return Block(rows_t, self.energies_s[chosen], self.n_atoms_s[chosen])


def _gather(features_ng: Float, first_s: Index, count_s: Index) -> Rows:
    """Collect rows first...first + count of each structure as columns, plus a row of ones."""
    order = np.argsort(count_s, kind="stable")
    structures = order[np.searchsorted(count_s[order], 1) :]
    counts = count_s[structures]
    starts = np.cumsum(counts) - counts
    rows_n = np.repeat(first_s[structures] - starts, counts) + np.arange(counts.sum())
    x_1n = np.empty((features_ng.shape[1] + 1, len(rows_n)))
    x_1n[:-1] = features_ng[rows_n].T
    x_1n[-1] = 1.0
    return Rows(x_1n, structures, counts, starts)
