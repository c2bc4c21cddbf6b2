"""Angular symmetry functions G4 and G5 over buffered triples (spec 6.3).

Triples (i; j, k) are first collected, those beyond the cutoff excepted, then
worked on row by row: each exponential and each power is computed once per triple.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float
from aenetpy.kernels._jit import kernel
from aenetpy.kernels.behler_layout import (
    BY_COS,
    BY_CUT,
    BY_SUM,
    COS,
    CUT,
    D2,
    FC,
    GX,
    GY,
    GZ,
    HALF,
    INVERSE,
    JK,
    OWN,
    PHI,
    PHI_COS,
    SLOPE,
    SUM,
    WORK,
    WORK2,
    Functions,
    X,
    Y,
    Z,
)
from aenetpy.kernels.elementary import cosine, dot, exponential, power, sine_quotient

Members = NDArray[np.uintp]


@kernel
def add_triples(
    kind: int,
    shell: Float,
    j: int,
    first: int,
    last: int,
    square_cutoff: float,
    distance_p: Float,
    triples: Float,
    members: Members,
    n: int,
) -> int:
    """Append the triples (j, k), first <= k < last, whose distances are inside the cutoff.

    SUM is d_ij^2 + d_ik^2 (+ d_jk^2 for G4), CUT is fc(ij) fc(ik). Returns the number of triples.
    """
    x, y, z, square = shell[X, j], shell[Y, j], shell[Z, j], shell[D2, j]
    inverse, fc = shell[INVERSE, j], shell[FC, j]
    begin, stop = np.uintp(first), np.uintp(last)  # never negative: no wrap-around to check
    for k in range(begin, stop):
        d2 = (shell[X, k] - x) ** 2 + (shell[Y, k] - y) ** 2 + (shell[Z, k] - z) ** 2
        distance_p[k] = d2 if shell[D2, k] < square_cutoff else np.inf
    reach = square_cutoff if kind == 4 else np.inf
    end = np.uintp(n)
    for k in range(begin, stop):
        members[1, end] = k
        end += np.uintp(distance_p[k] < reach)
    both = 1.0 if kind == 4 else 0.0
    for t in range(np.uintp(n), end):
        k = members[1, t]
        members[0, t] = j
        dot_jk = x * shell[X, k] + y * shell[Y, k] + z * shell[Z, k]
        triples[COS, t] = min(1.0, max(-1.0, dot_jk * (inverse * shell[INVERSE, k])))
        triples[JK, t] = distance_p[k]
        triples[SUM, t] = square + shell[D2, k] + both * distance_p[k]
        triples[CUT, t] = fc * shell[FC, k]
    return int(np.intp(end))


@kernel
def shape_rows(
    functions: Functions, m: int, reduce: float, triples: Float, n: int, shapes: Float
) -> None:
    """shapes[q] = ((1 + lambda cos)/2)^(zeta - reduce) for all shapes q of group m."""
    half_t, work_t, cos_t = triples[HALF, :n], triples[WORK, :n], triples[COS, :n]
    for q in range(functions.shapes_m[m], functions.shapes_m[m + 1]):
        lambda_ = functions.lambda_q[q]
        for t in range(n):
            half_t[t] = 0.5 * (1.0 + lambda_ * cos_t[t])
        row = shapes[q - functions.shapes_m[m], :n]
        power(half_t, functions.zeta_q[q] - reduce, work_t, row)


@kernel
def triple_values(
    functions: Functions,
    m: int,
    cutoff: float,
    triples: Float,
    n: int,
    shapes: Float,
    values_g: Float,
) -> None:
    """values_g += 2 sum_t shape_q exp(-eta SUM) CUT (with fc(jk) for G4), all of group m."""
    sum_t, cut_t, work_t = triples[SUM, :n], triples[CUT, :n], triples[WORK, :n]
    if functions.kind_m[m] == 4:
        square_t = triples[JK, :n]
        scale = (0.5 * math.pi / cutoff) ** 2
        for t in range(n):
            c = cosine(square_t[t] * scale)
            cut_t[t] *= c * c
    shape_rows(functions, m, 0.0, triples, n, shapes)
    for e in range(functions.etas_m[m], functions.etas_m[m + 1]):
        eta = functions.eta_e[e]
        for t in range(n):
            work_t[t] = exponential(-eta * sum_t[t]) * cut_t[t]
        for u in range(functions.terms_e[e], functions.terms_e[e + 1]):
            values_g[functions.slot_u[u]] += 2.0 * dot(work_t, shapes[functions.shape_u[u], :n])


@kernel
def is_active(functions: Functions, terms: tuple[int, int], gradient_mg: Float) -> bool:
    """Return whether any of the angular functions has a gradient."""
    for member in range(len(gradient_mg)):
        for u in range(terms[0], terms[1]):
            if gradient_mg[member, functions.slot_u[u]] != 0.0:
                return True
    return False


@kernel
def triple_adjoints(
    functions: Functions,
    m: int,
    triples: Float,
    n: int,
    shapes: Float,
    slopes: Float,
    gradient_mg: Float,
    adjoints: Float,
) -> None:
    """Differentiate E = sum_g gradient_g G_g with respect to SUM, CUT and COS, over fc fc fc.

    With phi_e = sum_q 2 gradient_eq shape_q and T_e = exp(-eta SUM): BY_CUT = sum_e T_e phi_e,
    BY_SUM = -sum_e eta T_e phi_e, BY_COS = sum_e T_e dphi_e/dcos, for each member.
    """
    sum_t, decay_t = triples[SUM, :n], triples[WORK, :n]
    phi_t, phi_cos_t = triples[PHI, :n], triples[PHI_COS, :n]
    shape_rows(functions, m, 0.0, triples, n, shapes)
    shape_rows(functions, m, 1.0, triples, n, slopes)
    adjoints[:, :, :n] = 0.0
    for e in range(functions.etas_m[m], functions.etas_m[m + 1]):
        terms = (functions.terms_e[e], functions.terms_e[e + 1])
        if not is_active(functions, terms, gradient_mg):
            continue
        eta = functions.eta_e[e]
        for t in range(n):
            decay_t[t] = exponential(-eta * sum_t[t])
        for member in range(len(gradient_mg)):
            gradient_g = gradient_mg[member]
            by_sum_t, by_cut_t = adjoints[member, BY_SUM, :n], adjoints[member, BY_CUT, :n]
            by_cos_t = adjoints[member, BY_COS, :n]
            phi_t[:] = 0.0
            phi_cos_t[:] = 0.0
            for u in range(terms[0], terms[1]):
                q = functions.shape_u[u] + functions.shapes_m[m]
                weight = 2.0 * gradient_g[functions.slot_u[u]]
                weight_cos = 0.5 * weight * functions.zeta_q[q] * functions.lambda_q[q]
                shape_t = shapes[functions.shape_u[u], :n]
                slope_t = slopes[functions.shape_u[u], :n]
                for t in range(n):
                    phi_t[t] += weight * shape_t[t]
                    phi_cos_t[t] += weight_cos * slope_t[t]
            for t in range(n):
                term = decay_t[t] * phi_t[t]
                by_cut_t[t] += term
                by_sum_t[t] -= eta * term
                by_cos_t[t] += decay_t[t] * phi_cos_t[t]


@kernel
def distance_rows(kind: int, cutoff: float, triples: Float, n: int) -> None:
    """Fill rows WORK = fc(jk) and WORK2 = fc'(jk)/d_jk of the triples, for G4."""
    fc_t, slope_t, square_t = triples[WORK, :n], triples[WORK2, :n], triples[JK, :n]
    scale = (0.5 * math.pi / cutoff) ** 2
    if kind == 4:
        for t in range(n):
            c = cosine(square_t[t] * scale)
            fc_t[t] = c * c
            slope_t[t] = -2.0 * scale * c * sine_quotient(square_t[t] * scale)


@kernel
def triple_slopes(
    kind: int,
    shell: Float,
    triples: Float,
    members: Members,
    n: int,
    adjoints: Float,
    slopes: Float,
) -> None:
    """Chain rule from (SUM, CUT, COS) of each triple to the vectors r_j and r_k, of one member.

    dE/dr_j = (a_j + c) r_j + (b - c) r_k with b = E_cos/(d_j d_k), c from d_jk (G4 only),
    a_j = 2 E_sum + E_cut fc_k fc_jk fc'_j/d_j - E_cos cos/d_j^2; the same for k.
    """
    fc_t, slope_t = triples[WORK, :n], triples[WORK2, :n]
    for t in range(n):
        j, k = members[0, t], members[1, t]
        fc, slope, both = (fc_t[t], slope_t[t], 1.0) if kind == 4 else (1.0, 0.0, 0.0)
        d_cut = adjoints[BY_CUT, t]
        cut = triples[CUT, t]
        d_sum = 2.0 * adjoints[BY_SUM, t] * cut * fc
        d_cos = adjoints[BY_COS, t] * cut * fc
        inverse_j, inverse_k = shell[INVERSE, j], shell[INVERSE, k]
        jk = both * d_sum + d_cut * cut * slope
        bend = d_cos * triples[COS, t]
        own_j = d_sum + jk + d_cut * fc * shell[FC, k] * shell[SLOPE, j] - bend * inverse_j**2
        own_k = d_sum + jk + d_cut * fc * shell[FC, j] * shell[SLOPE, k] - bend * inverse_k**2
        cross = d_cos * inverse_j * inverse_k - jk
        slopes[OWN, j] += own_j
        slopes[GX, j] += cross * shell[X, k]
        slopes[GY, j] += cross * shell[Y, k]
        slopes[GZ, j] += cross * shell[Z, k]
        slopes[OWN, k] += own_k
        slopes[GX, k] += cross * shell[X, j]
        slopes[GY, k] += cross * shell[Y, j]
        slopes[GZ, k] += cross * shell[Z, j]
