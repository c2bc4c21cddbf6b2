"""Many thousands of damaged inputs: ``python tests/fuzz/run.py --n 20000 --seed 1``.

Every input is a small project with one damaged file, and a command that reads it. What must
hold: no traceback, no status 1, no hang (``--seconds``), no more memory than ``--memory``
megabytes beyond what the program itself takes, status 0 only with finite results. What does not
is told in one line with the number of the input; ``--only NUMBER --keep FOLDER`` makes it again.
The damaged inputs are the same for the same seed; ``tests/fuzz/test_fuzz.py`` has the first few.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fuzz.targets import TARGETS, damage, execute


def main() -> int:
    """Run all inputs in processes of their own, and tell what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=2000, help="number of inputs")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0, help="limit for one input")
    parser.add_argument("--memory", type=int, default=1000, help="limit, MB")
    parser.add_argument("--target", help="only targets whose name contains this")
    parser.add_argument("--only", type=int, help="number of one input to run, with its traceback")
    parser.add_argument("--keep", type=Path, help="folder for the files of --only")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        return work(given)
    with tempfile.TemporaryDirectory() as projects:
        # Not here: this process must neither hold kernels nor change its folder.
        make = "from pathlib import Path; import os, sys; from tests.fuzz import targets; "
        make += "targets.make_projects(Path(sys.argv[1]), os.chdir)"
        root = Path(__file__).resolve().parents[2]
        subprocess.run(
            [sys.executable, "-c", make, projects], cwd=root, check=True, capture_output=True
        )
        if given.only is not None:
            return one(given, Path(projects))
        return many(given, Path(projects))


def many(given: argparse.Namespace, projects: Path) -> int:
    """Give the inputs to workers; one that hangs or dies is replaced."""
    codes: Counter[str] = Counter()
    findings, k, last = 0, given.first, given.first + given.n
    while k < last:
        arguments = [*sys.argv[1:], "--worker", str(projects), "--first", str(k)]
        arguments += ["--n", str(last - k)]
        with subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # or lines would wait where `select` does not see them
        ) as worker:
            assert worker.stdout is not None
            problem, limit = "", given.seconds + 60.0  # it has to start, and perhaps to compile
            while k < last:
                ready, _, _ = select.select([worker.stdout], [], [], limit)
                line = worker.stdout.readline() if ready else b""
                if not line:
                    problem = f"status {worker.wait()}" if ready else "takes too long"
                    break
                code, problem = json.loads(line)
                codes[str(code)] += 1
                if problem:
                    findings += 1
                    print(f"{k}: {chosen(given, k).name}: {problem}", flush=True)
                k, problem, limit = k + 1, "", given.seconds
            worker.kill()
        if problem:
            findings += 1
            print(f"{k}: {chosen(given, k).name}: {problem}", flush=True)
            k += 1
    print(f"{given.n} inputs, status {dict(sorted(codes.items()))}, {findings} findings")
    return int(findings > 0)


def chosen(given: argparse.Namespace, k: int):
    """Return the target of an input."""
    targets = [target for target in TARGETS if (given.target or "") in target.name]
    return targets[k % len(targets)]


def work(given: argparse.Namespace) -> int:
    """Run one input after the other, and write exit code and finding of each."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    limited = False
    for k in range(given.first, given.first + given.n):
        with tempfile.TemporaryDirectory() as folder:
            code, problem = attempt(given, k, given.worker, Path(folder) / "p")
        answers.write(json.dumps([code, problem]) + "\n")
        answers.flush()
        if not limited and k - given.first >= len(TARGETS):  # all is imported and compiled
            limit_memory(given.memory)
            limited = True
    return 0


def limit_memory(megabytes: int) -> None:
    """Let this process take so much more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def attempt(
    given: argparse.Namespace, k: int, projects: Path, folder: Path
) -> tuple[int | None, str]:
    """Run an input in a folder, and return its exit code and what is wrong with it."""
    target = chosen(given, k)
    damage(target, given.seed * 1_000_000 + k, projects, folder)
    os.chdir(folder)
    try:
        return execute(target), ""
    except Exception as error:
        if given.only is not None:
            raise
        return None, f"{type(error).__name__}: {error}"
    finally:
        os.chdir("/")


def one(given: argparse.Namespace, projects: Path) -> int:
    """Run one input where its files can be looked at."""
    os.environ["AENETPY_TRACEBACK"] = "1"
    folder = given.keep or Path(tempfile.mkdtemp()) / "input"
    if folder.exists():
        shutil.rmtree(folder)
    folder = folder.absolute()
    print(f"input {given.only} in {folder}: {chosen(given, given.only).name}", flush=True)
    print(attempt(given, given.only, projects, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
