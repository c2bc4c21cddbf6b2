"""The error family: one line each, and each class knows its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AenetpyError(Exception):
    """An error of the user's input or data, printed in one line.

    The line reads ``file:line: message; hint``. ``message`` names the value
    that is wrong, ``hint`` the next step.

    Parameters
    ----------
    message
        The problem, with the value.
    file, line
        Where, as far as known; lines count from 1.
    hint
        The next step for the user.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = None if file is None else str(file)
        self.line = line
        self.hint = hint

    def __str__(self) -> str:
        where = "" if self.file is None else f"{self.file}: "
        if self.file is not None and self.line is not None:
            where = f"{self.file}:{self.line}: "
        hint = "" if self.hint is None else f"; {self.hint}"
        return " ".join(f"{where}{self.message}{hint}".split())


@contextmanager
def located(file: str | Path) -> Iterator[None]:
    """Name ``file`` in errors from within that do not know where they belong."""
    try:
        yield
    except AenetpyError as error:
        error.file = error.file or str(file)
        raise


class UsageError(AenetpyError):
    """Wrong command line."""

    exit_code = 2


class InputError(AenetpyError):
    """Wrong input file: ``generate.in``, ``train.in``, ``predict.in`` or ``.stp``."""

    exit_code = 3


class DataError(AenetpyError):
    """Wrong data file: a structure, a training set or a potential."""

    exit_code = 4


class NumericalError(AenetpyError):
    """The numbers went wrong: not finite, not converged."""

    exit_code = 5


class ReferenceFailed(AenetpyError):
    """A reference calculation failed: not set up, not converged, or its numbers make no sense."""

    exit_code = 6


class TimedOut(ReferenceFailed):
    """A calculation took longer than it may."""


class CoincidentAtoms(DataError, NumericalError):
    """Two atoms in one place: wrong data, of which no number can be computed."""


class Stopped(AenetpyError):
    """Stopped in good order; the same command continues the run."""

    exit_code = 75
