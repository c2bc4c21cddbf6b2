"""The JSON input of ``aenet-predict.py`` and ``aenet-md.py`` (spec 11)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from aenetpy.errors import InputError
from aenetpy.io.files import read_text
from aenetpy.io.free_form import LARGEST_INTEGER, LARGEST_SEED, suggest

Value = TypeVar("Value")

EnsembleName = Literal["nve", "nvt", "npt"]
Thermostat = Literal["langevin", "nose-hoover"]
Cell = Literal["isotropic", "free"]

_MD_KEYS = ("structure_file", "time_step", "md_steps", "print_steps")
_ENSEMBLES_OF = {
    "thermostat": ("nvt",),
    "thermostat_time": ("nvt", "npt"),
    "pressure": ("npt",),
    "barostat_time": ("npt",),
    "cell": ("npt",),
}
"""Keys that have a meaning in some ensembles only."""
_KEYS = (
    *("potentials", *_MD_KEYS, "temperature", "ensemble"),
    *(*_ENSEMBLES_OF, "trajectory_file", "seed"),
)
_POSITIVE, _MOST = math.ulp(0.0), 1e9
_EXAMPLE = '{"potentials": {"Ti": "Ti.nn", "O": "O.nn"}}'


@dataclass(frozen=True)
class Ensemble:
    """What molecular dynamics keeps constant.

    Parameters
    ----------
    name
        Constant besides the number of atoms: volume and energy (``nve``), volume and
        temperature (``nvt``), or pressure and temperature (``npt``).
    temperature
        Of the heat bath, or of the first velocities, K; None for those of the structure.
    thermostat
        Of ``nvt``: random forces or a chain of thermostats; that of ``npt`` is a chain.
    thermostat_time
        After which velocities are forgotten (``langevin``), or period of the chain, fs.
    pressure
        GPa, positive in compression.
    barostat_time
        Period of the barostat, fs.
    cell
        Whether ``npt`` only scales the cell or also changes its shape.
    """

    name: EnsembleName = "nve"
    temperature: float | None = None
    thermostat: Thermostat = "langevin"
    thermostat_time: float = 100.0
    pressure: float = 0.0
    barostat_time: float = 1000.0
    cell: Cell = "isotropic"

    @property
    def is_random(self) -> bool:
        """Whether the heat bath draws random numbers at every step."""
        return self.name == "nvt" and self.thermostat == "langevin"


@dataclass(frozen=True)
class AseInput:
    """What the JSON file says.

    Parameters
    ----------
    path
        The file itself.
    potentials
        Potential file of each species, or a folder with one of each.
    structure_file
        Start of the dynamics; None (as the next three) if only structures are evaluated.
    time_step
        fs.
    md_steps, print_steps
        Number of steps, and after how many of them a row is written.
    ensemble
        What is kept constant; ``nve`` in aenet.
    trajectory_file
        Where the structures go.
    seed
        Of the first velocities and of random forces; None to draw one. Not in aenet.
    """

    path: str
    potentials: dict[str, str] | str = field(default_factory=dict)
    structure_file: str | None = None
    time_step: float | None = None
    md_steps: int | None = None
    print_steps: int | None = None
    ensemble: Ensemble = Ensemble()
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
        except ValueError:  # Python's limit is 4300
            raise InputError("holds a number of thousands of digits", file=path) from None
        if not isinstance(values, dict):
            raise InputError("is not a JSON object", file=path, hint=f"write {_EXAMPLE}")
        self.values: dict[str, Any] = values

    def read(self, md: bool) -> AseInput:
        for key in self.values:
            if key not in _KEYS:
                hint = f"known are {', '.join(_KEYS)}{suggest(key, _KEYS)}"
                raise self._error(key, f"unknown key '{key}'", hint)
        for key in ("potentials", *(_MD_KEYS if md else ())):
            self._require(key)
        return AseInput(
            path=str(self.path),
            potentials=self._potentials(),
            structure_file=self._optional("structure_file", self._name),
            time_step=self._optional("time_step", self._time),
            md_steps=self._optional("md_steps", self._count),
            print_steps=self._optional("print_steps", self._positive_count),
            ensemble=self._ensemble(md),
            trajectory_file=self._optional("trajectory_file", self._name) or "md.traj",
            seed=self._optional("seed", lambda key: self._count(key, largest=LARGEST_SEED)),
        )

    def _require(self, key: str) -> None:
        if key not in self.values:
            raise InputError(f"key '{key}' is missing", file=self.path, hint="add it")

    def _ensemble(self, md: bool) -> Ensemble:
        name = cast(EnsembleName, self._optional("ensemble", self._choice(EnsembleName)) or "nve")
        for key, ensembles in _ENSEMBLES_OF.items():
            if key in self.values and name not in ensembles:
                raise self._error(
                    key,
                    f"{key} has no meaning in the ensemble {name}",
                    f'remove it, or set "ensemble" to {" or ".join(ensembles)}',
                )
        if md and name != "nve":
            self._require("temperature")
        given = {
            "temperature": self._rest_or_temperature if name == "nve" else self._temperature,
            "thermostat": self._choice(Thermostat),
            "thermostat_time": self._time,
            "pressure": self._pressure,
            "barostat_time": self._time,
            "cell": self._choice(Cell),
        }
        values: dict[str, Any] = {
            key: convert(key) for key, convert in given.items() if key in self.values
        }
        ensemble = Ensemble(name, **values)
        for key in ("thermostat_time", "barostat_time"):
            if name not in _ENSEMBLES_OF[key] or "time_step" not in self.values:
                continue
            time = getattr(ensemble, key)
            if time >= self._time("time_step"):
                continue
            if key in values:
                raise self._wrong(key, "longer than time_step; 100 and 1000 fs suit most")
            raise self._wrong("time_step", f"shorter than {key}, which is {time:g} fs")
        return ensemble

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

    def _potentials(self) -> dict[str, str] | str:
        potentials = self.values["potentials"]
        if isinstance(potentials, str):
            return self._name("potentials")
        if not isinstance(potentials, dict) or not potentials:
            expected = 'a folder, or one file per species, {"Ti": "Ti.nn", "O": "O.nn"}'
            raise self._wrong("potentials", expected)
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

    def _choice(self, literal: Any) -> Callable[[str], str]:
        words = get_args(literal)
        expected = " or ".join(f'"{word}"' for word in words)

        def convert(key: str) -> str:
            value = self.values[key]
            if value not in words:
                close = suggest(value, words) if isinstance(value, str) else ""
                raise self._wrong(key, f"{expected}{close}")
            return str(value)

        return convert

    def _real(self, key: str, expected: str, least: float = 0.0, most: float = math.inf) -> float:
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, expected)
        if isinstance(value, int) and value.bit_length() > 64:
            raise self._wrong(key, expected)
        if not (math.isfinite(value) and least <= value <= most):
            raise self._wrong(key, expected)
        return float(value)

    def _time(self, key: str) -> float:
        return self._real(key, "a positive number (fs), at most 1e9", _POSITIVE, _MOST)

    def _temperature(self, key: str) -> float:
        return self._real(key, "a positive number (K), at most 1e9", _POSITIVE, _MOST)

    def _rest_or_temperature(self, key: str) -> float:
        return self._real(key, "a number (K), 0 or greater, at most 1e9", 0.0, _MOST)

    def _pressure(self, key: str) -> float:
        return self._real(key, "a number (GPa), at most 1e9", -_MOST, _MOST)

    def _count(
        self,
        key: str,
        expected: str = "an integer, 0 or greater",
        largest: int = LARGEST_INTEGER,
    ) -> int:
        expected = f"{expected}, up to {largest}"
        value = self._real(key, expected)
        if value != int(value) or int(self.values[key]) > largest:
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
