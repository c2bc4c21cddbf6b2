"""Functions in processes of their own, which end when asked to."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context, parent_process, reduction, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from aenetpy.errors import AenetpyError, DataError, NumericalError, ReferenceFailed, TimedOut
from aenetpy.interruption import SIGNALS, signals_noted

Result = TypeVar("Result")

PATIENCE = 10.0
"""Seconds that a process has to end in good order."""

GRACE = 2.0
"""Seconds that programs have to end which a process has started, such as mpirun its ranks."""

_MOMENT = 0.2

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
    """Runs functions from several threads, each in a new process, until `end` is called."""

    def __init__(self, lock: int | None = None, *, at_once: bool = False) -> None:
        self._lock = None if lock is None else SharedFile(lock)
        self._at_once = at_once
        self._running: set[SpawnProcess] = set()
        self._guard = threading.Lock()
        self._ended = False

    def run(
        self, function: Callable[..., Result], *arguments: Any, timeout: float | None = None
    ) -> Result:
        """Return ``function(*arguments)``; ``pickle`` must be able to take all of it."""
        receiver, sender = SPAWN.Pipe(duplex=False)
        with receiver:
            with sender:
                process = self._start(sender, function, arguments)
            try:
                has_answered = _awaited(receiver, process, timeout)
                answer = receiver.recv() if has_answered else None
            except EOFError:
                has_answered, answer = True, None
            if self._at_once:
                process.join(GRACE if has_answered else 0.0)
                _end_group(process)
            process.join()
            with self._guard:
                self._running.discard(process)
        if self._ended:
            raise Cancelled
        if not has_answered:
            raise TimedOut(f"ended after {timeout:g} s (timeout)")
        if answer is None:
            raise (_crashed if self._at_once else _died)(process.exitcode)
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
            work = _work_at_once if self._at_once else _work
            process = SPAWN.Process(target=work, args=(sender, self._lock, function, arguments))
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
        """End all processes, and begin no more."""
        with self._guard:
            self._ended = True
            running = list(self._running)
        if self._at_once:
            with ThreadPoolExecutor(max(1, len(running))) as pool:
                list(pool.map(_end_group, running))
            return
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
    lock: SharedFile | None,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """Run a function in this process, and send its result or its exception."""
    os.setsid()  # Ctrl-C in the terminal reaches the first process alone, which ends this one
    with sender, signals_noted():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            sender.send((True, function(*arguments)))
        except KeyboardInterrupt:
            return
        except Exception as error:
            sender.send((False, _as_our_error(error)))


def _work_at_once(
    sender: Connection,
    lock: SharedFile | None,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """Run a function that signals end, together with the programs that it has started."""
    os.setsid()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, args=(os.killpg,), daemon=True).start()
    with sender:
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, _as_our_error(error))
        sender.send(answer)


def _end_with_parent(kill: Callable[[int, int], None] = os.kill) -> None:
    """End in good order when the first process was killed."""
    parent = parent_process()
    assert parent is not None, "this process was begun by another"
    parent.join()
    kill(os.getpid(), signal.SIGTERM)


def _awaited(receiver: Connection, process: SpawnProcess, timeout: float | None) -> bool:
    """Return whether a process has answered or died in time.

    A program that it has left behind may keep its end of the pipe open, so that it is looked at.
    """
    if timeout is None:
        return True
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        if receiver.poll(min(left, _MOMENT)):
            return True
        if process.exitcode is not None and not receiver.poll():
            raise EOFError
    return False


def _end_group(process: SpawnProcess) -> None:
    """End a process and all that it has started: asked first, then killed."""
    assert process.pid is not None, "it was started"
    deadline = time.monotonic() + GRACE
    number = signal.SIGTERM
    try:
        while True:
            os.killpg(process.pid, number)
            process.join(0.01)
            if number == signal.SIGKILL:
                break
            number = signal.SIGKILL if time.monotonic() > deadline else number
            time.sleep(0.02)
    except (ProcessLookupError, PermissionError):  # there is none, or it is not yet one
        pass
    if process.is_alive():
        process.kill()
    process.join()


def _crashed(code: int | None) -> ReferenceFailed:
    """Return the error for a calculation that has sent no answer."""
    if code is not None and code < 0:
        return ReferenceFailed(f"crashed (signal {-code})")
    return ReferenceFailed(f"crashed (exit code {code})")


def _died(code: int | None) -> DataError:
    """Return the error for a process that has sent no answer."""
    if code is not None and code > 0:
        return DataError(
            f"its process ended with exit code {code}",
            hint="a script that runs a study does so below 'if __name__ == \"__main__\":'",
        )
    how = f"by signal {-code}" if code else "from outside"
    return DataError(f"its process was killed {how}", hint="is there enough memory?")


def _as_our_error(error: Exception) -> AenetpyError:
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
