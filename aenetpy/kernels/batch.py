"""Several structures in one set of arrays, which a kernel takes in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float, Int, Long, Mask
from aenetpy.kernels._jit import kernel


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
    offsets_n: Long,
    partners_p: Int,
    r_cp: Float,
    structures_n: Long,
    displacements_nc: Float,
    strains_scc: Float,
) -> Float:
    """Rates of change v_j - v_i + r . strain of the vectors r (3, p) of some atoms."""
    rates_cp = np.empty_like(r_cp)
    for i in range(first, last):
        strain_cc = strains_scc[structures_n[i]]
        for p in range(offsets_n[i], offsets_n[i + 1]):
            j = partners_p[p]
            for c in range(3):
                rate = displacements_nc[j, c] - displacements_nc[i, c]
                for b in range(3):
                    rate += r_cp[b, p] * strain_cc[b, c]
                rates_cp[c, p] = rate
    return rates_cp
