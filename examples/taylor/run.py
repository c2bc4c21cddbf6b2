"""Run the study of Taylor augmentation: on the structures that ship, or on DFT structures.

    python run.py
    python run.py --structures .../tio2/structures.tar.xz

The first is no more than "aenetpy study study.yaml". The second unpacks the structures (or takes
a folder of XSF files) and writes work-dft/generate.in before "aenetpy study study-dft.yaml".
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path("work-dft")
INPUTS = Path("../../inputs/tio2-chebyshev")
ATOMIC_ENERGIES = {"Ti": -1604.604515075, "O": -432.503149303}


def write_input(source: Path) -> None:
    """Write work-dft/generate.in for a folder or an archive of XSF files."""
    WORK.mkdir(exist_ok=True)
    if source.is_file():
        shutil.rmtree(WORK / "xsf", ignore_errors=True)
        with tarfile.open(source) as archive:
            archive.extractall(WORK / "xsf", filter="data")
        source = WORK / "xsf"
    files = sorted(source.rglob("*.xsf"))
    if not files:
        sys.exit(f"{source}: no XSF files; name a folder or an archive that holds them")
    lines = ["OUTPUT TiO2.train", "TYPES", str(len(ATOMIC_ENERGIES))]
    lines += [f"{symbol} {energy}" for symbol, energy in ATOMIC_ENERGIES.items()]
    lines += ["SETUPS"]
    lines += [f"{symbol} {INPUTS / symbol}.fingerprint.stp" for symbol in ATOMIC_ENERGIES]
    lines += ["FILES", str(len(files)), *(os.path.relpath(path) for path in files)]
    (WORK / "generate.in").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Prepare and run the study in this folder."""
    parser = argparse.ArgumentParser(description="Study of Taylor augmentation")
    parser.add_argument("--structures", type=Path, help="DFT structures: folder or archive of XSF")
    arguments = parser.parse_args()
    source = None if arguments.structures is None else arguments.structures.resolve()
    os.chdir(HERE)
    if source is not None:
        write_input(source)
    name = "study.yaml" if source is None else "study-dft.yaml"
    command = [sys.executable, "-m", "aenetpy", "study", name]
    with subprocess.Popen(command) as study:
        while study.poll() is None:
            with suppress(KeyboardInterrupt):  # the study hears it too, and ends in good order
                study.wait()
    sys.exit(study.returncode)


if __name__ == "__main__":
    main()
