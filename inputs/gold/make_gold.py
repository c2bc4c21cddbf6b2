"""Make gold.xyz: small gold structures with energies and forces of ASE's EMT potential.

    python make_gold.py      same seed, same file

fcc and bcc crystals, strained and shaken, and (100) and (111) slabs. EMT energies are relative
to the fcc crystal.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bcc110, bulk, fcc100, fcc111
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

SEED = 79
HERE = Path(__file__).resolve().parent
FCC, BCC = 4.06, 3.22  # Å, near the minima of EMT
STRAIN = 0.02  # standard deviation of each component
VACUUM = 6.0  # Å on each side of a slab
AMPLITUDES = (0.05, 0.10, 0.15, 0.20)  # Å, largest displacement along each axis


def crystals() -> Iterator[Atoms]:
    """Yield ideal fcc and bcc cells of 4 to 32 atoms."""
    for lattice, a in (("fcc", FCC), ("bcc", BCC)):
        unit = bulk("Au", lattice, a=a, cubic=True)
        for repeat in ((2, 1, 1), (2, 2, 1), (2, 2, 2), (3, 2, 1)):
            yield unit.repeat(repeat)
    yield bulk("Au", "fcc", a=FCC, cubic=True)
    yield bulk("Au", "fcc", a=FCC).repeat((3, 3, 2))


def slabs() -> Iterator[Atoms]:
    """Yield ideal slabs of 8 to 20 atoms, vacuum along the third axis."""
    yield fcc100("Au", (2, 2, 4), a=FCC, vacuum=VACUUM)
    yield fcc111("Au", (2, 2, 4), a=FCC, vacuum=VACUUM)
    yield fcc111("Au", (2, 2, 5), a=FCC, vacuum=VACUUM)
    yield fcc100("Au", (2, 2, 3), a=FCC, vacuum=VACUUM)
    yield bcc110("Au", (2, 2, 2), a=BCC, vacuum=VACUUM)


def perturbed(ideal: Atoms, amplitude: float, rng: np.random.Generator) -> Atoms:
    """Return a copy with a strained cell and displaced atoms."""
    strain_cc = rng.normal(scale=STRAIN, size=(3, 3))
    atoms = ideal.copy()
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.5 * (strain_cc + strain_cc.T)), True)
    atoms.positions += rng.uniform(-amplitude, amplitude, size=(len(atoms), 3))
    return atoms


def labelled(atoms: Atoms) -> Atoms:
    """Return periodic atoms with EMT energy and forces, all to the eight decimals of the file."""
    atoms = Atoms(atoms.symbols, atoms.positions.round(8), cell=atoms.cell.array.round(8), pbc=True)
    atoms.calc = EMT()
    energy, forces_nc = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = SinglePointCalculator(atoms, energy=round(energy, 8), forces=forces_nc.round(8))
    return atoms


def main() -> None:
    """Write gold.xyz."""
    rng = np.random.default_rng(SEED)
    ideals = [*crystals(), *slabs()]
    frames = [bulk("Au", "fcc", a=FCC, cubic=True), bulk("Au", "bcc", a=BCC, cubic=True), *slabs()]
    frames = [labelled(ideal) for ideal in frames]
    for amplitude in AMPLITUDES:
        frames += [labelled(perturbed(ideal, amplitude, rng)) for ideal in ideals]
    write(HERE / "gold.xyz", frames, format="extxyz")
    energies = [atoms.get_potential_energy() / len(atoms) for atoms in frames]
    print(f"{len(frames)} structures, {min(energies):.3f} to {max(energies):.3f} eV/atom")


if __name__ == "__main__":
    main()
