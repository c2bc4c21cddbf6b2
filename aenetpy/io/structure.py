"""A structure: what every structure file is read into."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms, and what is known of their energy and forces.

    Parameters
    ----------
    species
        Chemical symbol of each atom, (n,).
    positions_nc
        Cartesian coordinates as given, Å, (n, 3) float64.
    cell_cc
        Lattice vectors as rows, Å, (3, 3) float64; None for isolated structures.
    pbc_c
        Periodic along each lattice vector; aenet knows all or none.
    energy
        Total energy, eV; None if unknown.
    cohesive_energy
        Energy less the atomic energies, eV; None if unknown. Wins over
        ``energy`` where it is not zero, as in aenet (spec 2.2, item 7).
    forces_nc
        Forces, eV/Å, (n, 3) float64; None if unknown.
    name
        The file as the user named it.
    """

    species: tuple[str, ...]
    positions_nc: Float
    cell_cc: Float | None = None
    pbc_c: tuple[bool, bool, bool] = (False, False, False)
    energy: float | None = None
    cohesive_energy: float | None = None
    forces_nc: Float | None = None
    name: str = field(default="structure")

    def __len__(self) -> int:
        return len(self.species)

    @property
    def is_isolated(self) -> bool:
        """True if no direction is periodic."""
        return not any(self.pbc_c)
