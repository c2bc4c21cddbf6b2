"""Print how long things take: ``python tests/bench/run.py`` (add names to run only some).

Times are medians over repeated runs, compilation excluded unless said, on one thread and on
two. The structures are the 700 of TiO2 in AENETPY_DATA, or those of examples/tio2.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
CORES = (1, 2)


def structure_files(scratch: Path) -> list[Path]:
    data = Path(os.environ.get("AENETPY_DATA", ROOT.parent / "shared" / "data"))
    archive = data / "tio2" / "structures.tar.xz"
    if not archive.is_file():
        return sorted((ROOT / "examples" / "tio2" / "xsf").glob("*.xsf"))
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    return sorted((scratch / "tio2-xsf").glob("*.xsf"))


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def row(name: str, unit: str, target: str, values: list[float | None]) -> None:
    cells = "".join(f"{'-' if v is None else f'{v:.2f}':>12}" for v in values)
    print(f"{name:46}{unit:>10}{target:>9}{cells}", flush=True)


def bench_descriptors(files: list[Path]) -> Iterator[None]:
    """Fingerprints and energies with forces, per atom."""
    from aenetpy.descriptors.base import make_descriptor
    from aenetpy.descriptors.featurise import structure_fingerprints
    from aenetpy.inputs.stp import read_stp
    from aenetpy.structures.xsf import read_xsf
    from tests.potentials import random_potential

    species = ("Ti", "O")
    everything = [read_xsf(path) for path in files]
    for folder, name, stride, targets in (
        ("tio2-chebyshev", "Chebyshev 8.0/6.5 16/4", 1, ("15", "40")),
        ("tio2-behler2011", "Behler2011, 70 functions", 5, ("200", "500")),
    ):
        structures = everything[::stride]
        n_atoms = sum(map(len, structures))
        setups = [read_stp(ROOT / "inputs" / folder / f"{s}.fingerprint.stp") for s in species]
        descriptors = [make_descriptor(setup, species) for setup in setups]
        potential = random_potential(setups, structures[:20])

        features = partial(structure_fingerprints, species=species, descriptors=descriptors)
        for label, function, target in (
            ("fingerprints", features, targets[0]),
            ("energy and forces", potential.evaluate, targets[1]),
        ):
            function(structures[0])
            values = [
                seconds(partial(evaluate_all, function, structures, jobs)) / n_atoms * 1e6
                for jobs in CORES
            ]
            row(f"{name}: {label}", "us/atom", target, values)
            yield


def bench_committee(files: list[Path]) -> Iterator[None]:
    """Energy and forces by five members in CPU time of one, in turn: clocks of cores change."""
    from aenetpy.inputs.stp import read_stp
    from aenetpy.models.committee import Committee
    from aenetpy.parallel import one_blas_thread
    from aenetpy.structures.xsf import read_xsf
    from tests.potentials import random_potential

    structures = [read_xsf(path) for path in files[:40]]
    for folder, name, stride in (
        ("tio2-chebyshev", "Chebyshev 8.0/6.5 16/4", 1),
        ("tio2-behler2011", "Behler2011, 70 functions", 6),
    ):
        setups = [
            read_stp(ROOT / "inputs" / folder / f"{symbol}.fingerprint.stp")
            for symbol in ("Ti", "O")
        ]
        one = random_potential(setups, structures[:20])
        five = Committee([random_potential(setups, structures[:20]) for _ in range(5)])

        def cpu(function: Callable, chosen: list = structures[::stride]) -> float:
            start = time.process_time()
            evaluate_all(function, chosen, 1)
            return time.process_time() - start

        with one_blas_thread():
            cpu(one.evaluate), cpu(five.evaluate)
            ratio = median(cpu(five.evaluate) / cpu(one.evaluate) for _ in range(15))
        row(f"{name}: five / one, CPU", "", "2", [ratio, None])
        yield


def evaluate_all(function: Callable, structures: list, jobs: int) -> None:
    from aenetpy.parallel import ordered_map

    for _ in ordered_map(function, structures, jobs):
        pass


def bench_epoch(files: list[Path]) -> Iterator[None]:
    """One training epoch, 44-15-15-1: value and gradient of 90 %, errors of 10 %."""
    from aenetpy.parallel import Workers, one_blas_thread
    from tests.potentials import epoch_function

    values = []
    for jobs in CORES:
        with one_blas_thread(), Workers(jobs) as workers:
            epoch, n_atoms = epoch_function(files, workers)
            epoch()
            values.append(seconds(epoch, 25) / n_atoms * 1e6)
    row(f"training epoch, 44-15-15-1, {len(files)} structures", "us/atom", "1", values)
    yield


def bench_forces(files: list[Path]) -> Iterator[None]:
    """Value and gradient of energies and all forces, 15-15 nodes; and what kept ones take."""
    from aenetpy.inputs.stp import read_stp
    from aenetpy.parallel import Workers, one_blas_thread
    from aenetpy.structures.xsf import read_xsf
    from tests.potentials import force_objective

    everything = [read_xsf(path) for path in files]
    for folder, name, stride, ways in (
        (
            "tio2-chebyshev",
            "Chebyshev 8.0/6.5 16/4",
            1,
            {"kept": "4", "kept single": "-", "recomputed": "22"},
        ),
        ("tio2-behler2011", "Behler2011, 70", 5, {"recomputed": "200"}),
    ):
        structures = everything[::stride]
        setups = [
            read_stp(ROOT / "inputs" / folder / f"{symbol}.fingerprint.stp")
            for symbol in ("Ti", "O")
        ]
        for way, target in ways.items():
            values: list[float | None] = []
            for jobs in CORES:
                with one_blas_thread(), Workers(jobs) as workers:
                    objective, weights_w = force_objective(structures, setups, way, workers)
                    work = partial(objective.evaluate, weights_w)
                    work()
                    n_atoms = sum(map(len, structures))
                    values.append(seconds(work, 9) / n_atoms * 1e6)
            row(f"force epoch, {name}: {way}", "us/atom", target, values)
            assert values[0] is not None
            assert values[1] is not None
            row(
                f"force epoch, {way}: gain of the second thread",
                "",
                "1.7",
                [None, values[0] / values[1]],
            )
            yield


def bench_force_memory(files: list[Path], scratch: Path) -> Iterator[None]:
    """Peak memory of train on 100,000 atoms, energies alone and with all forces recomputed."""
    from aenetpy.structures.xsf import read_xsf

    times = round(1e5 / sum(len(read_xsf(path)) for path in files)) or 1
    write_generate_in(scratch, times * files)
    (scratch / "TiO2.train").unlink(missing_ok=True)
    command(scratch, "generate", "generate.in")
    peaks: list[float | None] = []
    for forces in ("", "FORCES\nalpha=0.9\nCACHE 0\n"):
        for old in (*scratch.glob("*.nn*"), *scratch.glob("train.*")):
            old.unlink()
        (scratch / "train.in").write_text(
            f"TRAININGSET TiO2.train\nITERATIONS 2\nSEED 1\n{forces}METHOD\nbfgs\n"
            "NETWORKS\nTi Ti.nn 2 15:tanh 15:tanh\nO O.nn 2 15:tanh 15:tanh\n"
        )
        code = (
            "from aenetpy.cli.main import run; run(['train', 'train.in']);"
            "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')])"
        )
        output = subprocess.run(
            [sys.executable, "-c", code],
            cwd=scratch,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        peaks.append(float(output.split()[-2]) / 1024)
    row("train, 100,000 atoms: energies; forces, peak", "MB", "4000", peaks)
    yield


def write_generate_in(folder: Path, files: list[Path]) -> None:
    for stp in (ROOT / "inputs" / "tio2-chebyshev").glob("*.stp"):
        shutil.copy(stp, folder)
    listing = "\n".join(map(str, files))
    (folder / "generate.in").write_text(
        "OUTPUT TiO2.train\nTYPES\n2\nTi -1604.604515075\nO -432.503149303\n"
        "SETUPS\nTi Ti.fingerprint.stp\nO O.fingerprint.stp\n"
        f"FILES\n{len(files)}\n{listing}\n"
    )


def run_python(folder: Path, *arguments: str, **environment: str) -> None:
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def command(folder: Path, *arguments: str, **environment: str) -> float:
    start = time.perf_counter()
    run_python(folder, "-m", "aenetpy", *arguments, **environment)
    return time.perf_counter() - start


def cpu_seconds(folder: Path, *arguments: str) -> float:
    """User and system time of a process, its modules compiled to bytecode as in an installation."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_python(folder, *arguments, PYTHONDONTWRITEBYTECODE="")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bench_commands(files: list[Path], scratch: Path) -> Iterator[None]:
    """Whole commands, the interpreter's start included."""
    write_generate_in(scratch, files)

    def generate(jobs: int, **environment: str) -> float:
        (scratch / "TiO2.train").unlink(missing_ok=True)
        return command(scratch, "generate", "generate.in", "--jobs", str(jobs), **environment)

    with tempfile.TemporaryDirectory() as cache:
        cold = generate(1, NUMBA_CACHE_DIR=cache)
        row(f"generate, {len(files)} structures, nothing compiled", "s", "20", [cold, None])
        values = [median(generate(jobs, NUMBA_CACHE_DIR=cache) for _ in range(3)) for jobs in CORES]
    row(f"generate, {len(files)} structures", "s", "3", values)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    row("generate, peak memory, compiling", "MB", "-", [None, peak])
    yield
    row("--help", "s", "0.2", [median(command(scratch, "--help") for _ in range(7)), None])
    yield


def bench_start(files: list[Path], scratch: Path) -> Iterator[None]:
    """What predict of one structure takes, against importing numba, without which it cannot be."""
    rutile = ROOT / "tests" / "data" / "rutile"
    (scratch / "predict.in").write_text(
        f"TYPES\n2\nTi\nO\nNETWORKS\nTi {rutile}/Ti.8t-8t.nn\nO {rutile}/O.8t-8t.nn\n"
        f"FORCES\nFILES\n1\n{files[0]}\n"
    )
    predict = partial(cpu_seconds, scratch, "-m", "aenetpy", "predict", "predict.in")
    numba = partial(cpu_seconds, scratch, "-c", "import numba")
    predict(), numba()
    pairs = [(predict(), numba()) for _ in range(15)]  # in turn: clocks of processors change
    row("predict, one structure, CPU", "s", "-", [median(p for p, _ in pairs), None])
    row("predict / importing numba, CPU", "", "1.7", [median(p / n for p, n in pairs), None])
    yield


def bench_each(files: list[Path], scratch: Path) -> Iterator[None]:
    """What one more structure takes in generate: ten times all of them, less a single one."""
    totals: dict[str, list[float]] = {}
    for name, listed in (("one", files[:1]), ("all", 10 * files)):
        folder = scratch / name
        folder.mkdir()
        write_generate_in(folder, listed)
        for jobs in CORES:
            for _ in range(4):  # the first compiles
                (folder / "TiO2.train").unlink(missing_ok=True)
                work = ("-m", "aenetpy", "generate", "generate.in", "--jobs", str(jobs))
                totals.setdefault(f"{name} {jobs}", []).append(cpu_seconds(folder, *work))
    values: list[float | None] = [
        1e3
        * (median(totals[f"all {jobs}"][1:]) - median(totals[f"one {jobs}"][1:]))
        / (10 * len(files) - 1)
        for jobs in CORES
    ]
    row("generate, each structure beyond start-up, CPU", "ms", "0.4", values)
    yield


def bench_threads(files: list[Path], scratch: Path) -> Iterator[None]:
    """Ten times all structures through generate and predict, less a single one."""
    from aenetpy.formats.network import write_network
    from aenetpy.inputs.stp import read_stp
    from aenetpy.structures.xsf import read_xsf
    from tests.potentials import random_potential

    inputs = ROOT / "inputs" / "tio2-chebyshev"
    setups = [read_stp(inputs / f"{symbol}.fingerprint.stp") for symbol in ("Ti", "O")]
    potential = random_potential(setups, [read_xsf(path) for path in files])
    times: dict[tuple[str, int, str], float] = {}
    for name, listed in (("first", files[:1]), ("many", 10 * files)):
        folder = scratch / name
        folder.mkdir()
        write_generate_in(folder, listed)
        for symbol, file in potential.files.items():
            write_network(folder / f"{symbol}.nn", file)
        listing = "\n".join(map(str, listed))
        (folder / "predict.in").write_text(
            "TYPES\n2\nTi\nO\nNETWORKS\nTi Ti.nn\nO O.nn\n"
            f"FORCES\nFILES\n{len(listed)}\n{listing}\n"
        )
        for task in ("generate", "predict"):
            for jobs in CORES:
                measured = []
                for _ in range(4):  # the first compiles
                    (folder / "TiO2.train").unlink(missing_ok=True)
                    measured.append(command(folder, task, f"{task}.in", "--jobs", str(jobs)))
                times[task, jobs, name] = median(measured[1:])
    for task in ("generate", "predict"):
        spent = [times[task, jobs, "many"] - times[task, jobs, "first"] for jobs in CORES]
        row(f"{task}, {10 * len(files)} structures beyond start-up", "s", "-", list(spent))
        row(f"{task}, gain of the second thread", "", "1.6", [None, spent[0] / spent[1]])
    yield


def main() -> None:
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        files = structure_files(scratch)
        names = [f"{jobs} thread" + "s" * (jobs > 1) for jobs in CORES]
        header = "".join(f"{name:>12}" for name in names)
        print(f"{'':46}{'unit':>10}{'target':>9}{header}")
        benches = {
            "descriptors": lambda: bench_descriptors(files),
            "committee": lambda: bench_committee(files),
            "epoch": lambda: bench_epoch(files),
            "forces": lambda: bench_forces(files),
            "memory": lambda: bench_force_memory(files, scratch),
            "commands": lambda: bench_commands(files, scratch),
            "start": lambda: bench_start(files, scratch),
            "each": lambda: bench_each(files, scratch),
            "threads": lambda: bench_threads(files, scratch),
        }
        for name in sys.argv[1:] or benches:
            for _ in benches[name]():
                pass


if __name__ == "__main__":
    main()
