"""The input file of ``train`` (spec 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.data.activations import ACTIVATIONS, find_activation
from aenetpy.data.methods import METHODS
from aenetpy.io.free_form import (
    Entry,
    Place,
    parse_arguments,
    parse_integer,
    parse_real,
    quote,
    split_tokens,
    times,
)
from aenetpy.io.keywords import RULES, SEED, Keywords, format_value
from aenetpy.io.tables import Bounds, Item, Table, in_digits

MOST_NODES = 10_000
"""Of a layer; two such layers have 800 MB of weights."""

MOST_LAYERS = 100

SAMPLINGS = ("sequential", "random", "weighted", "energy")
"""Orders in which structures are visited (spec 3.4)."""


def _method_item(name: str) -> Item:
    """Return a method and its parameters with their defaults, as METHOD may name it."""
    method = METHODS[name]
    given = " ".join(f"{key}={in_digits(value)}" for key, value in method.defaults.items())
    sentence = f"{method.title}; {method.remark}" if method.remark else method.title
    return Item(
        name,
        "lines",
        sentence if name == method.names[0] else f"another name of `{method.names[0]}`",
        form=f"`{given}`" if given else "no parameters",
    )


TRAIN_IN = Table(
    "train.in",
    "What `aenetpy train` reads: a training set, and how the networks are fitted to it.",
    (
        Item(
            "TRAININGSET",
            "file",
            "training set that `generate` has written",
            required=True,
            field="training_set",
        ),
        Item(
            "NETWORKS",
            "lines",
            f"activations {' '.join(f'`{name}`' for name in ACTIVATIONS)}"
            f" (or `{' '.join(one.short_name for one in ACTIVATIONS.values())}`);"
            " a file that exists is continued",
            required=True,
            form="then `<symbol> <file> <hidden layers> <nodes>:<activation> ...` each",
        ),
        Item(
            "TESTPERCENT",
            "number",
            "share of test structures",
            default=10.0,
            bounds=Bounds(0, below=100),
            unit="%",
            field="test_percent",
        ),
        Item("ITERATIONS", "integer", "epochs; 0 only evaluates", default=10),
        Item(
            "ITERWRITE",
            "integer",
            "keep the networks of every so many epochs, 0: of none (the table tells every epoch; in"
            " aenet-PyTorch this keyword thins the table)",
            default=1,
            told="1, as aenet",
            bounds=Bounds(0),
            hint="0 keeps the networks of no epoch",
        ),
        Item(
            "MAXENERGY",
            "number",
            "leave out structures above, atomic energies subtracted",
            unit="eV/atom",
            field="max_energy",
        ),
        Item(
            "METHOD",
            "lines",
            "how the weights are found, see below",
            told="`bfgs`",
            form="next line the name and `key=value` parameters",
            keys=tuple(_method_item(name) for name in METHODS),
        ),
        Item(
            "SAMPLING",
            "word",
            "order of the structures for all methods but bfgs; `weighted`: large errors first,"
            " `energy`: low energies first",
            told="`sequential`; adam `random`",
            choices=SAMPLINGS,
        ),
        Item(
            "TEST_COPIES",
            "flag",
            "displaced copies of test structures are tested too, instead of left out",
        ),
        Item("SAVE_ENERGIES", "flag", "write `energies.train.0`, `energies.test.0`"),
        SEED,
        Item("TIMING", "flag", "write `train.time`"),
        Item("DEBUG", "flag", "an empty file `train.debug0`"),
        Item("VERBOSITY", "word", "read, no effect", default="normal"),
    ),
    rules=RULES,
)
_WRITTEN = (
    *("ITERWRITE", "MAXENERGY", "SAMPLING", "VERBOSITY", "SEED"),
    *("SAVE_ENERGIES", "TEST_COPIES", "TIMING", "DEBUG"),
)
_NETWORKS = (
    "the line 'NETWORKS' and below it one line 'Ti Ti.15t-15t.nn 2 15:tanh 15:tanh' per species"
)


@dataclass(frozen=True)
class NetworkLine:
    """A line of NETWORKS: species, potential file and hidden layers.

    Parameters
    ----------
    species, file
        Symbol, and path of the potential.
    nodes
        Nodes of each hidden layer; empty for a linear model.
    activations
        Full name of the activation of each hidden layer.
    line
        Line number.
    """

    species: str
    file: str
    nodes: tuple[int, ...]
    activations: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True)
class MethodLine:
    """Training method and the parameters given for it.

    Parameters
    ----------
    name
        One of ``data.methods.METHODS``, lower case.
    given
        Parameters that stand in the file.
    line
        Line number; 0 if METHOD is missing.
    """

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
    method
        Method and parameters.
    sampling
        One of ``SAMPLINGS``; None if not given.
    test_copies
        Whether displaced copies of test structures are tested too; beyond aenet.
    save_energies, timing, debug, verbosity
        As in aenet.
    seed
        SEED, beyond aenet; None if not given.
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
    method: MethodLine = field(default_factory=MethodLine)
    sampling: str | None = None
    test_copies: bool = False
    save_energies: bool = False
    timing: bool = False
    debug: bool = False
    verbosity: str = "normal"
    seed: int | None = None
    lines: dict[str, int] = field(default_factory=dict, compare=False)


def read_train_in(path: str | Path) -> TrainInput:
    """Return the content of a ``train.in``.

    Parameters
    ----------
    path
        The file; the paths in it stay as they are, relative to the working directory.

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
    return TrainInput(path=keywords.path, lines=keywords.lines, **_fields(keywords, TRAIN_IN.items))


def read_train_changes(path: str | Path, lines: Iterable[Entry]) -> dict[str, Any]:
    """Return what lines of a ``train.in`` say that stand in another file.

    Parameters
    ----------
    path
        The other file, for messages.
    lines
        Keywords with their values, and their line numbers there.

    Returns
    -------
    changes
        The fields of `TrainInput` whose keywords are given.

    Raises
    ------
    InputError
        As `read_train_in`.
    """
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
        raise keywords.place(section.line).error("METHOD is not followed by its line", known)
    entry, place = section.body[0], keywords.place(section.body[0].line)
    keywords.ignore(section.body[1:])
    name = (split_tokens(entry.text) or [""])[0]
    if name.lower() not in METHODS:
        raise place.error(f"unknown training method '{name}'", known)
    arguments = entry.text.lstrip(",;")[len(name) :]
    return MethodLine(name.lower(), _method_parameters(name.lower(), arguments, place), entry.line)


def _method_parameters(name: str, text: str, place: Place) -> dict[str, int | float]:
    known = METHODS[name].parameters
    parameters: dict[str, int | float] = {}
    for key, (token,) in parse_arguments(text, dict.fromkeys(known, 1), place, name).items():
        parameter = known[key]
        try:
            value = parse_integer(token) if parameter.is_whole else parse_real(token)
        except ValueError as reason:
            raise place.error(f"{name}: {key}: {reason}") from None
        if not parameter.allows(value):
            shown = token if parameter.is_whole else f"{value:g}"
            raise place.error(f"{name}: {key} is {shown}", f"it must be {parameter.limit.text}")
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
