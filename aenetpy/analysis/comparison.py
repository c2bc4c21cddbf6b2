"""Predicted against reference values: what a file holds, and errors in two numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.models.potential import Evaluation


@dataclass(eq=False)
class ErrorSums:
    """Sums over errors, from which MAE and RMSE follow without keeping the errors."""

    count: int = 0
    absolute: float = 0.0
    square: float = 0.0

    def add(self, errors: Float) -> None:
        """Add errors of any shape, predicted less reference."""
        self.count += errors.size
        self.absolute += float(np.abs(errors).sum())
        self.square += float((errors**2).sum())

    @property
    def mae(self) -> float:
        """Mean absolute error, in the unit of the errors; at least one must have been added."""
        return self.absolute / self.count

    @property
    def rmse(self) -> float:
        """Root mean square error."""
        return math.sqrt(self.square / self.count)


def reference_and_prediction(
    structure: Structure, found: Evaluation
) -> tuple[tuple[float, float] | None, tuple[Float, Float] | None]:
    """Return what a file holds and what a potential says: energies per atom, eV, and forces, eV/Å.

    Returns
    -------
    energies, forces
        Reference and prediction each; None where there is nothing to compare.
    """
    reference, n_atoms = reference_energy(structure, found), len(structure)
    energies = None
    if reference is not None:
        energies = reference / n_atoms, found.cohesive_energy / n_atoms
    forces = None
    if structure.forces_nc is not None and found.forces_nc is not None:
        forces = structure.forces_nc, found.forces_nc
    return energies, forces


def reference_energy(structure: Structure, found: Evaluation) -> float | None:
    """Return the energy that the file of a structure holds, less the atomic energies, eV.

    None if it holds none, or if the structure is a displaced copy, whose energy is an estimate.
    """
    if structure.parent is not None:
        return None
    if structure.cohesive_energy:
        return structure.cohesive_energy
    if structure.energy is None:
        return None
    return structure.energy - (found.energy - found.cohesive_energy)
