"""Neighbours of atoms: all atoms and periodic images within a cutoff (spec 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenetpy.errors import DataError
from aenetpy.io.structure import determinant
from aenetpy.kernels.bins import search_axes, sort_into_bins
from aenetpy.kernels.neighbors import find_pairs

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]

_FARTHEST = 1e9  # Å; beyond, a double does not resolve bonds
_MOST_IMAGES = 1e5  # of one atom; more means a wrong cell, and would exhaust the memory
_MOST_NEIGHBORS = 2e5  # of one atom; in a solid those within 60 Å


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Pairs of central atoms and their neighbours, packed.

    Parameters
    ----------
    offsets_n
        Pairs of central atom i are ``offsets_n[i]:offsets_n[i + 1]``, (n + 1,) int64.
    partners_p
        The neighbour atom (of an image: its home atom), (p,) int32.
    r_cp
        From the central atom to the neighbour, Å, (3, p) float64, rows contiguous.
    """

    offsets_n: Long
    partners_p: Int
    r_cp: Float

    @property
    def counts_n(self) -> Long:
        """Number of neighbours of each central atom, (n,) int64."""
        return np.diff(self.offsets_n)

    def distances(self) -> Float:
        """Return the distance of each pair, Å, (p,) float64."""
        x_p, y_p, z_p = self.r_cp
        return np.sqrt(x_p * x_p + y_p * y_p + z_p * z_p)


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

    Raises
    ------
    DataError
        Coordinates not finite; periodic lattice vectors linearly dependent or far
        too short.
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
        if not (np.abs(positions) < _FARTHEST).all():  # also if not a number
            raise DataError(f"coordinates are not finite numbers or beyond {_FARTHEST:g} Å")
        self.cutoff = float(cutoff)
        self.n_atoms = len(positions)
        self.axes_kc, self.n_periodic = search_axes(cell, pbc)
        _check_axes(self.axes_kc, self.n_periodic, self.cutoff, self.n_atoms)
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


def _check_axes(axes_kc: Float, n_periodic: int, cutoff: float, n_atoms: int) -> None:
    """Refuse lattice vectors that span no cell, and too many neighbours, before they are found."""
    volume = determinant(axes_kc)
    lengths = [(x * x + y * y + z * z) ** 0.5 for x, y, z in axes_kc.tolist()]
    box = lengths[0] * lengths[1] * lengths[2]
    if not abs(volume) > 1e-6 * box:  # also if not a number
        raise DataError(
            "lattice vectors are linearly dependent or not finite", hint="check the cell"
        )
    images = 1.0
    for length in lengths[:n_periodic]:
        images *= max(2.0 * cutoff / length, 1.0)
    if images > _MOST_IMAGES:
        shortest = min(lengths[:n_periodic])
        raise DataError(
            f"cell too small for cutoff {cutoff:g} Å (shortest lattice vector {shortest:g} Å)",
            hint="lattice vectors are expected in Å",
        )
    if n_periodic == 3:
        n_neighbors = n_atoms * 4.0 / 3.0 * np.pi * cutoff**3 / abs(volume)
    else:
        n_neighbors = n_atoms * images if images > 8.0 else 0.0  # from above
    if n_neighbors > _MOST_NEIGHBORS:
        raise DataError(
            f"some {n_neighbors:.1e} neighbours of each atom within {cutoff:g} Å",
            hint=f"at most {_MOST_NEIGHBORS:g}; lattice vectors and cutoffs are expected in Å",
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

    Parameters and errors are those of `CellList`, which is the better choice if
    several ranges of one structure are asked for.
    """
    return CellList(positions_nc, cell_cc, pbc_c, cutoff).pairs(first, last)
