"""NETWORKS, METHOD, FORCES, STRESS and CACHE of ``train.in``, which take several values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aenetpy.data.activations import ACTIVATIONS, find_activation
from aenetpy.data.training_methods import METHODS
from aenetpy.inputs.keywords import Keywords, parse_value
from aenetpy.inputs.lines import (
    COMMENT,
    LARGEST_INTEGER,
    Entry,
    Place,
    parse_arguments,
    parse_integer,
    parse_real,
    split_tokens,
    times,
)
from aenetpy.inputs.spec import Bounds, Item, in_digits, items_of, keyword

MOST_NODES = 10_000
"""Of a layer; two such layers have 800 MB of weights."""

MOST_LAYERS = 100

ERROR = Bounds(1e-6, 1e6)
"""Of errors that count equally: beyond it their squares leave nothing of the other terms."""

_METHOD_ARGUMENT = re.compile(r"(?<!\S)method=(\S+)", re.IGNORECASE)
_PYTORCH_SIZES: Mapping[str, Mapping[str, int]] = {
    "adam": {"batchsize": 256, "samplesize": LARGEST_INTEGER}
}
"""What counts in aenet-PyTorch, where an epoch is all structures; here, whole batches of them."""

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
class ForceSettings:
    """The keys of FORCES: training minimises ``(1-a) <dE^2>/energy^2 + a <dF^2>/force^2``."""

    alpha: float = keyword(
        "alpha",
        "number",
        "share a of the forces in `L`; 0: energies alone, 1: forces alone",
        0.1,
        bounds=Bounds(0, 1),
    )
    energy: float = keyword(
        "energy",
        "number",
        "error of the energy that counts as much as one of `force`, for `alpha=0.5`",
        5.0,
        bounds=ERROR,
        unit="meV/atom",
    )
    force: float = keyword(
        "force",
        "number",
        "error of a force component that counts as much as one of `energy`",
        0.1,
        bounds=ERROR,
        unit="eV/Å",
    )


FORCE_KEYS = items_of(ForceSettings)
STRESS = Item(
    "STRESS",
    "lines",
    "train on the stress, too; the number is its error in GPa that counts as much as those"
    " of FORCES",
    default_text="off",
    bounds=ERROR,
    form="nothing, or number from 1e-6 to 1e6 (GPa); 1 without",
)
CACHE = Item(
    "CACHE",
    "lines",
    "memory for derivatives of fingerprints that are kept during training on forces;"
    " `single` keeps them in single precision",
    default_text="a quarter of the memory of the machine",
    bounds=Bounds(0, 1e9),
    form="number (MB), 0 to 1e9, then optionally `single`",
)


@dataclass(frozen=True)
class CacheSettings:
    """How much memory derivatives of fingerprints may take."""

    megabytes: float
    single: bool = False


def method_item(name: str) -> Item:
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


def read_method(keywords: Keywords) -> MethodLine:
    """Return the method that METHOD names, with its parameters; bfgs without METHOD."""
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


def read_networks(keywords: Keywords) -> tuple[NetworkLine, ...]:
    """Return the lines of NETWORKS in file order."""
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


def read_forces(keywords: Keywords) -> ForceSettings | None:
    """Return the settings of FORCES; None without the keyword."""
    if "FORCES" not in keywords:
        return None
    section = keywords.section("FORCES", "")
    head = COMMENT.sub("", section.rest)
    if "=" not in head and not keywords.flag("FORCES"):
        return None
    below = tuple(entry for entry in section.body[:1] if "=" in entry.text)
    known = {item.name: item for item in FORCE_KEYS}
    found: dict[str, float] = {}
    for entry in (*([Entry(head, section.line)] if "=" in head else []), *below):
        place = keywords.place(entry.line)
        for key in re.findall(r"(\w+)\s*=", entry.text):
            if key not in known:
                raise place.error(
                    f"FORCES has no parameter '{key}'", f"known are {', '.join(known)}"
                )
        given = parse_arguments(entry.text, dict.fromkeys(known, 1), place, "FORCES")
        for key, (token,) in given.items():
            if key in found:
                raise place.error(f"FORCES: {key} is given twice", "remove one of them")
            try:
                found[key] = parse_value(known[key], token)
            except ValueError as reason:
                raise place.error(f"FORCES: {reason}") from None
    keywords.ignore(section.body[len(below) :])
    return ForceSettings(**found)


def read_stress(keywords: Keywords) -> float | None:
    """Return the error behind STRESS, GPa; None without STRESS."""
    tokens = _tokens_of_line(keywords, "STRESS", 1)
    if tokens is None:
        return None
    return _value(keywords, STRESS, tokens[0]) if tokens else 1.0


def read_cache(keywords: Keywords) -> CacheSettings | None:
    """Return the settings of CACHE; None without the keyword."""
    tokens = _tokens_of_line(keywords, "CACHE", 2)
    if tokens is None:
        return None
    place = keywords.place(keywords.lines["CACHE"])
    if not tokens:
        raise place.error("CACHE has no value", "write 'CACHE 2000' for 2000 MB")
    if tokens[1:] and tokens[1].lower() != "single":
        raise place.error(f"CACHE takes a number and 'single', not '{tokens[1]}'")
    return CacheSettings(_value(keywords, CACHE, tokens[0]), len(tokens) > 1)


def _value(keywords: Keywords, item: Item, token: str) -> float:
    try:
        number: float = parse_value(item, token)
    except ValueError as reason:
        raise keywords.place(keywords.lines[item.name]).error(str(reason)) from None
    return number


def _tokens_of_line(keywords: Keywords, keyword: str, most: int) -> list[str] | None:
    """Return the rest of the line of a keyword; None without the keyword."""
    if keyword not in keywords:
        return None
    section = keywords.section(keyword, "")
    keywords.ignore(section.body)
    tokens = split_tokens(COMMENT.sub("", section.rest))
    if len(tokens) > most:
        raise keywords.place(section.line).error(f"{keyword}: '{tokens[most]}' has no meaning")
    return tokens


def format_forces(
    forces: ForceSettings | None, stress: float | None, cache: CacheSettings | None
) -> list[str]:
    """Return the lines of ``train.in`` that say so."""
    lines = []
    if forces is not None:
        lines += ["FORCES", " ".join(f"{key}={value!r}" for key, value in vars(forces).items())]
    if stress is not None:
        lines.append(f"STRESS      {stress!r}")
    if cache is not None:
        lines.append(f"CACHE       {cache.megabytes!r}{' single' if cache.single else ''}")
    return lines
