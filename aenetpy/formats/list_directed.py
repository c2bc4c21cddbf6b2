"""Numbers as text the way gfortran writes and reads them (spec 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float
from aenetpy.data.limits import ANY, COUNT, FINITE, Limit
from aenetpy.errors import DataError

# 1.5D-3, and 1.5-103 where three digits leave no room for the letter.
_EXPONENT = re.compile(r"(?<=[\d.])(?:[dDqQ]|(?=[+-]))([+-]?\d+)$")


def list_directed(value: float) -> str:
    """Return a number as ``write(*,*)`` prints it: int32 12 columns wide, float64 26.

    Floats have 17 digits, without exponent for 0.1 <= abs(x) < 1e17 and zero.
    """
    if isinstance(value, (int, np.integer)):
        return f"{value:12d}"
    if not np.isfinite(value):
        return f"{'NaN' if np.isnan(value) else str(float(value)).title() + 'inity':>26}"
    mantissa, exponent = f"{value:.16e}".split("e")
    digits = int(exponent) + 1 if value else 1
    if 0 <= digits <= 17:
        return f"{value:21.{17 - digits}f}     "
    return f"{mantissa}E{exponent[0]}{int(exponent[1:]):03d}".rjust(26)


def list_directed_line(values: Iterable[float]) -> str:
    """Return an array as one line, however long: aenet-PyTorch reads one per array (spec 8.2)."""
    return "".join(map(list_directed, values)) + "\n"


class LineReader:
    """Walk over the lines of a text file written by Fortran."""

    def __init__(self, path: str | Path, text: str, indent: str = "") -> None:
        self.path = path
        self.indent = indent
        self.number = 0
        self._lines = text.split("\n")
        if self._lines[-1] == "":
            self._lines.pop()

    def error(self, message: str, hint: str | None = None) -> DataError:
        """Return the error that names this file and the current line."""
        return DataError(message, file=self.path, line=self.number, hint=hint)

    def damaged(self, what: str) -> DataError:
        """Return the error for content that contradicts itself."""
        return self.error(what, "write it again")

    def line(self, what: str) -> str:
        """Return the next line as it is."""
        if self.number == len(self._lines):
            raise self.error(f"file ends where {what} should follow", "write it again")
        self.number += 1
        return self._lines[self.number - 1].removesuffix("\r")

    def text(self, what: str, length: int = 0) -> str:
        """Return the next line, of any length, without indent and trailing blanks."""
        return self.line(what).rstrip(" ").removeprefix(self.indent)

    def words(self, what: str, count: int) -> list[str]:
        """Return ``count`` words from as many lines as they take, at least one."""
        words = self.line(what).split()
        while len(words) < count:
            words += self.line(what).split()
        if len(words) > count:
            raise self.error(f"{what}: {count} values expected, found {len(words)}")
        return words

    def species(self, what: str, count: int) -> tuple[str, ...]:
        """Return ``count`` names."""
        return tuple(self.words(what, count))

    def reals(self, what: str, count: int, limit: Limit = FINITE) -> Float:
        """Return ``count`` float64 numbers within a limit, exponents with E or D."""
        return self._require(what, self._numbers(what, count, np.float64), limit)

    def integers(self, what: str, count: int, limit: Limit = ANY) -> tuple[int, ...]:
        """Return ``count`` int32 numbers within a limit."""
        return tuple(self._require(what, self._numbers(what, count, np.int32), limit).tolist())

    def real(self, what: str, limit: Limit = FINITE) -> float:
        """Return one float64 number within a limit."""
        return float(self.reals(what, 1, limit)[0])

    def integer(self, what: str, limit: Limit = ANY) -> int:
        """Return one int32 number within a limit."""
        return self.integers(what, 1, limit)[0]

    def count(self, what: str) -> int:
        """Return a number of things, which is not negative."""
        return self.integer(what, COUNT)

    def logical(self, what: str) -> bool:
        """Return a logical: T, F, .true., False..."""
        word = self.words(what, 1)[0].lstrip(".").upper()
        if not word.startswith(("T", "F")):
            raise self.error(f"{what}: `{word}' is neither T nor F")
        return word.startswith("T")

    def finish(self) -> None:
        """Check that only empty lines follow."""
        while self.number < len(self._lines):
            if self.line("nothing").strip():
                raise self.error("the file should end here", "write it again")

    def _require(self, what: str, values: NDArray[Any], limit: Limit) -> NDArray[Any]:
        """Return numbers that are within a limit."""
        reason = limit.objection(values)
        if reason is not None:
            raise self.damaged(f"{what}: {reason}")
        return values

    def _numbers(self, what: str, count: int, dtype: type[Any]) -> NDArray[Any]:
        words = self.words(what, count)
        try:
            return _converted(words, dtype)
        except (ValueError, OverflowError):
            pass
        try:
            return _converted([_EXPONENT.sub(r"E\1", word) for word in words], dtype)
        except (ValueError, OverflowError):
            shown = " ".join(words[:4])
            raise self.error(f"{what}: cannot read `{shown}' as numbers") from None


def _converted(words: list[str], dtype: type[Any]) -> NDArray[Any]:
    if dtype is not np.int32:
        return np.array(words, dtype)
    numbers = np.array(words, np.int64)  # NumPy 1 cuts words to int32 without a word
    if (numbers.astype(np.int32) != numbers).any():
        raise OverflowError
    return numbers.astype(np.int32)
