"""Run the whole example in a fresh folder work/: generate, train, predict, parity figure.

    python run.py

The same by hand, in a folder that holds the *.in and *.stp files and xsf/:

    aenetpy generate generate.in > generate.out
    aenetpy train    train.in    > train.out
    aenetpy predict  predict.in  > predict.out
    python ../parity.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"


def fresh_folder() -> None:
    """Make work/ anew, with copies of all inputs."""
    if WORK.exists():
        shutil.rmtree(WORK)
    shutil.copytree(HERE / "xsf", WORK / "xsf")
    for path in [*HERE.glob("*.in"), *HERE.glob("*.stp")]:
        shutil.copy(path, WORK)


def run(shown: str, command: list[str], output: str | None = None) -> None:
    """Run a command in work/, its output in a file; end with its exit code if it fails."""
    print(f"{shown:46s}", end="", flush=True)
    start = time.perf_counter()
    if output is None:
        code = subprocess.run(command, cwd=WORK).returncode
    else:
        with open(WORK / output, "w") as stream:
            code = subprocess.run(command, cwd=WORK, stdout=stream).returncode
    if code != 0:
        print(f"\nstopped with exit code {code}; the message stands above", file=sys.stderr)
        sys.exit(code)
    print(f"{time.perf_counter() - start:6.1f} s")


def main() -> None:
    """Run the four commands and print the errors of the fit."""
    fresh_folder()
    for step in ("generate", "train", "predict"):
        arguments = [step, f"{step}.in"]
        shown = f"aenetpy {step} {step}.in > {step}.out"
        run(shown, [sys.executable, "-m", "aenetpy", *arguments], f"{step}.out")
    run("python ../parity.py", [sys.executable, str(HERE / "parity.py")])
    final = [line for line in (WORK / "train.out").read_text().splitlines() if " Final " in line]
    print("\n" + "\n".join(final))
    print(f"\nfigure: {WORK / 'parity.png'}")


if __name__ == "__main__":
    main()
