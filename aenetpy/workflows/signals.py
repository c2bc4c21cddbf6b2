"""Signals that end training in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Termination:
    """Takes note of SIGTERM instead of dying of it, for the time of a ``with`` statement.

    Batch systems send it some time before they kill a job. Outside the main thread,
    where signals cannot be handled, it does nothing.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Termination:
        if _in_main_thread():
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        if _in_main_thread():
            signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


@contextmanager
def without_interruption() -> Iterator[None]:
    """Hold back an interrupt (SIGINT, Ctrl-C) until the statement is done."""
    if not _in_main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if held:
        signal.raise_signal(signal.SIGINT)  # whoever handled it before does so now


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
