"""Products of vectors with derivatives of fingerprints that are kept in memory (design 3.4).

J = dG/dq of structure s and species t is a dense matrix; its rows are all fingerprint
components of all atoms, its columns the coordinates q of the structure, filled up to whole lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import WIDTH as LANES
from aenetpy.kernels._lanes import load, splat, store, total


class StoredLayout(NamedTuple):
    """Where the numbers of some structures are in flat arrays."""

    jacobian_st: Long
    rows_st: Long
    n_rows_st: Long
    coordinates_s: Long


@kernel
def stored_forces_and_rates(
    jacobian_k: Any,
    layout: StoredLayout,
    gradient_k: Float,
    reference_q: Float,
    weight_q: Float,
    forces_q: Float,
    rates_k: Float,
) -> None:
    """Write f = -J^T g to ``forces_q`` and J [w (f - f_ref)] to ``rates_k``.

    Structure by structure, so that its matrix is fetched from memory once. ``rates_k``
    may be empty: then only forces are wanted.
    """
    n_structures, n_types = layout.jacobian_st.shape
    widest = 0
    for s in range(n_structures):
        widest = max(widest, layout.coordinates_s[s + 1] - layout.coordinates_s[s])
    sums_q = np.empty(-(-widest // LANES) * LANES)
    for s in range(n_structures):
        first = layout.coordinates_s[s]
        width = layout.coordinates_s[s + 1] - first
        stride = -(-width // LANES) * LANES
        sums_q[:stride] = 0.0
        for t in range(n_types):
            begin, row = layout.jacobian_st[s, t], layout.rows_st[s, t]
            for k in range(row, row + layout.n_rows_st[s, t]):
                for q in range(0, stride, LANES):
                    product = gradient_k[k] * load(jacobian_k, begin + q)
                    store(sums_q, q, load(sums_q, q) - product)
                begin += stride
        for q in range(width):
            forces_q[first + q] = sums_q[q]
            sums_q[q] = weight_q[first + q] * (sums_q[q] - reference_q[first + q])
        if len(rates_k) == 0:
            continue
        for t in range(n_types):
            begin, row = layout.jacobian_st[s, t], layout.rows_st[s, t]
            for k in range(row, row + layout.n_rows_st[s, t]):
                rate = splat(0.0)
                for q in range(0, stride, LANES):
                    rate = rate + load(jacobian_k, begin + q) * load(sums_q, q)
                rates_k[k] = total(rate)
                begin += stride
