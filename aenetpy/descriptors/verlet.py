"""Neighbours of atoms that move little from one evaluation to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from aenetpy.arrays import Float, Int, Long
from aenetpy.descriptors.neighbors import CellList, Neighbors
from aenetpy.kernels.verlet import current_pairs, translations


@dataclass(frozen=True, eq=False)
class _Kept:
    """Pairs of a range of atoms: how many each atom has, with whom, in which image."""

    counts_n: Long
    partners_p: Int
    images_p: Int


class VerletList:
    """Neighbours within a cutoff, found from a longer list while atoms move little.

    Once a structure turns out to be the one before with its atoms moved by less than
    half the skin, the list is made longer than the cutoff by the skin. It holds until
    an atom has moved by more than half the skin, since nobody can have come within
    the cutoff unseen before, or until the lattice or the number of atoms changes; in
    between only the vectors are computed anew. The neighbours are as of a fresh
    `CellList`, to rounding and in another order.

    Parameters
    ----------
    cutoff
        Largest distance of neighbours, inclusive, Å.
    skin
        How much further the list may reach, Å; 0 searches at every step.
    """

    def __init__(self, cutoff: float, skin: float) -> None:
        self.cutoff = float(cutoff)
        self.skin = float(skin)
        self.n_searches = 0
        self.forget()

    def forget(self) -> None:
        """Search anew for the next structure."""
        self._slack = 0.0  # how much further the present list reaches
        self._lattice: tuple[Float | None, tuple[bool, ...]] = (None, ())
        self._latest_nc = self._searched_nc = np.full((1, 3), np.nan)

    def update(self, positions_nc: ArrayLike, cell_cc: Float | None, pbc_c: Sequence[bool]) -> None:
        """Take over a structure, about which ``pairs`` answers from now on.

        Parameters and errors are as of `CellList`.
        """
        positions_nc = np.array(positions_nc, dtype=np.float64).reshape(-1, 3)
        same_lattice = self._lattice[1] == tuple(pbc_c) and _equal(self._lattice[0], cell_cc)
        if not (same_lattice and _close(positions_nc, self._searched_nc, self._slack)):
            follows = same_lattice and _close(positions_nc, self._latest_nc, self.skin)
            self._lattice = (None if cell_cc is None else np.array(cell_cc), tuple(pbc_c))
            self._search(positions_nc, self.skin if follows else 0.0)
        self._latest_nc = positions_nc
        self._r_nc = self._cells.wrapped_nc + (positions_nc - self._searched_nc)

    def pairs(self, first: int = 0, last: int | None = None) -> Neighbors:
        """Return the neighbours of the atoms first ... last - 1 like `CellList.pairs`.

        Several threads may ask for different ranges at the same time.
        """
        last = len(self._r_nc) if last is None else last
        if self._slack == 0.0 or last <= first:
            return self._cells.pairs(first, last)
        kept = self._kept.get((first, last))
        if kept is None:
            kept = self._kept[first, last] = self._keep(first, last)
        return Neighbors(
            *current_pairs(
                self._r_nc,
                self._translations_mc,
                kept.counts_n,
                kept.partners_p,
                kept.images_p,
                self.cutoff,
                first,
            )
        )

    def _search(self, positions_nc: Float, slack: float) -> None:
        """Sort the atoms anew, for pairs within the cutoff plus ``slack``."""
        cell_cc, pbc_c = self._lattice
        self._searched_nc = np.full((1, 3), np.nan)  # should the search fail
        self._cells = CellList(positions_nc, cell_cc, pbc_c, self.cutoff + slack)
        self._searched_nc = positions_nc
        self._slack = slack
        self._kept: dict[tuple[int, int], _Kept] = {}
        self.n_searches += 1
        if slack == 0.0:
            return
        axes_kc, n_periodic = self._cells.axes_kc, self._cells.n_periodic
        self._inverse_ck = np.asarray(np.linalg.inv(axes_kc), dtype=np.float64)
        heights_k = 1.0 / np.linalg.norm(self._inverse_ck, axis=0)
        # the home atoms of a pair are less than one lattice vector apart
        self._reach_k = np.ceil(self._cells.cutoff / heights_k).astype(np.int64) + 1
        self._reach_k[n_periodic:] = 0
        steps_mk = np.indices(2 * self._reach_k + 1).reshape(3, -1).T - self._reach_k
        self._translations_mc = steps_mk @ axes_kc

    def _keep(self, first: int, last: int) -> _Kept:
        """Find the pairs of a range of atoms within the cutoff plus the skin."""
        found = self._cells.pairs(first, last)
        images_p = translations(
            self._cells.wrapped_nc,
            self._inverse_ck,
            self._reach_k,
            found,
            first,
            last,
        )
        # copied, since the pairs are a view of an array with room for more
        return _Kept(np.diff(found.offsets_n[first:]), found.partners_p.copy(), images_p)


def _equal(one_cc: Float | None, other_cc: Float | None) -> bool:
    """Return whether two cells are the same; None is one, too."""
    if one_cc is None or other_cc is None:
        return one_cc is other_cc
    return np.array_equal(one_cc, other_cc)


def _close(one_nc: Float, other_nc: Float, skin: float) -> bool:
    """Return whether no atom is further than half the skin from where it was."""
    if one_nc.shape != other_nc.shape:
        return False
    moved_nc = one_nc - other_nc
    farthest_square = np.einsum("nc,nc->n", moved_nc, moved_nc).max(initial=0.0)
    return bool(farthest_square <= 0.25 * skin * skin)  # false if not a number
