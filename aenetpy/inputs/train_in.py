"""The input file of ``train`` (spec 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.data.activations import ACTIVATIONS, find_activation
from aenetpy.data.training_methods import METHODS
from aenetpy.errors import InputError
from aenetpy.files.files import write_text
from aenetpy.inputs.keywords import Keywords, format_value
from aenetpy.inputs.lines import (
    COMMENT,
    LARGEST_INTEGER,
    Entry,
    Place,
    parse_arguments,
    parse_integer,
    parse_real,
    quote,
    split_tokens,
    times,
)
from aenetpy.inputs.spec import Item
from aenetpy.inputs.train_forces import (
    CacheSettings,
    ForceSettings,
    format_forces,
    read_cache,
    read_forces,
    read_stress,
)
from aenetpy.inputs.train_table import TRAIN_IN

MOST_NODES = 10_000
"""Of a layer; two such layers have 800 MB of weights."""

MOST_LAYERS = 100

_METHOD_ARGUMENT = re.compile(r"(?<!\S)method=(\S+)", re.IGNORECASE)
_PYTORCH_SIZES: Mapping[str, Mapping[str, int]] = {
    "adam": {"batchsize": 256, "samplesize": LARGEST_INTEGER}
}
"""What counts in aenet-PyTorch, where an epoch is all structures; here, whole batches of them."""

_WRITTEN = (
    *("ITERWRITE", "MAXENERGY", "FORCESPERCENT", "MAXFORCES"),
    *("BATCHSIZE", "REGULARIZATION", "PATIENCE", "SAMPLING"),
    *("VERBOSITY", "MODE", "MEMORY_MODE", "SEED", "NPSEED", "PHSEED"),
    *("SAVE_ENERGIES", "SAVE_FORCES", "TEST_COPIES", "TIMING", "DEBUG", "VERBOSE"),
)
_NETWORKS = (
    "the line 'NETWORKS' and below it one line 'Ti Ti.15t-15t.nn 2 15:tanh 15:tanh' per species"
)


@dataclass(frozen=True)
class NetworkLine:
    """A line of NETWORKS: species, potential file and hidden layers."""

    species: str
    file: str
    nodes: tuple[int, ...]
    activations: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True)
class MethodLine:
    """Training method and the parameters given for it."""

    name: str = "bfgs"
    given: dict[str, int | float] = field(default_factory=dict)
    line: int = 0

    @property
    def parameters(self) -> dict[str, int | float]:
        """All parameters of the method, defaults filled in."""
        return {**METHODS[self.name].defaults, **self.given}


@dataclass(frozen=True)
class TrainInput:
    """What ``train.in`` says (spec 3.1).

    Parameters
    ----------
    path
        The file itself.
    training_set
        Path of the training set.
    networks
        Lines of NETWORKS in file order.
    test_percent
        Share of test structures in percent.
    iterations
        Epochs; 0 or less only evaluates.
    iterwrite
        The networks of every so many epochs are kept in files of their own, 0: of none;
        a keyword of aenet-PyTorch.
    max_energy
        Upper limit of the target energy per atom, eV; None without.
    forces
        How forces count; None if energies alone are trained on.
    forces_percent
        Share of the structures with forces whose forces are used, in percent.
    max_forces
        Structures with a force component of this size or more count without forces, eV/Å;
        None without.
    stress
        Error of the stress that counts as those of ``forces``, GPa; None without STRESS.
    cache
        Memory for derivatives that are kept; None if not given.
    method
        Method and parameters as in the lines of METHOD; ``parameters`` has all.
    batchsize
        BATCHSIZE, None if not given.
    regularization
        Factor of the squared weights, see ``penalty``.
    patience
        Epochs without a smaller test error after which training ends; None without.
    sampling
        One of ``SAMPLINGS``; None if not given.
    test_copies
        Whether displaced copies of test structures are tested too; beyond aenet.
    save_energies, timing, debug, verbosity
        As in aenet.
    save_forces
        Whether files with forces are written.
    seed, npseed, phseed
        SEED, beyond aenet, NPSEED and PHSEED of aenet-PyTorch; None if not given. See
        ``split_seed`` and ``weights_seed``.
    mode, memory_mode, verbose
        Of aenet-PyTorch, no effect.
    lines
        Line of each keyword that is present.
    """

    path: str
    training_set: str
    networks: tuple[NetworkLine, ...]
    test_percent: float = 10.0
    iterations: int = 10
    iterwrite: int = 1
    max_energy: float | None = None
    forces: ForceSettings | None = None
    forces_percent: float = 100.0
    max_forces: float | None = None
    stress: float | None = None
    cache: CacheSettings | None = None
    method: MethodLine = field(default_factory=MethodLine)
    batchsize: int | None = None
    regularization: float = 0.0
    patience: int | None = None
    sampling: str | None = None
    test_copies: bool = False
    save_energies: bool = False
    save_forces: bool = False
    timing: bool = False
    debug: bool = False
    verbosity: str = "normal"
    seed: int | None = None
    npseed: int | None = None
    phseed: int | None = None
    mode: str | None = None
    memory_mode: str | None = None
    verbose: bool = False
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
        """Factor of the squared weights in what is minimised; 0 where the method decays them."""
        return 0.0 if "weight_decay" in self.method.parameters else self.regularization

    @property
    def split_seed(self) -> int | None:
        """Seed of test set and order of the structures; None if not given."""
        return self.seed if self.seed is not None else self.npseed

    @property
    def weights_seed(self) -> int | None:
        """Seed of the first weights; None if it is that of the test set."""
        return self.phseed if self.seed is None else None


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
    Spec 1, 3.1 to 3.4. Whether the species are those of the training set is
    for the caller to check.
    """
    keywords = Keywords.of(path, TRAIN_IN)
    keywords.section("TRAININGSET", "a line 'TRAININGSET <file>'")
    fields = _fields(keywords, TRAIN_IN.items)
    settings = TrainInput(path=keywords.path, lines=keywords.lines, **fields)
    check_together(settings)
    return settings


def read_train_changes(path: str | Path, lines: Iterable[Entry]) -> dict[str, Any]:
    """Return what lines of a ``train.in`` say that stand in another file."""
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


def _read_test_percent(keywords: Keywords) -> float:
    percent = keywords.real("TESTPERCENT", 10.0)
    if not TRAIN_IN["TESTPERCENT"].bounds.allow(percent):
        why = "leaves nothing to train on" if percent == 100 else "is not a share of structures"
        place = keywords.place(keywords.lines["TESTPERCENT"])
        raise place.error(f"TESTPERCENT {percent:g} {why}", "give 0 or more and less than 100")
    return percent


def _read_method(keywords: Keywords) -> MethodLine:
    if "METHOD" not in keywords:
        return MethodLine()
    section = keywords.section("METHOD", "")
    known = f"known are {', '.join(METHODS)}"
    if not section.body:
        hint = f"write '{section.rest.strip()}' on the next line" if section.rest.strip() else known
        raise keywords.place(section.line).error("METHOD is not followed by its line", hint)
    entry, place = section.body[0], keywords.place(section.body[0].line)
    keywords.ignore(section.body[1:])
    text = COMMENT.sub("", entry.text)
    foreign = _METHOD_ARGUMENT.search(text)
    if foreign is None:
        name = (split_tokens(text) or [""])[0]
        arguments = text.lstrip(",;")[len(name) :]
    else:
        name = foreign[1]
        arguments = text[: foreign.start()] + " " + text[foreign.end() :]
    method = name.lower()
    if method not in METHODS:
        raise place.error(f"unknown training method '{name}'", known)
    given = _method_parameters(method, arguments, place)
    if foreign is not None:
        known_there = _PYTORCH_SIZES.get(method, {})
        sizes = {key: n for key, n in known_there.items() if key.upper() not in keywords}
        given = {**sizes, **given}
    return MethodLine(method, given, entry.line)


def _method_parameters(name: str, text: str, place: Place) -> dict[str, int | float]:
    known = METHODS[name].parameters
    keys = {p.other_key: key for key, p in known.items() if p.other_key} | {k: k for k in known}
    parameters: dict[str, int | float] = {}
    for written, (token,) in parse_arguments(text, dict.fromkeys(keys, 1), place, name).items():
        key = keys[written]
        parameter = known[key]
        if key in parameters:
            raise place.error(f"{name}: {key} and {parameter.other_key} are the same", "give one")
        try:
            value = parse_integer(token) if parameter.is_whole else parse_real(token)
        except ValueError as reason:
            raise place.error(f"{name}: {written}: {reason}") from None
        if not parameter.allows(value):
            shown = token if parameter.is_whole else f"{value:g}"
            raise place.error(f"{name}: {written} is {shown}", f"it must be {parameter.limit.text}")
        parameters[key] = value
    return parameters


def _read_networks(keywords: Keywords) -> tuple[NetworkLine, ...]:
    section = keywords.section("NETWORKS", _NETWORKS)
    networks: dict[str, NetworkLine] = {}
    for entry in section.body:
        if not _is_network_line(keywords, entry):
            keywords.ignore([entry])
            continue
        symbol = keywords.species(entry, networks)
        network = _parse_network(symbol, entry, keywords.place(entry.line))
        same = [other.species for other in networks.values() if other.file == network.file]
        if same:
            raise keywords.place(entry.line).error(
                f"{same[0]} and {symbol} have the same file '{network.file}'",
                "each species needs its own",
            )
        networks[symbol] = network
    if not networks:
        raise keywords.place(section.line).error("NETWORKS is empty", f"write {_NETWORKS}")
    return tuple(networks.values())


def _is_network_line(keywords: Keywords, entry: Entry) -> bool:
    tokens = split_tokens(entry.text)
    if not tokens:
        return False
    return len(tokens[0]) <= 2 or (len(tokens) > 2 and not keywords.looks_misspelt(entry.text))


def _parse_network(symbol: str, entry: Entry, place: Place) -> NetworkLine:
    tokens = split_tokens(entry.text)
    form = f"it looks like '{symbol} {symbol}.nn 2 15:tanh 15:tanh'"
    if len(tokens) < 3 or not tokens[1]:
        raise place.error(f"the line of {symbol} needs a file and a number of layers", form)
    try:
        n_layers = parse_integer(tokens[2])
    except ValueError as reason:
        raise place.error(f"number of hidden layers of {symbol}: {reason}", form) from None
    layers = tokens[3 : 3 + n_layers]
    if n_layers < 0 or len(layers) < n_layers:
        raise place.error(
            f"{symbol} has {times(n_layers, 'hidden layer')} but {len(layers)} are given", form
        )
    if n_layers > MOST_LAYERS:
        raise place.error(f"{symbol} has {n_layers} hidden layers", f"at most {MOST_LAYERS}")
    if any(":" in token for token in tokens[3 + n_layers : 4 + n_layers]):
        place.warn(
            f"{symbol} has {times(n_layers, 'hidden layer')}; '{tokens[3 + n_layers]}' is ignored"
        )
    parsed = [_parse_layer(token, place) for token in layers]
    nodes, activations = tuple(n for n, _ in parsed), tuple(a for _, a in parsed)
    return NetworkLine(symbol, tokens[1], nodes, activations, entry.line)


def _parse_layer(token: str, place: Place) -> tuple[int, str]:
    count, colon, name = token.partition(":")
    if not colon:
        raise place.error(f"'{token}' is not a layer", "write <nodes>:<activation>, as 15:tanh")
    try:
        n_nodes = parse_integer(count)
    except ValueError as reason:
        raise place.error(f"nodes of layer '{token}': {reason}") from None
    if n_nodes < 1:
        raise place.error(f"layer '{token}' has no nodes")
    if n_nodes > MOST_NODES:
        raise place.error(f"layer '{token}' is too large", f"at most {MOST_NODES} nodes")
    activation = find_activation(name)
    if activation is None:
        known = ", ".join(f"{a.name} ({a.short_name})" for a in ACTIVATIONS.values())
        raise place.error(f"unknown activation '{name}'", f"known are {known}")
    return n_nodes, activation.name


_READERS: Mapping[str, Callable[[Keywords], Any]] = {
    "NETWORKS": _read_networks,
    "FORCES": read_forces,
    "STRESS": read_stress,
    "CACHE": read_cache,
    "METHOD": _read_method,
    "TESTPERCENT": _read_test_percent,
}
"""Keywords whose values are more than the table tells."""


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
