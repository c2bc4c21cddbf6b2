"""Kill ``aenetpy learn`` at random moments: ``python tests/fuzz/learn.py [moments] [seed]``.

Learns once undisturbed, then again and again with kill -9 after a random time, each time until the
same command has come to its end, and compares labels, trajectories and networks to the last bit.
Prints what differs, and counts. A second or two per moment.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.learning.project import make_project, outcome  # noqa: E402

COMMAND = [sys.executable, "-m", "aenetpy", "learn", "--jobs", "1"]


def run(folder: Path, seconds: float | None = None) -> int | None:
    """Run the command; kill it and its processes after some time. None if it was killed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        COMMAND,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode:
        print(told.decode())
    return process.returncode


def main() -> int:
    """Strike, and return how many strikes have gone wrong."""
    n_moments = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    wrong = struck = ends = 0
    with tempfile.TemporaryDirectory() as name:
        expected_folder = make_project(Path(name) / "undisturbed")
        run(expected_folder)  # kernels are compiled, if they are not
        begin = time.monotonic()
        again = make_project(Path(name) / "timed")
        assert run(again) == 0
        length = time.monotonic() - begin
        expected = outcome(expected_folder / "learn")
        assert outcome(again / "learn") == expected, "learning is not deterministic"
        while struck < n_moments:
            folder = make_project(Path(name) / f"killed-{ends}")
            status = None
            while status is None:
                seconds = chance.uniform(0.1, 0.7) * length if struck < n_moments else None
                status = run(folder, seconds)
                struck += status is None
            found = outcome(folder / "learn")
            if status or found != expected:
                wrong += 1
                differing = [k for k in expected.keys() | found if expected.get(k) != found.get(k)]
                print(f"{folder.name}: status {status}, differs in {', '.join(differing)}")
            ends += 1
    print(f"{struck} kills, {ends} ends, {wrong} of them wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
