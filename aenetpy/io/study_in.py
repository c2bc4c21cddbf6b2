"""The input file of ``study``: which kinds of training are compared on what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.io.free_form import Entry, Place, suggest
from aenetpy.io.taylor_in import KEYS, TaylorInput, make_taylor
from aenetpy.io.train_in import read_train_changes
from aenetpy.io.yaml_in import YamlValue, read_yaml

_KEYS = (
    *("generate", "train", "folder", "test", "test_seed"),
    *("sizes", "seeds", "reference", "variants"),
)
_VARIANT_KEYS = ("taylor", "families", "train")
_TAYLOR_KEYS = tuple(key for key in KEYS if key != "seed")
_TRAIN_KEYS = (
    *("iterations", "testpercent", "maxenergy", "method", "sampling", "networks", "test_copies"),
)
_FAMILIES = ("together", "mixed")
MOST_TRIALS = 10_000
"""Of one study: weeks of training."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_SET_BY_STUDY = {
    "seed": "the seeds of the study are those of the trials",
    "trainingset": "each trial makes its own training set",
}


@dataclass(frozen=True)
class Variant:
    """A kind of training: how it differs from ``generate.in`` and ``train.in``.

    Parameters
    ----------
    name
        As in the file; names the folders of its trials.
    place
        Where it stands.
    taylor
        Displaced copies of the structures; None without. The seed is that of the trial, and
        the potential not a folder but the name of another variant.
    mixed
        Whether copies may be tested on that stem from structures trained on, as with PyITA.
    train
        Fields of `TrainInput` that differ.
    given
        Its keys as they were written, for the report.
    """

    name: str
    place: Place = field(default=Place(""), compare=False)
    taylor: TaylorInput | None = None
    mixed: bool = False
    train: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs(self) -> str | None:
        """The variant whose networks this one needs."""
        return None if self.taylor is None else self.taylor.potential

    @property
    def delta(self) -> float | None:
        """The displacement of its copies, Å, if there is one for all."""
        delta = None if self.taylor is None else self.taylor.delta
        return delta if isinstance(delta, float) else None

    @property
    def text(self) -> str:
        """How it differs, in one line."""
        parts = [_plain_text(key, value) for key, value in self.given.items()]
        return "; ".join(part for part in parts if part) or "as in generate.in and train.in"


@dataclass(frozen=True)
class Study:
    """What the YAML file says.

    Parameters
    ----------
    path
        The file itself.
    generate, train
        Paths of ``generate.in`` and ``train.in``, relative to the working directory.
    folder
        Where the results go.
    test, test_seed
        Number of structures that are held out from all variants, and the seed they are drawn with.
    sizes
        Numbers of training structures.
    seeds
        Seeds of the choice of training structures, of copies, test sets of the trials and first
        weights.
    reference
        Name of the variant that the others are compared with.
    variants
        In file order.
    lines
        Line of each key that is present.
    """

    path: str
    generate: str
    train: str
    folder: str
    test: int
    test_seed: int
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    reference: str
    variants: tuple[Variant, ...]
    lines: Mapping[str, int | None] = field(default_factory=dict, compare=False)

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


def read_study(path: str | Path) -> Study:
    """Return the content of a study file.

    Parameters
    ----------
    path
        The file; the paths in it stay as they are, relative to the working directory.

    Raises
    ------
    InputError
        If a key is missing or unknown, or a value is wrong, with the line.
    """
    root = read_yaml(path)
    keys = root.only(_KEYS)
    for key in ("generate", "train", "test", "sizes", "seeds", "variants"):
        if key not in keys:
            raise root.place.error(f"key '{key}' is missing", "add it")
    if isinstance(keys["seeds"].data, str):  # five seeds, or the seed 5?
        raise keys["seeds"].error("needs a list", f"write [{keys['seeds'].text()}], or [1, 2, 3]")
    variants = tuple(_read_variant(*item) for item in keys["variants"].mapping().items())
    if not variants:
        raise keys["variants"].error("is empty", "write one line 'name: {}' per variant")
    _check_needs(variants)
    sizes, seeds = _integers(keys["sizes"], 2), _integers(keys["seeds"], 0)
    n_trials = len(variants) * len(sizes) * len(seeds)
    if n_trials > MOST_TRIALS:
        raise keys["seeds"].error(f"and sizes make {n_trials} trials", f"at most {MOST_TRIALS}")
    return Study(
        path=str(path),
        generate=keys["generate"].text(),
        train=keys["train"].text(),
        folder=keys["folder"].text() if "folder" in keys else _folder(path),
        test=keys["test"].integer(1),
        test_seed=keys["test_seed"].integer(0) if "test_seed" in keys else 1,
        sizes=sizes,
        seeds=seeds,
        reference=_read_reference(keys.get("reference"), variants),
        variants=variants,
        lines={key: value.place.line for key, value in keys.items()},
    )


def _folder(path: str | Path) -> str:
    stem = Path(path).stem
    return stem if stem != Path(path).name else f"{stem}.study"


def _integers(value: YamlValue, minimum: int) -> tuple[int, ...]:
    numbers = tuple(item.integer(minimum) for item in value.sequence())
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
    keys = value.only(_VARIANT_KEYS)
    taylor = _read_taylor(keys["taylor"]) if "taylor" in keys else None
    return Variant(
        name=name,
        place=value.place,
        taylor=taylor,
        mixed=_read_families(keys.get("families"), taylor),
        train=_read_train(keys["train"]) if "train" in keys else {},
        given=value.plain() or {},
    )


def _refuse_set_by_study(value: YamlValue) -> None:
    for key, item in value.mapping().items():
        if key.lower() in _SET_BY_STUDY:
            raise item.place.error(f"'{item.name}' is set by the study", _SET_BY_STUDY[key.lower()])


def _read_taylor(value: YamlValue) -> TaylorInput:
    _refuse_set_by_study(value)
    given = {}
    for key, item in value.only(_TAYLOR_KEYS).items():
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
    text = value.text().lower()
    if text not in _FAMILIES:
        raise value.error(
            f"is '{value.text()}'",
            f"write {' or '.join(_FAMILIES)}{suggest(text, _FAMILIES)}",
        )
    if text == "mixed" and (taylor is None or taylor.strategy != "pyita"):
        raise value.error("is mixed", "only copies of strategy pyita can be mixed")
    return text == "mixed"


def _read_train(value: YamlValue) -> dict[str, Any]:
    _refuse_set_by_study(value)
    lines: list[Entry] = []
    for key, item in value.only(_TRAIN_KEYS).items():
        number = item.place.line or 0
        if key in ("method", "networks"):
            lines.append(Entry(key.upper(), number))
            lines += [Entry(line.text(), number) for line in item.sequence()]
        else:
            lines.append(Entry(f"{key.upper()} {item.text()}", number))
    return read_train_changes(value.place.file, lines)


def _check_needs(variants: tuple[Variant, ...]) -> None:
    """Refuse variants that need the networks of themselves or of nobody."""
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
    """Return keys and values as they are told in reports and figures."""
    names = {"potential": "potential of"}
    return [f"{names.get(key, key)} {_scalar(value)}" for key, value in given.items()]


def _scalar(value: Any) -> str:
    if isinstance(value, Mapping):
        return "/".join(f"{k}:{v}" for k, v in value.items())
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)
