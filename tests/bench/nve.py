"""Print the drift of the total energy in dynamics without heat bath.

``python tests/bench/nve.py [picoseconds]``: 72 atoms of rutile, the potential of tests/data,
velocity Verlet at 0.5 fs, with and without a skin; straight line through the means of ten pieces.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    import aenetpy
    from tests.dynamics import POTENTIAL, drift, rutile, start_moving, total_energies

    picoseconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    names = (f"{'start, K':>9}{'mean, K':>9}{'skin, A':>9}", f"{'drift, meV/atom/ns':>22}")
    print(*names, f"{'spread, meV':>13}{'us/atom/step':>14}", sep="")
    for temperature, skin in ((600, 0.5), (600, 0.0), (1200, 0.5)):
        atoms = rutile((2, 2, 3))
        atoms.calc = aenetpy.Calculator(POTENTIAL, skin=skin)
        start_moving(atoms, temperature)
        total_energies(atoms, 1.0)  # let kinetic and potential energy share
        mean = atoms.get_temperature()
        start = time.perf_counter()
        times, energies = total_energies(atoms, picoseconds)
        seconds = time.perf_counter() - start
        slope, error = drift(times, energies)
        cost = seconds / (picoseconds * 2000 * len(atoms)) * 1e6
        run = f"{temperature:9d}{mean:9.0f}{skin:9.1f}"
        line = f"{slope:13.3f} +- {error:5.3f}"
        print(f"{run}{line}{energies.std():13.4f}{cost:14.1f}", flush=True)


if __name__ == "__main__":
    main()
