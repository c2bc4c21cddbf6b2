"""The input file of ``study``: which kinds of training are compared on what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.data.study_models import NETWORK, TARGETS, Value
from aenetpy.inputs.given import YamlValue, read_yaml, results_folder
from aenetpy.inputs.lines import Entry, Place, suggest
from aenetpy.inputs.spec import Bounds, Table, items_of, keyword, names
from aenetpy.inputs.study_grid import expand
from aenetpy.inputs.study_models import read_model, read_word
from aenetpy.inputs.study_table import COPY_KEYS, FAMILIES, TRAIN_KEYS, VARIANT_KEYS
from aenetpy.inputs.taylor import TaylorInput, make_taylor
from aenetpy.inputs.train_in import read_train_changes

MOST_TRIALS = 10_000
"""Of one study: weeks of training."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_SET_BY_STUDY = {
    "seed": "the seeds of the study are those of the trials",
    "trainingset": "each trial makes its own training set",
}


@dataclass(frozen=True)
class Variant:
    """A kind of training: how it differs from ``generate.in`` and ``train.in``."""

    name: str
    place: Place = field(default=Place(""), compare=False)
    taylor: TaylorInput | None = None
    mixed: bool = False
    train: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    model: str = NETWORK
    parameters: Mapping[str, Value] = field(default_factory=dict)
    targets: str = "atomic"
    labels: str = "structure"
    setups: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_network(self) -> bool:
        """Whether it trains our networks."""
        return self.model == NETWORK

    @property
    def needs(self) -> str | None:
        """The variant whose networks this one needs."""
        return None if self.taylor is None else self.taylor.potential

    @property
    def text(self) -> str:
        """How it differs, in one line."""
        parts = [_plain_text(key, value) for key, value in self.given.items()]
        return "; ".join(part for part in parts if part) or "as in generate.in and train.in"


@dataclass(frozen=True)
class Study:
    """Contents of the YAML file; each field is explained by the key that fills it."""

    path: str
    generate: str = keyword(
        "generate",
        "file",
        "all structures; paths in it are relative to the working directory, as always",
        form="path of generate.in",
    )
    train: str = keyword(
        "train",
        "file",
        "how they are fitted where a variant does not differ",
        form="path of train.in",
    )
    test: int = keyword(
        "test", "integer", "structures held out from all variants", bounds=Bounds(1)
    )
    sizes: tuple[int, ...] = keyword(
        "sizes",
        "lines",
        "numbers of training structures; larger sets contain the smaller ones",
        form="list of integers, 2 or greater",
        bounds=Bounds(2),
    )
    seeds: tuple[int, ...] = keyword(
        "seeds",
        "lines",
        "of training structures, copies, own test set and first weights; the same for all variants",
        form="list of integers, 0 or greater",
        bounds=Bounds(0),
    )
    variants: tuple[Variant, ...] = keyword(
        "variants",
        "lines",
        "how each differs from the two input files",
        form="`name: {}` each",
        keys=VARIANT_KEYS,
    )
    folder: str = keyword(
        "folder",
        "file",
        "for the results",
        "study",
        default_text="name of the file without suffix",
        form="folder",
    )
    test_seed: int = keyword(
        "test_seed", "integer", "the seed they are drawn with", 1, bounds=Bounds(0)
    )
    apart: int = keyword(
        "apart",
        "integer",
        "further structures held out: with them the error of the variant that is best on the"
        " others is measured again",
        0,
        bounds=Bounds(0),
    )
    reference: str = keyword(
        "reference",
        "word",
        "variant that the others are compared with",
        "",
        default_text="the first",
        form="name",
    )
    lines: Mapping[str, int | None] = field(default_factory=dict, compare=False)
    has_grid: bool = False

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.variants) * len(self.sizes) * len(self.seeds)

    def variant(self, name: str) -> Variant:
        """Return a variant by its name."""
        return next(variant for variant in self.variants if variant.name == name)

    def in_order(self) -> list[Variant]:
        """Return the variants, each after the one whose networks it needs."""
        ordered: list[Variant] = []
        while len(ordered) < len(self.variants):
            names = {variant.name for variant in ordered}
            ordered += [
                variant
                for variant in self.variants
                if variant.name not in names and (variant.needs is None or variant.needs in names)
            ]
            assert len(ordered) > len(names), "read_study refuses cycles"
        return ordered


STUDY_YAML = Table(
    "study.yaml",
    "What `aenetpy study` reads: which kinds of training are compared on what.",
    items_of(Study),
    column="key",
)


def read_study(path: str | Path) -> Study:
    """Return the content of a study file.

    Parameters
    ----------
    path
        The file; the paths in it stay as they are, relative to the folder of the run.

    Raises
    ------
    InputError
        If a key is missing or unknown, or a value is wrong, with the line.
    """
    root = read_yaml(path, "study.yaml")
    keys = root.only(STUDY_YAML.names)
    for item in STUDY_YAML:
        if item.required and item.name not in keys:
            raise root.place.error(f"key '{item.name}' is missing", "add it")
    if isinstance(keys["seeds"].data, str):  # five seeds, or the seed 5?
        raise keys["seeds"].error("needs a list", f"write [{keys['seeds'].text()}], or [1, 2, 3]")
    variants = _read_variants(keys["variants"])
    if not variants:
        raise keys["variants"].error("is empty", "write one line 'name: {}' per variant")
    _check_needs(variants)
    sizes, seeds = _integers(keys["sizes"]), _integers(keys["seeds"])
    n_trials = len(variants) * len(sizes) * len(seeds)
    if n_trials > MOST_TRIALS:
        raise keys["seeds"].error(f"and sizes make {n_trials} trials", f"at most {MOST_TRIALS}")
    given = root.values_of(STUDY_YAML)
    given["reference"] = _read_reference(keys.get("reference"), variants)
    given.setdefault("folder", results_folder(path, "study"))
    return Study(
        path=str(path),
        sizes=sizes,
        seeds=seeds,
        variants=variants,
        lines={key: value.place.line for key, value in keys.items()},
        has_grid=any("grid" in one.mapping() for one in keys["variants"].mapping().values()),
        **given,
    )


def _read_variants(value: YamlValue) -> tuple[Variant, ...]:
    """Return all variants, with the points of their grids."""
    variants: dict[str, Variant] = {}
    for name, item in value.mapping().items():
        for full, one in expand(name, item):
            if full in variants:
                raise one.place.error(f"two variants are called '{full}'", "rename one")
            variants[full] = _read_variant(full, one)
    return tuple(variants.values())


def _integers(value: YamlValue) -> tuple[int, ...]:
    least = int(STUDY_YAML[value.name].bounds.least)
    numbers = tuple(item.integer(least) for item in value.sequence())
    if len(set(numbers)) < len(numbers):
        raise value.error("names a number twice", "remove one")
    return numbers


def _read_reference(value: YamlValue | None, variants: tuple[Variant, ...]) -> str:
    if value is None:
        return variants[0].name

    names = [variant.name for variant in variants]
    if value.text() not in names:
        raise value.error(f"names no variant '{value.text()}'", f"there are {', '.join(names)}")
    return value.text()


def _read_variant(name: str, value: YamlValue) -> Variant:
    if not _NAME.fullmatch(name):
        raise value.place.error(
            f"'{name}' cannot name a variant", "use letters, digits and _ . + -"
        )
    choice = read_model(value, names(VARIANT_KEYS))
    keys, model, parameters = choice.keys, choice.model, choice.parameters
    train = _read_train(keys["train"]) if "train" in keys else {}
    if model == NETWORK and parameters and "networks" in train:
        raise keys["train"].error(
            f"has networks, but the variant has {', '.join(parameters)}, too", "remove one of them"
        )
    taylor = _read_taylor(keys["taylor"]) if "taylor" in keys else None
    return Variant(
        name=name,
        place=value.place,
        taylor=taylor,
        mixed=_read_families(keys.get("families"), taylor),
        train=train,
        given=value.plain() or {},
        model=model,
        parameters=parameters,
        targets=read_word(keys.get("targets"), TARGETS, TARGETS[0]),
        labels=choice.labels,
        setups={k: v.text() for k, v in keys["setups"].mapping().items()}
        if "setups" in keys
        else {},
    )


def _refuse_set_by_study(value: YamlValue) -> None:
    for key, item in value.mapping().items():
        if key.lower() in _SET_BY_STUDY:
            raise item.place.error(f"'{item.name}' is set by the study", _SET_BY_STUDY[key.lower()])


def _read_taylor(value: YamlValue) -> TaylorInput:
    _refuse_set_by_study(value)
    given = {}
    for key, item in value.only(names(COPY_KEYS)).items():
        if isinstance(item.data, dict):  # delta: {Ti: 0.02, O: 0.03}
            given[key] = ",".join(f"{k}:{v.text()}" for k, v in item.mapping().items())
        else:
            given[key] = item.text()
    try:
        return make_taylor(given)
    except ValueError as reason:
        raise value.error(f"is wrong: {reason}") from None


def _read_families(value: YamlValue | None, taylor: TaylorInput | None) -> bool:
    if value is None:
        return False
    text = value.choice(FAMILIES)
    if text == "mixed" and (taylor is None or taylor.strategy != "pyita"):
        raise value.error("is mixed", "only copies of strategy pyita can be mixed")
    return text == "mixed"


def _read_train(value: YamlValue) -> dict[str, Any]:
    _refuse_set_by_study(value)
    lines: list[Entry] = []
    for key, item in value.only(TRAIN_KEYS).items():
        number = item.place.line or 0
        if key in ("method", "networks"):
            lines.append(Entry(key.upper(), number))
            lines += [Entry(line.text(), number) for line in item.sequence()]
        else:
            lines.append(Entry(f"{key.upper()} {item.text()}", number))
    return read_train_changes(value.place.file, lines)


def _check_needs(variants: tuple[Variant, ...]) -> None:
    """Refuse variants that need the networks of themselves, or of no variant."""
    by_name = {variant.name: variant for variant in variants}
    for variant in variants:
        path, other = [variant.name], variant
        while other.needs is not None:
            if other.needs not in by_name:
                raise other.place.error(
                    f"{other.name}: potential '{other.needs}' is no variant",
                    f"there are {', '.join(by_name)}{suggest(other.needs, by_name)}",
                )
            path, other = [*path, other.needs], by_name[other.needs]
            if other.name in path[:-1]:
                raise variant.place.error(
                    f"variants need each other's networks: {' -> '.join(path)}",
                    "break the circle",
                )


def _plain_text(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{key}: {', '.join(in_words(value))}" if value else ""
    return f"{key} {value}"


def in_words(given: Mapping[str, Any]) -> list[str]:
    """Return keys and values as reports and figures write them."""
    names = {"potential": "potential of"}
    return [f"{names.get(key, key)} {_scalar(value)}" for key, value in given.items()]


def _scalar(value: Any) -> str:
    if isinstance(value, Mapping):
        return "/".join(f"{k}:{v}" for k, v in value.items())
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)
