"""The Hessian of a potential, times a displacement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.models.potential import Potential

STEP = 1.0e-4
"""Å, of the atom that moves farthest."""


def hessian_product(potential: Potential, structure: Structure, displacement_nc: Float) -> Float:
    """Return the second derivatives of the energy along a displacement.

    ``H v = -[F(r + h v) - F(r - h v)] / (2 h)`` with ``h max|v_n| = 1e-4 Å``. The forces are
    analytic, so that so small a step costs no digits that matter; it is small since the
    second derivative of the cutoff function jumps where a neighbour leaves the cutoff.
    """
    largest = np.sqrt((displacement_nc**2).sum(axis=1).max())
    if largest == 0.0:
        return np.zeros_like(displacement_nc)
    h = STEP / largest
    ahead_nc, behind_nc = (
        potential.evaluate(
            replace(structure, positions_nc=structure.positions_nc + sign * h * displacement_nc)
        ).forces_nc
        for sign in (1.0, -1.0)
    )
    assert ahead_nc is not None, "evaluate was asked for forces"
    assert behind_nc is not None, "evaluate was asked for forces"
    product_nc: Float = (behind_nc - ahead_nc) / (2.0 * h)
    return product_nc
