"""Neighbours kept from step to step: pairs by lattice translation, and their vectors anew."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.kernels._jit import kernel
from aenetpy.kernels.batch import Neighbors


@kernel
def translations(
    r_nc: Float,
    inverse_ck: Float,
    reach_k: Long,
    neighbors: Neighbors,
    first: int,
    last: int,
) -> Int:
    """Index (p,) of the lattice translation in r_p = r_j + translation - r_i, last axis fastest."""
    partners_p, r_cp = neighbors.partners_p, neighbors.r_cp
    images_p = np.empty(len(partners_p), np.int32)
    for i in range(first, last):
        for p in range(neighbors.offsets_n[i], neighbors.offsets_n[i + 1]):
            j = partners_p[p]
            x = r_cp[0, p] - r_nc[j, 0] + r_nc[i, 0]
            y = r_cp[1, p] - r_nc[j, 1] + r_nc[i, 1]
            z = r_cp[2, p] - r_nc[j, 2] + r_nc[i, 2]
            number = 0
            for k in range(3):
                along = x * inverse_ck[0, k] + y * inverse_ck[1, k] + z * inverse_ck[2, k]
                step = reach_k[k] + np.int64(np.floor(along + 0.5))
                number = number * (2 * reach_k[k] + 1) + step
            images_p[p] = number
    return images_p


@kernel
def current_pairs(
    r_nc: Float,
    translations_mc: Float,
    counts_i: Long,
    partners_p: Int,
    images_p: Int,
    cutoff: float,
    first: int,
) -> tuple[Long, Int, Float]:
    """Offsets (n+1,), partners, r_cp of those kept pairs of first ... with |r| <= cutoff."""
    square = cutoff * cutoff
    room = len(partners_p)
    near_p = np.empty(room, np.int32)
    xyz_p = np.empty(3 * room)  # x, y, z one after the other
    offsets_n = np.zeros(first + len(counts_i) + 1, np.int64)
    begin = 0
    n_pairs = np.uintp(0)  # unsigned: spares the test for negative indices
    for a in range(len(counts_i)):
        i = first + a
        x_i, y_i, z_i = r_nc[i, 0], r_nc[i, 1], r_nc[i, 2]
        for p in range(np.uintp(begin), np.uintp(begin + counts_i[a])):
            j, m = np.uintp(partners_p[p]), np.uintp(images_p[p])
            x = r_nc[j, 0] - x_i + translations_mc[m, 0]
            y = r_nc[j, 1] - y_i + translations_mc[m, 1]
            z = r_nc[j, 2] - z_i + translations_mc[m, 2]
            near_p[n_pairs] = partners_p[p]
            xyz_p[n_pairs] = x
            xyz_p[n_pairs + np.uintp(room)] = y
            xyz_p[n_pairs + np.uintp(2 * room)] = z
            n_pairs += np.uintp(x * x + y * y + z * z <= square)  # else overwritten by the next
        begin += counts_i[a]
        offsets_n[i + 1] = np.int64(n_pairs)

    total = np.int64(n_pairs)
    for c in range(1, 3):
        for k in range(total):
            xyz_p[c * total + k] = xyz_p[c * room + k]
    return offsets_n, near_p[:total], xyz_p[: 3 * total].reshape(3, total)
