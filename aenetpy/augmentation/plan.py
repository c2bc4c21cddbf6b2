"""The copies of all structures: decided once, then made structure by structure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Long
from aenetpy.augmentation.dataset_summary import count_copies, summarise_dataset
from aenetpy.augmentation.delta import estimate_delta
from aenetpy.augmentation.displacements import displacement
from aenetpy.augmentation.taylor import displaced, energy_change
from aenetpy.data.copies import copy_name
from aenetpy.data.structure import Structure
from aenetpy.descriptors.batch import closest_contact
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.inputs.taylor import TaylorInput
from aenetpy.models.potential import Potential
from aenetpy.models.reading import read_potential

DECIMALS = 8
"""Of an estimate, as in XSF files, so that E(+v) + E(-v) = 2 E0 there too; not in PyITA's."""

PORTION = 100
"""Copies of one structure that are made in one go."""

BLOCK = 4096
"""Bytes; a file takes whole blocks of the disk, on most file systems of this size."""

log = logging.getLogger("aenetpy")


@dataclass(frozen=True, eq=False)
class CopyPlan:
    """Which copies are made of which structure.

    Parameters
    ----------
    taylor
        The settings of the copies.
    delta
        Displacement, Å.
    counts_s, n_bytes_s
        Copies of each structure, (s,) int64, and the length of one as an XSF file.
    potential
        For the second order; None for the first.
    """

    taylor: TaylorInput
    delta: float | Mapping[str, float]
    counts_s: Long
    n_bytes_s: Long
    potential: Potential | None

    @property
    def n_copies(self) -> int:
        """Number of copies; ``min_distance`` may leave out some of them."""
        return int(self.counts_s.sum())

    @property
    def n_parents(self) -> int:
        """Number of structures that have copies."""
        return int(np.count_nonzero(self.counts_s))

    @property
    def n_bytes(self) -> int:
        """Disk space for all copies as XSF files."""
        return int(self.counts_s @ (-(-self.n_bytes_s // BLOCK) * BLOCK))

    def portions(self, s: int) -> list[range]:
        """Return the numbers of the copies of structure ``s`` in pieces of work."""
        n = int(self.counts_s[s])
        return [range(first, min(first + PORTION, n)) for first in range(0, n, PORTION)]

    def copies(self, s: int, parent: Structure, numbers: Iterable[int]) -> list[Structure]:
        """Return some copies of structure ``s``, named ``<parent>#taylor:<k>``, k from 1."""
        n = int(self.counts_s[s])
        copies = []
        for k in numbers:
            move_nc = displacement(self.taylor, self.delta, parent.species, s, k, n)
            change = energy_change(parent, move_nc, self.potential)
            if self.taylor.strategy != "pyita":
                change = round(change, DECIMALS)
            copy = displaced(parent, move_nc, change, copy_name(parent.name, k + 1))
            if not self._is_crowded(copy):
                copies.append(copy)
        return copies

    def _is_crowded(self, copy: Structure) -> bool:
        """Return whether two atoms are closer than ``min_distance``."""
        limit = self.taylor.min_distance
        if limit is None:
            return False
        neighbors = find_neighbors(copy.positions_nc, copy.cell_cc, copy.pbc_c, limit)
        return closest_contact(neighbors).distance < limit


def make_copy_plan(
    structures: Iterable[Structure],
    taylor: TaylorInput,
    size: Callable[[Structure], int] = lambda _: 0,
) -> CopyPlan:
    """Decide on the copies of all structures."""
    potential = None if taylor.potential is None else read_potential(taylor.potential)
    found = summarise_dataset(structures, taylor, potential, size)
    delta = taylor.delta
    if delta is None:
        estimate = estimate_delta(found)
        log.info("%s", estimate)
        delta = estimate.delta
    n_atoms_s = np.array(found.n_atoms_s, np.int64)
    if found.n_large:
        log.info("%d structures have forces above max_force: no copies", found.n_large)
    if found.n_derived:
        log.info("%d structures are copies themselves: no copies of them", found.n_derived)
    plan = CopyPlan(
        taylor,
        delta,
        count_copies(taylor, n_atoms_s),
        np.array(found.n_bytes_s, np.int64),
        potential if taylor.order == 2 else None,
    )
    n_short = int(((plan.counts_s < taylor.copies_per_structure) & (n_atoms_s > 0)).sum())
    if taylor.strategy == "pyita":
        log.info(
            "pyita displaces the first %d structures only; axis and random take all",
            plan.n_parents,
        )
    elif n_short and taylor.fraction is None:
        log.info("%d structures get fewer copies: axis has 6 per atom", n_short)
    if plan.n_copies == 0:
        log.warning("no structure can be displaced: there are no copies")
    return plan
