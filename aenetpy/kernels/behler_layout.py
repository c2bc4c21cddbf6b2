"""How functions, neighbours and triples of the Behler2011 kernels lie in memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float, Long

BUFFER = 512
"""Triples worked on together: many enough for long loops, few enough to stay in cache."""

VALUES, SLOPES, RATES = range(3)
"""Tasks of a pass: functions, gradient (adjoint), derivative along displacements."""

# Rows of the shell: vector to the neighbour, d, d^2, 1/d, fc and fc'/d.
X, Y, Z, D, D2, INVERSE, FC, SLOPE = range(8)
SHELL_ROWS = 8

# Rows of the slopes of a member: dE/dr_p = OWN * r_p + (GX, GY, GZ). Where rates are asked for,
# u = dr_p/dt = (GX, GY, GZ) and OWN = r_p . u instead, in place of the first member.
OWN, GX, GY, GZ = range(4)
SLOPE_ROWS = 4

# Rows of the triples: cos(theta), sum of squared distances in the exponent, d_jk^2,
# product of cutoff functions; then scratch and the rates of exponent, cutoff and cosine, whose
# adjoints the members have in rows of their own.
COS, SUM, JK, CUT, WORK, WORK2, HALF, PHI, PHI_COS, D_SUM, D_CUT, D_COS = range(12)
TRIPLE_ROWS = 12
BY_SUM, BY_CUT, BY_COS = range(3)
ADJOINT_ROWS = 3


class Functions(NamedTuple):
    """Functions sorted by cutoff; each cutoff has radial functions f and angular groups m.

    Index arrays with one element more than their axis hold where the items of
    the next axis begin: ``groups_r[r]:groups_r[r + 1]`` are the groups of
    cutoff r. Axes: r cutoff, f radial function, m angular group, q angular
    shape (lambda, zeta), e eta, u angular function.
    """

    cutoff_r: Float
    radials_r: Long
    groups_r: Long
    kind_f: Long
    species_f: Long
    rate_f: Float
    shift_f: Float
    slot_f: Long
    kind_m: Long
    first_m: Long
    second_m: Long
    shapes_m: Long
    etas_m: Long
    lambda_q: Float
    zeta_q: Float
    eta_e: Float
    terms_e: Long
    shape_u: Long
    slot_u: Long


class Workspace(NamedTuple):
    """Scratch arrays of one pass, as large as the largest atom needs."""

    order_p: Long
    start_z: Long
    shell: Float
    slopes: Float
    row_p: Float
    triples: Float
    members: NDArray[np.uintp]
    shapes: Float
    shape_slopes: Float
    adjoints: Float


def workspace(
    functions: Functions, n_species: int, n_neighbors: int, n_members: int = 1
) -> Workspace:
    """Allocate scratch for atoms of at most ``n_neighbors`` neighbours."""
    n_triples = BUFFER + n_neighbors + 1
    n_shapes = int(np.diff(functions.shapes_m).max(initial=0))
    return Workspace(
        order_p=np.empty(n_neighbors, np.int64),
        start_z=np.zeros(n_species + 1, np.int64),
        shell=np.empty((SHELL_ROWS, n_neighbors)),
        slopes=np.empty((n_members, SLOPE_ROWS, n_neighbors)),
        row_p=np.empty(n_neighbors),
        triples=np.empty((TRIPLE_ROWS, n_triples)),
        members=np.empty((2, n_triples), np.uintp),
        shapes=np.empty((n_shapes, n_triples)),
        shape_slopes=np.empty((n_shapes, n_triples)),
        adjoints=np.empty((n_members, ADJOINT_ROWS, n_triples)),
    )
