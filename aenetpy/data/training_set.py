"""A training set: fingerprints and reference energies, in memory as packed arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.data.setup import Setup


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Fingerprints and reference energies of many structures.

    Parameters
    ----------
    species
        Species in TYPES order, (t,).
    atomic_energies_t
        Atomic energies, eV, (t,) float64.
    normalized, scale, shift
        Whether energies and fingerprints are normalised, and how
        (scaled = scale * (E - n_atoms * shift)).
    names_s
        File of each structure as listed in FILES.
    n_atoms_s, n_species_s
        Atoms and different species of each structure, (s,) int32.
    energies_s
        Target energy of each whole structure, eV (scaled if normalised), (s,) float64.
    types_n
        0-based species index of each atom, (n,) int32 (1-based in the file).
    positions_nc, forces_nc
        Å and eV/Å, (n, 3) float64.
    features_tng
        For each species the fingerprints of its atoms in file order:
        t arrays (n_t, g_t) float64.
    energy_average, energy_minimum, energy_maximum
        Of the energies per atom, eV (scaled if normalised).
    setups_t
        Setup of each species with statistics; None if the file has none.
    """

    species: tuple[str, ...]
    atomic_energies_t: Float
    normalized: bool
    scale: float
    shift: float
    names_s: tuple[str, ...]
    n_atoms_s: Int
    n_species_s: Int
    energies_s: Float
    types_n: Int
    positions_nc: Float
    forces_nc: Float
    features_tng: tuple[Float, ...]
    energy_average: float
    energy_minimum: float
    energy_maximum: float
    setups_t: tuple[Setup, ...] | None

    @property
    def n_structures(self) -> int:
        """Number of structures."""
        return len(self.names_s)

    @property
    def n_atoms(self) -> int:
        """Number of atoms of all structures."""
        return int(self.n_atoms_s.sum())

    @property
    def counts_st(self) -> Long:
        """Atoms of each species in each structure, (s, t)."""
        n_species = len(self.species)
        structure_n = np.repeat(np.arange(self.n_structures), self.n_atoms_s)
        counts = np.bincount(
            structure_n * n_species + self.types_n, minlength=self.n_structures * n_species
        )
        return counts.reshape(self.n_structures, n_species)
