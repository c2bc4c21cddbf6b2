"""The JSON input of ``aenet-predict.py`` and ``aenet-md.py`` (spec 11)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from aenetpy.errors import InputError
from aenetpy.files.files import read_text
from aenetpy.inputs.kinds import refuse_other_kind
from aenetpy.inputs.lines import LARGEST_INTEGER, LARGEST_SEED, suggest
from aenetpy.inputs.spec import Bounds, Item, Table, filled_by, items_of, keyword

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
_MOST = 1e9


@dataclass(frozen=True)
class Ensemble:
    """The ensemble of molecular dynamics; each field is explained by the key that fills it."""

    name: EnsembleName = keyword(
        "ensemble",
        "word",
        "integrators of ASE; constant besides the number of atoms: volume and energy (`nve`),"
        " volume and temperature (`nvt`), or pressure and temperature (`npt`)",
        "nve",
        choices=get_args(EnsembleName),
    )
    temperature: float | None = keyword(
        "temperature",
        "number",
        "`nve`: of new velocities, Maxwell-Boltzmann; without it those in structure_file are"
        " kept. `nvt`, `npt`: of the heat bath; velocities in structure_file are kept, others"
        " are new",
        None,
        default_text="required if structure_file has no velocities, or a heat bath is wanted",
        bounds=Bounds(0, _MOST),
        unit="K",
    )
    thermostat: Thermostat = keyword(
        "thermostat",
        "word",
        "of `nvt`; with `langevin` all atoms feel friction and random forces, `nose-hoover` is"
        " a chain, deterministic",
        "langevin",
        choices=get_args(Thermostat),
    )
    thermostat_time: float = keyword(
        "thermostat_time",
        "number",
        "`langevin`: 1/friction; `nose-hoover` and `npt`: period of the chain; longer than"
        " time_step",
        100.0,
        bounds=Bounds(above=0, most=_MOST),
        unit="fs",
    )
    pressure: float = keyword(
        "pressure",
        "number",
        "of `npt`, positive in compression",
        0.0,
        bounds=Bounds(-_MOST, _MOST),
        unit="GPa",
    )
    barostat_time: float = keyword(
        "barostat_time",
        "number",
        "of `npt` (Martyna, Tobias and Klein 1994); longer than time_step",
        1000.0,
        bounds=Bounds(above=0, most=_MOST),
        unit="fs",
    )
    cell: Cell = keyword(
        "cell",
        "word",
        "of `npt`: `isotropic` scales, `free` also changes angles and ratios",
        "isotropic",
        choices=get_args(Cell),
    )

    @property
    def is_random(self) -> bool:
        """Whether the heat bath draws random numbers at every step."""
        return self.name == "nvt" and self.thermostat == "langevin"


@dataclass(frozen=True)
class AseInput:
    """Contents of the JSON file; each field is explained by the key that fills it."""

    path: str
    potentials: dict[str, str] | str = keyword(
        "potentials",
        "lines",
        "the networks",
        dict,
        required=True,
        form='folder with one `.nn` file per species, or `{"Ti": "Ti.nn", "O": "O.nn"}`',
    )
    structure_file: str | None = keyword(
        "structure_file",
        "file",
        'any format; to continue a run, name its trajectory: `"md.traj"` is its last structure,'
        ' `"md.traj@10"` another',
        None,
        default_text="required by `md`",
    )
    time_step: float | None = keyword(
        "time_step",
        "number",
        "of the integrator",
        None,
        default_text="required by `md`",
        bounds=Bounds(above=0, most=_MOST),
        unit="fs",
    )
    md_steps: int | None = keyword(
        "md_steps",
        "integer",
        "number of steps",
        None,
        default_text="required by `md`",
        bounds=Bounds(0),
    )
    print_steps: int | None = keyword(
        "print_steps",
        "integer",
        "steps from row to row",
        None,
        default_text="required by `md`",
        bounds=Bounds(above=0),
    )
    ensemble: Ensemble = filled_by(*items_of(Ensemble), default=Ensemble())
    trajectory_file: str = keyword(
        "trajectory_file", "file", "ASE trajectory, must not exist", "md.traj"
    )
    seed: int | None = keyword(
        "seed",
        "integer",
        "of velocities and random forces; to go on with `langevin`, give another",
        None,
        default_text="random, printed on standard error",
        bounds=Bounds(0),
    )


MD_JSON = Table(
    "md.json",
    "What `aenetpy md` reads, and `aenetpy evaluate`, which asks for `potentials` alone: one JSON"
    " object, as for `aenet-md.py` and `aenet-predict.py`.",
    items_of(AseInput),
    column="key",
)
_HEAT_BATH = replace(MD_JSON["temperature"], bounds=Bounds(above=0, most=_MOST))
_EXAMPLE = '{"potentials": {"Ti": "Ti.nn", "O": "O.nn"}}'


def contradiction(
    given: Collection[str], ensemble: Ensemble, time_step: float | None
) -> tuple[str, str, str] | None:
    """Return the contradiction between keys of molecular dynamics; None if there is none."""
    for key, ensembles in _ENSEMBLES_OF.items():
        if key in given and ensemble.name not in ensembles:
            return (
                key,
                f"{key} has no meaning in the ensemble {ensemble.name}",
                f'remove it, or set "ensemble" to {" or ".join(ensembles)}',
            )
    for key in ("thermostat_time", "barostat_time"):
        value: float = getattr(ensemble, key)
        if time_step is None or ensemble.name not in _ENSEMBLES_OF[key] or value > time_step:
            continue
        if key not in given and value == time_step:
            continue  # the default suits a step that is just as long
        if key in given:
            hint = "it must be longer than time_step; 100 and 1000 fs suit most"
            return key, f"{key} is {value:g}", hint
        hint = f"it must be shorter than {key}, which is {value:g} fs"
        return "time_step", f"time_step is {time_step:g}", hint
    return None


def read_ase_input(path: str | Path, *, md: bool = False) -> AseInput:
    """Read the JSON file."""
    return _Reader(path).read(md)


class _Reader:
    """The keys of one file and where they stand."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        if not Path(path).is_file():
            raise InputError("file not found", file=path, hint="check the name and the folder")
        self.text = read_text(path)
        refuse_other_kind(path, self.text, MD_JSON.name)
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
            if key not in MD_JSON.names:
                hint = f"known are {', '.join(MD_JSON.names)}{suggest(key, MD_JSON.names)}"
                raise self._error(key, f"unknown key '{key}'", hint)
        for key in ("potentials", *(_MD_KEYS if md else ())):
            self._require(key)
        return AseInput(
            path=str(self.path),
            potentials=self._potentials(),
            structure_file=self._value("structure_file"),
            time_step=self._value("time_step"),
            md_steps=self._value("md_steps"),
            print_steps=self._value("print_steps"),
            ensemble=self._ensemble(md),
            trajectory_file=self._value("trajectory_file"),
            seed=self._value("seed"),
        )

    def _require(self, key: str) -> None:
        if key not in self.values:
            raise InputError(f"key '{key}' is missing", file=self.path, hint="add it")

    def _ensemble(self, md: bool) -> Ensemble:
        name: EnsembleName = self._value("ensemble")
        if md and name != "nve":
            self._require("temperature")
        temperature = self._value("temperature", None if name == "nve" else _HEAT_BATH)
        values = {key: self._value(key) for key in _ENSEMBLES_OF}
        ensemble = Ensemble(name, temperature, **values)
        found = contradiction(self.values, ensemble, self._value("time_step"))
        if found is not None:
            raise self._error(*found)
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

    def _value(self, key: str, narrower: Item | None = None) -> Any:
        """Return the value of a key, or the default that the table has for it."""
        item = narrower or MD_JSON[key]
        if key not in self.values:
            return item.default
        if item.kind == "word":
            return self._choice(item)
        if item.kind == "file":
            return self._name(key)
        return self._count(item) if item.kind == "integer" else self._real(item, _number(item))

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

    def _choice(self, item: Item) -> str:
        value = self.values[item.name]
        if value not in item.choices:
            close = suggest(value, item.choices) if isinstance(value, str) else ""
            known = " or ".join(f'"{word}"' for word in item.choices)
            raise self._wrong(item.name, f"{known}{close}")
        return str(value)

    def _real(self, item: Item, expected: str) -> float:
        value = self.values[item.name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(item.name, expected)
        if isinstance(value, int) and value.bit_length() > 64:
            raise self._wrong(item.name, expected)
        if not (math.isfinite(value) and item.bounds.allow(value)):
            raise self._wrong(item.name, expected)
        return float(value)

    def _count(self, item: Item) -> int:
        expected, value = _number(item), self.values[item.name]
        largest = LARGEST_SEED if item.name == "seed" else LARGEST_INTEGER
        if value != 0 or value is False:  # the largest is not why zero is refused
            expected += f", up to {largest}"
        if self._real(item, expected) != int(value) or int(value) > largest:
            raise self._wrong(item.name, expected)
        return int(value)


def _number(item: Item) -> str:
    """Return the form of the value of a key."""
    return f"{'an' if item.shape.startswith('i') else 'a'} {item.shape}"


def _is_file_name(value: Any) -> bool:
    """Return whether a value is a text that can name a file; JSON also has halves of characters."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
