"""Compare the training methods: ``python tests/bench/methods.py`` (add names to run only some).

The 700 structures of TiO2 in AENETPY_DATA, Chebyshev as in inputs/tio2-chebyshev, networks
15-15 tanh, 10 % for testing; all methods start from the same weights. Times are of whole
epochs on one thread, everything that is saved included.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SECONDS = 30.0
GOAL = 10.0
SEED = 1

METHODS = {
    "bfgs": "bfgs",
    "lm": "lm learnrate=0.1 adjust=2",
    "lm, batches": "lm learnrate=0.1 adjust=5 batchsize=315",
    "adam": "adam mu=0.003 batchsize=64 samplesize=1000",
    "ekf": "ekf lambda=0.99 lambda0=0.995",
    "ekf, one group": "ekf lambda=0.99 lambda0=0.999 wgroup=2000",
    "online_sd": "online_sd gamma=0.01 alpha=0.5",
}
"""Method lines; a name may stand for another choice of parameters."""


class Timed(io.StringIO):
    """Standard output of train; notes time and errors (meV/atom) of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[float, float, float]] = []

    def write(self, text: str) -> int:
        if text.endswith(" <\n"):
            words = text.split()
            self.rows.append(
                (time.perf_counter(), 1000.0 * float(words[2]), 1000.0 * float(words[4]))
            )
        return super().write(text)


class TimeIsUp(Exception):
    """Ends a run in good order after the last epoch that is allowed."""


def run(line: str, folder: Path, seconds: float) -> list[tuple[float, float, float]]:
    """Train for some seconds; time since the start and errors of every epoch."""
    from aenetpy.commands.train import train
    from aenetpy.inputs.train_in import read_train_in
    from aenetpy.reports.listener import TextListener

    (folder / "train.in").write_text(
        f"TRAININGSET TiO2.train\nTESTPERCENT 10\nITERATIONS 1000000\nSEED {SEED}\n"
        f"METHOD\n{line}\nNETWORKS\n"
        "Ti Ti.15t-15t.nn 2 15:tanh 15:tanh\nO O.15t-15t.nn 2 15:tanh 15:tanh\n"
    )
    out = Timed()

    def on_epoch(_: int) -> None:
        if out.rows[-1][0] - out.rows[0][0] > seconds:
            raise TimeIsUp

    with contextlib.suppress(TimeIsUp):
        train(read_train_in(folder / "train.in"), folder, TextListener(out, on_epoch), jobs=1)
    return [(when - out.rows[0][0], *errors) for when, *errors in out.rows]


def report(name: str, line: str, rows: list[tuple[float, float, float]]) -> None:
    """Print one row of the table."""

    def first(column: int) -> str:
        return next((f"{row[0]:.1f}" for row in rows if row[column] <= GOAL), "-")

    best = min(rows, key=lambda row: row[2] if math.isfinite(row[2]) else math.inf)
    per_epoch = 1000.0 * rows[-1][0] / max(1, len(rows) - 1)
    print(
        f"| {name:14} | `{line}` | {per_epoch:.0f} | {first(1)} | {first(2)} "
        f"| {best[2]:.1f} | {best[1]:.1f} | {best[0]:.0f} | {min(r[1] for r in rows):.2f} |",
        flush=True,
    )


def main() -> None:
    from aenetpy.commands.generate import generate
    from aenetpy.inputs.generate_in import read_generate_in
    from tests.bench.run import structure_files, write_generate_in

    seconds = float(os.environ.get("BENCH_SECONDS", SECONDS))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        write_generate_in(scratch, structure_files(scratch))
        os.chdir(scratch)
        generate(read_generate_in("generate.in"), jobs=2)
        print(f"{seconds:g} s of training each; goal {GOAL:g} meV/atom; RMSE in meV/atom")
        print("| method | line | ms/epoch | s to goal, training set | s to goal, test set ", end="")
        print("| best test RMSE | training RMSE there | after s | best training RMSE |")
        print("|---|---|---|---|---|---|---|---|---|")
        for method in sys.argv[1:] or METHODS:
            folder = scratch / method.replace(" ", "-")
            folder.mkdir()
            shutil.copy(scratch / "TiO2.train", folder)
            report(method, METHODS[method], run(METHODS[method], folder, seconds))
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
