"""Rates of change of angular symmetry functions while the neighbours move (spec 6.3).

The rows D_SUM, D_CUT, D_COS of the triples hold the rates of the exponent, of the product of
all cutoff functions, and of the cosine; CUT becomes that product.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float
from aenetpy.kernels._jit import kernel
from aenetpy.kernels.behler_layout import (
    COS,
    CUT,
    D_COS,
    D_CUT,
    D_SUM,
    FC,
    GX,
    INVERSE,
    JK,
    OWN,
    PHI,
    PHI_COS,
    SLOPE,
    SUM,
    WORK,
    Functions,
    X,
)
from aenetpy.kernels.behler_triples import shape_rows
from aenetpy.kernels.elementary import cosine, dot, exponential, sine_quotient


@kernel
def triple_rates(
    kind: int,
    cutoff: float,
    shell: Float,
    triples: Float,
    members: NDArray[np.uintp],
    n: int,
    rates: Float,
) -> None:
    """Rates of (SUM, CUT, COS) of each triple from the rates of the vectors r_j and r_k.

    With s_j = r_j.u_j: d(d_j^2) = 2 s_j, d(d_jk^2) = 2 (r_j - r_k).(u_j - u_k), dfc = fc'/d s,
    dcos = (u_j.r_k + r_j.u_k)/(d_j d_k) - cos (s_j/d_j^2 + s_k/d_k^2).
    """
    scale = (0.5 * math.pi / cutoff) ** 2
    for t in range(n):
        j, k = members[0, t], members[1, t]
        cross = 0.0
        for c in range(3):
            cross += rates[GX + c, j] * shell[X + c, k] + shell[X + c, j] * rates[GX + c, k]
        own_j, own_k = rates[OWN, j], rates[OWN, k]
        both = own_j + own_k
        cut = triples[CUT, t]
        d_cut = shell[SLOPE, j] * own_j * shell[FC, k] + shell[FC, j] * shell[SLOPE, k] * own_k
        triples[D_SUM, t] = 2.0 * both
        if kind == 4:
            u = triples[JK, t] * scale
            root = cosine(u)
            d_cut = d_cut * root * root
            d_cut -= cut * 2.0 * scale * root * sine_quotient(u) * (both - cross)
            triples[CUT, t] = cut * root * root
            triples[D_SUM, t] += 2.0 * (both - cross)
        triples[D_CUT, t] = d_cut
        inverse_j, inverse_k = shell[INVERSE, j], shell[INVERSE, k]
        shrink = own_j * inverse_j**2 + own_k * inverse_k**2
        triples[D_COS, t] = cross * inverse_j * inverse_k - triples[COS, t] * shrink


@kernel
def add_rates(
    functions: Functions,
    m: int,
    triples: Float,
    n: int,
    shapes: Float,
    slopes: Float,
    rates_g: Float,
) -> None:
    """rates_g += 2 sum_t d[shape_q exp(-eta SUM) CUT], all of group m."""
    sum_t, cut_t, decay_t = triples[SUM, :n], triples[CUT, :n], triples[WORK, :n]
    d_sum_t, d_cut_t, d_cos_t = triples[D_SUM, :n], triples[D_CUT, :n], triples[D_COS, :n]
    change_t, bend_t = triples[PHI, :n], triples[PHI_COS, :n]
    shape_rows(functions, m, 0.0, triples, n, shapes)
    shape_rows(functions, m, 1.0, triples, n, slopes)
    for e in range(functions.etas_m[m], functions.etas_m[m + 1]):
        eta = functions.eta_e[e]
        for t in range(n):
            decay_t[t] = exponential(-eta * sum_t[t])
        for t in range(n):
            change_t[t] = decay_t[t] * (d_cut_t[t] - eta * d_sum_t[t] * cut_t[t])
            bend_t[t] = decay_t[t] * cut_t[t] * d_cos_t[t]
        for u in range(functions.terms_e[e], functions.terms_e[e + 1]):
            q = functions.shape_u[u] + functions.shapes_m[m]
            bent = 0.5 * functions.zeta_q[q] * functions.lambda_q[q]
            rate = dot(change_t, shapes[functions.shape_u[u], :n])
            rate += bent * dot(bend_t, slopes[functions.shape_u[u], :n])
            rates_g[functions.slot_u[u]] += 2.0 * rate
