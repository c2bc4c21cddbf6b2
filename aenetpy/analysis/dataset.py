"""Proposals of a set of structures for the input files: species, distances, cutoffs, energies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from aenetpy.analysis.atomic_energies import AtomicEnergies, EnergiesOfCompositions
from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.errors import located

WIDTH = 0.1
"""Of a bin of distances, Å."""

RADIAL, ANGULAR = (58.0, 4.0, 8.0), (25.0, 3.0, 6.5)
"""Neighbours that a cutoff should hold, and its limits, Å: with these the radial and angular
cutoffs of TiO2 are those with the smallest errors of energies and forces, 5.5 and 4.2 Å (design
3.4)."""

CLOSER = 0.8
"""RMIN, as a share of the shortest distance: dynamics and relaxations come closer than the data."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A summary of structures.

    Parameters
    ----------
    species
        In the order of their appearance.
    n_structures, n_without_forces, n_without_energy
        Their number, and missing labels.
    n_with_stress
        How many have a stress.
    n_forces
        Force components of all structures.
    shortest
        Shortest distance of two atoms, Å; infinite if no two are within 8 Å.
    neighbors_b
        Mean number of neighbours within 0.1, 0.2, ... 8 Å, (b,) float64.
    atomic_energies
        By species in ``species``: of isolated atoms, or fitted to the total energies of the
        structures that converged; None if none has one.
    """

    species: tuple[str, ...]
    n_structures: int
    n_without_forces: int
    n_without_energy: int
    n_with_stress: int
    n_forces: int
    shortest: float
    neighbors_b: Float
    atomic_energies: AtomicEnergies | None

    @property
    def r_min(self) -> float:
        """A value for RMIN, Å."""
        if not math.isfinite(self.shortest):
            return 1.0
        return max(math.floor(20 * CLOSER * self.shortest) / 20, 0.05)

    @property
    def radial_cutoff(self) -> float:
        """A value for radial_Rc, Å."""
        return self._cutoff(*RADIAL)

    @property
    def angular_cutoff(self) -> float:
        """A value for angular_Rc, Å."""
        return self._cutoff(*ANGULAR)

    def neighbors_within(self, radius: float) -> float:
        """Return the mean number of neighbours within a radius, a multiple of 0.1 Å up to 8 Å."""
        return float(self.neighbors_b[round(radius / WIDTH) - 1])

    def _cutoff(self, n_neighbors: float, least: float, most: float) -> float:
        """Return the radius that holds a mean number of neighbours, within limits."""
        b = int(np.searchsorted(self.neighbors_b, n_neighbors))
        return round(min(max(WIDTH * (b + 1), least), most), 1)


def describe_dataset(structures: Iterable[Structure]) -> Dataset:
    """Look at all structures, one at a time."""
    species: dict[str, int] = {}
    energies = EnergiesOfCompositions()
    n_structures = n_atoms = n_without_forces = n_without_energy = n_with_stress = n_forces = 0
    shortest = math.inf
    n_bins = round(RADIAL[2] / WIDTH)
    pairs_b = np.zeros(n_bins)
    for structure in structures:
        n_structures += 1
        n_atoms += len(structure)
        n_without_forces += structure.forces_nc is None
        n_forces += 0 if structure.forces_nc is None else structure.forces_nc.size
        n_with_stress += structure.stress_cc is not None
        for symbol in structure.species:
            species.setdefault(symbol, len(species))
        if structure.converged:
            energies.add(structure)
        n_without_energy += structure.energy is None and not structure.cohesive_energy
        with located(structure.name):
            neighbors = find_neighbors(
                structure.positions_nc, structure.cell_cc, structure.pbc_c, RADIAL[2]
            )
        distances_p = neighbors.distances()
        shortest = min(shortest, float(distances_p.min(initial=math.inf)))
        pairs_b += np.histogram(distances_p, n_bins, (0.0, RADIAL[2]))[0]
    assert n_structures > 0, "a set has at least one structure"
    return Dataset(
        species=tuple(species),
        n_structures=n_structures,
        n_without_forces=n_without_forces,
        n_without_energy=n_without_energy,
        n_with_stress=n_with_stress,
        n_forces=n_forces,
        shortest=shortest,
        neighbors_b=np.cumsum(pairs_b) / n_atoms,
        atomic_energies=energies.fit(tuple(species)) if len(energies) else None,
    )
