"""What training on forces gives: on the structures that ship, or on DFT structures.

    python run.py
    python run.py --structures .../tio2/structures.tar.xz --seeds 5 --committees 3 --jobs 2

Every cell of the study is one potential: trained on 90 % of the structures (or fewer), measured on
the others, which it has never seen. A cell that is done is not done again. `work/report.md` has the
tables; CPU seconds are those of the whole cell, fingerprints and start of Python included.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import resource
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent / "tio2" / "xsf"
SPECIES = ("Ti", "O")
ATOMIC_ENERGIES = {"dft": (-1604.604515075, -432.503149303), "shipped": (0.0, 0.0)}

ENERGIES = "ITERATIONS 500\nMETHOD\nbfgs\n"


def forces(alpha: float = 0.99, percent: int = 100, epochs: int = 800) -> tuple[str, ...]:
    """Return lines of two train.in: forces first, then energies with more weight."""
    common = f"FORCESPERCENT {percent}\nCACHE 8000 single\nREGULARIZATION 0.05\n"
    return tuple(
        f"FORCES\nalpha={share} energy=5 force=0.1\n{common}ITERATIONS {n}\n"
        f"METHOD\nadamw lr={rate} halflife={halflife} batchsize=10\n"
        for share, n, rate, halflife in (
            (alpha, epochs, 0.005, epochs // 8),
            (0.7, epochs // 6, 0.0005, epochs // 40),
        )
    )


@dataclass(frozen=True)
class Variant:
    """One way to fit a potential.

    Parameters
    ----------
    stages
        Lines of train.in, one run of train after the other.
    setup
        Radial cutoff and order, angular cutoff and order of the fingerprints.
    nodes
        Hidden layers.
    copies
        Lines of generate.in that ask for displaced copies.
    share
        Of the structures for training that are used.
    group
        Table in which it stands.
    """

    stages: tuple[str, ...]
    setup: tuple[float, int, float, int] = (5.5, 20, 4.2, 14)
    nodes: str = "100:twist 60:twist"
    copies: str = ""
    share: float = 1.0
    group: str = "how it is trained"


AENET = {"setup": (8.0, 16, 6.5, 4), "nodes": "15:tanh 15:tanh"}
VARIANTS = {
    "all forces": Variant(forces()),
    "energies": Variant((ENERGIES,), **AENET),
    "energies, regularised": Variant((ENERGIES + "REGULARIZATION 1e-6\n",), **AENET),
    "displaced copies": Variant(
        (ENERGIES,), **AENET, copies="TAYLOR\nstrategy=random delta=0.03 a=6\n"
    ),
    "10 % of the forces": Variant(forces(percent=10)),
    "25 % of the forces": Variant(forces(percent=25)),
    "fast": Variant(forces(epochs=500), (5.5, 10, 4.2, 6), "20:twist 20:twist"),
    "first stage alone": Variant(forces()[:1], group="schedule"),
    "alpha 0.9": Variant(forces(0.9), group="schedule"),
    "alpha 0.999": Variant(forces(0.999), group="schedule"),
    "15-15": Variant(forces(), nodes="15:twist 15:twist", group="nodes"),
    "30-30": Variant(forces(), nodes="30:twist 30:twist", group="nodes"),
    "60-60": Variant(forces(), nodes="60:twist 60:twist", group="nodes"),
    "8.0/16, 6.5/4": Variant(forces(), (8.0, 16, 6.5, 4), group="fingerprints"),
    "6.0/16, 5.0/8": Variant(forces(), (6.0, 16, 5.0, 8), group="fingerprints"),
    "5.0/16, 4.0/10": Variant(forces(), (5.0, 16, 4.0, 10), group="fingerprints"),
    "100 structures": Variant(forces(), share=1 / 6.3, group="structures for training"),
    "200 structures": Variant(forces(), share=2 / 6.3, group="structures for training"),
    "400 structures": Variant(forces(), share=4 / 6.3, group="structures for training"),
}
QUICK = {
    "energies": Variant((ENERGIES,), (5.5, 10, 4.2, 6), "15:tanh 15:tanh"),
    "all forces": Variant(forces(epochs=160), (5.5, 10, 4.2, 6), "20:twist 20:twist"),
}
COMMITTEE = "all forces"
MEMBERS = 5


@dataclass(frozen=True)
class Cell:
    """One potential: a variant, the seed of the division, and that of the weights."""

    name: str
    variant: Variant
    seed: int
    member: int
    folder: Path
    source: str
    files: tuple[str, ...] = field(repr=False)

    @property
    def result(self) -> Path:
        """Where its errors are."""
        return self.folder / "result.json"


def divide(cell: Cell) -> tuple[list[str], list[str]]:
    """Return the structures for training, and those to measure on."""
    order = np.random.default_rng(cell.seed).permutation(len(cell.files))
    n_test = len(order) // 10
    n_train = round(cell.variant.share * (len(order) - n_test))
    chosen = sorted(order[n_test : n_test + n_train])
    return [cell.files[k] for k in chosen], [cell.files[k] for k in sorted(order[:n_test])]


def write_inputs(cell: Cell, training: list[str]) -> None:
    """Write what generate and train read."""
    radial_cutoff, radial_order, angular_cutoff, angular_order = cell.variant.setup
    for symbol in SPECIES:
        (cell.folder / f"{symbol}.stp").write_text(
            f"DESCR\nEND DESCR\nATOM {symbol}\nENV 2\nTi\nO\nRMIN 0.55\nBASIS type=Chebyshev\n"
            f"radial_Rc={radial_cutoff} radial_N={radial_order} "
            f"angular_Rc={angular_cutoff} angular_N={angular_order}\n"
        )
    types = zip(SPECIES, ATOMIC_ENERGIES[cell.source], strict=True)
    (cell.folder / "generate.in").write_text(
        "OUTPUT TiO2.train\nTYPES\n2\n"
        + "".join(f"{symbol} {energy}\n" for symbol, energy in types)
        + "SETUPS\nTi Ti.stp\nO O.stp\n"
        + cell.variant.copies
        + f"FILES\n{len(training)}\n"
        + "\n".join(training)
        + "\n"
    )
    n_layers = len(cell.variant.nodes.split())
    for k, lines in enumerate(cell.variant.stages, start=1):
        (cell.folder / f"train-{k}.in").write_text(
            "TRAININGSET TiO2.train\nTESTPERCENT 0\nITERWRITE 0\n"
            f"SEED {1000 * cell.seed + cell.member}\n{lines}NETWORKS\n"
            + "".join(
                f"{symbol} {symbol}.nn {n_layers} {cell.variant.nodes}\n" for symbol in SPECIES
            )
        )


def fit(cell: Cell) -> None:
    """Fit and measure one potential; run in a process of its own."""
    import aenetpy

    training, testing = divide(cell)
    cell.folder.mkdir(parents=True, exist_ok=True)
    for path in cell.folder.iterdir():
        path.unlink()
    write_inputs(cell, training)
    aenetpy.generate(aenetpy.read_generate_in(cell.folder / "generate.in"), cell.folder)
    for k in range(1, 1 + len(cell.variant.stages)):
        result = aenetpy.train(aenetpy.read_train_in(cell.folder / f"train-{k}.in"), cell.folder)
    potential = aenetpy.read_potential({s: str(cell.folder / f"{s}.nn") for s in SPECIES})
    energies, predicted = [], []
    for path in testing:
        found = potential.evaluate(aenetpy.read_xsf(path))
        energies.append(found.energy)
        predicted.append(found.forces_nc.ravel())
    np.savez(cell.folder / "predicted.npz", energies=energies, forces=np.concatenate(predicted))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    last = {
        quantity: asdict(errors)
        for quantity, errors in zip(("energy", "force"), result.errors.train, strict=False)
    }
    record = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "training": last,
        **measured(cell, energies, np.concatenate(predicted)),
    }
    for path in cell.folder.glob("TiO2.train*"):
        path.unlink()
    cell.result.write_text(json.dumps(record, indent=1))


def measured(cell: Cell, energies: list[float], predicted: np.ndarray) -> dict[str, float]:
    """Return errors on the structures that were not trained on: meV/atom and eV/Angstrom."""
    import aenetpy

    structures = [aenetpy.read_xsf(path) for path in divide(cell)[1]]
    n_atoms = np.array([len(one) for one in structures])
    energy = (np.array([one.energy for one in structures]) - energies) / n_atoms * 1000.0
    force = np.concatenate([one.forces_nc.ravel() for one in structures]) - predicted
    return {
        "energy_mae": float(np.abs(energy).mean()),
        "energy_rmse": float((energy**2).mean() ** 0.5),
        "force_mae": float(np.abs(force).mean()),
        "force_rmse": float((force**2).mean() ** 0.5),
    }


def committee(cells: list[Cell]) -> dict[str, float]:
    """Return the errors of the mean of several potentials."""
    found = [np.load(cell.folder / "predicted.npz") for cell in cells]
    records = [json.loads(cell.result.read_text()) for cell in cells]
    return {
        "cpu": sum(record["cpu"] for record in records),
        "memory": max(record["memory"] for record in records),
        **measured(
            cells[0],
            np.mean([one["energies"] for one in found], axis=0),
            np.mean([one["forces"] for one in found], axis=0),
        ),
    }


def interval(values: list[float]) -> str:
    """Return mean and half the width of its 95 % interval by Student's t."""
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}.get(len(values), 2.6)
    mean = float(np.mean(values))
    digits = 3 if mean < 1 else 1 if mean < 100 else 0
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    half = t * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


COLUMNS = {
    "energy_mae": "energy MAE, meV/atom",
    "energy_rmse": "RMSE",
    "force_mae": "force MAE, eV/Å",
    "force_rmse": "RMSE",
    "cpu": "CPU, s",
    "memory": "memory, MB",
}


def report(cells: list[Cell]) -> str:
    """Return the tables of all cells that are done."""
    groups: dict[str, dict[str, list[dict[str, float]]]] = {}
    for cell in cells:
        if cell.member == 0 and cell.result.exists():
            rows = groups.setdefault(cell.variant.group, {})
            rows.setdefault(cell.name, []).append(json.loads(cell.result.read_text()))
    for seed in sorted({cell.seed for cell in cells}):
        members = [cell for cell in cells if cell.name == COMMITTEE and cell.seed == seed]
        if len(members) == MEMBERS and all(cell.result.exists() for cell in members):
            rows = groups["how it is trained"]
            rows.setdefault(f"all forces, mean of {MEMBERS}", []).append(committee(members))
    lines = ["Means over seeds with 95 % intervals, on structures that were not trained on.", ""]
    for group, rows in groups.items():
        lines += [f"| {group} | seeds | " + " | ".join(COLUMNS.values()) + " |"]
        lines += ["|---" * (2 + len(COLUMNS)) + "|"]
        for name, records in rows.items():
            numbers = [interval([record[key] for record in records]) for key in COLUMNS]
            lines.append(f"| {name} | {len(records)} | " + " | ".join(numbers) + " |")
        lines.append("")
    return "\n".join(lines)


def structure_files(source: Path | None, work: Path) -> list[str]:
    """Return the paths of XSF files, unpacked if they are in an archive."""
    if source is None:
        return sorted(str(path) for path in SHIPPED.glob("*.xsf"))
    if source.is_file():
        if not (work / "xsf").exists():
            with tarfile.open(source) as archive:
                archive.extractall(work / "xsf", filter="data")
        source = work / "xsf"
    files = sorted(str(path.resolve()) for path in source.rglob("*.xsf"))
    if not files:
        sys.exit(f"{source}: no XSF files; name a folder or an archive that holds them")
    return files


def all_cells(arguments: argparse.Namespace, work: Path) -> Iterator[Cell]:
    """Yield what is to be done, the most wanted first."""
    files = tuple(structure_files(arguments.structures, work))
    variants = QUICK if arguments.structures is None else VARIANTS
    source = "shipped" if arguments.structures is None else "dft"
    for name, variant in variants.items():
        few = variant.group != "how it is trained"
        for seed in range(1, 1 + (min(arguments.seeds, 2) if few else arguments.seeds)):
            has_committee = name == COMMITTEE and seed <= arguments.committees
            for member in range(MEMBERS if has_committee else 1):
                folder = work / name.replace(" ", "_").replace("/", "-") / f"{seed}-{member}"
                yield Cell(name, variant, seed, member, folder, source, files)


def main() -> None:
    """Do what is not done yet, and write the report."""
    parser = argparse.ArgumentParser(description="What training on forces gives")
    parser.add_argument("--structures", type=Path, help="DFT structures: folder or archive of XSF")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--committees", type=int, default=0, help="of the first seeds")
    parser.add_argument("--jobs", type=int, default=1, help="potentials at a time")
    arguments = parser.parse_args()
    work = HERE / ("work" if arguments.structures is None else "work-dft")
    work.mkdir(exist_ok=True)
    cells = list(all_cells(arguments, work))
    missing = [cell for cell in cells if not cell.result.exists()]
    context = multiprocessing.get_context("spawn")
    with context.Pool(arguments.jobs, maxtasksperchild=1) as pool:
        for _ in pool.imap_unordered(fit, missing):
            (work / "report.md").write_text(report(cells))
    (work / "report.md").write_text(report(cells))
    print(report(cells))


if __name__ == "__main__":
    main()
