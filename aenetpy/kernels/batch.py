"""Several structures in one set of arrays, which a kernel takes in one call."""

from __future__ import annotations

from typing import NamedTuple

from aenetpy.arrays import Float, Int, Long, Mask


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
