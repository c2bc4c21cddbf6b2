"""Several structures in one set of arrays, which a kernel takes in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aenetpy.arrays import Float, Int, Long, Mask
from aenetpy.kernels._jit import kernel


class Neighbors(NamedTuple):
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

    def renumbered(self, start: int) -> Neighbors:
        """Return the same with ``start`` atoms without neighbours before the others."""
        if start == 0:
            return self
        offsets_n = np.concatenate([np.zeros(start, np.int64), self.offsets_n])
        return Neighbors(offsets_n, self.partners_p + np.int32(start), self.r_cp)

    def around(
        self, atoms_a: ArrayLike, types_n: Int, structures_n: Long | None = None
    ) -> Surroundings:
        """Return some atoms with their neighbours; all of one structure, unless said."""
        if structures_n is None:
            structures_n = np.zeros(len(types_n), np.int64)
        return Surroundings(
            np.ascontiguousarray(atoms_a, np.int64),
            np.ascontiguousarray(types_n, np.int32),
            structures_n,
            *self,
        )

    def distances(self) -> Float:
        """Return the distance of each pair, Å, (p,) float64."""
        x_p, y_p, z_p = self.r_cp
        return np.sqrt(x_p * x_p + y_p * y_p + z_p * z_p)


class Surroundings(NamedTuple):
    """Some atoms of a batch with their neighbours, the first argument of every descriptor.

    Parameters
    ----------
    atoms_a
        Numbers of the atoms, (a,) int64.
    types_n, structures_n
        Index of the species, int32, and number of the structure of each atom of the batch, (n,).
    offsets_n, partners_p, r_cp
        Pairs as in `Neighbors`.
    """

    atoms_a: Long
    types_n: Int
    structures_n: Long
    offsets_n: Long
    partners_p: Int
    r_cp: Float

    @property
    def counts_a(self) -> Long:
        """Number of neighbours of each of the atoms, (a,) int64."""
        counts_a: Long = self.offsets_n[self.atoms_a + 1] - self.offsets_n[self.atoms_a]
        return counts_a

    def pairs_of(self, atom: int) -> slice:
        """Return where the pairs of an atom are."""
        return slice(self.offsets_n[atom], self.offsets_n[atom + 1])

    def only(self, atom: int) -> Surroundings:
        """Return a single atom with its neighbours."""
        return self._replace(atoms_a=np.array([atom]))


class Batch(NamedTuple):
    """Atoms of several structures, one structure after the other.

    Parameters
    ----------
    positions_nc
        Cartesian coordinates of all atoms, Å.
    types_n
        Index of the species of each atom, int32.
    starts_s
        Atoms of structure s are ``starts_s[s] : starts_s[s + 1]``, (s + 1,).
    structures_n
        Number of the structure that each atom belongs to.
    cells_scc, pbc_sc
        Lattice vectors as rows, Å, and along which of them each structure is periodic.
    """

    positions_nc: Float
    types_n: Int
    starts_s: Long
    structures_n: Long
    cells_scc: Float
    pbc_sc: Mask


@kernel
def pair_rates(
    first: int,
    last: int,
    neighbors: Neighbors,
    structures_n: Long,
    displacements_nc: Float,
    strains_scc: Float,
) -> Float:
    """Rates of change v_j - v_i + r . strain of the vectors r (3, p) of some atoms."""
    partners_p, r_cp = neighbors.partners_p, neighbors.r_cp
    rates_cp = np.empty_like(r_cp)
    for i in range(first, last):
        strain_cc = strains_scc[structures_n[i]]
        for p in range(neighbors.offsets_n[i], neighbors.offsets_n[i + 1]):
            j = partners_p[p]
            for c in range(3):
                rate = displacements_nc[j, c] - displacements_nc[i, c]
                for b in range(3):
                    rate += r_cp[b, p] * strain_cc[b, c]
                rates_cp[c, p] = rate
    return rates_cp


@kernel
def pull_forces(
    around: Surroundings,
    slopes_pc: Float,
    forces_nc: Float,
    virial_scc: Float,
) -> None:
    """F_j -= dE/dr_p, F_i += dE/dr_p, virial += sum_p r_p (x) dE/dr_p for pairs p = (i, j)."""
    partners_p, r_cp = around.partners_p, around.r_cp
    row = 0
    for i in around.atoms_a:
        virial_cc = virial_scc[around.structures_n[i]]
        for p in range(around.offsets_n[i], around.offsets_n[i + 1]):
            for c in range(3):
                slope = slopes_pc[row, c]
                forces_nc[i, c] += slope
                forces_nc[partners_p[p], c] -= slope
                for b in range(3):
                    virial_cc[b, c] += r_cp[b, p] * slope
            row += 1
