"""Where symmetry demands that forces vanish, and where it does not."""

from __future__ import annotations

import pytest
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal

from aenetpy.descriptors.zero_forces import symmetry_demands_zero
from aenetpy.structures.atoms import structure_from_atoms

RUTILE = crystal(
    ["Ti", "O"],
    [(0, 0, 0), (0.305, 0.305, 0)],
    spacegroup=136,
    cellpar=[4.594, 4.594, 2.959, 90, 90, 90],
)


def moved(atoms, by):
    atoms = atoms.copy()
    atoms.positions[0, 0] += by
    return atoms


@pytest.mark.parametrize(
    ("atoms", "demanded"),
    [
        (bulk("Au", "fcc", a=4.1), True),
        (bulk("Au", "fcc", a=4.1, cubic=True) * (2, 1, 1), True),
        (bulk("Fe", "bcc", a=2.9, cubic=True), True),
        (bulk("Si", "diamond", a=5.43), True),
        (bulk("Mg", "hcp", a=3.2, c=5.3), True),
        (bulk("NaCl", "rocksalt", a=5.6, cubic=True), True),
        (Atoms("H"), True),
        (Atoms("H2", [(0, 0, 0), (0, 0, 7)]), True),  # too far to pull
        (moved(bulk("Au", "fcc", a=4.1, cubic=True), 2e-4), True),  # few decimals
        (moved(bulk("Au", "fcc", a=4.1, cubic=True), 0.03), False),
        (RUTILE, False),  # oxygen may move along a diagonal
        (Atoms("H2", [(0, 0, 0), (0, 0, 0.74)]), False),
        (Atoms("CO2", [(0, 0, 0), (0, 0, 1.16), (0, 0, -1.16)]), False),
    ],
)
def test_symmetry(atoms, demanded):
    assert symmetry_demands_zero(structure_from_atoms(atoms)) == demanded
