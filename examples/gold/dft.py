"""A committee of five on DFT structures of gold: errors where it was not trained, and CPU time.

The errors are those of all structures held out: there are three or four of a class, and what they
say of it changes with the division.

    python dft.py                       a fifth of each class is held out
    python dft.py --split 2             another fifth
    python dft.py --test FOLDER         trained on all, measured on the XSF files of a folder

The structures, 75 of 108 to 180 atoms with energies and forces, are read from the folder that the
environment variable AENETPY_DATA names (default: shared/data beside the repository). The networks
go to work-dft/member-1 to member-5, the table to work-dft/report.md. CPU seconds are those of the
fingerprints and of all trainings. All of it takes seven minutes on one core.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import aenetpy

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
DATA = Path(os.environ.get("AENETPY_DATA", REPOSITORY.parent / "shared" / "data"))
WORK = HERE / "work-dft"
CLASSES = {"Au_BULK": "FCC", "Au-bcc": "BCC", "Au100": "Au100", "Au111": "Au111"}
MEMBERS = 5
HELD_OUT = 0.2
FREE_ATOM = -3.2  # eV; near the energy per atom, any other number does as well

SETUP = """\
DESCR
END DESCR
ATOM Au
ENV 1
Au
RMIN 1.5
BASIS type=Chebyshev
radial_Rc=5.5 radial_N=20 angular_Rc=4.2 angular_N=14
"""

# Forces first, one structure at a time; then a short run in which energies have more weight.
# Cells as large as these have so many derivatives that keeping them saves nothing: CACHE 0.
STAGES = (
    "FORCES\nalpha=0.999 energy=5 force=0.1\nITERATIONS 600\n"
    "METHOD\nadamw lr=0.008 halflife=75 batchsize=1\n",
    "FORCES\nalpha=0.7 energy=5 force=0.1\nITERATIONS 60\n"
    "METHOD\nadamw lr=0.0005 halflife=9 batchsize=1\n",
)
COMMON = "TESTPERCENT 0\nITERWRITE 0\nCACHE 0\nREGULARIZATION 0.05\n"
NETWORK = "NETWORKS\nAu Au.nn 2 60:twist 40:twist\n"


def structure_files() -> list[Path]:
    """Return the DFT structures, unpacked."""
    source = DATA / "gold" / "structures.tar.xz"
    if not source.is_file():
        sys.exit(f"{source}: not found; set AENETPY_DATA to the folder that holds gold/")
    folder = WORK / "structures"
    if not folder.exists():
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
    return sorted(folder.rglob("*.xsf"))


def class_of(path: Path) -> str:
    """Return the class of a structure by the name of its file."""
    return next((name for part, name in CLASSES.items() if part in path.name), "other")


def divide(files: Sequence[Path], seed: int) -> tuple[list[Path], list[Path]]:
    """Return the structures for training, and a fifth of each class to measure on."""
    rng = np.random.default_rng(seed)
    testing: list[Path] = []
    for name in sorted(CLASSES.values()):
        own = [path for path in files if class_of(path) == name]
        testing += [own[k] for k in rng.permutation(len(own))[: round(HELD_OUT * len(own))]]
    return [path for path in files if path not in testing], sorted(testing)


def train(files: Sequence[Path], jobs: int) -> float:
    """Train all members, and return the CPU seconds that it took."""
    begin = cpu_seconds()
    (WORK / "Au.stp").write_text(SETUP)
    (WORK / "generate.in").write_text(
        f"OUTPUT Au.train\nTYPES\n1\nAu {FREE_ATOM}\nSETUPS\nAu Au.stp\n"
        f"FILES\n{len(files)}\n" + "".join(f"{path}\n" for path in files)
    )
    for path in WORK.glob("Au.train*"):
        path.unlink()
    aenetpy.generate(aenetpy.read_generate_in(WORK / "generate.in"), WORK, jobs=jobs)
    for path in WORK.glob("member-*/*"):
        path.unlink()
    for k, lines in enumerate(STAGES, start=1):
        settings = WORK / f"train-{k}.in"
        settings.write_text(f"TRAININGSET Au.train\nSEED 1\n{COMMON}{lines}{NETWORK}")
        aenetpy.train_members(
            aenetpy.read_train_in(settings), WORK, aenetpy.TextListener(sys.stderr), jobs, MEMBERS
        )
        print(f"stage {k} of {len(STAGES)}, {cpu_seconds() - begin:.0f} CPU s", file=sys.stderr)
    return cpu_seconds() - begin


def cpu_seconds() -> float:
    """Return the CPU time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def report(files: Sequence[Path], seconds: float) -> str:
    """Return the errors of the mean of the members and of the members."""
    members = [
        aenetpy.read_potential({"Au": str(WORK / f"member-{member}" / "Au.nn")})
        for member in range(1, 1 + MEMBERS)
    ]
    energy_ms = np.empty((MEMBERS, len(files)))
    forces: list[np.ndarray] = []  # (m, 3n) of each structure
    for s, path in enumerate(files):
        structure = aenetpy.read_xsf(path)
        found = [member.evaluate(structure) for member in members]
        energy_ms[:, s] = [
            1000.0 * (one.energy - structure.energy) / len(structure) for one in found
        ]
        forces.append(
            np.array([1000.0 * (one.forces_nc - structure.forces_nc).ravel() for one in found])
        )
    lines = [
        f"{len(files)} structures that were not trained on;"
        f" {MEMBERS} members in {seconds:.0f} CPU s.",
        "Mean of the committee, in brackets the mean error of its members.",
        "",
        "| energy MAE, meV/atom | RMSE | force MAE, meV/Å | RMSE |",
        "| --- | --- | --- | --- |",
    ]
    cells = [
        f"{kind(errors.mean(axis=0)):.2f} ({np.mean([kind(one) for one in errors]):.2f})"
        for errors in (energy_ms, np.hstack(forces))
        for kind in (mae, rmse)
    ]
    lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def mae(errors: np.ndarray) -> float:
    """Return the mean absolute error."""
    return float(np.abs(errors).mean())


def rmse(errors: np.ndarray) -> float:
    """Return the root mean square error."""
    return float(np.sqrt(np.mean(errors**2)))


def main() -> None:
    """Train, measure, and print the table."""
    parser = argparse.ArgumentParser(description="A committee of five on DFT structures of gold")
    parser.add_argument("--split", type=int, default=1, help="seed of what is held out")
    parser.add_argument("--test", type=Path, help="folder of XSF files: train on all others")
    parser.add_argument("--jobs", type=int, default=1, help="threads")
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    files = structure_files()
    if arguments.test is None:
        training, testing = divide(files, arguments.split)
    else:
        training, testing = files, sorted(arguments.test.rglob("*.xsf"))
        if not testing:
            sys.exit(f"{arguments.test}: no XSF files; name a folder that holds them")
    seconds = train(training, arguments.jobs)
    text = report(testing, seconds)
    (WORK / "report.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
