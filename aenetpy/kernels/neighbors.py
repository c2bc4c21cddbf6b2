"""Neighbours within a sphere, read off the bins, through any number of images.

In the triangular basis of `aenetpy.kernels.bins` a difference of positions is

    r.e_0 = f_0 L_00,  r.e_1 = f_0 L_01 + f_1 L_11,  r.e_2 = f_0 L_02 + f_1 L_12 + f_2 L_22

so a sphere is scanned axis by axis: the rest of the cutoff after f_0 and f_1 bounds f_2.
Along the first two axes images are found by wrapping bin indices; along the last one
a row of bins is continued, and the sphere cuts one contiguous run of atoms out of it.
"""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.kernels._jit import kernel
from aenetpy.kernels.batch import Batch, Neighbors
from aenetpy.kernels.bins import Bins, search_axes, sort_into_bins

FARTHEST = 1e9  # Å; beyond, a double does not resolve bonds
MOST_IMAGES = 1e5  # of one atom; more means a wrong cell, and would exhaust the memory
MOST_NEIGHBORS = 2e5  # of one atom; in a solid those within 60 Å

SOUND, FAR, FLAT, SMALL, CROWDED = range(5)
"""What `problem_of` finds: nothing, coordinates, cell without volume, cell small, many atoms."""


@kernel
def images_in_reach(axes_kc: Float, n_periodic: int, cutoff: float) -> float:
    """How many cells of one atom's surroundings there may be, from above."""
    images = 1.0
    for k in range(n_periodic):
        images *= max(2.0 * cutoff / np.sqrt(_square(axes_kc[k])), 1.0)
    return images


@kernel
def neighbors_in_reach(axes_kc: Float, n_periodic: int, cutoff: float, n_atoms: int) -> float:
    """How many neighbours an atom may have, roughly; 0 where there is no danger."""
    if n_periodic == 3:
        return n_atoms * 4.0 / 3.0 * np.pi * cutoff**3 / abs(_determinant(axes_kc))
    images = images_in_reach(axes_kc, n_periodic, cutoff)
    return n_atoms * images if images > 8.0 else 0.0  # from above


@kernel
def problem_of(positions_nc: Float, axes_kc: Float, n_periodic: int, cutoff: float) -> int:
    """Why neighbours cannot be searched: one of the numbers above."""
    for i in range(len(positions_nc)):
        for c in range(3):
            if not abs(positions_nc[i, c]) < FARTHEST:  # also if not a number
                return FAR
    box = 1.0
    for k in range(3):
        box *= np.sqrt(_square(axes_kc[k]))
    if not abs(_determinant(axes_kc)) > 1e-6 * box:  # also if not a number
        return FLAT
    if images_in_reach(axes_kc, n_periodic, cutoff) > MOST_IMAGES:
        return SMALL
    if neighbors_in_reach(axes_kc, n_periodic, cutoff, len(positions_nc)) > MOST_NEIGHBORS:
        return CROWDED
    return SOUND


@kernel
def _square(r_c: Float) -> float:
    """|r|^2 of (3,)."""
    return r_c[0] * r_c[0] + r_c[1] * r_c[1] + r_c[2] * r_c[2]


@kernel
def _determinant(a_kc: Float) -> float:
    """Signed volume a . (b x c) of three rows."""
    return (
        a_kc[0, 0] * (a_kc[1, 1] * a_kc[2, 2] - a_kc[1, 2] * a_kc[2, 1])
        + a_kc[0, 1] * (a_kc[1, 2] * a_kc[2, 0] - a_kc[1, 0] * a_kc[2, 2])
        + a_kc[0, 2] * (a_kc[1, 0] * a_kc[2, 1] - a_kc[1, 1] * a_kc[2, 0])
    )


@kernel
def _bin_range(
    start: float, stop: float, width: float, n_bins: int, periodic: bool
) -> tuple[int, int]:
    """First and last bin that the interval start ... stop touches, in any period."""
    first = int(np.floor(start / width))
    last = int(np.floor(stop / width))
    if not periodic:
        first = max(first, 0)
        last = min(last, n_bins - 1)
    return first, last


@kernel
def _spread(lo: float, hi: float, slope: float) -> tuple[float, float]:
    """Smallest and largest of slope * f for lo <= f <= hi."""
    if slope < 0.0:
        return hi * slope, lo * slope
    return lo * slope, hi * slope


@kernel
def _enlarge(partners_p: Int, xyz_p: Float, n_pairs: int, larger: int) -> tuple[Int, Float]:
    """Copy n_pairs pairs to arrays with room for more."""
    room = len(partners_p)
    new_partners_p = np.empty(larger, np.int32)
    new_xyz_p = np.empty(3 * larger)
    for p in range(n_pairs):
        new_partners_p[p] = partners_p[p]
        for c in range(3):
            new_xyz_p[c * larger + p] = xyz_p[c * room + p]
    return new_partners_p, new_xyz_p


@kernel
def _append_pairs(
    bins: Bins,
    cutoff: float,
    first: int,
    last: int,
    place: int,
    offsets_n: Long,
    home: int,
    partners_p: Int,
    xyz_p: Float,
) -> tuple[Int, Float]:
    """Append the pairs of atoms first ... last-1, whose offsets begin at ``place``.

    ``home`` is the number of the structure's atom 0 in the batch.
    """
    axes = bins.axes_kc
    lower = bins.lower_kk
    low_0, low_1, low_2 = bins.low_k[0], bins.low_k[1], bins.low_k[2]
    width_0, width_1, width_2 = bins.width_k[0], bins.width_k[1], bins.width_k[2]
    n_0, n_1, n_row = bins.n_bins_k[0], bins.n_bins_k[1], bins.n_row
    x_e, y_e, z_e, atoms_e = bins.r_ce[0], bins.r_ce[1], bins.r_ce[2], bins.atoms_e
    square = cutoff * cutoff
    reach = cutoff + 1e-9 * (1.0 + cutoff)  # rounding must not lose a bin

    n_pairs = offsets_n[place]
    room = len(partners_p)
    for i in range(first, last):
        x_i, y_i, z_i = bins.r_nc[i, 0], bins.r_nc[i, 1], bins.r_nc[i, 2]
        f_0, f_1, f_2 = bins.f_nk[i, 0] - low_0, bins.f_nk[i, 1] - low_1, bins.f_nk[i, 2] - low_2
        span_0 = reach / lower[0, 0]
        first_0, last_0 = _bin_range(f_0 - span_0, f_0 + span_0, width_0, n_0, bins.n_periodic > 0)
        for b_0 in range(first_0, last_0 + 1):
            image_0 = b_0 // n_0
            # differences of f_0 within this bin, and the rest of the cutoff
            lo_0 = max(b_0 * width_0 - f_0, -span_0)
            hi_0 = min((b_0 + 1) * width_0 - f_0, span_0)
            near_0 = max(lo_0, -hi_0, 0.0) * lower[0, 0]
            left_0 = max(reach * reach - near_0 * near_0, 0.0)
            tilt_lo, tilt_hi = _spread(lo_0, hi_0, lower[0, 1])
            slant_lo, slant_hi = _spread(lo_0, hi_0, lower[0, 2])
            span_1 = np.sqrt(left_0)
            from_1 = (-span_1 - tilt_hi) / lower[1, 1]
            to_1 = (span_1 - tilt_lo) / lower[1, 1]
            first_1, last_1 = _bin_range(
                f_1 + from_1, f_1 + to_1, width_1, n_1, bins.n_periodic > 1
            )
            for b_1 in range(first_1, last_1 + 1):
                image_1 = b_1 // n_1
                lo_1 = max(b_1 * width_1 - f_1, from_1)
                hi_1 = min((b_1 + 1) * width_1 - f_1, to_1)
                near_1 = max(lo_1 * lower[1, 1] + tilt_lo, -(hi_1 * lower[1, 1] + tilt_hi), 0.0)
                left_1 = left_0 - near_1 * near_1
                if left_1 < 0.0:
                    continue
                span_2 = np.sqrt(left_1)
                lean_lo, lean_hi = _spread(lo_1, hi_1, lower[1, 2])
                start = f_2 - (span_2 + slant_hi + lean_hi) / lower[2, 2]
                stop = f_2 + (span_2 - slant_lo - lean_lo) / lower[2, 2]
                image_2 = int(np.floor(start)) if bins.n_periodic > 2 else 0
                first_2, last_2 = _bin_range(start - image_2, stop - image_2, width_2, n_row, False)
                if last_2 < first_2:
                    continue
                row = ((b_0 - image_0 * n_0) * n_1 + b_1 - image_1 * n_1) * n_row
                begin = bins.starts_b[row + first_2]
                end = bins.starts_b[row + last_2 + 1]

                if n_pairs + end - begin > room:
                    before = place + i - first
                    per_atom = n_pairs // (before + 1) + end - begin
                    larger = n_pairs + end - begin + room // 8
                    larger += per_atom * (len(offsets_n) - 1 - before)
                    partners_p, xyz_p = _enlarge(partners_p, xyz_p, n_pairs, larger)
                    room = larger
                x_i0 = x_i - (image_0 * axes[0, 0] + image_1 * axes[1, 0] + image_2 * axes[2, 0])
                y_i0 = y_i - (image_0 * axes[0, 1] + image_1 * axes[1, 1] + image_2 * axes[2, 1])
                z_i0 = z_i - (image_0 * axes[0, 2] + image_1 * axes[1, 2] + image_2 * axes[2, 2])
                itself = -1
                if image_0 == 0 and image_1 == 0 and -len(bins.entries_mn) < image_2 <= 0:
                    itself = int(bins.entries_mn[-image_2, i])
                p = np.uintp(n_pairs)  # unsigned: spares the test for negative indices
                for e in range(np.uintp(begin), np.uintp(end)):
                    x, y, z = x_e[e] - x_i0, y_e[e] - y_i0, z_e[e] - z_i0
                    partners_p[p] = home + atoms_e[e]
                    xyz_p[p] = x
                    xyz_p[p + np.uintp(room)] = y
                    xyz_p[p + np.uintp(2 * room)] = z
                    inside = (x * x + y * y + z * z <= square) & (np.intp(e) != itself)
                    p += np.uintp(inside)  # overwritten by the next one if outside
                n_pairs = int(np.intp(p))
        offsets_n[place + i - first + 1] = n_pairs
    return partners_p, xyz_p


@kernel
def _without_room(offsets_n: Long, partners_p: Int, xyz_p: Float) -> tuple[Long, Int, Float]:
    """Offsets, partners (p,) and r_cp (3, p) of the pairs that are there."""
    n_pairs, room = offsets_n[-1], len(partners_p)
    for c in range(1, 3):
        for k in range(n_pairs):
            xyz_p[c * n_pairs + k] = xyz_p[c * room + k]
    return offsets_n, partners_p[:n_pairs], xyz_p[: 3 * n_pairs].reshape(3, n_pairs)


@kernel
def _new_room(last: int, first: int) -> tuple[Long, Int, Float]:
    """Offsets (last + 1,), and room for the pairs that the atoms from ``first`` on may have."""
    room = 64 * (last - first) + 256
    return (
        np.zeros(last + 1, np.int64),
        np.empty(room, np.int32),
        np.empty(3 * room),  # x, y, z one after the other
    )


@kernel
def find_pairs(bins: Bins, cutoff: float, first: int, last: int) -> tuple[Long, Int, Float]:
    """Offsets (n+1,), partners (p,), r_cp (3, p) with |r| <= cutoff of atoms first ... last-1."""
    offsets_n, partners_p, xyz_p = _new_room(last - first, 0)
    partners_p, xyz_p = _append_pairs(bins, cutoff, first, last, 0, offsets_n, 0, partners_p, xyz_p)
    return _without_room(offsets_n, partners_p, xyz_p)


@kernel
def find_batch_pairs(
    batch: Batch, cutoff: float, s_first: int, s_last: int
) -> tuple[int, Long, Int, Float]:
    """Pairs as `find_pairs` of the structures s_first ... s_last - 1, one after the other.

    First comes the number of the structure that cannot be searched, or -1. Offsets are by
    atoms of the batch; those before have no pairs.
    """
    starts_s = batch.starts_s
    n_before = starts_s[s_first]
    offsets_n, partners_p, xyz_p = _new_room(starts_s[s_last], n_before)
    failed = -1
    for s in range(s_first, s_last):
        begin, end = starts_s[s], starts_s[s + 1]
        if begin == end:
            continue
        positions_nc = batch.positions_nc[begin:end]
        axes_kc, n_periodic = search_axes(batch.cells_scc[s], batch.pbc_sc[s])
        if problem_of(positions_nc, axes_kc, n_periodic, cutoff) != SOUND:
            failed = s
            offsets_n[:] = 0
            break
        bins = sort_into_bins(positions_nc, axes_kc, n_periodic, cutoff)
        partners_p, xyz_p = _append_pairs(
            bins,
            cutoff,
            0,
            end - begin,
            begin - n_before,
            offsets_n[n_before:],
            begin,
            partners_p,
            xyz_p,
        )
    offsets_n, partners_p, r_cp = _without_room(offsets_n, partners_p, xyz_p)
    return failed, offsets_n, partners_p, r_cp


@kernel
def closest_pairs(starts_s: Long, neighbors: Neighbors) -> tuple[Float, Long]:
    """Smallest |r|^2 (s,) of each structure, infinite without pairs, and its atoms (s, 2)."""
    offsets_n, partners_p, r_cp = neighbors.offsets_n, neighbors.partners_p, neighbors.r_cp
    square_s = np.full(len(starts_s) - 1, np.inf)
    atoms_s2 = np.full((len(starts_s) - 1, 2), -1)
    for s in range(len(starts_s) - 1):
        least, at = np.inf, -1
        for p in range(offsets_n[starts_s[s]], offsets_n[starts_s[s + 1]]):
            x, y, z = r_cp[0, p], r_cp[1, p], r_cp[2, p]
            square = x * x + y * y + z * z
            if square < least:
                least, at = square, p
        if at >= 0:
            square_s[s] = least
            atoms_s2[s, 0] = np.searchsorted(offsets_n, at, side="right") - 1
            atoms_s2[s, 1] = partners_p[at]
    return square_s, atoms_s2
