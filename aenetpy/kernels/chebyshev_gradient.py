"""Gradients of Chebyshev fingerprints: forces and virial in one pass (design 3.1).

With q_l = sum_n dE/dG_n c_nl the angular part of an atom's energy changes by

    dE = sum_l q_l [sum_m N_lm A_lm d(w Y_lm) - w dw],   w = s f_c

for each neighbour: no derivative of a fingerprint is ever stored. Notation as in
`aenetpy.kernels.chebyshev`.
"""

from __future__ import annotations

from typing import Any

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
def _radial_coefficients(
    basis: Basis, gradient_g: Float, t: int, values_n: Float, slopes_n: Float
) -> None:
    """Coefficients of sum_n g_n T_n and of its derivative in polynomials U_n for species t.

    T_n = (U_n - U_{n-2}) / 2 and T_n' = n U_{n-1}; U_n is of the second kind.
    """
    n_parts = len(basis.weights_ht)
    n_part = len(gradient_g) // n_parts
    values_n[:] = 0.0
    slopes_n[:] = 0.0
    for n in range(basis.radial_order + 1):
        weight = 0.0
        for h in range(n_parts):
            weight += basis.weights_ht[h, t] * gradient_g[h * n_part + n]
        values_n[n] += 0.5 * weight if n > 0 else weight
        if n > 1:
            values_n[n - 2] -= 0.5 * weight
        if n > 0:
            slopes_n[n - 1] += n * weight


@kernel
def angular_coefficients(
    basis: Basis, gradient_g: Float, moments_hm: Float, t: int, field_m: Float
) -> float:
    """B_lm = sum_h s_h N_lm q_hl A_hlm with q_hl = sum_n g_hn c_nl; return sum_hl s_h^2 q_hl."""
    n_parts = len(basis.weights_ht)
    n_part = len(gradient_g) // n_parts
    order = basis.angular_order
    field_m[:] = 0.0
    self_factor = 0.0
    for h in range(n_parts):
        weight = basis.weights_ht[h, t]
        for degree in range(order + 1):
            q = 0.0
            for n in range(degree, order + 1):
                g = h * n_part + basis.radial_order + 1 + n
                q += gradient_g[g] * basis.legendre_nl[n, degree]
            self_factor += weight * weight * q
            k = degree
            for m in range(degree + 1):
                scale = weight * q * basis.norm_k[k]
                field_m[2 * k] += scale * moments_hm[h, 2 * k]
                field_m[2 * k + 1] += scale * moments_hm[h, 2 * k + 1]
                k += order - m
    return self_factor


@kernel
def _add_along(groups: NeighborGroups, s: int, x: Any, y: Any, z: Any) -> None:
    """Add lanes to dE/dr of the neighbours s ... s + 7."""
    y_s, z_s = s + groups.size, s + 2 * groups.size
    store(groups.gradient_cs, s, load(groups.gradient_cs, s) + x)
    store(groups.gradient_cs, y_s, load(groups.gradient_cs, y_s) + y)
    store(groups.gradient_cs, z_s, load(groups.gradient_cs, z_s) + z)


@kernel
def _radial_gradient(
    basis: Basis, groups: NeighborGroups, b: int, values_n: Float, slopes_n: Float
) -> None:
    """Add d/dr of f_c sum_n g_n T_n to a group."""
    inverse_cutoff = 1.0 / basis.radial_cutoff
    for s in range(b * groups.stride, end_of_group(groups, b), 8):
        x, y, z, d = vector(groups, s)
        t = inverse_cutoff * d
        double = 4.0 * t - splat(2.0)
        before, now = splat(0.0), splat(1.0)
        value, slope = splat(0.0), splat(0.0)
        for n in range(basis.radial_order + 1):
            value = value + values_n[n] * now
            slope = slope + slopes_n[n] * now
            before, now = now, double * now - before
        root = cutoff_root(t)
        along = inverse_cutoff * (cutoff_slope(t, root) * value + 2.0 * (root * root) * slope) / d
        _add_along(groups, s, along * x, along * y, along * z)


@kernel
def _angular_gradient(
    basis: Basis, groups: NeighborGroups, b: int, field_m: Float, self_factor: float
) -> None:
    """Add d/dr of w V(u) - self_factor w^2 / 2 with V = sum_lm B_lm Y_lm to a group."""
    order = basis.angular_order
    inverse_cutoff = 1.0 / basis.angular_cutoff
    for s in range(b * groups.stride, end_of_group(groups, b), 8):
        x, y, z, d = vector(groups, s)
        inverse = 1.0 / d
        x, y, z = x * inverse, y * inverse, z * inverse
        value, v_x, v_y, v_z = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
        # (x + iy)^m and (x + iy)^(m-1), of which the derivatives consist
        cosine, sine, lower_cosine, lower_sine = splat(1.0), splat(0.0), splat(0.0), splat(0.0)
        k = 0
        for m in range(order + 1):
            before, now = splat(0.0), splat(1.0)
            even, odd = splat(0.0), splat(0.0)  # sum_l B_lm Q_lm
            d_even, d_odd = splat(0.0), splat(0.0)  # the same of dQ_{l,m-1}/dz
            lower_k = k - order + m - 1  # (l, m - 1) for l = m
            for step in range(order + 1 - m):
                even = even + field_m[2 * k] * now
                odd = odd + field_m[2 * k + 1] * now
                if m > 0:
                    derived = (step + 1.0) * now
                    d_even = d_even + field_m[2 * lower_k] * derived
                    d_odd = d_odd + field_m[2 * lower_k + 1] * derived
                k += 1
                lower_k += 1
                before, now = now, z * now - basis.recursion_k[k] * before
            value = value + (cosine * even + sine * odd)
            v_x = v_x + float(m) * (lower_cosine * even + lower_sine * odd)
            v_y = v_y + float(m) * (lower_cosine * odd - lower_sine * even)
            v_z = v_z + (lower_cosine * d_even + lower_sine * d_odd)
            lower_cosine, lower_sine = cosine, sine
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
        t = inverse_cutoff * d
        root = cutoff_root(t)
        weight = root * root
        across = inverse * weight
        along = inverse_cutoff * cutoff_slope(t, root) * (value - self_factor * weight)
        along = along - across * (x * v_x + y * v_y + z * v_z)
        _add_along(
            groups, s, along * x + across * v_x, along * y + across * v_y, along * z + across * v_z
        )


@kernel
def _gradients(
    basis: Basis,
    groups: NeighborGroups,
    gradient_g: Float,
    moments_hm: Float,
    values_n: Float,
    slopes_n: Float,
    field_m: Float,
) -> None:
    """dE/dr of all neighbours of one atom from dE/dG and the moments; the last three are room."""
    for t in range(basis.weights_ht.shape[1]):
        near, far = 2 * t, 2 * t + 1
        if groups.count_b[near] + groups.count_b[far] == 0:
            continue
        for b in range(near, far + 1):
            for s in range(b * groups.stride, end_of_group(groups, b)):
                for c in range(3):
                    groups.gradient_cs[c * groups.size + s] = 0.0
        _radial_coefficients(basis, gradient_g, t, values_n, slopes_n)
        self_factor = angular_coefficients(basis, gradient_g, moments_hm, t, field_m)
        _radial_gradient(basis, groups, near, values_n, slopes_n)
        _angular_gradient(basis, groups, near, field_m, self_factor)
        if basis.radial_cutoff > basis.angular_cutoff:
            _radial_gradient(basis, groups, far, values_n, slopes_n)
        else:
            _angular_gradient(basis, groups, far, field_m, self_factor)


@kernel
def adjoint(
    basis: Basis,
    around: Surroundings,
    moments_ahm: Float,
    gradient_ag: Float,
    forces_nc: Float,
    virial_scc: Float,
) -> None:
    """Add -dE/dr to forces (n, 3), sum_p r outer dE/dr to the virials (s, 3, 3), given dE/dG."""
    atoms_a, structures_n = around.atoms_a, around.structures_n
    groups = new_groups(basis.weights_ht.shape[1], around)
    r_cs, gradient_cs, size = groups.r_cs, groups.gradient_cs, groups.size
    values_n = np.empty(basis.radial_order + 1)
    slopes_n = np.empty(basis.radial_order + 1)
    field_m = np.empty(moments_ahm.shape[2])
    virial_lanes = np.zeros(72)
    for a, i in enumerate(atoms_a):
        gather(basis, around, i, groups)
        _gradients(basis, groups, gradient_ag[a], moments_ahm[a], values_n, slopes_n, field_m)
        for b in range(len(groups.count_b)):
            for s in range(b * groups.stride, end_of_group(groups, b), 8):
                for k in range(3):
                    for c in range(3):
                        product = load(r_cs, k * size + s) * load(gradient_cs, c * size + s)
                        place = 8 * (3 * k + c)
                        store(virial_lanes, place, load(virial_lanes, place) + product)
            for s in range(b * groups.stride, b * groups.stride + groups.count_b[b]):
                j = around.partners_p[groups.pair_s[s]]
                for c in range(3):
                    forces_nc[j, c] -= gradient_cs[c * size + s]
                    forces_nc[i, c] += gradient_cs[c * size + s]
        structure = structures_n[i]
        if a + 1 == len(atoms_a) or structures_n[atoms_a[a + 1]] != structure:
            for k in range(3):
                for c in range(3):
                    virial_scc[structure, k, c] += total(load(virial_lanes, 8 * (3 * k + c)))
            virial_lanes[:] = 0.0


@kernel
def jacobian(
    basis: Basis,
    around: Surroundings,
    moments_hm: Float,
    n_features: int,
) -> Float:
    """dG/dr (p, g, 3) of a single atom for each of its pairs: the gradient for each unit dE/dG."""
    atom = around.atoms_a[0]
    begin, end = around.offsets_n[atom], around.offsets_n[atom + 1]
    groups = new_groups(basis.weights_ht.shape[1], around)
    gather(basis, around, atom, groups)
    values_n = np.empty(basis.radial_order + 1)
    slopes_n = np.empty(basis.radial_order + 1)
    field_m = np.empty(moments_hm.shape[1])
    unit_g = np.zeros(n_features)
    derivatives_pgc = np.zeros((end - begin, n_features, 3))
    for g in range(n_features):
        unit_g[g] = 1.0
        _gradients(basis, groups, unit_g, moments_hm, values_n, slopes_n, field_m)
        unit_g[g] = 0.0
        for b in range(len(groups.count_b)):
            for s in range(b * groups.stride, b * groups.stride + groups.count_b[b]):
                for c in range(3):
                    p = groups.pair_s[s] - begin
                    derivatives_pgc[p, g, c] = groups.gradient_cs[c * groups.size + s]
    return derivatives_pgc
