"""Signals that end a command: noted when they come, answered between two pieces of work.

Python lets a signal interrupt all code, also machine code that calls back, or
the destructor of a library, and an exception in such a place is a crash or gets lost. So the
command line only takes note of Ctrl-C, SIGTERM and SIGHUP, and everything that takes long calls
`check` between its steps. Whoever uses aenetpy as a library has Python's own behaviour.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

Item = TypeVar("Item")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PATIENCE = 3.0
"""Seconds after which a second signal no longer waits for the answer to the first."""

_noted: int | None = None
_noted_at = 0.0
_waiting = False


class Terminated(KeyboardInterrupt):
    """The process was asked to end by a signal other than Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def check() -> None:
    """Answer the signal that was noted, if there is one; to be called from any thread."""
    if _noted == signal.SIGINT:
        raise KeyboardInterrupt
    if _noted is not None:
        raise Terminated(_noted)


def interruptible(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, and answer a signal before each."""
    for item in items:
        check()
        yield item


@contextmanager
def waiting() -> Iterator[None]:
    """Answer a signal at once while a statement waits, such as for the writer of a pipe.

    It must be a statement of Python's own library, which survives exceptions anywhere.
    """
    global _waiting
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _waiting = True
    try:
        check()
        yield
    finally:
        _waiting = False


def note_signals() -> dict[int, Any]:
    """Take note of signals from now on; return who handled them before.

    Those that are ignored (nohup, a job in the background) stay so. Outside of the main
    thread, where signals cannot be handled, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, _note)
        for number in SIGNALS
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }


def ignore_signals() -> None:
    """Ignore signals from now on: the work is done, and the status of the process is known."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_noted() -> Iterator[None]:
    """Take note of signals for the time of a ``with`` statement."""
    global _noted
    before = note_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if before:
            _noted = None


def _note(number: int, frame: FrameType | None) -> None:
    """Take note of the first signal; end the process at a later one that comes in vain."""
    global _noted, _noted_at, _waiting
    if _noted is None:
        _noted, _noted_at = number, time.monotonic()
    elif time.monotonic() - _noted_at > PATIENCE:
        how = "interrupted" if number == signal.SIGINT else "terminated"
        os.write(2, f"aenetpy: error: {how} at once; unfinished files may be left\n".encode())
        os._exit(128 + number)
    if _waiting:
        _waiting = False  # raise only once
        check()
