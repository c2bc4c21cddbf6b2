"""The JSON input of ``aenet-predict.py`` and ``aenet-md.py`` (spec 11)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aenetpy.errors import InputError
from aenetpy.io.files import read_text
from aenetpy.io.free_form import suggest

Value = TypeVar("Value")

_MD_KEYS = ("structure_file", "temperature", "time_step", "md_steps", "print_steps")
_KEYS = ("potentials", *_MD_KEYS, "trajectory_file", "seed")
_EXAMPLE = '{"potentials": {"Ti": "Ti.nn", "O": "O.nn"}}'


@dataclass(frozen=True)
class AseInput:
    """What the JSON file says.

    Parameters
    ----------
    path
        The file itself.
    potentials
        Potential file of each species.
    structure_file
        Start of the dynamics; None (as the next four) if only structures are evaluated.
    temperature
        Of the initial velocities, K.
    time_step
        fs.
    md_steps, print_steps
        Number of steps, and after how many of them a row is written.
    trajectory_file
        Where the structures go.
    seed
        Of the initial velocities; None to draw one. Not in aenet.
    """

    path: str
    potentials: dict[str, str] = field(default_factory=dict)
    structure_file: str | None = None
    temperature: float | None = None
    time_step: float | None = None
    md_steps: int | None = None
    print_steps: int | None = None
    trajectory_file: str = "md.traj"
    seed: int | None = None


def read_ase_input(path: str | Path, *, md: bool = False) -> AseInput:
    """Read the JSON file.

    Parameters
    ----------
    path
        The file.
    md
        Whether the keys of the dynamics are required.

    Raises
    ------
    InputError
        No such file, not JSON, an unknown, repeated or missing key, or a value that
        makes no sense, with the line.
    """
    return _Reader(path).read(md)


class _Reader:
    """The keys of one file and where they stand."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        if not Path(path).is_file():
            raise InputError("file not found", file=path, hint="check the name and the folder")
        self.text = read_text(path)
        try:
            values = json.loads(self.text, object_pairs_hook=self._without_repeats)
        except json.JSONDecodeError as error:
            raise InputError(
                f"is not JSON: {error.msg}", file=path, line=error.lineno, hint="correct the line"
            ) from None
        except RecursionError:
            raise InputError("is not JSON: nested too deeply", file=path) from None
        except ValueError as error:  # a number with thousands of digits
            raise InputError(f"is not JSON: {error}", file=path) from None
        if not isinstance(values, dict):
            raise InputError("is not a JSON object", file=path, hint=f"write {_EXAMPLE}")
        self.values: dict[str, Any] = values

    def read(self, md: bool) -> AseInput:
        for key in self.values:
            if key not in _KEYS:
                hint = f"known are {', '.join(_KEYS)}{suggest(key, _KEYS)}"
                raise self._error(key, f"unknown key '{key}'", hint)
        for key in ("potentials", *(_MD_KEYS if md else ())):
            if key not in self.values:
                raise InputError(f"key '{key}' is missing", file=self.path, hint="add it")
        return AseInput(
            path=str(self.path),
            potentials=self._potentials(),
            structure_file=self._optional("structure_file", self._name),
            temperature=self._optional("temperature", self._real),
            time_step=self._optional("time_step", self._positive_real),
            md_steps=self._optional("md_steps", self._count),
            print_steps=self._optional("print_steps", self._positive_count),
            trajectory_file=self._optional("trajectory_file", self._name) or "md.traj",
            seed=self._optional("seed", self._count),
        )

    def _without_repeats(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in pairs:
            if key in values:
                raise self._error(key, f"key '{key}' is given twice", "remove one of them")
            values[key] = value
        return values

    def _error(self, key: str, message: str, hint: str) -> InputError:
        match = re.search(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:", self.text)
        line = None if match is None else self.text.count("\n", 0, match.start()) + 1
        return InputError(message, file=self.path, line=line, hint=hint)

    def _wrong(self, key: str, expected: str) -> InputError:
        value = json.dumps(self.values[key])
        shown = value if len(value) < 40 else f"{value[:36]}..."
        return self._error(key, f"{key} is {shown}", f"it must be {expected}")

    def _optional(self, key: str, convert: Callable[[str], Value]) -> Value | None:
        return convert(key) if key in self.values else None

    def _potentials(self) -> dict[str, str]:
        potentials = self.values["potentials"]
        if not isinstance(potentials, dict) or not potentials:
            raise self._wrong("potentials", 'one file per species, {"Ti": "Ti.nn", "O": "O.nn"}')
        for symbol, path in potentials.items():
            if not _is_file_name(path):
                raise self._error(
                    symbol, f"potential of {symbol} is {json.dumps(path)}", "name its file"
                )
        return potentials

    def _name(self, key: str) -> str:
        value = self.values[key]
        if not _is_file_name(value):
            raise self._wrong(key, "the name of a file")
        return value

    def _real(self, key: str, expected: str = "a number, 0 or greater") -> float:
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, expected)
        if isinstance(value, int) and value.bit_length() > 64:
            raise self._wrong(key, expected)
        if not (math.isfinite(value) and value >= 0.0):
            raise self._wrong(key, expected)
        return float(value)

    def _positive_real(self, key: str) -> float:
        value = self._real(key, "a positive number (fs)")
        if value == 0.0:
            raise self._wrong(key, "a positive number (fs)")
        return value

    def _count(self, key: str, expected: str = "an integer, 0 or greater") -> int:
        value = self._real(key, expected)
        if value != int(value):
            raise self._wrong(key, expected)
        return int(self.values[key])

    def _positive_count(self, key: str) -> int:
        value = self._count(key, "a positive integer")
        if value == 0:
            raise self._wrong(key, "a positive integer")
        return value


def _is_file_name(value: Any) -> bool:
    """Return whether a value is a text that can name a file; JSON also has halves of characters."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
