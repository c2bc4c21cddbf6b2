"""Print what a step of molecular dynamics costs: ``python tests/bench/md.py [atoms ...]``.

Rutile, Chebyshev fingerprints 8.0/6.5 Å and 16/4, networks 15-15 with random weights, through the
ASE calculator, whose own work counts. The atoms swing about their places like at room
temperature (0.1 Å, periods of 60 to 150 fs, steps of 0.5 fs), so that the list of neighbours
grows old as in a simulation. Each row runs in a process of its own for its peak memory, which
includes that of the interpreter and its packages. Times are the least of five runs of several
steps, in us per atom and step.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
REPEATS = {
    96: (2, 2, 4),
    384: (4, 4, 4),
    1536: (4, 8, 8),
    6144: (8, 8, 16),
    24576: (16, 16, 16),
    49152: (16, 16, 32),
}
SKIN = 0.5
FEMTOSECONDS = 0.5


def make_atoms(n_atoms: int):
    """Return rutile of that many atoms at its measured lattice."""
    from ase import Atoms
    from ase.spacegroup import crystal

    u = 0.305
    cell = crystal(
        ["Ti", "O"],
        [(0, 0, 0), (u, u, 0)],
        spacegroup=136,
        cellpar=[4.594, 4.594, 2.959] + [90] * 3,
    ).repeat(REPEATS[n_atoms])
    return Atoms(cell.symbols, cell.positions, cell=cell.cell, pbc=True)


def make_potential():
    """Return networks 15-15 with random weights."""
    from aenetpy.inputs.stp import read_stp
    from aenetpy.structures.atoms import structure_from_atoms
    from tests.potentials import random_potential

    folder = ROOT / "inputs" / "tio2-chebyshev"
    setups = [read_stp(folder / f"{symbol}.fingerprint.stp") for symbol in ("Ti", "O")]
    samples = []
    for seed in range(3):
        atoms = make_atoms(96)
        atoms.rattle(0.1, seed=seed)
        samples.append(structure_from_atoms(atoms))
    return random_potential(setups, samples)


class Swing:
    """Atoms that swing about their places."""

    def __init__(self, atoms) -> None:
        rng = np.random.default_rng(1)
        shape = (len(atoms), 3)
        self.atoms, self.places_nc, self.step = atoms, atoms.get_positions(), 0
        self.amplitudes_nc = 0.1 * np.sqrt(2) * rng.rayleigh(np.sqrt(0.5), shape)
        self.phases_nc = rng.uniform(0, 2 * np.pi, shape)
        self.rates_nc = 2 * np.pi * FEMTOSECONDS / rng.uniform(60, 150, shape)

    def move(self) -> None:
        self.step += 1
        phases_nc = self.phases_nc + self.rates_nc * self.step
        self.atoms.positions = self.places_nc + self.amplitudes_nc * np.sin(phases_nc)


def cost(swing: Swing, potential, skin: float, jobs: int, forces: bool) -> dict[str, float]:
    """Return us per atom and step, and steps per search."""
    import aenetpy

    atoms = swing.atoms
    atoms.calc = calculator = aenetpy.Calculator(potential, skin=skin, jobs=jobs)
    ask = atoms.get_forces if forces else atoms.get_potential_energy
    n_steps = max(4, min(200, 60_000 // len(atoms)))
    if skin:  # whole lives of the list
        n_steps = max(n_steps, 30)
    best = np.inf
    for _ in range(3):
        swing.move()
        ask()
    before = calculator.n_searches
    n_runs = 2 if len(atoms) > 10_000 else 5
    for _ in range(n_runs):
        seconds = 0.0
        for _ in range(n_steps):
            swing.move()
            start = time.perf_counter()
            ask()
            seconds += time.perf_counter() - start
        best = min(best, seconds / n_steps)
    searches = calculator.n_searches - before
    return {"us": best / len(atoms) * 1e6, "life": n_runs * n_steps / max(searches, 1)}


def measure(n_atoms: int, jobs: int) -> dict[str, float]:
    """Return one row; the memory is that of forces with the skin."""
    potential = make_potential()
    swing = Swing(make_atoms(n_atoms))
    plain = cost(swing, potential, 0.0, jobs, forces=True)
    plain_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    energy = cost(swing, potential, SKIN, jobs, forces=False)
    kept = cost(swing, potential, SKIN, jobs, forces=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"forces": kept["us"], "life": kept["life"], "energy": energy["us"],
            "plain": plain["us"], "peak": peak, "plain_peak": plain_peak}  # fmt: skip


def main() -> None:
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:2] == ["--row"]:
        print(json.dumps(measure(int(sys.argv[2]), int(sys.argv[3]))))
        return
    sizes = [int(argument) for argument in sys.argv[1:]] or list(REPEATS)
    print(f"{'':17}{'us per atom and step':^36}{'steps':>10}{'peak memory, MB':>22}")
    print(f"{'atoms':>9}{'threads':>8}{'forces':>12}{'no skin':>12}{'energy only':>12}"
          f"{'/search':>10}{'skin':>11}{'no skin':>11}")  # fmt: skip
    for jobs in (1, 2):
        for n_atoms in sizes:
            row = json.loads(subprocess.run(
                [sys.executable, __file__, "--row", str(n_atoms), str(jobs)],
                env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True,
                text=True,
            ).stdout)  # fmt: skip
            print(f"{n_atoms:9d}{jobs:8d}{row['forces']:12.2f}{row['plain']:12.2f}"
                  f"{row['energy']:12.2f}{row['life']:10.1f}{row['peak']:11.0f}"
                  f"{row['plain_peak']:11.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
