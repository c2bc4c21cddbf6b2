"""Predicted against reference values in files, by set and by species."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.models.committee import Uncertainty
from aenetpy.models.potential import Evaluation
from aenetpy.reports.errors import Errors
from aenetpy.training.forces import EV_PER_A3_IN_GPA

SETS = ("test", "training", "other", "")
"""The sets of structures, in the order in which errors are reported; the last where unknown."""

QUANTITIES = ("energy", "force", "stress")


@dataclass(frozen=True, eq=False)
class Pair:
    """Reference and predicted values of one quantity of one structure.

    Parameters
    ----------
    reference, predicted
        The same shape; energies per atom in eV, forces in eV/Å, stress in GPa.
    deviation
        Standard deviation of a committee, the same shape; None of a single potential.
    """

    reference: Float
    predicted: Float
    deviation: Float | None = None


def pairs_of(
    structure: Structure, found: Evaluation, uncertainty: Uncertainty | None = None
) -> dict[str, Pair]:
    """Return by quantity the values of a file and of a potential; nothing where one is missing."""
    pairs, n_atoms = {}, len(structure)
    reference = reference_energy(structure, found)
    if reference is not None:
        std = None if uncertainty is None else np.array([uncertainty.energy / n_atoms])
        pairs["energy"] = Pair(
            np.array([reference / n_atoms]), np.array([found.cohesive_energy / n_atoms]), std
        )
    if structure.forces_nc is not None and found.forces_nc is not None:
        forces_std = None if uncertainty is None else uncertainty.forces_nc
        pairs["force"] = Pair(structure.forces_nc, found.forces_nc, forces_std)
    if structure.stress_cc is not None and found.stress_cc is not None:
        upper = np.triu_indices(3)
        pairs["stress"] = Pair(
            EV_PER_A3_IN_GPA * structure.stress_cc[upper],
            EV_PER_A3_IN_GPA * found.stress_cc[upper],
        )
    return pairs


@dataclass(eq=False)
class Comparison:
    """Values in the files of structures, and values of a potential, structure by structure."""

    pairs: list[dict[str, Pair]] = field(default_factory=list)
    species: list[tuple[str, ...]] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)

    def add(
        self,
        structure: Structure,
        found: Evaluation,
        which: str = "",
        uncertainty: Uncertainty | None = None,
    ) -> None:
        """Take one structure, of a set if that is known."""
        self.pairs.append(pairs_of(structure, found, uncertainty))
        self.species.append(structure.species)
        self.sets.append(which)

    def of(self, quantity: str, which: str | None = None) -> list[Pair]:
        """Return the pairs of one quantity, of all structures or of one set."""
        return [
            pairs[quantity]
            for pairs, part in zip(self.pairs, self.sets, strict=True)
            if quantity in pairs and which in (None, part)
        ]

    def errors(self, quantity: str, which: str | None = None) -> Errors | None:
        """Return the errors of a quantity; None where there is nothing to compare."""
        pairs = self.of(quantity, which)
        return errors_of([(p.predicted - p.reference).ravel() for p in pairs]) if pairs else None

    def by_set(self) -> dict[str, dict[str, Errors]]:
        """Return the errors of each set that has some, test first; empty if no set is known."""
        found = {which: self.by_quantity(which) for which in SETS[:-1] if which in self.sets}
        return {which: errors for which, errors in found.items() if errors}

    def by_quantity(self, which: str | None = None) -> dict[str, Errors]:
        """Return the errors of each quantity that can be compared."""
        found = {quantity: self.errors(quantity, which) for quantity in QUANTITIES}
        return {quantity: errors for quantity, errors in found.items() if errors is not None}

    def by_species(self, which: str | None = None) -> dict[str, Errors]:
        """Return the errors of the components of the forces on the atoms of each species."""
        errors: dict[str, list[Float]] = {}
        for pairs, species, part in zip(self.pairs, self.species, self.sets, strict=True):
            if "force" not in pairs or which not in (None, part):
                continue
            errors_nc = pairs["force"].predicted - pairs["force"].reference
            for symbol in set(species):
                chosen_n = [one == symbol for one in species]
                errors.setdefault(symbol, []).append(errors_nc[chosen_n].ravel())
        return {symbol: errors_of(errors[symbol]) for symbol in sorted(errors)}


def errors_of(parts: Sequence[Float]) -> Errors:
    """Return the errors of all values of some arrays, predicted less reference, in one axis."""
    errors_k = np.concatenate(parts)
    rmse = math.sqrt(float((errors_k**2).mean()))
    return Errors(len(errors_k), float(np.abs(errors_k).mean()), rmse)


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
