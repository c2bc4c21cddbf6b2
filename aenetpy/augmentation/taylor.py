"""The energy of a displaced structure, by the Taylor expansion of its parent's energy."""

from __future__ import annotations

from dataclasses import replace

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.models.curvature import hessian_product
from aenetpy.models.potential import Potential


def energy_change(
    parent: Structure, displacement_nc: Float, potential: Potential | None = None
) -> float:
    """Return the change of energy by a displacement.

    ``E(r + v) - E(r) = -F . v``, with a potential ``+ v . H v / 2``. The neglected term is
    of second (third) order in v.

    Notes
    -----
    Eq. 1 of Cooper, Kästner, Urban and Artrith, npj Comput. Mater. 6, 54 (2020).
    """
    assert parent.forces_nc is not None, "checked by summarise_dataset"
    change = -float((parent.forces_nc * displacement_nc).sum())
    if potential is not None:
        product_nc = hessian_product(potential, parent, displacement_nc)
        change += 0.5 * float((displacement_nc * product_nc).sum())
    return change


def displaced(parent: Structure, displacement_nc: Float, change: float, name: str) -> Structure:
    """Return a displaced copy of a structure with an estimated energy, no forces and no stress."""
    energy, cohesive_energy = parent.energy, parent.cohesive_energy
    return replace(
        parent,
        positions_nc=parent.positions_nc + displacement_nc,
        energy=None if energy is None else energy + change,
        # A cohesive energy of zero counts as none (spec 2.2, item 7).
        cohesive_energy=cohesive_energy + change if cohesive_energy else cohesive_energy,
        forces_nc=None,
        stress_cc=None,
        name=name,
        parent=parent.name,
    )
