"""What learning on the fly of gold begins with: 20 fcc structures, start structures, input files.

    python start.py [FOLDER]      same seed, same files

writes initial.xyz (strained and shaken fcc crystals of 32 atoms with energies and forces of ASE's
EMT, which stands for the reference method), start-100.xyz and start-111.xyz (slabs), start-bcc.xyz
(a bcc crystal), Au.stp, generate.in and train.in.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk, fcc100, fcc111
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

FCC, BCC = 4.06, 3.22  # Å, near the minima of EMT
STRUCTURES = 20
STRAINS = (-0.04, 0.04)  # of all lengths alike
SHEAR = 0.015  # standard deviation of each component of a further strain
LARGEST_STEP = 0.12  # Å, standard deviation of the displacements of the most shaken structure
VACUUM = 8.0  # Å on each side of a slab
SEED = 1

SETUP = """\
DESCR
END DESCR
ATOM Au
ENV 1
Au
RMIN 1.5
BASIS type=Chebyshev
radial_Rc=6.0 radial_N=12 angular_Rc=5.0 angular_N=8
"""
GENERATE = """\
OUTPUT Au.train
TYPES
1
Au 0.0
SETUPS
Au Au.stp
FILES
1
initial.xyz@:
"""
TRAIN = """\
! For a few dozen structures: two seconds of CPU time.
TRAININGSET Au.train
TESTPERCENT 0
ITERATIONS 600
ITERWRITE 0
SEED 1
FORCES
alpha=0.99 energy=5 force=0.1
CACHE 2000 single
REGULARIZATION 0.01
METHOD
adamw lr=0.005 halflife=75 batchsize=2
NETWORKS
Au Au.nn 2 15:twist 15:twist
"""


def initial_structures(seed: int = SEED) -> list[Atoms]:
    """Return fcc crystals of 32 atoms, from small to large and from calm to shaken, with labels."""
    rng = np.random.default_rng(seed)
    crystal = bulk("Au", "fcc", a=FCC, cubic=True).repeat((2, 2, 2))
    strains = rng.permutation(np.linspace(*STRAINS, STRUCTURES))
    steps = np.linspace(0.0, LARGEST_STEP, STRUCTURES)
    structures = []
    for strain, step in zip(strains, steps, strict=True):
        shear_cc = rng.normal(scale=SHEAR, size=(3, 3))
        atoms = crystal.copy()
        deformation_cc = (1.0 + strain) * (np.eye(3) + 0.5 * (shear_cc + shear_cc.T))
        atoms.set_cell(crystal.cell.array @ deformation_cc, scale_atoms=True)
        atoms.positions += rng.normal(scale=step, size=(len(atoms), 3))
        structures.append(labelled(atoms))
    return structures


def labelled(atoms: Atoms) -> Atoms:
    """Return atoms with energy and forces of EMT."""
    atoms = atoms.copy()
    atoms.calc = EMT()
    energy, forces_nc = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces_nc)
    return atoms


def start_structures() -> dict[str, Atoms]:
    """Return the structures that dynamics starts from: two slabs and a bcc crystal."""
    found = {
        "100": fcc100("Au", (3, 3, 5), a=FCC, vacuum=VACUUM),
        "111": fcc111("Au", (3, 3, 5), a=FCC, vacuum=VACUUM),
        "bcc": bulk("Au", "bcc", a=BCC, cubic=True).repeat((3, 3, 3)),
    }
    for atoms in found.values():
        atoms.pbc = True
        atoms.info.clear()  # what ASE notes of adsorption sites
    return found


def write_start(folder: Path, seed: int = SEED) -> None:
    """Write all files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "initial.xyz", initial_structures(seed), format="extxyz")
    for name, atoms in start_structures().items():
        write(folder / f"start-{name}.xyz", atoms, format="extxyz")
    (folder / "Au.stp").write_text(SETUP)
    (folder / "generate.in").write_text(GENERATE)
    (folder / "train.in").write_text(TRAIN)


if __name__ == "__main__":
    write_start(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
