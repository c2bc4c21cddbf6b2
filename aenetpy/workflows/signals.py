"""Signals that end training in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any] | int | None


class Termination:
    """Takes note of SIGTERM and SIGHUP, for the time of a ``with`` statement.

    Nothing dies of them then. Batch systems send SIGTERM some time before they kill a
    job, and a terminal that is closed sends SIGHUP; where that is ignored (nohup) it
    stays so. Outside the main thread, where signals cannot be handled, it does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> Termination:
        self._before = _handle([signal.SIGTERM, signal.SIGHUP], self._note)
        return self

    def __exit__(self, *error: object) -> None:
        _restore(self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


@contextmanager
def without_interruption() -> Iterator[None]:
    """Hold back an interrupt (SIGINT, Ctrl-C) and SIGHUP until the statement is done."""
    held: list[int] = []
    before = _handle([signal.SIGINT, signal.SIGHUP], lambda number, frame: held.append(number))
    try:
        yield
    finally:
        _restore(before)
    for number in dict.fromkeys(held):
        signal.raise_signal(number)  # whoever handled it before does so now


def _handle(numbers: Iterable[signal.Signals], handler: Handler) -> dict[signal.Signals, Handler]:
    """Handle signals unless they are ignored; return who handled them before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, handler)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }


def _restore(handlers: Mapping[signal.Signals, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler or signal.SIG_DFL)
