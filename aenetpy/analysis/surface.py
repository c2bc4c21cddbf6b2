"""Energy of surfaces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.errors import NumericalError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

J_PER_M2 = 16.02176634
"""In eV/Å^2: J/m^2."""

RELAXED = 0.01
"""eV/Å; a slab whose forces are smaller is relaxed."""


@dataclass(frozen=True)
class SurfaceEnergy:
    """Energy of a surface, the mean of the two of a slab.

    Parameters
    ----------
    energy
        eV/Å^2.
    area
        Of one face, Å^2.
    largest_force
        On an atom of the slab, eV/Å; None where it was not relaxed.
    """

    energy: float
    area: float
    largest_force: float | None = None

    @property
    def joule_per_m2(self) -> float:
        """The energy in J/m^2."""
        return self.energy * J_PER_M2


def surface_energy(
    slab: Atoms, calculator: BaseCalculator, bulk_energy: float, steps: int = 0
) -> SurfaceEnergy:
    """Return the energy per area that it costs to cut a slab from a crystal.

    gamma = (E_slab - n E_bulk) / (2 A).
    """
    atoms = slab.copy()
    atoms.calc = calculator
    largest_force = None
    if steps > 0:
        from ase.optimize import BFGS

        BFGS(atoms, logfile=None).run(fmax=RELAXED, steps=steps)
        largest_force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    area = float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
    energy = (atoms.get_potential_energy() - len(atoms) * bulk_energy) / (2.0 * area)
    if not math.isfinite(energy):
        raise NumericalError("the energy of the slab is not finite")
    return SurfaceEnergy(float(energy), area, largest_force)
