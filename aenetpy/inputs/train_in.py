"""The input file of ``train`` (spec 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.training_methods import METHODS
from aenetpy.errors import InputError
from aenetpy.files.files import write_text
from aenetpy.inputs.keywords import RULES, SEED, Keywords, format_value
from aenetpy.inputs.lines import Entry, Place, quote
from aenetpy.inputs.spec import Bounds, Item, Table, default_pairs, filled_by, items_of, keyword
from aenetpy.inputs.train_blocks import (
    CACHE,
    FORCE_KEYS,
    STRESS,
    CacheSettings,
    ForceSettings,
    MethodLine,
    NetworkLine,
    format_forces,
    method_item,
    read_cache,
    read_forces,
    read_method,
    read_networks,
    read_stress,
)

SAMPLINGS = ("sequential", "random", "shuffled", "weighted", "energy")
"""Orders in which structures are visited (spec 3.4)."""

_WRITTEN = (
    *("ITERWRITE", "MAXENERGY", "FORCESPERCENT", "MAXFORCES"),
    *("BATCHSIZE", "REGULARIZATION", "PATIENCE", "SAMPLING"),
    *("VERBOSITY", "MODE", "MEMORY_MODE", "SEED", "NPSEED", "PHSEED"),
    *("SAVE_ENERGIES", "SAVE_FORCES", "TEST_COPIES", "TIMING", "DEBUG", "VERBOSE"),
)


@dataclass(frozen=True)
class TrainInput:
    """Content of ``train.in`` (spec 3.1): the file itself, its keywords, and their lines."""

    path: str
    training_set: str = keyword(
        "TRAININGSET",
        "file",
        "training set that `generate` has written, or its text (`trainbin2ascii`)",
    )
    networks: tuple[NetworkLine, ...] = keyword(
        "NETWORKS",
        "lines",
        f"activations {' '.join(f'`{name}`' for name in ACTIVATIONS)}"
        f" (or `{' '.join(one.short_name for one in ACTIVATIONS.values())}`);"
        " a file that exists is continued",
        form="then `<symbol> <file> <hidden layers> <nodes>:<activation> ...` each",
    )
    test_percent: float = keyword(
        "TESTPERCENT",
        "number",
        "share of test structures",
        10.0,
        bounds=Bounds(0, below=100),
        unit="%",
        hint="give 0 or more and less than 100",
    )
    iterations: int = keyword("ITERATIONS", "integer", "epochs; 0 only evaluates", 10)
    iterwrite: int = keyword(
        "ITERWRITE",
        "integer",
        "keep the networks of every so many epochs, 0: of none (the table tells every epoch; in"
        " aenet-PyTorch this keyword thins the table)",
        1,
        default_text="1, as aenet",
        bounds=Bounds(0),
        hint="0 keeps the networks of no epoch",
    )
    max_energy: float | None = keyword(
        "MAXENERGY",
        "number",
        "leave out structures above, atomic energies subtracted",
        None,
        unit="eV/atom",
    )
    forces: ForceSettings | None = keyword(
        "FORCES",
        "lines",
        "train on forces, too: `L = (1-a) <dE^2>/energy^2 + a <dF^2>/force^2` is made small,"
        " with the means over structures (energies per atom) and over force components; with"
        " STRESS also `+ a <dS^2>/stress^2`",
        None,
        default_text="energies alone",
        form=f"on this or the next line `{default_pairs(FORCE_KEYS)}` (a, meV/atom, eV/Å), all or"
        " some",
        keys=FORCE_KEYS,
    )
    forces_percent: float = keyword(
        "FORCESPERCENT",
        "number",
        "share of the structures with forces whose forces are used",
        100.0,
        bounds=Bounds(0, 100),
        unit="%",
    )
    max_forces: float | None = keyword(
        "MAXFORCES",
        "number",
        "do not use the forces of structures with a force component of this size or more; their"
        " energies count, as in aenet-PyTorch",
        None,
        bounds=Bounds(1e-6, 1e9),
        unit="eV/Å",
    )
    stress: float | None = filled_by(STRESS)
    cache: CacheSettings | None = filled_by(CACHE)
    method: MethodLine = keyword(
        "METHOD",
        "lines",
        "how the weights are found, see below",
        MethodLine(),
        default_text="`bfgs`",
        form="next line the name and `key=value` parameters; also `method=adamw lr=0.0001`, as"
        " in aenet-PyTorch",
        keys=tuple(method_item(name) for name in METHODS),
    )
    batchsize: int | None = keyword(
        "BATCHSIZE",
        "integer",
        "structures of a batch, the same as `batchsize` of METHOD",
        None,
        default_text="that of METHOD",
        bounds=Bounds(1),
    )
    regularization: float = keyword(
        "REGULARIZATION",
        "number",
        "add this times the sum of all squared weights to half the mean squared error of the"
        " scaled energies, with FORCES to `L` in the same unit; adamw: `weight_decay`",
        0.0,
        bounds=Bounds(0, 1e6),
    )
    patience: int | None = keyword(
        "PATIENCE",
        "integer",
        "end when the test error has not become smaller for so many epochs",
        None,
        bounds=Bounds(1),
    )
    sampling: str | None = keyword(
        "SAMPLING",
        "word",
        "order of the structures for all methods but bfgs; `shuffled` (not in aenet): each"
        " once, `random`: by chance, `weighted`: large errors first, `energy`: low energies"
        " first",
        None,
        default_text="`sequential`; adam `random`, adamw `shuffled`",
        choices=SAMPLINGS,
    )
    test_copies: bool = keyword(
        "TEST_COPIES",
        "flag",
        "displaced copies of test structures are tested too, instead of left out",
        False,
    )
    save_energies: bool = keyword(
        "SAVE_ENERGIES", "flag", "write `energies.train.0`, `energies.test.0`", False
    )
    save_forces: bool = keyword(
        "SAVE_FORCES", "flag", "write `forces.train.0`, `forces.test.0`", False
    )
    seed: int | None = filled_by(SEED)
    npseed: int | None = keyword(
        "NPSEED",
        "integer",
        "of test set and order of the structures, without SEED",
        None,
        default_text="SEED",
        bounds=Bounds(0),
    )
    phseed: int | None = keyword(
        "PHSEED",
        "integer",
        "of first weights, without SEED",
        None,
        default_text="SEED, or as NPSEED",
        bounds=Bounds(0),
    )
    timing: bool = keyword("TIMING", "flag", "read, no effect", False)
    debug: bool = keyword("DEBUG", "flag", "an empty file `train.debug0`", False)
    verbosity: str = keyword("VERBOSITY", "word", "read, no effect", "normal")
    mode: str | None = keyword(
        "MODE",
        "word",
        "of aenet-PyTorch, whose other modes are not there",
        None,
        default_text="`train`",
        choices=("train",),
    )
    memory_mode: str | None = keyword(
        "MEMORY_MODE",
        "word",
        "of aenet-PyTorch: read, no effect",
        None,
        choices=("cpu", "gpu", "disk"),
    )
    verbose: bool = keyword("VERBOSE", "flag", "of aenet-PyTorch: read, no effect", False)
    lines: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def parameters(self) -> dict[str, int | float]:
        """All parameters of the method, with BATCHSIZE, and REGULARIZATION as weight decay."""
        own = self.method.parameters
        if "batchsize" in own and self.batchsize is not None:
            own["batchsize"] = self.batchsize
        if "weight_decay" in own and self.regularization > 0.0:
            own["weight_decay"] = self.regularization
        return own

    @property
    def penalty(self) -> float:
        """Factor of the squared weights in the objective; 0 where the method decays them."""
        return 0.0 if "weight_decay" in self.method.parameters else self.regularization

    @property
    def split_seed(self) -> int | None:
        """Seed of test set and order of the structures; None if not given."""
        return self.seed if self.seed is not None else self.npseed

    @property
    def weights_seed(self) -> int | None:
        """Seed of the first weights; None for the seed of the test set."""
        return self.phseed if self.seed is None else None


TRAIN_IN = Table(
    "train.in",
    "What `aenetpy train` reads: a training set, and how the networks are fitted to it.",
    items_of(TrainInput),
    rules=RULES,
)


def read_train_in(path: str | Path) -> TrainInput:
    """Return the content of a ``train.in``.

    Parameters
    ----------
    path
        The file; the paths in it stay as they are, relative to the folder of the run.

    Raises
    ------
    InputError
        If a keyword is missing or a value is wrong, with the line.

    Notes
    -----
    Spec 1, 3.1 to 3.4. Whether the species agree with the training set is
    for the caller to check.
    """
    keywords = Keywords.of(path, TRAIN_IN)
    keywords.section("TRAININGSET", "a line 'TRAININGSET <file>'")
    fields = _fields(keywords, TRAIN_IN.items)
    settings = TrainInput(path=keywords.path, lines=keywords.lines, **fields)
    check_together(settings)
    return settings


def read_train_changes(path: str | Path, lines: Iterable[Entry]) -> dict[str, Any]:
    """Return the settings in lines of a ``train.in`` that stand in another file."""
    keywords = Keywords.of(path, TRAIN_IN, lines)
    return _fields(keywords, (item for item in TRAIN_IN if item.name in keywords))


def _fields(keywords: Keywords, items: Iterable[Item]) -> dict[str, Any]:
    """Return the fields of `TrainInput` that the items fill."""
    return {
        item.target: _READERS[item.name](keywords)
        if item.name in _READERS
        else keywords.value(item)
        for item in items
    }


def check_together(settings: TrainInput) -> None:
    """Refuse keywords that contradict each other, or that need another one."""

    def error(keyword: str, message: str, hint: str) -> InputError:
        return Place(settings.path, settings.lines.get(keyword)).error(message, hint)

    method, size = settings.method, settings.batchsize
    if size is not None and "batchsize" in method.given and method.given["batchsize"] != size:
        message = f"BATCHSIZE {size}, but METHOD has batchsize={method.given['batchsize']}"
        raise error("BATCHSIZE", message, "remove one of them")
    if size is not None and size > settings.parameters.get("samplesize", size):
        message = f"BATCHSIZE {size} is larger than samplesize={settings.parameters['samplesize']}"
        raise error("BATCHSIZE", message, f"write 'samplesize={size}' or more for METHOD")
    if settings.regularization > 0.0:
        if "weight_decay" in method.given:
            message = f"REGULARIZATION is weight_decay of {method.name}, which METHOD has too"
            raise error("REGULARIZATION", message, "remove one of them")
        if method.name == "ekf":
            message = "REGULARIZATION has no place in METHOD ekf"
            raise error("REGULARIZATION", message, "use bfgs, lm, adam or adamw")
    if settings.stress is not None and settings.forces is None:
        hint = "add the line 'FORCES' and below it 'alpha=0.1'"
        raise error("STRESS", "STRESS needs FORCES, which says how much it counts", hint)
    if settings.forces is not None and METHODS[method.name].energies_only:
        message = f"METHOD {method.name} trains on energies alone"
        keyword = "METHOD" if "METHOD" in settings.lines else "FORCES"
        raise error(keyword, message, "use bfgs, adam, adamw or ekf, or remove FORCES")


_READERS: Mapping[str, Callable[[Keywords], Any]] = {
    "NETWORKS": read_networks,
    "FORCES": read_forces,
    "STRESS": read_stress,
    "CACHE": read_cache,
    "METHOD": read_method,
}
"""Keywords whose values have more rules than the table."""


def format_train_in(content: TrainInput) -> str:
    """Return the text of a ``train.in`` that aenet and ``read_train_in`` understand."""
    lines = [
        f"TRAININGSET {quote(content.training_set)}",
        f"TESTPERCENT {content.test_percent!r}",
        f"ITERATIONS  {content.iterations}",
    ]
    for name in _WRITTEN:
        item = TRAIN_IN[name]
        lines += format_value(item, getattr(content, item.target), width=11)
    lines += format_forces(content.forces, content.stress, content.cache)
    # aenet finds a key inside a longer one: the shorter must stand first
    given = sorted(content.method.given.items(), key=lambda item: len(item[0]))
    arguments = [f"{key}={value!r}" for key, value in given]
    lines += ["", "METHOD", " ".join([content.method.name, *arguments]), "", "NETWORKS"]
    for network in content.networks:
        layers = zip(network.nodes, network.activations, strict=True)
        lines.append(
            " ".join(
                [
                    f"{network.species:<2}",
                    quote(network.file),
                    str(len(network.nodes)),
                    *(f"{nodes}:{activation}" for nodes, activation in layers),
                ]
            )
        )
    return "\n".join(lines) + "\n"


def write_train_in(path: str | Path, content: TrainInput) -> None:
    """Write a ``train.in``, completely or not at all; see ``format_train_in``."""
    write_text(path, format_train_in(content))
