"""Rutile with the small potential of tests/data, and dynamics without heat bath."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.md.verlet import VelocityVerlet
from ase.spacegroup import crystal

ROOT = Path(__file__).resolve().parents[1]
POTENTIAL = ROOT / "tests" / "data" / "rutile"


def rutile(repeat: tuple[int, int, int] = (1, 1, 1), shake: float = 0.0, seed: int = 1) -> Atoms:
    """Return rutile as the small potential relaxes it, every atom displaced at random, Å."""
    u = 0.3032
    atoms = crystal(
        ["Ti", "O"],
        [(0, 0, 0), (u, u, 0)],
        spacegroup=136,
        cellpar=[4.460, 4.460, 3.032] + [90] * 3,
    ).repeat(repeat)
    atoms.rattle(shake, seed=seed)
    return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)


def start_moving(atoms: Atoms, temperature: float, seed: int = 1) -> None:
    """Give atoms velocities from Maxwell's distribution, the centre of mass at rest."""
    rng = np.random.default_rng(seed)
    widths_n = np.sqrt(atoms.get_masses() * units.kB * temperature)
    atoms.set_momenta(rng.standard_normal((len(atoms), 3)) * widths_n[:, None])
    velocities_nc = atoms.get_velocities()
    atoms.set_velocities(velocities_nc - atoms.get_momenta().sum(axis=0) / atoms.get_masses().sum())


def total_energies(
    atoms: Atoms, picoseconds: float, femtoseconds: float = 0.5, every: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Return times, ns, and total energies, meV/atom, of a run of velocity Verlet."""
    energies: list[float] = []
    with VelocityVerlet(atoms, femtoseconds * units.fs) as dynamics:
        dynamics.attach(lambda: energies.append(atoms.get_total_energy()), interval=every)
        dynamics.run(round(1e3 * picoseconds / femtoseconds))
    times_ns = np.arange(len(energies)) * every * femtoseconds * 1e-6
    return times_ns, np.array(energies) / len(atoms) * 1e3


def drift(times_ns: np.ndarray, energies: np.ndarray) -> tuple[float, float]:
    """Return slope and its standard error, meV/atom/ns, from ten pieces of a run.

    Energies of velocity Verlet oscillate; their means over pieces do not.
    """
    pieces = [piece.mean() for piece in np.array_split(energies, 10)]
    middles = [piece.mean() for piece in np.array_split(times_ns, 10)]
    (slope, _), covariance = np.polyfit(middles, pieces, 1, cov=True)
    return float(slope), float(np.sqrt(covariance[0, 0]))
