"""A project that learns gold from EMT in seconds: what tests and the script of kills share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase.build import bulk, fcc100
from ase.calculators.emt import EMT
from ase.io import write

GENERATE = """OUTPUT Au.train

TYPES
1
Au 0.0

SETUPS
Au Au.stp

FILES
1
start.xyz@:
"""
STP = """ATOM Au
ENV 1
Au
RMIN 1.0
BASIS type=Chebyshev
radial_Rc=5.0 radial_N=6 angular_Rc=4.0 angular_N=4
"""
TRAIN = """TRAININGSET Au.train
TESTPERCENT 25
ITERATIONS 8
FORCES alpha=0.9
METHOD
adamw lr=0.01 batchsize=2
NETWORKS
Au Au.nn 1 5:tanh
"""
LEARN = """members: 2
check: 4
lower: 0.1
upper: 5
labels: 4
retrain: {iterations: 4}
explore:
  slab: {start: slab.xyz, temperature: 600, steps: 12, time_step: 4}
  bulk: {start: bulk.xyz, temperature: 600, steps: 8, time_step: 4}
"""


def make_project(folder: Path, learn: str = LEARN, train: str = TRAIN) -> Path:
    """Write all input files, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    structures = []
    for k in range(8):
        atoms = bulk("Au", cubic=True, a=4.0 + 0.02 * k)
        atoms.rattle(0.1, seed=k)
        atoms.calc = EMT()
        atoms.get_forces()
        structures.append(atoms)
    write(folder / "start.xyz", structures)
    slab = fcc100("Au", (2, 2, 2), vacuum=6.0, periodic=True)
    slab.info.clear()
    write(folder / "slab.xyz", slab)
    write(folder / "bulk.xyz", bulk("Au", "bcc", a=3.2, cubic=True) * (2, 1, 1))
    for name, text in (
        ("generate.in", GENERATE),
        ("Au.stp", STP),
        ("train.in", train),
        ("learn.yaml", learn),
    ):
        (folder / name).write_text(text)
    return folder


def outcome(results: Path) -> dict[str, bytes]:
    """Return all that must be the same however often learning was interrupted."""
    names = ["labels.xyz", *(f"cycle-*/{name}" for name in ("*.xyz", "*.csv", "member-*/*.nn"))]
    return {
        str(path.relative_to(results)): path.read_bytes()
        for name in names
        for path in sorted(results.glob(name))
    }


def rattled(atoms, size: float, seed: int):
    """Return atoms with each coordinate displaced at random."""
    copy = atoms.copy()
    copy.positions += size * np.random.default_rng(seed).standard_normal((len(atoms), 3))
    return copy
