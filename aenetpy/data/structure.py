"""A structure: every structure file is read into this class."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from aenetpy.arrays import Float
from aenetpy.digests import digest_of

BOX_MARGIN = 1.0e-6
"""Space (Å) between an isolated structure and its bounding box (spec 5.2)."""

_FLAT = 1.0e-8


def determinant(cell_cc: Float) -> float:
    """Return a . (b x c), Å^3, of (3, 3) rows; for nine numbers NumPy takes ten times as long."""
    (a_x, a_y, a_z), (b_x, b_y, b_z), (c_x, c_y, c_z) = cell_cc.tolist()
    return float(
        a_x * (b_y * c_z - b_z * c_y)
        + a_y * (b_z * c_x - b_x * c_z)
        + a_z * (b_x * c_y - b_y * c_x)
    )


def spans_volume(cell_cc: Float) -> bool:
    """Return whether lattice vectors (rows) span a volume; absurdly long or short ones do not."""
    a, b, c = (math.hypot(*row_c) for row_c in cell_cc.tolist())
    return min(a, b, c) > _FLAT and abs(determinant(cell_cc)) > _FLAT * (a * b * c)


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms, with energy, forces and stress where they are known.

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
    stress_cc
        Stress ``(1/V) dE/d(strain)``, positive under tension as in ASE, eV/Å^3, (3, 3)
        float64; None if unknown.
    name
        The file as the user named it.
    parent
        Name of the structure that this one is a displaced copy of; None for all others.
        The energy of a copy is an estimate, and it may be without forces.
    converged
        Whether the electronic steps of its calculation ended; False only where the file says so.
    named_isolated
        Whether the file names it an isolated atom, in any cell.
    """

    species: tuple[str, ...]
    positions_nc: Float
    cell_cc: Float | None = None
    pbc_c: tuple[bool, bool, bool] = (False, False, False)
    energy: float | None = None
    cohesive_energy: float | None = None
    forces_nc: Float | None = None
    stress_cc: Float | None = None
    name: str = field(default="structure")
    parent: str | None = None
    converged: bool = True
    named_isolated: bool = False

    @property
    def volume(self) -> float | None:
        """Volume of the cell, Å^3; None without one."""
        if self.cell_cc is None or not spans_volume(self.cell_cc):
            return None
        return abs(determinant(self.cell_cc))

    def __len__(self) -> int:
        return len(self.species)

    @property
    def is_isolated(self) -> bool:
        """True if no direction is periodic."""
        return not any(self.pbc_c)

    @property
    def is_free_atom(self) -> bool:
        """True for one atom without neighbours, whose energy is the atomic energy."""
        return len(self) == 1 and (self.is_isolated or self.named_isolated)

    def content(self) -> bytes:
        """Return all that is known but the names, for digests."""
        labels = [self.species, self.pbc_c, self.energy, self.cohesive_energy]
        arrays = (self.positions_nc, self.cell_cc, self.forces_nc, self.stress_cc)
        known = [array.tobytes() for array in arrays if array is not None]
        return b"".join([repr(labels).encode("utf-8", "surrogateescape"), *known])

    def digest(self) -> str:
        """Return a digest of the content in hexadecimal digits, equal for equal structures."""
        return digest_of(self.content())

    def positions_in_cell(self) -> Float:
        """Return the coordinates as aenet stores them (spec 5.2), Å, (n, 3).

        Periodic directions are wrapped to fractional coordinates in [0, 1).
        Isolated structures are moved so that each smallest coordinate is 1e-6 Å.
        """
        if self.is_isolated or self.cell_cc is None:
            return self.positions_nc - self.positions_nc.min(axis=0) + BOX_MARGIN
        fractional_nc = np.linalg.solve(self.cell_cc.T, self.positions_nc.T).T
        periodic_c = slice(None) if all(self.pbc_c) else np.array(self.pbc_c)
        fractional_nc[:, periodic_c] -= np.floor(fractional_nc[:, periodic_c])
        # A tiny negative coordinate becomes 1 in the subtraction above.
        fractional_nc[:, periodic_c] %= 1.0
        wrapped_nc: Float = fractional_nc @ self.cell_cc
        return wrapped_nc
