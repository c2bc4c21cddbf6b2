"""Listeners to a run: a silent one, a stream that receives aenet's text, or your own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TextIO


class Listener:
    """Hears of the events of a run and does nothing; to be derived from.

    An event is named by the function of ``aenetpy.reports`` that says it in aenet's words, and
    comes with the arguments of that function: ``tell(train.epoch_row, 1, 0.2, 0.3, 0.2, 0.4)``.
    """

    def tell(self, event: Callable[..., str], *content: Any) -> None:
        """Hear of an event."""

    def advance(self) -> None:
        """Hear that one more of FILES, epochs, copies or trials is done."""


SILENT = Listener()


class Recorder(Listener):
    """Passes events on and keeps them for another listener."""

    def __init__(self, listener: Listener = SILENT) -> None:
        self._listener = listener
        self.events: list[tuple[Callable[..., str], tuple[Any, ...]]] = []

    def tell(self, event: Callable[..., str], *content: Any) -> None:
        """Keep an event and pass it on."""
        self.events.append((event, content))
        self._listener.tell(event, *content)


class TextListener(Listener):
    """Writes aenet's text.

    Parameters
    ----------
    out
        Receives the text.
    advance
        Called after each of FILES, epochs, copies or trials.
    """

    def __init__(self, out: TextIO, advance: Callable[[int], object] = lambda _: None) -> None:
        self._out, self._advance = out, advance

    def tell(self, event: Callable[..., str], *content: Any) -> None:
        """Write the event, to be read while the run goes on."""
        self._out.write(event(*content))
        self._out.flush()

    def advance(self) -> None:
        """Pass it on."""
        self._advance(1)


class Recorded(Listener):
    """Writes the lines of a run to a log, each with its time, and passes everything on."""

    def __init__(
        self, listener: Listener, log: TextIO, shown_only: Collection[Callable[..., str]] = ()
    ) -> None:
        self._listener, self._log, self._shown_only = listener, log, shown_only

    def tell(self, event: Callable[..., str], *content: Any) -> None:
        """Write the event, and pass it on."""
        if event not in self._shown_only:
            self._log.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {event(*content)}")
            self._log.flush()
        self._listener.tell(event, *content)

    def advance(self) -> None:
        """Pass it on."""
        self._listener.advance()
