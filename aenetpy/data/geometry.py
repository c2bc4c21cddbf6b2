"""Cells and stress of the structures of a training set, which its file does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float, Index, Mask
from aenetpy.data.structure import Structure
from aenetpy.data.training_set import TrainingSet

ROW = np.dtype(
    [("cell", "f8", (3, 3)), ("pbc", "?", (3,)), ("stress", "f8", (3, 3)), ("has_forces", "?")]
)
"""Layout of the numbers of one structure."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Cells, periodicity, stress and known forces of the structures of a training set.

    Parameters
    ----------
    cells_scc
        Lattice vectors as rows, Å, (s, 3, 3) float64; zeros if isolated.
    pbc_sc
        Periodic along each lattice vector, (s, 3).
    stress_scc
        Stress ``(1/V) dE/d(strain)`` with the sign of ASE (positive under tension), eV/Å^3,
        (s, 3, 3) float64; not a number where it is unknown.
    has_forces_s
        Whether the forces of the structure are known, (s,). Displaced copies may have none.
    """

    cells_scc: Float
    pbc_sc: Mask
    stress_scc: Float
    has_forces_s: Mask

    def __len__(self) -> int:
        return len(self.has_forces_s)

    @property
    def has_stress_s(self) -> Mask:
        """Whether the stress of each structure is known, (s,)."""
        known_sk: Mask = np.isfinite(self.stress_scc.reshape(len(self), 9))
        return np.logical_and.reduce(known_sk, axis=1)

    def select(self, index_s: Index | Mask) -> Geometry:
        """Return the geometry of some of the structures, by index or by mask."""
        return Geometry(
            self.cells_scc[index_s],
            self.pbc_sc[index_s],
            self.stress_scc[index_s],
            self.has_forces_s[index_s],
        )


def geometry_row(structure: Structure) -> NDArray[Any]:
    """Return the numbers of one structure for `Geometry`, () of `ROW`."""
    cell_cc, stress_cc = structure.cell_cc, structure.stress_cc
    return np.array(
        (
            np.zeros((3, 3)) if cell_cc is None or structure.is_isolated else cell_cc,
            structure.pbc_c,
            np.full((3, 3), np.nan) if stress_cc is None else stress_cc,
            structure.forces_nc is not None,
        ),
        ROW,
    )


def geometry_of_rows(rows_s: NDArray[Any]) -> Geometry:
    """Return the geometry of structures from their rows, (s,) of `ROW`."""
    columns = (np.ascontiguousarray(rows_s[name]) for name in ROW.names or ())
    return Geometry(*columns)


def structures_of(trainset: TrainingSet, geometry: Geometry) -> list[Structure]:
    """Return the structures of a training set as atoms in cells, without energies and forces."""
    assert len(geometry) == trainset.n_structures, "geometry of another training set"
    symbols_n = np.array(trainset.species, dtype=object)[trainset.types_n]
    ends_s = np.cumsum(trainset.n_atoms_s, dtype=np.int64)
    structures = []
    for s, name in enumerate(trainset.names_s):
        atoms = slice(int(ends_s[s] - trainset.n_atoms_s[s]), int(ends_s[s]))
        a, b, c = geometry.pbc_sc[s].tolist()
        structures.append(
            Structure(
                species=tuple(symbols_n[atoms]),
                positions_nc=trainset.positions_nc[atoms],
                cell_cc=geometry.cells_scc[s] if a or b or c else None,
                pbc_c=(a, b, c),
                name=name,
            )
        )
    return structures
