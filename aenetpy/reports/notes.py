"""Messages besides the result: notes of the library and warnings of others, in one line each."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

LONGEST_WORD = 1000
"""A number may have more digits than a screen has letters; paths may be long, too."""


def one_line(text: str) -> str:
    """Return a text without line ends, and with the begin only of words of thousands of letters."""
    return " ".join(w if len(w) < LONGEST_WORD else f"{w[:40]}..." for w in text.split())


class OneLineFormatter(logging.Formatter):
    """Put a note into one line, behind the name of the program.

    A text to be pasted into a file (``extra={"block": text}``) follows as it is.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the block."""
        text = one_line(record.getMessage())
        block = getattr(record, "block", None)
        return f"aenetpy: {record.levelname.lower()}: {text}" + (f"\n{block}" if block else "")


class NotAgain(logging.Filter):
    """Let each note pass once: a set of 10,000 structures may raise it 10,000 times."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the text is new."""
        text = record.getMessage()
        new = text not in self._seen
        self._seen.add(text)
        return new


@contextmanager
def notes_to(stream: TextIO | None = None) -> Iterator[None]:
    """Write what the library logs to a stream, or standard error, one line each."""
    logger = logging.getLogger("aenetpy")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLineFormatter())
    handler.addFilter(NotAgain())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def notes_only_to(stream: TextIO) -> Iterator[None]:
    """Write what the library logs to a stream, and nowhere else."""
    logger = logging.getLogger("aenetpy")
    handlers, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [], False
    try:
        with notes_to(stream):
            yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Log Python's warnings, such as from ASE and NumPy, as our own notes."""

    def note(message: Any, category: Any, filename: str, lineno: int, *_: Any, **__: Any) -> None:
        text, place = str(message).strip(), f"{Path(filename).name}:{lineno}"
        logging.getLogger("aenetpy").warning("%s (%s, %s)", text, category.__name__, place)

    with warnings.catch_warnings():  # restores the functions replaced here, and no more
        warnings.showwarning = note
        yield
