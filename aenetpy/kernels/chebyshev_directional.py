"""Chebyshev fingerprints while the neighbours move (design 3.1).

With the rate of change u_j of the vector to each neighbour,

    dA_lm = sum_j grad(w_j Y_lm) . u_j,   dp_l = sum_m N_lm A_lm dA_lm - sum_j w_j dw_j

by carrying each number of `aenetpy.kernels.chebyshev` together with its rate. Notation as there.
"""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import load, splat, store, total
from aenetpy.kernels.batch import Surroundings
from aenetpy.kernels.chebyshev_groups import (
    Basis,
    NeighborGroups,
    end_of_group,
    gather,
    new_groups,
    vector,
)
from aenetpy.kernels.cutoff import cutoff_root, cutoff_slope


@kernel
def _gather_rates(groups: NeighborGroups, rates_cp: Float, rates_cs: Float) -> None:
    """Lay the rates out like the vectors to the neighbours; those that fill up do not move."""
    for b in range(len(groups.count_b)):
        begin = b * groups.stride
        end = begin + groups.count_b[b]
        for c in range(3):
            for s in range(begin, end):
                rates_cs[c * groups.size + s] = rates_cp[c, groups.pair_s[s]]
            for s in range(end, end_of_group(groups, b)):
                rates_cs[c * groups.size + s] = 0.0


@kernel
def _radial_rates(
    basis: Basis, groups: NeighborGroups, b: int, rates_cs: Float, sums: Float
) -> None:
    """Add sum_j d(f_c T_n) of a group; eight lanes per n."""
    inverse_cutoff = 1.0 / basis.radial_cutoff
    for s in range(b * groups.stride, end_of_group(groups, b), 8):
        x, y, z, d = vector(groups, s)
        u_x, u_y = load(rates_cs, s), load(rates_cs, s + groups.size)
        u_z = load(rates_cs, s + 2 * groups.size)
        t = inverse_cutoff * d
        dt = inverse_cutoff * ((x * u_x + y * u_y + z * u_z) / d)
        root = cutoff_root(t)
        double, d_double = 4.0 * t - splat(2.0), 4.0 * dt
        before, d_before = root * root, cutoff_slope(t, root) * dt
        now = 0.5 * double * before
        d_now = 0.5 * (d_double * before + double * d_before)
        store(sums, 0, load(sums, 0) + d_before)
        for n in range(1, basis.radial_order + 1):
            store(sums, 8 * n, load(sums, 8 * n) + d_now)
            d_before, d_now = d_now, d_double * now + double * d_now - d_before
            before, now = now, double * now - before


@kernel
def _angular_rates(
    basis: Basis, groups: NeighborGroups, b: int, rates_cs: Float, sums: Float
) -> None:
    """Add dA^c_lm, dA^s_lm (two times eight lanes per k) and w dw (the last eight) of a group."""
    order = basis.angular_order
    last = 16 * len(basis.norm_k)
    inverse_cutoff = 1.0 / basis.angular_cutoff
    for s in range(b * groups.stride, end_of_group(groups, b), 8):
        x, y, z, d = vector(groups, s)
        u_x, u_y = load(rates_cs, s), load(rates_cs, s + groups.size)
        u_z = load(rates_cs, s + 2 * groups.size)
        inverse = 1.0 / d
        x, y, z = x * inverse, y * inverse, z * inverse
        dd = x * u_x + y * u_y + z * u_z
        dx, dy, dz = inverse * (u_x - x * dd), inverse * (u_y - y * dd), inverse * (u_z - z * dd)
        t = inverse_cutoff * d
        root = cutoff_root(t)
        cosine, sine = root * root, splat(0.0)
        d_cosine, d_sine = inverse_cutoff * (cutoff_slope(t, root) * dd), splat(0.0)
        store(sums, last, load(sums, last) + cosine * d_cosine)
        k = 0
        for m in range(order + 1):
            before, now = splat(0.0), splat(1.0)
            d_before, d_now = splat(0.0), splat(0.0)
            for _ in range(order + 1 - m):
                even, odd = 16 * k, 16 * k + 8
                store(sums, even, load(sums, even) + (d_now * cosine + now * d_cosine))
                store(sums, odd, load(sums, odd) + (d_now * sine + now * d_sine))
                k += 1
                recursion = basis.recursion_k[k]
                d_before, d_now = d_now, dz * now + z * d_now - recursion * d_before
                before, now = now, z * now - recursion * before
            d_cosine, d_sine = (
                (dx * cosine + x * d_cosine) - (dy * sine + y * d_sine),
                (dx * sine + x * d_sine) + (dy * cosine + y * d_cosine),
            )
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine


@kernel
def _angular_features(
    basis: Basis, moments_m: Float, rates_m: Float, self_term: float, features_n: Float
) -> None:
    """dG_n = sum_l c_nl (sum_m N_lm A_lm dA_lm - sum_j w_j dw_j)."""
    order = basis.angular_order
    for degree in range(order + 1):
        power = -self_term
        k = degree
        for m in range(degree + 1):
            along = moments_m[2 * k] * rates_m[2 * k] + moments_m[2 * k + 1] * rates_m[2 * k + 1]
            power += basis.norm_k[k] * along
            k += order - m
        for n in range(degree, order + 1):
            features_n[n] += basis.legendre_nl[n, degree] * power


@kernel
def directional(
    basis: Basis,
    around: Surroundings,
    moments_ahm: Float,
    rates_cp: Float,
) -> Float:
    """Rates of change dG (a, g) of the fingerprints, given the rates of the vectors r (3, p)."""
    n_parts, n_types = basis.weights_ht.shape
    n_radial = basis.radial_order + 1
    n_part = n_radial + basis.angular_order + 1
    n_moments = 2 * len(basis.norm_k)
    features_ag = np.zeros((len(around.atoms_a), n_parts * n_part))
    groups = new_groups(n_types, around)
    rates_cs = groups.gradient_cs
    radial_sums = np.empty(8 * n_radial)
    angular_sums = np.empty(8 * (n_moments + 1))
    rates_hm = np.empty((n_parts, n_moments))
    self_h = np.empty(n_parts)
    for a, i in enumerate(around.atoms_a):
        gather(basis, around, i, groups)
        _gather_rates(groups, rates_cp, rates_cs)
        rates_hm[:] = 0.0
        self_h[:] = 0.0
        for t in range(n_types):
            near, far = 2 * t, 2 * t + 1
            if groups.count_b[near] + groups.count_b[far] == 0:
                continue
            radial_sums[:] = 0.0
            angular_sums[:] = 0.0
            _radial_rates(basis, groups, near, rates_cs, radial_sums)
            _angular_rates(basis, groups, near, rates_cs, angular_sums)
            if basis.radial_cutoff > basis.angular_cutoff:
                _radial_rates(basis, groups, far, rates_cs, radial_sums)
            else:
                _angular_rates(basis, groups, far, rates_cs, angular_sums)
            for h in range(n_parts):
                weight = basis.weights_ht[h, t]
                for n in range(n_radial):
                    features_ag[a, h * n_part + n] += weight * total(load(radial_sums, 8 * n))
                for m in range(n_moments):
                    rates_hm[h, m] += weight * total(load(angular_sums, 8 * m))
                self_h[h] += weight**2 * total(load(angular_sums, 8 * n_moments))
        for h in range(n_parts):
            features_n = features_ag[a, h * n_part + n_radial : (h + 1) * n_part]
            _angular_features(basis, moments_ahm[a, h], rates_hm[h], self_h[h], features_n)
    return features_ag
