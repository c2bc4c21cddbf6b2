"""Energy, forces and stress of a structure by a potential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float
from aenetpy.descriptors.batch import Contact
from aenetpy.errors import NumericalError
from aenetpy.models.ranges import OutOfRange


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Energy, forces and stress of a structure by a potential.

    Parameters
    ----------
    energy, cohesive_energy
        Total energy, and energy less the atomic energies, eV.
    atomic_energies_n
        Energy of each atom, its free-atom energy included, eV, (n,) float64.
    forces_nc
        -dE/dr, eV/Å, (n, 3) float64; None if not asked for.
    virial_cc
        Sum of r ⊗ dE/dr over pairs, eV, (3, 3) float64. None if forces were not asked for.
    closest
        The closest pair of atoms.
    out_of_range
        Fingerprint values outside of the training range; None if not asked for.
    volume
        Of the cell, Å^3; None without one.
    """

    energy: float
    cohesive_energy: float
    atomic_energies_n: Float
    forces_nc: Float | None
    virial_cc: Float | None
    closest: Contact
    out_of_range: OutOfRange | None = None
    volume: float | None = None

    @property
    def stress_cc(self) -> Float | None:
        """Stress ``virial / volume``, positive under tension as in ASE, eV/Å^3, (3, 3) float64.

        None without a cell, or if forces were not asked for.
        """
        if self.virial_cc is None or self.volume is None:
            return None
        return self.virial_cc / self.volume

    def require_finite(self, name: str | None = None) -> None:
        """Refuse energies and forces that are not finite."""
        forces_nc = np.zeros((0, 3)) if self.forces_nc is None else self.forces_nc
        if np.isfinite(self.energy) and np.isfinite(forces_nc).all():
            return
        first, second, distance = self.closest.first, self.closest.second, self.closest.distance
        raise NumericalError(
            f"the energy or a force is not finite; the closest atoms, {first + 1} and "
            f"{second + 1}, are {distance:.3f} Å apart",
            file=name,
            hint="check the structure, and the numbers in the potential",
        )
