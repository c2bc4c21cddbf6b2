"""How long displaced copies take: ``python tests/bench/augment.py``.

100,000 copies of structures with 24 atoms (the strategy axis has 144 of each), written as files by
one thread; and 10,000 as fingerprints straight into a training set.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

N_PARENTS, N_COPIES, N_ATOMS = 500, 100_000, 24


def main() -> None:
    """Print seconds for files (target 60 s) and for the block TAYLOR."""
    from aenetpy.commands.augment import AugmentTask, augment
    from aenetpy.commands.generate import generate
    from aenetpy.data.structure import Structure
    from aenetpy.inputs.generate_in import read_generate_in
    from aenetpy.inputs.taylor import make_taylor
    from aenetpy.structures.xsf import write_xsf

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.mkdir("xsf")
        stream = np.random.default_rng(1)
        grid = np.stack(np.meshgrid(*[np.arange(3.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
        for k in range(N_PARENTS):
            positions_nc = 2.2 * grid[:N_ATOMS] + stream.uniform(-0.1, 0.1, (N_ATOMS, 3))
            structure = Structure(
                ("Ti",) * 8 + ("O",) * 16,
                positions_nc,
                6.6 * np.eye(3),
                (True,) * 3,
                energy=-1000.0 + k,
                forces_nc=stream.normal(size=(N_ATOMS, 3)),
            )
            write_xsf(f"xsf/{k}.xsf", structure)
        inputs = ROOT / "inputs" / "tio2-chebyshev"
        Path("generate.in").write_text(
            "OUTPUT a.train\nTYPES\n2\nTi 0.0\nO 0.0\n"
            f"SETUPS\nTi {inputs}/Ti.fingerprint.stp\nO {inputs}/O.fingerprint.stp\n"
            f"FILES\n{N_PARENTS}\n" + "".join(f"xsf/{k}.xsf\n" for k in range(N_PARENTS))
        )
        settings = read_generate_in("generate.in")
        a = N_COPIES // N_PARENTS
        for strategy in ("axis", "random"):
            taylor = make_taylor({"strategy": strategy, "delta": "0.03", "a": str(a)})
            task = AugmentTask(settings, taylor, strategy, output=f"{strategy}.in")
            start = time.perf_counter()
            n_copies = len(augment(task).files)
            seconds = time.perf_counter() - start
            each = 1e3 * seconds / n_copies
            print(f"{strategy}: {n_copies} files in {seconds:.1f} s, {each:.3f} ms each")
        for a in (0, 20):
            taylor = make_taylor({"strategy": "random", "delta": "0.03", "a": "20"}) if a else None
            task_settings = replace(settings, output=f"{a}.train", taylor=taylor)
            start = time.perf_counter()
            generate(task_settings)
            seconds = time.perf_counter() - start
            n = N_PARENTS * (a + 1)
            print(f"generate: {n} structures in {seconds:.1f} s, {1e3 * seconds / n:.3f} ms each")


if __name__ == "__main__":
    main()
