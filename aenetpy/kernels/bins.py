"""Atoms sorted into bins in fractional space, for any cell.

The bins lie along three axes. Periodic axes are the reduced lattice vectors, the
others unit vectors perpendicular to them, along which the bins end with the outermost
atoms. In an orthonormal basis e_k the axes form a triangle, a_k = sum_{m >= k} L_km e_m.
Along the last axis each row of bins is continued over as many periods as a sphere can
reach.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float, Int, Long, Mask
from aenetpy.kernels._jit import kernel

_COARSE = 1.0  # bins per cutoff along the first two axes, which make rows
_FINE = 16.0  # and along the last axis, within a row


class Bins(NamedTuple):
    """Atoms sorted into bins; the last axis varies fastest.

    Parameters
    ----------
    axes_kc, lower_kk
        Axes as rows, Å, and the same in the basis that makes them a triangle.
    n_periodic
        The first ``n_periodic`` axes are periodic.
    n_bins_k, low_k, width_k
        Bins along each axis: how many, where they begin, how wide (fractional).
    n_row
        Bins of a row: ``n_bins_k[2]`` times the periods it is continued over.
    r_nc, f_nk
        Positions brought into the cell, Cartesian (Å) and fractional.
    starts_b
        Entries of bin b are ``starts_b[b] : starts_b[b + 1]``.
    atoms_e, r_ce
        Atom and position of each entry (an atom in one period of its row).
    entries_mn
        Entry of atom n in period m.
    """

    axes_kc: Float
    lower_kk: Float
    n_periodic: int
    n_bins_k: Long
    low_k: Float
    width_k: Float
    n_row: int
    r_nc: Float
    f_nk: Float
    starts_b: Long
    atoms_e: Int
    r_ce: Float
    entries_mn: Int


@kernel
def _dot(a_c: Float, b_c: Float) -> float:
    """a.b, (3,) and (3,)."""
    return a_c[0] * b_c[0] + a_c[1] * b_c[1] + a_c[2] * b_c[2]


@kernel
def _cross(a_c: Float, b_c: Float, out_c: Float) -> None:
    """Store a x b / |a x b|, (3,) each."""
    out_c[0] = a_c[1] * b_c[2] - a_c[2] * b_c[1]
    out_c[1] = a_c[2] * b_c[0] - a_c[0] * b_c[2]
    out_c[2] = a_c[0] * b_c[1] - a_c[1] * b_c[0]
    length = np.sqrt(_dot(out_c, out_c))
    for c in range(3):
        out_c[c] /= length


@kernel
def _reduce(axes_kc: Float, n_periodic: int) -> None:
    """Shorten lattice vectors by multiples of each other, in place; the lattice stays."""
    shortened = True
    trial_c = np.empty(3)
    while shortened:
        shortened = False
        for k in range(n_periodic):
            for m in range(n_periodic):
                if k == m:
                    continue
                times = np.floor(_dot(axes_kc[k], axes_kc[m]) / _dot(axes_kc[m], axes_kc[m]) + 0.5)
                for c in range(3):
                    trial_c[c] = axes_kc[k, c] - times * axes_kc[m, c]
                if _dot(trial_c, trial_c) < (1.0 - 1e-9) * _dot(axes_kc[k], axes_kc[k]):
                    for c in range(3):
                        axes_kc[k, c] = trial_c[c]
                    shortened = True


@kernel
def search_axes(cell_cc: Float, pbc_c: Mask) -> tuple[Float, int]:
    """Reduced periodic vectors by length, then perpendicular unit vectors, (3, 3); how many."""
    axes_kc = np.zeros((3, 3))
    n_periodic = 0
    for k in range(3):
        if pbc_c[k]:
            for c in range(3):
                axes_kc[n_periodic, c] = cell_cc[k, c]
            n_periodic += 1
    _reduce(axes_kc, n_periodic)
    for k in range(n_periodic):
        for m in range(k):
            if _dot(axes_kc[k], axes_kc[k]) < _dot(axes_kc[m], axes_kc[m]):
                for c in range(3):  # the longest comes last: long rows, few of them
                    axes_kc[k, c], axes_kc[m, c] = axes_kc[m, c], axes_kc[k, c]
    if n_periodic == 0:
        axes_kc[0, 0] = 1.0
    if n_periodic <= 1:
        flattest = 0
        for c in range(3):
            if abs(axes_kc[0, c]) < abs(axes_kc[0, flattest]):
                flattest = c
        axes_kc[2, flattest] = 1.0
        _cross(axes_kc[2], axes_kc[0], axes_kc[1])
    if n_periodic <= 2:
        _cross(axes_kc[0], axes_kc[1], axes_kc[2])
    return axes_kc, n_periodic


@kernel
def _triangle(axes_kc: Float) -> tuple[Float, Float]:
    """L (k, m >= k) and orthonormal e (m, c) with axes = L e, from the last axis up."""
    lower_kk = np.zeros((3, 3))
    basis_kc = axes_kc.copy()
    for k in range(2, -1, -1):
        for m in range(2, k, -1):
            lower_kk[k, m] = _dot(basis_kc[k], basis_kc[m])
            for c in range(3):
                basis_kc[k, c] -= lower_kk[k, m] * basis_kc[m, c]
        lower_kk[k, k] = np.sqrt(_dot(basis_kc[k], basis_kc[k]))
        for c in range(3):
            basis_kc[k, c] /= lower_kk[k, k]
    return lower_kk, basis_kc


@kernel
def _wrap(
    positions_nc: Float, axes_kc: Float, lower_kk: Float, basis_kc: Float, n_periodic: int
) -> tuple[Float, Float]:
    """Cartesian (n, c) and fractional (n, k) positions in the cell, by forward substitution."""
    r_nc = positions_nc.copy()
    f_nk = np.empty(positions_nc.shape)
    for i in range(len(positions_nc)):
        for k in range(3):
            along = _dot(positions_nc[i], basis_kc[k])
            for m in range(k):
                along -= f_nk[i, m] * lower_kk[m, k]
            f_nk[i, k] = along / lower_kk[k, k]
        for k in range(n_periodic):
            image = np.floor(f_nk[i, k])
            if image != 0.0:  # positions in the cell stay as they are to the last bit
                f_nk[i, k] -= image
                for c in range(3):
                    r_nc[i, c] -= image * axes_kc[k, c]
    return r_nc, f_nk


@kernel
def sort_into_bins(positions_nc: Float, axes_kc: Float, n_periodic: int, cutoff: float) -> Bins:
    """Sort (n, 3) positions into rows of bins for searches up to the cutoff."""
    n_atoms = len(positions_nc)
    lower_kk, basis_kc = _triangle(axes_kc)
    r_nc, f_nk = _wrap(positions_nc, axes_kc, lower_kk, basis_kc, n_periodic)

    low_k = np.zeros(3)
    width_k = np.empty(3)
    n_bins_k = np.empty(3, np.int64)
    most = 8.0 * n_atoms + 64.0  # more bins than that would be empty
    for k in range(2, -1, -1):
        extent = 1.0
        if k >= n_periodic:
            low_k[k] = high = f_nk[0, k]
            for i in range(n_atoms):
                low_k[k] = min(low_k[k], f_nk[i, k])
                high = max(high, f_nk[i, k])
            extent = high - low_k[k] + 1e-3  # atoms in one plane have none
        per_cutoff = _FINE if k == 2 else _COARSE
        n_bins_k[k] = max(1.0, min(extent * lower_kk[k, k] * per_cutoff / cutoff + 0.5, most))
        width_k[k] = extent / n_bins_k[k]
        most /= n_bins_k[k]

    periods = 1
    if n_periodic == 3:  # a sphere cuts at most `longest` out of a row, from anywhere in [0, 1)
        tilt = abs(lower_kk[0, 2]) * width_k[0] + abs(lower_kk[1, 2]) * width_k[1]
        longest = (2.0 * cutoff + tilt) / lower_kk[2, 2]
        periods = int(longest + 1e-6) + 2
    n_row = periods * n_bins_k[2]

    bins_n = np.empty(n_atoms, np.int64)
    starts_b = np.zeros(n_bins_k[0] * n_bins_k[1] * n_row + 1, np.int64)
    for i in range(n_atoms):
        bins_n[i] = 0
        for k in range(3):
            step = min(np.int64((f_nk[i, k] - low_k[k]) / width_k[k]), n_bins_k[k] - 1)
            bins_n[i] = bins_n[i] * (n_row if k == 2 else n_bins_k[k]) + step
        for m in range(periods):
            starts_b[bins_n[i] + m * n_bins_k[2] + 1] += 1
    for b in range(len(starts_b) - 1):
        starts_b[b + 1] += starts_b[b]

    atoms_e = np.empty(periods * n_atoms, np.int32)
    r_ce = np.empty((3, periods * n_atoms))
    entries_mn = np.empty((periods, n_atoms), np.int32)
    free_b = starts_b.copy()
    for m in range(periods):
        for i in range(n_atoms):
            b = bins_n[i] + m * n_bins_k[2]
            entry = free_b[b]
            free_b[b] += 1
            atoms_e[entry] = i
            entries_mn[m, i] = entry
            for c in range(3):
                r_ce[c, entry] = r_nc[i, c] + m * axes_kc[2, c]
    return Bins(
        axes_kc,
        lower_kk,
        n_periodic,
        n_bins_k,
        low_k,
        width_k,
        n_row,
        r_nc,
        f_nk,
        starts_b,
        atoms_e,
        r_ce,
        entries_mn,
    )
