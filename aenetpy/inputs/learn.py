"""The input file of ``learn``: what a potential is to learn while it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from aenetpy.inputs.given import YamlValue, read_yaml, results_folder
from aenetpy.inputs.lines import Entry, Place
from aenetpy.inputs.md_json import MD_JSON, Ensemble, contradiction
from aenetpy.inputs.properties import PROPERTY_KEYS, Property, read_properties
from aenetpy.inputs.reference import REFERENCE_KEYS, Reference, read_reference
from aenetpy.inputs.spec import Bounds, Table, filled_by, items_of, keyword, names
from aenetpy.inputs.train_in import read_train_changes

Select: TypeAlias = Literal["committee", "random", "uniform"]
MeasureName: TypeAlias = Literal["max", "norm", "mean", "energy"]

Answer: TypeAlias = Literal["no", "yes"]

AUTO = "auto"
_MOST = 1e9
_ENSEMBLE_NAMES = tuple(item.name for item in fields(Ensemble) if item.name != "name")
_RETRAIN_KEYS = (
    *("iterations", "method", "sampling", "batchsize", "regularization", "forces"),
    *("forcespercent", "maxforces", "stress", "patience"),
)

_TIME_STEP = replace(MD_JSON["time_step"], default=1.0, default_text="")

ROOM = Ensemble("nvt", 300.0)
EMT = Reference("emt")


@dataclass(frozen=True)
class WalkInput:
    """Where the potential is used: molecular dynamics, or structures that exist.

    Each field is explained by the keys that fill it; the temperature of the ensemble is the one
    at the start.
    """

    name: str
    start: str | None = keyword(
        "start", "file", "where molecular dynamics begins", None, form="structure, as in FILES"
    )
    trajectory: str | None = keyword(
        "trajectory",
        "file",
        "instead of `start`: structures that exist already, of which some are chosen",
        None,
        form='structures, as in FILES, in quotes: `"run.traj@:"`',
    )
    steps: int = keyword("steps", "integer", "of molecular dynamics", 1000, bounds=Bounds(1))
    time_step: float = filled_by(_TIME_STEP, default=_TIME_STEP.default)
    last_temperature: float = keyword(
        "temperature",
        "lines",
        "of the heat bath and of the first velocities, if `start` has none; a list of two is a"
        " ramp from the first to the last step, with `langevin`",
        300.0,
        form="number (K), or `[300, 900]`",
        default_text="300",
    )
    ensemble: Ensemble = filled_by(
        replace(MD_JSON["ensemble"], default="nvt"),
        *(MD_JSON[name] for name in _ENSEMBLE_NAMES if name != "temperature"),
        default=ROOM,
    )
    place: Place = field(default=Place(""), compare=False)

    def temperature_at(self, step: int) -> float:
        """Return the temperature of the heat bath, K."""
        first = self.ensemble.temperature or 0.0
        return first + (self.last_temperature - first) * min(step / self.steps, 1.0)

    @property
    def is_ramp(self) -> bool:
        """Whether the temperature changes."""
        return self.last_temperature != self.ensemble.temperature


WALK_KEYS = items_of(WalkInput)


@dataclass(frozen=True)
class Learn:
    """Contents of the YAML file; each field is explained by the key that fills it.

    ``lower`` and ``upper`` are None for ``auto``, ``wall_time`` is inf for unlimited, and
    ``retrain`` holds fields of `TrainInput`.
    """

    path: str
    explore: tuple[WalkInput, ...] = keyword(
        "explore",
        "lines",
        "the walks, one after the other",
        form="`name: {start: slab.xsf, ...}` each",
        keys=WALK_KEYS,
    )
    generate: str = keyword(
        "generate",
        "file",
        "the structures to begin with, species and fingerprints",
        "generate.in",
        form="path of generate.in",
    )
    train: str = keyword(
        "train", "file", "how the networks are fitted", "train.in", form="path of train.in"
    )
    folder: str = keyword(
        "folder",
        "file",
        "for the results",
        "learn",
        default_text="name of the file without suffix",
        form="folder",
    )
    committee: str | None = keyword(
        "committee",
        "file",
        "to begin with, instead of a first fit; its networks must be those of train.in",
        None,
        form="folder with `member-1`, `member-2` ...",
    )
    members: int = keyword(
        "members", "integer", "networks of the committee", 5, bounds=Bounds(2, 100)
    )
    seed: int = keyword(
        "seed",
        "integer",
        "of weights, split, velocities, random forces and choices",
        1,
        bounds=Bounds(0, 2**31 - 1),
    )
    retrain: Mapping[str, Any] = keyword(
        "retrain",
        "lines",
        "where the second and later fits differ from train.in; they begin with the weights of"
        " the fit before",
        dict,
        default_text="as in train.in",
        form=", ".join(f"`{key}`" for key in _RETRAIN_KEYS),
    )
    check: int = keyword(
        "check",
        "integer",
        "steps after which the disagreement is looked at, and up to which a walk is taken back",
        10,
        bounds=Bounds(1),
    )
    measure: MeasureName = keyword(
        "measure",
        "word",
        "of disagreement: largest component of a standard deviation of forces, largest norm,"
        " mean norm, or standard deviation of the energy per atom (eV)",
        "max",
        choices=get_args(MeasureName),
    )
    lower: float | None = keyword(
        "lower",
        "lines",
        "disagreement above which a structure is labelled; `auto` is three times the error of"
        " a force on held-out structures, in calibrated terms",
        None,
        form="positive number (eV/Å), or `auto`",
        default_text="`auto`",
    )
    upper: float | None = keyword(
        "upper",
        "lines",
        "disagreement above which a structure is not believed, and not labelled; `auto` is five"
        " times `lower`",
        None,
        form="number above `lower` (eV/Å), or `auto`",
        default_text="`auto`",
    )
    select: Select = keyword(
        "select",
        "word",
        "for comparison: `random` and `uniform` spread `labels` over the steps of all walks",
        "committee",
        choices=get_args(Select),
    )
    frames: int = keyword("frames", "integer", "labelled in a cycle, at most", 1, bounds=Bounds(1))
    spacing: int = keyword(
        "spacing",
        "integer",
        "steps, or structures of a `trajectory`, between two that are labelled, at least",
        5,
        bounds=Bounds(1),
    )
    labels: int = keyword("labels", "integer", "in all, at most", 50, bounds=Bounds(1))
    wall_time: float = keyword(
        "wall_time",
        "number",
        "after which a call stops in good order; the same command goes on",
        math.inf,
        default_text="unlimited",
        bounds=Bounds(above=0, most=_MOST),
        unit="s",
    )
    reference: Reference = keyword(
        "reference",
        "lines",
        "who teaches",
        EMT,
        default_text="`{calculator: emt}`",
        form="keys and values",
        keys=REFERENCE_KEYS,
    )
    properties: tuple[Property, ...] = keyword(
        "properties",
        "lines",
        "measured after each fit, and once with the reference",
        (),
        default_text="none",
        form="`name: {kind: bulk, ...}` each",
        keys=PROPERTY_KEYS,
    )
    all_data: Answer = keyword(
        "all_data",
        "word",
        "whether, in the end, a new committee is fitted to all structures, none held out, for"
        " comparison of its properties",
        "no",
        choices=get_args(Answer),
    )
    lines: Mapping[str, int | None] = field(default_factory=dict, compare=False)


LEARN_YAML = Table(
    "learn.yaml",
    "What `aenetpy learn` reads: where a potential is used, and who teaches it.",
    items_of(Learn),
    column="key",
)


def read_learn(path: str | Path) -> Learn:
    """Return the content of a file for ``learn``.

    Raises
    ------
    InputError
        If a key is missing or unknown, or a value is wrong, with the line.
    """
    root = read_yaml(path, "learn.yaml")
    keys = root.only(LEARN_YAML.names)
    if "explore" not in keys:
        raise root.place.error("key 'explore' is missing", "name at least one walk")
    given = root.values_of(LEARN_YAML)
    for name in ("lower", "upper"):
        if name in keys and keys[name].text().lower() != AUTO:
            given[name] = _positive(keys[name])
    if "retrain" in keys:
        given["retrain"] = _read_retrain(keys["retrain"])
    if "reference" in keys:
        given["reference"] = read_reference(keys["reference"])
    if "properties" in keys:
        given["properties"] = read_properties(keys["properties"])
    given["explore"] = tuple(_read_walk(*item) for item in keys["explore"].mapping().items())
    if not given["explore"]:
        raise keys["explore"].error("is empty", "write one line 'name: {start: ...}' per walk")
    given.setdefault("folder", results_folder(path, "learn"))
    learn = Learn(
        path=str(path), lines={key: value.place.line for key, value in keys.items()}, **given
    )
    _check_together(learn, keys)
    return learn


def _check_together(learn: Learn, keys: Mapping[str, YamlValue]) -> None:
    if learn.lower is not None and learn.upper is not None and learn.upper <= learn.lower:
        raise keys["upper"].error(f"is {learn.upper:g}", f"it must be above lower, {learn.lower:g}")
    if learn.upper is not None and learn.lower is None and "upper" in keys:
        raise keys["upper"].error("is a number, and lower is auto", "give both, or none")
    if learn.measure != "max" and learn.lower is None and learn.select == "committee":
        raise keys["measure"].error(
            f"is {learn.measure}, and auto is the spread of a component of a force",
            "give lower and upper",
        )
    if learn.frames > 1 and learn.frames * learn.spacing > learn.check:
        raise keys["frames"].error(
            f"is {learn.frames}, and {learn.check} steps of check have no room for them,"
            f" {learn.spacing} apart",
            "make check larger or spacing smaller",
        )
    if learn.all_data == "yes" and not learn.properties:
        raise keys["all_data"].error("is yes, and no properties are compared", "add properties")
    if learn.select != "committee":
        for key in ("lower", "upper"):
            if key in keys:
                keys[key].place.warn(f"{key} has no meaning with select {learn.select}; ignored")


def _positive(value: YamlValue) -> float:
    number = value.real()
    if not 0 < number < _MOST:
        raise value.error(f"is {value.text()}", "it must be a positive number, or auto")
    return number


def _read_retrain(value: YamlValue) -> dict[str, Any]:
    lines: list[Entry] = []
    for key, item in value.only(_RETRAIN_KEYS).items():
        number = item.place.line or 0
        if key == "method":
            lines += [Entry("METHOD", number), Entry(item.text(), number)]
        else:
            lines.append(Entry(f"{key.upper()} {item.text()}", number))
    return read_train_changes(value.place.file, lines)


def _read_walk(name: str, value: YamlValue) -> WalkInput:
    keys = value.only(names(WALK_KEYS))
    items = {item.name: item for item in WALK_KEYS}
    sources = [key for key in ("start", "trajectory") if key in keys]
    if len(sources) != 1:
        raise value.error("needs either start or trajectory", "give one of them")
    if sources == ["trajectory"]:
        for key, item in keys.items():
            if key != "trajectory":
                raise item.error("has no meaning for a trajectory", "remove it")
        return WalkInput(name, trajectory=keys["trajectory"].text(), place=value.place)
    given = value.values_of(WALK_KEYS)
    temperatures = _temperatures(keys.get("temperature"))
    ensemble = Ensemble(
        given.get("ensemble", items["ensemble"].default),
        temperatures[0],
        **{key: given[key] for key in _ENSEMBLE_NAMES if key in given},
    )
    if len(set(temperatures)) > 1 and not ensemble.is_random:
        raise keys["temperature"].error(
            f"is a ramp, which {ensemble.name} with this thermostat cannot follow",
            "use 'ensemble: nvt' with 'thermostat: langevin'",
        )
    time_step = given.get("time_step", items["time_step"].default)
    if (found := contradiction(keys, ensemble, time_step)) is not None:
        key, message, hint = found
        raise keys[key].place.error(f"{value.name}: {message}", hint)
    return WalkInput(
        name,
        given["start"],
        steps=given.get("steps", items["steps"].default),
        time_step=time_step,
        ensemble=ensemble,
        last_temperature=temperatures[-1],
        place=value.place,
    )


def _temperatures(value: YamlValue | None) -> list[float]:
    if value is None:
        return [300.0]
    numbers = [item.real() for item in value.sequence()]
    if len(numbers) > 2 or not all(0 < number < _MOST for number in numbers):
        raise value.error("needs one or two positive numbers (K)", "write 400, or [300, 900]")
    return numbers
