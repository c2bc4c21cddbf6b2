"""Gradients of Chebyshev fingerprints for several dE/dG at once, of the members of a committee.

What `aenetpy.kernels.chebyshev_gradient` does with one: d(f_c T_n)/dr and d(w Y_lm)/dr of eight
neighbours are tabulated once, and each member adds them up with coefficients of its own:

    dE/dr = r/d [sum_n g_n d(f_c T_n)/dd - self w dw/dd] + sum_lm B_lm d(w Y_lm)/dr
"""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import load, splat, store, total
from aenetpy.kernels.batch import Surroundings
from aenetpy.kernels.chebyshev_gradient import angular_coefficients
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
def _tabulate_radial(basis: Basis, groups: NeighborGroups, s: int, along_n: Float) -> None:
    """d(f_c T_n)/dd of the neighbours s ... s + 7, eight lanes per n."""
    inverse_cutoff = 1.0 / basis.radial_cutoff
    _, _, _, d = vector(groups, s)
    t = inverse_cutoff * d
    double = 4.0 * t - splat(2.0)
    root = cutoff_root(t)
    fall = inverse_cutoff * cutoff_slope(t, root)
    rise = 2.0 * inverse_cutoff * (root * root)
    before, now = splat(1.0), 0.5 * double  # T_n
    u_before, u_now = splat(0.0), splat(1.0)  # U_{n-1}, of the second kind
    store(along_n, 0, fall)
    for n in range(1, basis.radial_order + 1):
        store(along_n, 8 * n, fall * now + rise * (float(n) * u_now))
        before, now = now, double * now - before
        u_before, u_now = u_now, double * u_now - u_before


@kernel
def _tabulate_angular(
    basis: Basis, groups: NeighborGroups, s: int, values_k: Float, gradient_q: Float
) -> None:
    """d(w Y)/dr, three times eight lanes for each Y^c and Y^s, then w dw/dd; first is room."""
    order = basis.angular_order
    inverse_cutoff = 1.0 / basis.angular_cutoff
    x, y, z, d = vector(groups, s)
    inverse = 1.0 / d
    x, y, z = x * inverse, y * inverse, z * inverse
    k = 0
    for m in range(order + 1):
        before, now = splat(0.0), splat(1.0)
        for _ in range(order + 1 - m):
            store(values_k, 8 * k, now)
            k += 1
            before, now = now, z * now - basis.recursion_k[k] * before
    t = inverse_cutoff * d
    root = cutoff_root(t)
    weight = root * root
    across = inverse * weight
    fall = inverse_cutoff * cutoff_slope(t, root)
    cosine, sine, lower_cosine, lower_sine = splat(1.0), splat(0.0), splat(0.0), splat(0.0)
    k = 0
    for m in range(order + 1):
        upper = k + order + 1 - m  # (l, m + 1) for l = m + 1
        for step in range(order + 1 - m):
            value = load(values_k, 8 * k)
            slope = splat(0.0)
            if step > 0:
                slope = float(step) * load(values_k, 8 * (upper + step - 1))
            flat = float(m) * value
            for part in range(2):
                if part == 0:
                    own, v_x, v_y = cosine, lower_cosine * flat, -1.0 * (lower_sine * flat)
                else:
                    own, v_x, v_y = sine, lower_sine * flat, lower_cosine * flat
                v_z = own * slope
                along = fall * (own * value) - across * (x * v_x + y * v_y + z * v_z)
                place = 24 * (2 * k + part)
                store(gradient_q, place, along * x + across * v_x)
                store(gradient_q, place + 8, along * y + across * v_y)
                store(gradient_q, place + 16, along * z + across * v_z)
            k += 1
        lower_cosine, lower_sine = cosine, sine
        cosine, sine = x * cosine - y * sine, x * sine + y * cosine
    store(gradient_q, 48 * k, weight * fall)


@kernel
def adjoints(
    basis: Basis,
    around: Surroundings,
    moments_ahm: Float,
    gradient_mag: Float,
    forces_mnc: Float,
    virial_mscc: Float,
) -> None:
    """Add -dE/dr to forces and sum_p r outer dE/dr to virials of all members, given dE/dG."""
    n_members, n_radial, order = len(gradient_mag), basis.radial_order + 1, basis.angular_order
    n_parts, n_types = basis.weights_ht.shape
    n_part = gradient_mag.shape[2] // n_parts
    n_moments = moments_ahm.shape[2]
    atoms_a, structures_n = around.atoms_a, around.structures_n
    groups = new_groups(n_types, around)
    along_n = np.empty(8 * n_radial)
    values_k = np.empty(8 * len(basis.norm_k))
    gradient_q = np.empty(24 * n_moments + 8)
    radial_mn = np.empty((n_members, n_radial))
    field_mm = np.empty((n_members, n_moments))
    self_m = np.empty(n_members)
    virial_ml = np.zeros((n_members, 72))
    own_ml = np.zeros((n_members, 24))
    slopes_l = np.empty(24)
    radial_is_wider = basis.radial_cutoff > basis.angular_cutoff
    for a, i in enumerate(atoms_a):
        gather(basis, around, i, groups)
        own_ml[:] = 0.0
        for b in range(2 * n_types):
            if groups.count_b[b] == 0:
                continue
            t = b // 2
            is_near = b % 2 == 0
            has_radial, has_angular = is_near or radial_is_wider, is_near or not radial_is_wider
            for member in range(n_members):
                gradient_g = gradient_mag[member, a]
                for n in range(n_radial):
                    weight = 0.0
                    for h in range(n_parts):
                        weight += basis.weights_ht[h, t] * gradient_g[h * n_part + n]
                    radial_mn[member, n] = weight
                if has_angular:
                    self_m[member] = angular_coefficients(
                        basis, gradient_g, moments_ahm[a], t, field_mm[member]
                    )
            for s in range(b * groups.stride, end_of_group(groups, b), 8):
                if has_radial:
                    _tabulate_radial(basis, groups, s, along_n)
                if has_angular:
                    _tabulate_angular(basis, groups, s, values_k, gradient_q)
                x, y, z, d = vector(groups, s)
                inverse = 1.0 / d
                last = min(8, b * groups.stride + groups.count_b[b] - s)
                for member in range(n_members):
                    along = splat(0.0)
                    if has_radial:
                        for n in range(n_radial):
                            along = along + radial_mn[member, n] * load(along_n, 8 * n)
                    g_x, g_y, g_z = splat(0.0), splat(0.0), splat(0.0)
                    if has_angular:
                        along = along - self_m[member] * load(gradient_q, 24 * n_moments)
                        field_m = field_mm[member]
                        for k in range(order + 1):  # m = 0 has no sine
                            g_x = g_x + field_m[2 * k] * load(gradient_q, 48 * k)
                            g_y = g_y + field_m[2 * k] * load(gradient_q, 48 * k + 8)
                            g_z = g_z + field_m[2 * k] * load(gradient_q, 48 * k + 16)
                        for q in range(2 * (order + 1), n_moments):
                            g_x = g_x + field_m[q] * load(gradient_q, 24 * q)
                            g_y = g_y + field_m[q] * load(gradient_q, 24 * q + 8)
                            g_z = g_z + field_m[q] * load(gradient_q, 24 * q + 16)
                    along = along * inverse
                    g_x, g_y, g_z = g_x + along * x, g_y + along * y, g_z + along * z
                    own_l, virial_l = own_ml[member], virial_ml[member]
                    store(slopes_l, 0, g_x)
                    store(slopes_l, 8, g_y)
                    store(slopes_l, 16, g_z)
                    for c in range(3):
                        slope = load(slopes_l, 8 * c)
                        store(own_l, 8 * c, load(own_l, 8 * c) + slope)
                        store(virial_l, 8 * c, load(virial_l, 8 * c) + x * slope)
                        store(virial_l, 8 * c + 24, load(virial_l, 8 * c + 24) + y * slope)
                        store(virial_l, 8 * c + 48, load(virial_l, 8 * c + 48) + z * slope)
                    for lane in range(last):
                        j = around.partners_p[groups.pair_s[s + lane]]
                        for c in range(3):
                            forces_mnc[member, j, c] -= slopes_l[8 * c + lane]
        structure = structures_n[i]
        is_last = a + 1 == len(atoms_a) or structures_n[atoms_a[a + 1]] != structure
        for member in range(n_members):
            for c in range(3):
                forces_mnc[member, i, c] += total(load(own_ml[member], 8 * c))
            if is_last:
                for k in range(3):
                    for c in range(3):
                        part = total(load(virial_ml[member], 8 * (3 * k + c)))
                        virial_mscc[member, structure, k, c] += part
        if is_last:
            virial_ml[:] = 0.0
