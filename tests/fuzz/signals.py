"""Send signals to commands at random moments: ``python tests/fuzz/signals.py [strikes] [seed]``.

Each strike starts one of the commands, waits for a random time after it has begun to take note of
signals, sends SIGINT, SIGTERM or SIGHUP, and looks whether what README promises holds: the
status, one line that says so, and no file that is half written. Prints every failure, and counts.
With ``--cold`` all kernels are compiled anew each time. Linux only
(/proc). About one second per strike.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "tio2"
POTENTIAL = ROOT / "tests" / "data" / "reference" / "chebyshev" / "expected"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

COMMANDS = {
    "generate": ["generate", "generate.in", "--jobs", "2"],
    "predict": ["predict", "predict.in", "--jobs", "2"],
    "relax": ["predict", "relax.in", "--jobs", "1"],
    "md": ["md", "md.json", "--jobs", "1"],
    "train": ["train", "train.in", "--jobs", "2"],
    "augment": ["augment", "--delta", "0.03", "--a", "40", "--jobs", "2"],
    "evaluate": ["evaluate", "md.json", "start.xsf", "--relax", "0.0001", "--jobs", "1"],
}
LATEST = {"train": 3.0, "augment": 2.0}
"""Within which time after the start a signal comes, 1.2 for the others, where 1 is the time
that ``generate`` takes on this machine."""


@dataclass(frozen=True)
class Strike:
    """A signal to a command, some time (see ``LATEST``) after it has begun to take note of them."""

    command: str
    number: signal.Signals
    moment: float

    def __str__(self) -> str:
        return f"{self.number.name} to {self.command} at {self.moment:.3f}"


@dataclass(frozen=True)
class Result:
    """How a command has ended, and the folder that it has left."""

    code: int
    errors: str
    folder: Path


def draw(strikes: int, seed: int) -> list[Strike]:
    """Return random strikes, commands and signals in turn."""
    random = np.random.default_rng(seed)
    names = list(COMMANDS)
    drawn = []
    for k in range(strikes):
        name = names[k % len(names)]
        number = SIGNALS[k // len(names) % len(SIGNALS)]
        drawn.append(Strike(name, number, float(random.uniform(0.0, LATEST.get(name, 1.2)))))
    return drawn


def write_inputs(folder: Path, cold: bool = False) -> float:
    """Write the inputs of all commands; return how many seconds ``generate`` takes.

    With ``cold``, those that it takes when it has to compile.
    """
    xsf = sorted((EXAMPLE / "xsf").glob("*-[0-3]?.xsf"))
    types = "TYPES\n2\nTi 0.0\nO 0.0\n"
    files = f"FILES\n{len(xsf)}\n" + "".join(f"{path}\n" for path in xsf)
    setups = "".join(f"{s} {EXAMPLE / f'{s}.fingerprint.stp'}\n" for s in ("Ti", "O"))
    (folder / "generate.in").write_text(f"OUTPUT TiO2.train\n{types}SETUPS\n{setups}{files}")
    networks = "".join(f"{s} {POTENTIAL / f'{s}.nn'}\n" for s in ("Ti", "O"))
    head = f"TYPES\n2\nTi\nO\nNETWORKS\n{networks}FORCES\n"
    (folder / "predict.in").write_text(head + files)
    (folder / "relax.in").write_text(f"{head}RELAX\nF_conv=1e-7 E_conv=1e-12 steps=2000\n{files}")
    shutil.copyfile(xsf[0], folder / "start.xsf")
    dynamics = {
        "potentials": {s: str(POTENTIAL / f"{s}.nn") for s in ("Ti", "O")},
        "structure_file": "start.xsf",
        "temperature": 100,
        "time_step": 0.5,
        "md_steps": 100_000,
        "print_steps": 5,
        "seed": 1,
    }
    (folder / "md.json").write_text(json.dumps(dynamics))
    (folder / "train.in").write_text(
        "TRAININGSET set.train\nTESTPERCENT 10\nITERATIONS 100000\nSEED 1\nMETHOD\nlm\n"
        "NETWORKS\nTi Ti.nn 2 10:tanh 10:tanh\nO O.nn 2 10:tanh 10:tanh\n"
    )
    for _ in range(1 if cold else 2):
        (folder / "TiO2.train").unlink(missing_ok=True)
        start = time.monotonic()
        subprocess.run(
            command_line(COMMANDS["generate"]),
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.monotonic() - start
    (folder / "TiO2.train").rename(folder / "set.train")
    return seconds


def command_line(arguments: list[str]) -> list[str]:
    """Return how to run a command in a process of its own."""
    return [sys.executable, "-m", "aenetpy", *arguments]


def environment() -> dict[str, str]:
    """Return the environment in which it is this very package that is run."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def takes_note(process: subprocess.Popen[str]) -> bool:
    """Return whether a process has begun to handle SIGTERM, which Python itself does not."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def strike(what: Strike, seconds: float, inputs: Path, folder: Path) -> Result:
    """Run a command in a new folder and send it a signal; ``seconds`` are of ``write_inputs``."""
    shutil.copytree(inputs, folder)
    process = subprocess.Popen(
        command_line(COMMANDS[what.command]),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not takes_note(process):
        time.sleep(0.001)
    time.sleep(what.moment * seconds)
    process.send_signal(what.number)  # nothing happens if it has ended
    try:
        errors = process.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        errors = process.communicate()[1] + "no end within 60 seconds\n"
    return Result(process.returncode, errors, folder)


def problem(what: Strike, result: Result) -> str | None:
    """Return what is not as README says, if anything is."""
    expected = {0, 128 + what.number}
    if what.command == "train" and what.number != signal.SIGINT:
        expected.add(75)
    if result.code not in expected:
        return f"status {result.code}"
    lines = result.errors.splitlines()
    if not all(line.startswith(("aenetpy: ", "  ")) for line in lines):  # indented: a table
        return "lines of others on standard error"
    ends = [line for line in lines if line.startswith(("aenetpy: error: ", "aenetpy: stopped: "))]
    if len(ends) != (result.code != 0):
        return f"{len(ends)} lines tell of the end"
    if ends and not any(word in ends[0] for word in ("interrupted", "terminated")):
        return "the line does not tell of the signal"
    litter = [path.name for path in result.folder.rglob("*") if path.name.endswith(".tmp")]
    if litter:
        return f"left behind: {' '.join(litter)}"
    return incomplete(what.command, result)


def incomplete(command: str, result: Result) -> str | None:
    """Return what is wrong with the files of a command."""
    from aenetpy.formats.network import read_network
    from aenetpy.formats.trainset import read_trainset
    from aenetpy.training.train_state import read_train_state

    folder, done = result.folder, result.code == 0
    output = {"generate": "TiO2.train", "augment": "augmented"}.get(command)
    if output is not None and (folder / output).exists() != done:
        return f"{output} is there: {not done}"
    if command == "generate" and done:
        read_trainset(folder / "TiO2.train")
    for path in folder.glob("*.nn*"):
        read_network(path)
    if (folder / "train.state").exists():
        read_train_state(folder / "train.state")
    return None


def main() -> int:
    """Strike as often as asked for; return 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strikes", type=int, nargs="?", default=1000)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--cold", action="store_true", help="compile all kernels each time")
    options = parser.parse_args()
    for number in SIGNALS:  # ignored in the background and by nohup, which commands inherit
        signal.signal(number, signal.default_int_handler)
    counts: Counter[tuple[str, str, int]] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "inputs").mkdir()
        if options.cold:
            os.environ["NUMBA_CACHE_DIR"] = str(home / "cache")
        seconds = write_inputs(home / "inputs", options.cold)
        for what in draw(options.strikes, options.seed):
            if options.cold:
                shutil.rmtree(home / "cache", ignore_errors=True)
            result = strike(what, seconds, home / "inputs", home / "run")
            counts[what.command, what.number.name, result.code] += 1
            found = problem(what, result)
            if found is not None:
                failures += 1
                print(f"{what}: {found}\n{result.errors}", flush=True)
            shutil.rmtree(home / "run")
    for (command, number, code), count in sorted(counts.items()):
        print(f"{command:10}{number:10}status {code:4}{count:6} times")
    print(f"{failures} of {options.strikes} went wrong")
    return int(failures > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
