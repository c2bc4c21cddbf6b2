"""Commands of aenetpy in processes of their own, which end when asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from aenetpy.errors import AenetpyError, DataError, InputError, NumericalError, Stopped

PATIENCE = 10.0
"""Seconds that a process has to end in good order."""

ERRORS = {error.exit_code: error for error in (InputError, DataError, NumericalError, Stopped)}


class Cancelled(Exception):
    """A command was ended, or not begun, because all of them are to end."""


class Commands:
    """Runs commands of aenetpy from several threads, until it is told to end them all.

    Parameters
    ----------
    inherited
        Open files that the processes share; a lock is held until the last of them ends.
    """

    def __init__(self, inherited: Sequence[int] = ()) -> None:
        self._inherited = tuple(inherited)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._ended = False

    def run(self, arguments: Sequence[str], folder: Path, name: str) -> None:
        """Run ``aenetpy arguments`` in a folder, output in ``<name>.out`` and ``<name>.err``.

        Raises
        ------
        AenetpyError
            If the command fails; of the class that belongs to its exit code, with the
            last line that it has written to standard error.
        Cancelled
            If all commands are to end.
        """
        errors = folder / f"{name}.err"
        with (folder / f"{name}.out").open("wb") as output, errors.open("wb") as notes:
            process = self._start(arguments, folder, output.fileno(), notes.fileno())
            try:
                code = process.wait()
            finally:
                with self._guard:
                    self._running.discard(process)
        if self._ended:
            raise Cancelled
        if code != 0:
            raise _failure(arguments[0], code, errors)

    def _start(
        self, arguments: Sequence[str], folder: Path, output: int, notes: int
    ) -> subprocess.Popen[bytes]:
        with self._guard:  # so that none begins after the others were ended
            if self._ended:
                raise Cancelled
            # In a session of its own: Ctrl-C in the terminal reaches us alone, and we end it.
            process = subprocess.Popen(
                [sys.executable, "-m", "aenetpy", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=notes,
                env=environment(),
                pass_fds=self._inherited,
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def end(self) -> None:
        """End what is running, and begin nothing more."""
        with self._guard:
            self._ended = True
            running = list(self._running)
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment() -> dict[str, str]:
    """Return the environment in which a process in another folder finds this very package."""
    home = Path(__file__).resolve().parents[2]
    given = os.environ.get("PYTHONPATH", "")
    paths = [os.path.abspath(path) for path in given.split(os.pathsep) if path]
    if home.name not in ("site-packages", "dist-packages"):
        paths.insert(0, str(home))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _failure(command: str, code: int, errors: Path) -> AenetpyError:
    if code < 0:
        return DataError(
            f"{command} was killed by signal {-code}", file=errors, hint="is there enough memory?"
        )
    lines = errors.read_text(errors="replace").strip().splitlines() or [f"exit code {code}"]
    last = lines[-1].removeprefix("aenetpy: error: ").removeprefix("aenetpy: stopped: ")
    return ERRORS.get(code, DataError)(f"{command} failed: {last}", file=errors)
