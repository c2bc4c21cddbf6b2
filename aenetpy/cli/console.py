"""What a command says besides its result: notes, failures, signals; all on standard error."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from aenetpy.errors import AenetpyError, Stopped
from aenetpy.interruption import Terminated, check, signals_noted

LONGEST_WORD = 1000
"""A number may have more digits than a screen has letters; paths may be long, too."""


def one_line(text: str) -> str:
    """Return a text without line ends, and with the begin only of words of thousands of letters."""
    return " ".join(w if len(w) < LONGEST_WORD else f"{w[:40]}..." for w in text.split())


class OneLineFormatter(logging.Formatter):
    """Put a note into one line, behind the name of the program.

    What is to be pasted into a file (``extra={"block": text}``) follows as it is.
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
def notes_to_stderr() -> Iterator[None]:
    """Write what the library logs to standard error, one line each, for the time of a command."""
    logger = logging.getLogger("aenetpy")
    handler = logging.StreamHandler()
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
def warnings_as_notes() -> Iterator[None]:
    """Tell Python's warnings, such as those of ASE and NumPy, as notes of ours are told."""

    def note(message: Any, category: Any, filename: str, lineno: int, *_: Any, **__: Any) -> None:
        text, place = str(message).strip(), f"{Path(filename).name}:{lineno}"
        logging.getLogger("aenetpy").warning("%s (%s, %s)", text, category.__name__, place)

    with warnings.catch_warnings():  # restores what is replaced here, and no more
        warnings.showwarning = note
        yield


def fail(text: str, code: int, word: str = "error") -> int:
    """Tell a failure in one line and return the exit code."""
    if os.environ.get("AENETPY_TRACEBACK"):
        traceback.print_exc()
    click.echo(f"aenetpy: {word}: {one_line(text)}", err=True)
    return code


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; every failure is one line on standard error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may hold any byte, and go out as they came in.
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        with notes_to_stderr(), warnings_as_notes(), signals_noted():
            check()  # what came while the modules were imported
            code = command()
        sys.stdout.flush()
    except click.exceptions.Exit as request:  # --help and --version
        return request.exit_code
    except click.UsageError as error:
        name = "aenetpy" if error.ctx is None else error.ctx.command_path
        return fail(f"{error.format_message().rstrip('.')}; see '{name} --help'", 2)
    except click.ClickException as error:
        return fail(error.format_message(), 2)
    except Stopped as stop:
        return fail(str(stop), stop.exit_code, "stopped")
    except AenetpyError as error:
        return fail(str(error), error.exit_code)
    except Terminated as end:
        return fail("terminated", 128 + end.number)
    except (KeyboardInterrupt, click.Abort):
        return fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        where = "standard output" if error.filename is None else str(error.filename)
        return fail(f"{where}: {error.strerror or error}", 4)
    except MemoryError:
        return fail("out of memory; use fewer --jobs or a smaller set", 5)
    except Exception as error:
        hint = "this is a defect of aenetpy: set AENETPY_TRACEBACK=1 and report what it prints"
        return fail(f"{type(error).__name__}: {error}; {hint}", 1)
    return code
