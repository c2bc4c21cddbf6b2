"""Chebyshev fingerprints and their gradients in time linear in the neighbours (spec 6.2).

The addition theorem takes the sum over pairs of neighbours apart:

    T_n = sum_l c_nl P_l,   P_l(u.v) = sum_m N_lm [Y^c_lm(u) Y^c_lm(v) + Y^s_lm(u) Y^s_lm(v)]
    A_lm = sum_j w_j Y_lm(u_j),   S = sum_j w_j^2,   w = s f_c
    p_l = (sum_m N_lm A_lm^2 - S) / 2,   G_n = sum_l c_nl p_l

with harmonics that are not normalised, Y^c + i Y^s = Q_lm(z) (x + iy)^m, where the
polynomial Q_lm has leading coefficient 1, so that

    Q_lm = z Q_{l-1,m} - b_lm Q_{l-2,m},   dQ_lm/dz = (l - m) Q_{l,m+1}

Index k counts (l, m) by m first, h is 0 for plain and 1 for species-weighted sums.
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
from aenetpy.kernels.cutoff import cutoff_root


@kernel
def _radial_sums(basis: Basis, groups: NeighborGroups, b: int, sums: Float) -> None:
    """Add sum_j f_c T_n(2d/R - 1) of a group; eight lanes per n."""
    for s in range(b * groups.stride, end_of_group(groups, b), 8):
        _, _, _, d = vector(groups, s)
        t = (1.0 / basis.radial_cutoff) * d
        root = cutoff_root(t)
        double = 4.0 * t - splat(2.0)
        before = root * root
        now = 0.5 * double * before
        store(sums, 0, load(sums, 0) + before)
        for n in range(1, basis.radial_order + 1):
            store(sums, 8 * n, load(sums, 8 * n) + now)
            before, now = now, double * now - before


@kernel
def _angular_sums(basis: Basis, groups: NeighborGroups, b: int, sums: Float) -> None:
    """Add A^c_lm, A^s_lm (two times eight lanes per k) and S (the last eight) of a group."""
    order = basis.angular_order
    last = 16 * len(basis.norm_k)
    for s in range(b * groups.stride, end_of_group(groups, b), 8):
        x, y, z, d = vector(groups, s)
        inverse = 1.0 / d
        x, y, z = x * inverse, y * inverse, z * inverse
        root = cutoff_root((1.0 / basis.angular_cutoff) * d)
        cosine, sine = root * root, splat(0.0)
        store(sums, last, load(sums, last) + cosine * cosine)
        k = 0
        for m in range(order + 1):
            before, now = splat(0.0), splat(1.0)
            for _ in range(order + 1 - m):
                store(sums, 16 * k, load(sums, 16 * k) + now * cosine)
                store(sums, 16 * k + 8, load(sums, 16 * k + 8) + now * sine)
                k += 1
                before, now = now, z * now - basis.recursion_k[k] * before
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine


@kernel
def _angular_features(basis: Basis, moments_m: Float, self_term: float, features_n: Float) -> None:
    """G_n = sum_l c_nl (sum_m N_lm A_lm^2 - S) / 2; A^c and A^s alternate in ``moments_m``."""
    order = basis.angular_order
    for degree in range(order + 1):
        power = -self_term
        k = degree
        for m in range(degree + 1):
            power += basis.norm_k[k] * (moments_m[2 * k] ** 2 + moments_m[2 * k + 1] ** 2)
            k += order - m
        for n in range(degree, order + 1):
            features_n[n] += 0.5 * basis.legendre_nl[n, degree] * power


@kernel
def features_and_moments(basis: Basis, around: Surroundings) -> tuple[Float, Float]:
    """Features (a, g) and moments A (a, h, 2k) of the atoms."""
    n_parts, n_types = basis.weights_ht.shape
    n_radial = basis.radial_order + 1
    n_part = n_radial + basis.angular_order + 1
    n_moments = 2 * len(basis.norm_k)
    features_ag = np.zeros((len(around.atoms_a), n_parts * n_part))
    moments_ahm = np.zeros((len(around.atoms_a), n_parts, n_moments))
    groups = new_groups(n_types, around)
    radial_sums = np.empty(8 * n_radial)
    angular_sums = np.empty(8 * (n_moments + 1))
    self_h = np.empty(n_parts)
    for a, i in enumerate(around.atoms_a):
        gather(basis, around, i, groups)
        self_h[:] = 0.0
        for t in range(n_types):
            near, far = 2 * t, 2 * t + 1
            if groups.count_b[near] + groups.count_b[far] == 0:
                continue
            radial_sums[:] = 0.0
            angular_sums[:] = 0.0
            _radial_sums(basis, groups, near, radial_sums)
            _angular_sums(basis, groups, near, angular_sums)
            if basis.radial_cutoff > basis.angular_cutoff:
                _radial_sums(basis, groups, far, radial_sums)
            else:
                _angular_sums(basis, groups, far, angular_sums)
            for n in range(n_radial):
                value = total(load(radial_sums, 8 * n))
                for h in range(n_parts):
                    features_ag[a, h * n_part + n] += basis.weights_ht[h, t] * value
            for m in range(n_moments):
                value = total(load(angular_sums, 8 * m))
                for h in range(n_parts):
                    moments_ahm[a, h, m] += basis.weights_ht[h, t] * value
            for h in range(n_parts):
                self_h[h] += basis.weights_ht[h, t] ** 2 * total(load(angular_sums, 8 * n_moments))
        for h in range(n_parts):
            features_n = features_ag[a, h * n_part + n_radial : (h + 1) * n_part]
            _angular_features(basis, moments_ahm[a, h], self_h[h], features_n)
    return features_ag, moments_ahm
