"""A committee against random and uniform selection of gold, at equal numbers of labels.

    python compare.py           five seeds; work-compare/ has a folder for each seed and selection

Random and uniform selection get as many labels as the committee of the same seed used. Errors at
the end are those of bulk moduli and surface energies, and of forces on frames of molecular dynamics
with EMT that no run has seen. What is done is not done again; work-compare/report.md has the table.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from scipy.stats import t as student

from aenetpy import CommitteeCalculator, read_committee
from aenetpy.analysis.properties import measure
from aenetpy.inputs.learn import read_learn
from aenetpy.learning.state import LearnState

HERE = Path(__file__).resolve().parent
WORK = HERE / "work-compare"
_spec = importlib.util.spec_from_file_location("gold_run", HERE / "run.py")
assert _spec is not None
assert _spec.loader is not None
gold = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(gold)

SEEDS = (1, 2, 3, 4, 5)
SELECTIONS = ("committee", "random", "uniform")
TEMPERATURES = {"fcc": 300, "100": 300, "111": 400, "bcc": 300}  # K, of the frames to measure on
FRAMES, APART = 4, 50  # of each system, and steps of 5 fs between them
FORCE = "force RMSE (eV/Å)"


def settings(selection: str, seed: int, labels: int | None) -> str:
    """Return learn.yaml: that of run.py with three members, without properties between."""
    lines = [f"seed: {seed}", f"select: {selection}"]
    for line in gold.LEARN.splitlines():
        key = line.partition(":")[0]
        if key == "members":
            line = "members: 3"
        elif key == "labels" and labels is not None:
            line = f"labels: {labels}"
        elif key in ("lower", "upper") and selection != "committee":
            continue
        lines.append(line)
    return "\n".join(lines) + "\n"


def cell(seed: int, selection: str, labels: int | None, test: list[Atoms]) -> dict[str, float]:
    """Return the errors of one run, or what was noted of it."""
    folder = WORK / f"{selection}-{seed}"
    done = folder / "errors.json"
    if not done.exists():
        begin = cpu_seconds()
        state: LearnState = gold.run(folder, settings(selection, seed, labels))
        results = folder / "learn" / f"cycle-{len(state.cycles) - 1:03d}"
        calculator = CommitteeCalculator(read_committee(results))
        errors: dict[str, float] = property_errors(folder, calculator)
        errors[FORCE] = force_error(test, calculator)
        errors["labels"] = state.n_labels
        errors["CPU (s)"] = cpu_seconds() - begin
        done.write_text(json.dumps(errors))
    return json.loads(done.read_text())


def property_errors(folder: Path, calculator: CommitteeCalculator) -> dict[str, float]:
    """Return the sizes of the errors of bulk moduli and surface energies."""
    path = folder / "properties.yaml"
    path.write_text(gold.LEARN + gold.PROPERTIES)
    properties = read_learn(path).properties
    found, true = measure(properties, calculator).values, measure(properties, EMT()).values
    names = [name for name in true if name.endswith(("(GPa)", "(J/m^2)"))]
    return {name: abs(found[name] - true[name]) for name in names}


def force_error(test: list[Atoms], calculator: CommitteeCalculator) -> float:
    """Return the root mean square error of all components."""
    errors = [
        calculator.get_property("forces", atoms) - EMT().get_property("forces", atoms)
        for atoms in test
    ]
    return float(np.sqrt(np.mean(np.square(np.concatenate(errors)))))


def test_frames() -> list[Atoms]:
    """Return frames of molecular dynamics with EMT, of all four systems."""
    start = gold.beside("start")
    systems = {"fcc": bulk("Au", "fcc", a=start.FCC, cubic=True).repeat((2, 2, 2))}
    systems |= start.start_structures()
    frames = []
    for k, (name, atoms) in enumerate(systems.items()):
        rng = np.random.default_rng(1000 + k)
        atoms.calc = EMT()
        MaxwellBoltzmannDistribution(atoms, temperature_K=TEMPERATURES[name], rng=rng)
        dynamics = Langevin(
            atoms, 5 * units.fs, temperature_K=TEMPERATURES[name], friction=0.02, rng=rng
        )
        for _ in range(FRAMES):
            dynamics.run(APART)
            frames.append(atoms.copy())
    return frames


def cpu_seconds() -> float:
    """Return the CPU time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def mean_and_interval(values: list[float]) -> str:
    """Return the mean over the seeds with the half width of its 95 % t interval."""
    if len(values) < 2:
        return f"{np.mean(values):.3g}"
    factor = student.ppf(0.975, len(values) - 1) / np.sqrt(len(values))
    return f"{np.mean(values):.3g} ± {factor * np.std(values, ddof=1):.2g}"


def report(cells: dict[str, list[dict[str, float]]]) -> str:
    """Return the table, and the differences from the committee paired by seed."""
    names = list(cells[SELECTIONS[0]][0])
    n_seeds = len(cells[SELECTIONS[0]])
    lines = [
        f"{n_seeds} seeds; means of absolute errors, 95 % t intervals over the seeds.",
        "",
        "| selection | " + " | ".join(names) + " |",
        "|" + " --- |" * (1 + len(names)),
    ]
    for selection, found in cells.items():
        row = [mean_and_interval([one[name] for one in found]) for name in names]
        lines.append(f"| {selection} | " + " | ".join(row) + " |")
    for selection in SELECTIONS[1:]:
        pairs = list(zip(cells[selection], cells[SELECTIONS[0]], strict=True))
        row = [mean_and_interval([one[name] - best[name] for one, best in pairs]) for name in names]
        lines.append(f"| {selection} less committee | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is not done, and print the table."""
    WORK.mkdir(exist_ok=True)
    test = test_frames()
    cells: dict[str, list[dict[str, float]]] = {selection: [] for selection in SELECTIONS}
    for seed in SEEDS:
        labels = None
        for selection in SELECTIONS:
            errors = cell(seed, selection, labels, test)
            if labels is None:
                labels = int(errors["labels"])
            cells[selection].append(errors)
            print(f"{selection}, seed {seed}: {errors}", file=sys.stderr)
        (WORK / "report.md").write_text(report(cells))
    print(report(cells), end="")


if __name__ == "__main__":
    main()
