"""Functions in processes of their own, which end when asked to."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing import get_context, parent_process, reduction, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from aenetpy.errors import AenetpyError, DataError, NumericalError
from aenetpy.interruption import SIGNALS, signals_noted

Result = TypeVar("Result")

PATIENCE = 10.0
"""Seconds that a process has to end in good order."""

SPAWN = get_context("spawn")
"""How processes begin: from nothing, since a copy of one with threads may hang."""


class Cancelled(Exception):
    """A process was ended, or not begun, because all of them are to end."""


class SharedFile:
    """An open file that new processes share, so that its lock is held until the last ends."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[[Any], SharedFile], tuple[Any]]:
        return _shared_again, (reduction.DupFd(self.descriptor),)


def _shared_again(duplicate: Any) -> SharedFile:
    return SharedFile(duplicate.detach())


class Processes:
    """Runs functions from several threads, each in a new process, until told to end them all.

    Parameters
    ----------
    lock
        An open file that the processes share.
    """

    def __init__(self, lock: int) -> None:
        self._lock = SharedFile(lock)
        self._running: set[SpawnProcess] = set()
        self._guard = threading.Lock()
        self._ended = False

    def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return ``function(*arguments)``; all of it must be what ``pickle`` can take.

        Raises
        ------
        AenetpyError
            What the function raises, or that its process was killed.
        Cancelled
            If all processes are to end.
        """
        receiver, sender = SPAWN.Pipe(duplex=False)
        with receiver:
            with sender:
                process = self._start(sender, function, arguments)
            try:
                answer = receiver.recv()
            except EOFError:
                answer = None
            process.join()
            with self._guard:
                self._running.discard(process)
        if self._ended:
            raise Cancelled
        if answer is None:
            raise _died(process.exitcode)
        is_done, value = answer
        if not is_done:
            raise value
        result: Result = value
        return result

    def _start(
        self, sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> SpawnProcess:
        with self._guard:  # so that none begins after the others were ended
            if self._ended:
                raise Cancelled
            process = SPAWN.Process(target=_work, args=(sender, self._lock, function, arguments))
            # Signals are kept back until the process can answer them; to begin with this helper
            # of all processes would let them pass.
            resource_tracker.ensure_running()
            before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            try:
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._running.add(process)
        return process

    def end(self) -> None:
        """End what is running, and begin nothing more."""
        with self._guard:
            self._ended = True
            running = list(self._running)
        for process in running:
            process.terminate()
        deadline = time.monotonic() + PATIENCE
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _work(
    sender: Connection,
    lock: SharedFile,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """Run a function in this process, and send what it returns or raises."""
    os.setsid()  # Ctrl-C in the terminal reaches the first process alone, which ends this one
    with sender, signals_noted():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            sender.send((True, function(*arguments)))
        except KeyboardInterrupt:
            return
        except Exception as error:
            sender.send((False, _told(error)))


def _end_with_parent() -> None:
    """End in good order when the first process was killed."""
    parent = parent_process()
    assert parent is not None, "this process was begun by another"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _died(code: int | None) -> DataError:
    """Return what is said of a process that has sent no answer."""
    if code is not None and code > 0:
        return DataError(
            f"its process ended with exit code {code}",
            hint="a script that runs a study does so below 'if __name__ == \"__main__\":'",
        )
    how = f"by signal {-code}" if code else "from outside"
    return DataError(f"its process was killed {how}", hint="is there enough memory?")


def _told(error: Exception) -> AenetpyError:
    """Return an error as one of ours."""
    if isinstance(error, AenetpyError):
        return error
    if os.environ.get("AENETPY_TRACEBACK"):
        traceback.print_exc()
    if isinstance(error, MemoryError):
        return NumericalError("out of memory", hint="use fewer --jobs or a smaller set")
    if isinstance(error, OSError):
        return DataError(error.strerror or str(error), file=error.filename)
    return AenetpyError(
        f"{type(error).__name__}: {error}",
        hint="this is a defect of aenetpy: set AENETPY_TRACEBACK=1 and report what it prints",
    )
