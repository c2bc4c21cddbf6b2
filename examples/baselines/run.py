"""Run the comparison of models: on the structures that ship, or on DFT structures.

    python run.py
    AENETPY_DATA=/path/to/data python run.py

The first is no more than "aenetpy study study.yaml". Where AENETPY_DATA holds
tio2/structures.tar.xz, the second unpacks it and writes work-dft/generate.in before "aenetpy study
study-dft.yaml".
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path("work-dft")
INPUTS = Path("../../inputs/tio2-chebyshev")
ATOMIC_ENERGIES = {"Ti": -1604.604515075, "O": -432.503149303}


def write_input(archive: Path) -> None:
    """Write work-dft/generate.in for the structures of an archive."""
    if not archive.is_file():
        sys.exit(f"{archive}: not found; AENETPY_DATA names the folder that holds it")
    WORK.mkdir(exist_ok=True)
    with tarfile.open(archive) as file:
        file.extractall(WORK / "xsf", filter="data")
    lines = ["TYPES", str(len(ATOMIC_ENERGIES))]
    lines += [f"{symbol} {energy}" for symbol, energy in ATOMIC_ENERGIES.items()]
    lines += ["SETUPS"]
    lines += [f"{symbol} {INPUTS / symbol}.fingerprint.stp" for symbol in ATOMIC_ENERGIES]
    lines += ["FILES", "1", str(WORK / "xsf" / "**" / "*.xsf")]
    (WORK / "generate.in").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Prepare and run the study in this folder."""
    data = os.environ.get("AENETPY_DATA")
    source = None if data is None else Path(data).resolve() / "tio2" / "structures.tar.xz"
    os.chdir(HERE)
    if source is not None:
        write_input(source)
    name = "study.yaml" if source is None else "study-dft.yaml"
    with subprocess.Popen([sys.executable, "-m", "aenetpy", "study", name]) as study:
        while study.poll() is None:
            with suppress(KeyboardInterrupt):  # the study hears it too, and ends in good order
                study.wait()
    sys.exit(study.returncode)


if __name__ == "__main__":
    main()
