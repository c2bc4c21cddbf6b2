"""The input file of ``study``: which kinds of training are compared on what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.io.free_form import Entry, Place, suggest
from aenetpy.io.tables import Bounds, Item, Table, names
from aenetpy.io.taylor_in import TAYLOR_KEYS, TaylorInput, make_taylor
from aenetpy.io.train_in import read_train_changes
from aenetpy.io.yaml_in import YamlValue, read_yaml

_FAMILIES = ("together", "mixed")
_TAYLOR_KEYS = tuple(item for item in TAYLOR_KEYS if item.name != "seed")
_TRAIN_KEYS = (
    *("iterations", "testpercent", "maxenergy", "method", "sampling", "networks", "test_copies"),
    *("batchsize", "regularization", "forces", "forcespercent", "maxforces", "stress"),
)
_VARIANT_KEYS = (
    Item(
        "taylor",
        "lines",
        "displaced copies; `potential` names another variant, whose networks of the same size and"
        " seed are used",
        form="the keys of TAYLOR in generate.in but `seed`",
        keys=_TAYLOR_KEYS,
    ),
    Item(
        "families",
        "word",
        "`mixed`, with `pyita`: copies of a structure on both sides of TESTPERCENT",
        default="together",
        choices=_FAMILIES,
    ),
    Item(
        "train",
        "lines",
        "where it differs from train.in",
        told="as in `train.in`",
        form="`iterations`, `testpercent`, `maxenergy`, `method` (one line: `adam mu=0.003`),"
        ' `sampling`, `networks` (a list of lines: `["Ti Ti.nn 1 9:tanh", "O O.nn 1 9:tanh"]`),'
        " `test_copies`, `batchsize`, `regularization`, `forces` (one line: `alpha=0.5`),"
        " `forcespercent`, `maxforces`, `stress`",
    ),
)

STUDY_YAML = Table(
    "study.yaml",
    "What `aenetpy study` reads: which kinds of training are compared on what.",
    (
        Item(
            "generate",
            "file",
            "all structures; paths in it are relative to the working directory, as always",
            required=True,
            form="path of generate.in",
        ),
        Item(
            "train",
            "file",
            "how they are fitted where a variant does not differ",
            required=True,
            form="path of train.in",
        ),
        Item(
            "folder",
            "file",
            "for the results",
            told="name of the file without suffix",
            form="folder",
        ),
        Item(
            "test",
            "integer",
            "structures held out from all variants",
            required=True,
            bounds=Bounds(1),
        ),
        Item(
            "test_seed",
            "integer",
            "the seed they are drawn with",
            default=1,
            bounds=Bounds(0),
        ),
        Item(
            "sizes",
            "lines",
            "numbers of training structures; larger sets contain the smaller ones",
            required=True,
            form="list of integers, 2 or greater",
            bounds=Bounds(2),
        ),
        Item(
            "seeds",
            "lines",
            "of training structures, copies, own test set and first weights; the same for all"
            " variants",
            required=True,
            form="list of integers, 0 or greater",
            bounds=Bounds(0),
        ),
        Item(
            "reference",
            "word",
            "variant that the others are compared with",
            told="the first",
            form="name",
        ),
        Item(
            "variants",
            "lines",
            "how each differs from the two input files",
            required=True,
            form="`name: {}` each",
            keys=_VARIANT_KEYS,
        ),
    ),
    column="key",
)
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
        Paths of ``generate.in`` and ``train.in``, relative to the folder of the run.
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
        The file; the paths in it stay as they are, relative to the folder of the run.

    Raises
    ------
    InputError
        If a key is missing or unknown, or a value is wrong, with the line.
    """
    root = read_yaml(path)
    keys = root.only(STUDY_YAML.names)
    for item in STUDY_YAML:
        if item.required and item.name not in keys:
            raise root.place.error(f"key '{item.name}' is missing", "add it")
    if isinstance(keys["seeds"].data, str):  # five seeds, or the seed 5?
        raise keys["seeds"].error("needs a list", f"write [{keys['seeds'].text()}], or [1, 2, 3]")
    variants = tuple(_read_variant(*item) for item in keys["variants"].mapping().items())
    if not variants:
        raise keys["variants"].error("is empty", "write one line 'name: {}' per variant")
    _check_needs(variants)
    sizes, seeds = _integers(keys["sizes"]), _integers(keys["seeds"])
    n_trials = len(variants) * len(sizes) * len(seeds)
    if n_trials > MOST_TRIALS:
        raise keys["seeds"].error(f"and sizes make {n_trials} trials", f"at most {MOST_TRIALS}")
    return Study(
        path=str(path),
        generate=keys["generate"].text(),
        train=keys["train"].text(),
        folder=keys["folder"].text() if "folder" in keys else _folder(path),
        test=_integer(keys["test"]),
        test_seed=_integer(keys["test_seed"])
        if "test_seed" in keys
        else STUDY_YAML["test_seed"].default,
        sizes=sizes,
        seeds=seeds,
        reference=_read_reference(keys.get("reference"), variants),
        variants=variants,
        lines={key: value.place.line for key, value in keys.items()},
    )


def _folder(path: str | Path) -> str:
    stem = Path(path).stem
    return stem if stem != Path(path).name else f"{stem}.study"


def _integer(value: YamlValue) -> int:
    """Return an integer that is not below the bound of its key."""
    return value.integer(int(STUDY_YAML[value.name].bounds.least))


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
    keys = value.only(names(_VARIANT_KEYS))
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
    for key, item in value.only(names(_TAYLOR_KEYS)).items():
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
    text = value.choice(_FAMILIES)
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
