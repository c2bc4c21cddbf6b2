"""The neighbours of one atom in groups of one species, in blocks of eight.

Near neighbours lie inside the smaller of the radial and the angular cutoff, far ones
inside the larger. Each group is filled up to a multiple of eight by points beyond both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import load, square_root
from aenetpy.kernels.batch import Surroundings


class Basis(NamedTuple):
    """What defines the fingerprint of one central species.

    Parameters
    ----------
    radial_cutoff, radial_order, angular_cutoff, angular_order
        R and N of both parts; Å.
    weights_ht
        Weight s of each species, (h, t): ones, and typespin if there are two parts.
    legendre_nl
        Coefficients c_nl of the angular polynomials.
    recursion_k, norm_k
        b_lm and N_lm.
    """

    radial_cutoff: float
    radial_order: int
    angular_cutoff: float
    angular_order: int
    weights_ht: Float
    legendre_nl: Float
    recursion_k: Float
    norm_k: Float


class NeighborGroups(NamedTuple):
    """Neighbours of one atom by group b = 2 * species + far; s counts their places."""

    r_cs: Float
    gradient_cs: Float
    pair_s: Long
    count_b: Long
    size: int
    stride: int


@kernel
def new_groups(n_types: int, around: Surroundings) -> NeighborGroups:
    """Room for the neighbours of any of the atoms."""
    most = 0
    for i in around.atoms_a:
        most = max(most, around.offsets_n[i + 1] - around.offsets_n[i])
    stride = (most + 7) // 8 * 8
    size = 2 * n_types * stride
    return NeighborGroups(
        np.empty(3 * size),
        np.empty(3 * size),
        np.empty(size, np.int64),
        np.empty(2 * n_types, np.int64),
        size,
        stride,
    )


@kernel
def gather(basis: Basis, around: Surroundings, i: int, groups: NeighborGroups) -> None:
    """Sort the pairs of atom i into groups; fill up with points beyond the cutoff."""
    begin, end = around.offsets_n[i], around.offsets_n[i + 1]
    types_n, partners_p, r_cp = around.types_n, around.partners_p, around.r_cp
    outer = max(basis.radial_cutoff, basis.angular_cutoff)
    inner_square = min(basis.radial_cutoff, basis.angular_cutoff) ** 2
    outer_square = outer**2
    size = np.uintp(groups.size)
    count_b, r_cs = groups.count_b, groups.r_cs
    count_b[:] = 0
    for pair in range(np.uintp(begin), np.uintp(end)):  # unsigned: spares a test per access
        x, y, z = r_cp[0, pair], r_cp[1, pair], r_cp[2, pair]
        square = x * x + y * y + z * z
        if square > outer_square:
            continue
        group = np.uintp(2 * types_n[np.uintp(partners_p[pair])] + (square > inner_square))
        place = group * np.uintp(groups.stride) + np.uintp(count_b[group])
        count_b[group] += 1
        r_cs[place], r_cs[place + size], r_cs[place + size + size] = x, y, z
        groups.pair_s[place] = pair
    for b in range(len(count_b)):
        for s in range(b * groups.stride + count_b[b], end_of_group(groups, b)):
            r_cs[s], r_cs[s + groups.size], r_cs[s + 2 * groups.size] = 2.0 * outer, 0.0, 0.0


@kernel
def end_of_group(groups: NeighborGroups, b: int) -> int:
    """Place after the last block of eight of a group."""
    return b * groups.stride + (groups.count_b[b] + 7) // 8 * 8


@kernel
def vector(groups: NeighborGroups, s: int) -> Any:
    """Vectors to the neighbours s ... s + 7 and their lengths: lanes x, y, z, d."""
    x = load(groups.r_cs, s)
    y = load(groups.r_cs, s + groups.size)
    z = load(groups.r_cs, s + 2 * groups.size)
    return x, y, z, square_root(x * x + y * y + z * z)
