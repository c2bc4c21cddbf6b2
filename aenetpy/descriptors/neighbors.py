"""Neighbours of atoms: all atoms and periodic images within a cutoff (spec 5.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from aenetpy.arrays import Float
from aenetpy.errors import DataError
from aenetpy.kernels.batch import Batch, Neighbors
from aenetpy.kernels.bins import search_axes, sort_into_bins
from aenetpy.kernels.neighbors import (
    CROWDED,
    FAR,
    FARTHEST,
    FLAT,
    MOST_NEIGHBORS,
    SMALL,
    SOUND,
    find_batch_pairs,
    find_pairs,
    neighbors_in_reach,
    problem_of,
)


class CellList:
    """Atoms of one structure sorted into bins, from which neighbours are read off.

    Any cell shape, any number of images, positions inside or outside the cell,
    each lattice direction periodic or not. Vectors along directions that are not
    periodic play no role and may be zero. Sorting is done once; ``pairs`` may be
    called by several threads for different ranges of atoms.

    Parameters
    ----------
    positions_nc
        Cartesian coordinates, Å, (n, 3).
    cell_cc
        Lattice vectors as rows, Å, (3, 3); None for isolated structures.
    pbc_c
        Periodic along each lattice vector, (3,).
    cutoff
        Largest distance of neighbours, inclusive, Å.

    Attributes
    ----------
    axes_kc, n_periodic
        Lattice vectors, reduced, as far as periodic, then unit vectors perpendicular
        to them, Å, (3, 3); how many are periodic.
    wrapped_nc
        Positions brought into the cell of ``axes_kc``, Å, (n, 3). Pairs are vectors
        between them plus multiples of the periodic axes.
    """

    def __init__(
        self,
        positions_nc: ArrayLike,
        cell_cc: ArrayLike | None,
        pbc_c: Sequence[bool],
        cutoff: float,
    ) -> None:
        positions = np.ascontiguousarray(positions_nc, dtype=np.float64).reshape(-1, 3)
        cell = np.zeros((3, 3)) if cell_cc is None else np.array(cell_cc, dtype=np.float64)
        pbc = np.zeros(3, np.bool_) if cell_cc is None else np.array(pbc_c, dtype=np.bool_)
        self.cutoff = float(cutoff)
        self.n_atoms = len(positions)
        self.axes_kc, self.n_periodic = search_axes(cell, pbc)
        problem = problem_of(positions, self.axes_kc, self.n_periodic, self.cutoff)
        if problem != SOUND:
            _refuse(self.axes_kc, self.n_periodic, self.cutoff, self.n_atoms, problem)
        self.wrapped_nc = positions
        if self.n_atoms:
            self._bins = sort_into_bins(positions, self.axes_kc, self.n_periodic, self.cutoff)
            self.wrapped_nc = self._bins.r_nc

    def pairs(self, first: int = 0, last: int | None = None) -> Neighbors:
        """Return the neighbours of the atoms first ... last - 1, in a fixed order.

        Atoms before ``first`` are there without neighbours, so that the offsets can be
        looked up by the number of the atom in the structure.
        """
        last = self.n_atoms if last is None else last
        if last <= first:
            return Neighbors(np.zeros(last + 1, np.int64), np.zeros(0, np.int32), np.zeros((3, 0)))
        found_n, partners_p, r_cp = find_pairs(self._bins, self.cutoff, first, last)
        offsets_n = np.zeros(last + 1, np.int64)
        offsets_n[first:] = found_n
        return Neighbors(offsets_n, partners_p, r_cp)


def find_batch_neighbors(
    batch: Batch, cutoff: float, s_first: int, s_last: int
) -> tuple[Neighbors, int]:
    """Return the neighbours in structures s_first ... s_last - 1, and -1 or the one that has none.

    Each structure has the neighbours of its own `CellList`, in the same order, with
    the atoms numbered through the batch. If a structure cannot be searched, its
    `CellList` says why.
    """
    failed, offsets_n, partners_p, r_cp = find_batch_pairs(batch, float(cutoff), s_first, s_last)
    return Neighbors(offsets_n, partners_p, r_cp), int(failed)


def _refuse(axes_kc: Float, n_periodic: int, cutoff: float, n_atoms: int, problem: int) -> None:
    """Say why neighbours cannot be searched."""
    if problem == FAR:
        raise DataError(f"coordinates are not finite numbers or beyond {FARTHEST:g} Å")
    if problem == FLAT:
        raise DataError(
            "lattice vectors are linearly dependent or not finite", hint="check the cell"
        )
    if problem == SMALL:
        shortest = float(np.linalg.norm(axes_kc[:n_periodic], axis=1).min())
        raise DataError(
            f"cell too small for cutoff {cutoff:g} Å (shortest lattice vector {shortest:g} Å)",
            hint="lattice vectors are expected in Å",
        )
    if problem == CROWDED:
        n_neighbors = neighbors_in_reach(axes_kc, n_periodic, cutoff, n_atoms)
        raise DataError(
            f"some {n_neighbors:.1e} neighbours of each atom within {cutoff:g} Å",
            hint=f"at most {MOST_NEIGHBORS:g}; lattice vectors and cutoffs are expected in Å",
        )


def find_neighbors(
    positions_nc: ArrayLike,
    cell_cc: ArrayLike | None,
    pbc_c: Sequence[bool],
    cutoff: float,
    first: int = 0,
    last: int | None = None,
) -> Neighbors:
    """Return the neighbours of the atoms first ... last - 1 of one structure.

    All (j, image) with ``|r_j + image - r_i| <= cutoff`` except the atom itself, own
    images included. An atom at the place of another is a neighbour at distance 0.

    Parameters and errors are as of `CellList`, which is the better choice if
    several ranges of one structure are asked for.
    """
    return CellList(positions_nc, cell_cc, pbc_c, cutoff).pairs(first, last)
