"""How structures are displaced: the blocks TAYLOR and DERIVATIVES of ``generate.in``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aenetpy.inputs.keywords import Keywords, Section
from aenetpy.inputs.lines import COMMENT, Entry, parse_real, quote, suggest, unquote
from aenetpy.inputs.spec import Bounds, Item, defaults, names

STRATEGIES = ("axis", "random", "pyita")
SPREADS = ("even", "random")

LARGEST_DELTA, LARGEST_DISTANCE = 1.0, 5.0
"""Å; whoever asks for more has another unit in mind."""

MOST_COPIES = 1_000_000
"""Of one structure."""

LARGEST_FRACTION = 100_000.0
"""Percent: a thousand copies for each coordinate."""

TAYLOR_KEYS = (
    Item(
        "delta",
        "number",
        "largest displacement of an atom; by species (`Ti:0.02,O:0.03`); `auto`: from the data, so"
        " that the neglected curvature is a quarter of what the forces give; the estimate is"
        " printed",
        required=True,
        bounds=Bounds(above=0, most=LARGEST_DELTA),
        unit="Å",
    ),
    Item(
        "a",
        "integer",
        "copies per structure",
        required=True,
        bounds=Bounds(above=0, most=MOST_COPIES),
    ),
    Item(
        "strategy",
        "word",
        "`axis`: one atom along x, y or z; `random`: all atoms at once, centre of mass kept; both"
        " in pairs v, −v; `pyita`: files of PyITA to the byte",
        default="axis",
        choices=STRATEGIES,
    ),
    Item("spread", "word", "coordinates that `axis` takes", default="even", choices=SPREADS),
    Item(
        "order",
        "integer",
        "2 adds v·Hv/2, from the Hessian H of the potential",
        default=1,
        form="1 or 2",
        bounds=Bounds(1, 2),
    ),
    Item(
        "potential",
        "file",
        "its `.nn` files, for order 2 and also for `delta=auto`",
        form="folder",
    ),
    Item(
        "max_force",
        "number",
        "no copies of structures with a larger force on an atom",
        bounds=Bounds(above=0),
        unit="eV/Å",
    ),
    Item(
        "min_distance",
        "number",
        "no copies with atoms closer than that",
        bounds=Bounds(above=0, most=LARGEST_DISTANCE),
        unit="Å",
    ),
    Item("seed", "integer", "of the random numbers", default=1, bounds=Bounds(0)),
)

DERIVATIVES_KEYS = (
    Item("method", "word", "no other is known", default="taylor", choices=("taylor",)),
    Item(
        "delta",
        "number",
        "largest displacement of an atom",
        default=0.01,
        bounds=Bounds(above=0, most=LARGEST_DELTA),
        unit="Å",
    ),
    Item(
        "fraction",
        "number",
        "as many copies of a structure as this share of its 3N coordinates",
        default=16.0,
        bounds=Bounds(above=0, most=LARGEST_FRACTION),
        unit="%",
    ),
    Item("outfile", "file", "structures and copies", default="data.deriv.train"),
    Item(
        "disp_all",
        "word",
        "1: all atoms at once, 0: one at a time",
        default="1",
        choices=("0", "1"),
    ),
    Item("N_max", "integer", "copies in all", default=100000, bounds=Bounds(1)),
)
KEYS = names(TAYLOR_KEYS)

_ARGUMENT = re.compile(r"""([\w-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s,]+(?:,[^\s,]+)*),?""")


@dataclass(frozen=True)
class TaylorInput:
    """Which displaced copies of the structures are made, and how their energy is estimated.

    Parameters
    ----------
    strategy
        ``axis``: one atom along one axis; ``random``: all atoms at once; ``pyita``: as
        ``axis``, but one structure after the other until there are enough copies.
    delta
        Largest displacement of an atom, Å; by species if a mapping; None: chosen from the data.
    copies_per_structure
        ``a`` in the files.
    seed
        Of all random numbers.
    spread
        Of the displacements of ``axis`` over the atoms of a structure: ``even`` or ``random``.
    max_force
        Structures with a larger force on an atom get no copies, eV/Å.
    min_distance
        Copies with atoms closer to each other are left out, Å.
    order
        1: forces only; 2: with the curvature that ``potential`` gives.
    potential
        Folder (or file) of the potential.
    fraction
        Copies per structure as a share of its 3N coordinates, %; wins over ``a`` (DERIVATIVES).
    n_max
        Largest number of copies of all structures (DERIVATIVES).
    outfile
        Training set of structures and copies; OUTPUT holds the structures alone then (DERIVATIVES).
    """

    strategy: str = "axis"
    delta: float | Mapping[str, float] | None = None
    copies_per_structure: int = 1
    seed: int = 1
    spread: str = "even"
    max_force: float | None = None
    min_distance: float | None = None
    order: int = 1
    potential: str | None = None
    fraction: float | None = None
    n_max: int | None = None
    outfile: str | None = None


def make_taylor(given: Mapping[str, str]) -> TaylorInput:
    """Return the settings that ``key=value`` pairs stand for."""
    for key in ("delta", "a"):
        if key not in given:
            raise ValueError(f"{key} is missing ({'0.03' if key == 'delta' else '6'}, say)")
    given = {**defaults(TAYLOR_KEYS), **given}
    max_force = min_distance = None
    if "max_force" in given:
        max_force = _positive("max_force", given["max_force"], "a force in eV/Å")
    if "min_distance" in given:
        min_distance = _length("min_distance", given["min_distance"], LARGEST_DISTANCE)
    taylor = TaylorInput(
        strategy=_choice("strategy", given["strategy"], STRATEGIES),
        delta=parse_delta(given["delta"]),
        copies_per_structure=_whole("a", given["a"], 1, "the number of copies per structure"),
        seed=_whole("seed", given["seed"], 0, "a seed"),
        spread=_choice("spread", given["spread"], SPREADS),
        order=_whole("order", given["order"], 1, "1 or 2"),
        potential=given.get("potential"),
        max_force=max_force,
        min_distance=min_distance,
    )
    if taylor.copies_per_structure > MOST_COPIES:
        raise ValueError(f"a is {given['a']}; it is {MOST_COPIES} at most")
    if taylor.order > 2:
        raise ValueError(f"order is {taylor.order}; it must be 1 or 2")
    if taylor.order == 2 and taylor.potential is None:
        raise ValueError("order 2 needs a potential, for the curvature")
    if taylor.strategy != "axis" and taylor.spread != "even":
        raise ValueError(f"spread has no effect on strategy {taylor.strategy}")
    if taylor.order == 1 and taylor.potential is not None and taylor.delta is not None:
        raise ValueError("potential has no effect on order 1 with a given delta; write order 2")
    if taylor.order == 2 and taylor.strategy == "pyita":
        raise ValueError("strategy pyita is of order 1; use axis or random")
    return taylor


def parse_delta(text: str) -> float | dict[str, float] | None:
    """Return the displacement(s) in Å that ``0.03``, ``Ti:0.02,O:0.03`` or ``auto`` stands for."""
    if text.lower() == "auto":
        return None
    if "=" in text:
        raise ValueError(f"delta is '{text}'; by species it is Ti:0.02,O:0.03")
    if ":" not in text:
        return _delta(text)
    by_species: dict[str, float] = {}
    for part in text.split(","):
        symbol, colon, value = part.partition(":")
        if not colon or not symbol:
            raise ValueError(f"delta: '{part}' is not of the form Ti:0.02")
        if symbol in by_species:
            raise ValueError(f"delta: {symbol} is given twice")
        by_species[symbol] = _delta(value)
    return by_species


def format_delta(delta: float | Mapping[str, float] | None) -> str:
    """Return the text that ``parse_delta`` reads."""
    if delta is None:
        return "auto"
    if isinstance(delta, Mapping):
        return ",".join(f"{symbol}:{value!r}" for symbol, value in delta.items())
    return repr(delta)


def read_taylor(keywords: Keywords) -> TaylorInput | None:
    """Return the content of the block TAYLOR, or of DERIVATIVES; None without either."""
    if "TAYLOR" in keywords and "DERIVATIVES" in keywords:
        raise keywords.place(keywords.lines["DERIVATIVES"]).error(
            "TAYLOR and DERIVATIVES ask for the same", "remove one of them"
        )
    if "TAYLOR" in keywords:
        return _read(keywords, keywords.section("TAYLOR", ""), KEYS, make_taylor)
    if "DERIVATIVES" in keywords:
        return _read(
            keywords, keywords.section("DERIVATIVES", ""), names(DERIVATIVES_KEYS), _derivatives
        )
    return None


def _read(
    keywords: Keywords,
    section: Section,
    keys: tuple[str, ...],
    make: Callable[[Mapping[str, str]], TaylorInput],
) -> TaylorInput:
    lines = [Entry(section.rest, section.line), *section.body]
    given: dict[str, str] = {}
    for entry in lines:
        place = keywords.place(entry.line)
        text = COMMENT.sub("", entry.text)
        for word, value in _ARGUMENT.findall(text):
            key = word if word in keys else word.replace("-", "_")  # as on the command line
            if key not in keys:
                raise place.error(f"{section.keyword} has no key '{key}'{suggest(key, keys)}")
            if key in given:
                raise place.error(f"{section.keyword}: {key} is given twice")
            given[key] = unquote(value)
        if stray := _ARGUMENT.sub("", text).strip():
            raise place.error(f"{section.keyword}: '{stray}' is not of the form key=value")
    try:
        return make(given)
    except ValueError as reason:
        place = keywords.place(next((e.line for e in lines if "=" in e.text), section.line))
        raise place.error(f"{section.keyword}: {reason}") from None


def format_taylor(taylor: TaylorInput) -> str:
    """Return the block TAYLOR or DERIVATIVES that ``read_taylor`` understands."""
    if taylor.fraction is not None:
        assert taylor.outfile is not None, "DERIVATIVES has a file of its own"
        disp_all = int(taylor.strategy == "random")
        return (
            f"DERIVATIVES\nmethod=taylor delta={taylor.delta!r} fraction={taylor.fraction!r} "
            f"outfile={quote(taylor.outfile)} disp_all={disp_all} N_max={taylor.n_max}\n"
        )
    given = [
        f"strategy={taylor.strategy}",
        f"delta={format_delta(taylor.delta)}",
        f"a={taylor.copies_per_structure}",
    ]
    given.append(f"seed={taylor.seed}")
    if taylor.spread != "even":
        given.append(f"spread={taylor.spread}")
    for name, value in (("max_force", taylor.max_force), ("min_distance", taylor.min_distance)):
        if value is not None:
            given.append(f"{name}={value!r}")
    if taylor.order != 1:
        given.append(f"order={taylor.order}")
    if taylor.potential is not None:
        given.append(f"potential={quote(taylor.potential)}")
    return f"TAYLOR\n{' '.join(given)}\n"


def _derivatives(given: Mapping[str, str]) -> TaylorInput:
    """Return what the block of aenet's Python package asks for.

    ``fraction`` is the number of copies of a structure in percent of its coordinates,
    ``disp_all`` tells whether all atoms move at once, ``N_max`` limits the number of all copies.
    """
    given = {**defaults(DERIVATIVES_KEYS), **given}
    if given["method"].lower() != "taylor":
        raise ValueError(f"unknown method '{given['method']}'; only taylor is known")
    disp_all = _choice("disp_all", given["disp_all"], ("0", "1"))
    fraction = _positive("fraction", given["fraction"], "a share in percent")
    if fraction > LARGEST_FRACTION:
        raise ValueError(f"fraction is {given['fraction']}; it is {LARGEST_FRACTION:g} at most")
    return TaylorInput(
        strategy="random" if disp_all == "1" else "axis",
        delta=_delta(given["delta"]),
        fraction=fraction,
        n_max=_whole("N_max", given["N_max"], 1, "the largest number of copies"),
        outfile=given["outfile"],
    )


def _delta(text: str) -> float:
    return _length("delta", text, LARGEST_DELTA)


def _length(name: str, text: str, largest: float) -> float:
    length = _positive(name, text, "a length in Å")
    if length > largest:
        raise ValueError(f"{name} is {text}; it is in Å, and {largest:g} at most")
    return length


def _positive(name: str, text: str, what: str) -> float:
    value = _number(name, text)
    if not value > 0:
        raise ValueError(f"{name} is {text}; it is {what}, larger than 0")
    return value


def _whole(name: str, text: str, smallest: int, what: str) -> int:
    value = _number(name, text)
    if not value.is_integer():
        raise ValueError(f"{name} is {text}; it is {what}, a whole number")
    if value < smallest:
        raise ValueError(f"{name} is {text}; it is {what}, {smallest} or more")
    return int(value)


def _number(name: str, text: str) -> float:
    try:
        return parse_real(text)
    except ValueError as reason:
        raise ValueError(f"{name}: {reason}") from None


def _choice(name: str, text: str, known: tuple[str, ...]) -> str:
    if text.lower() not in known:
        raise ValueError(f"unknown {name} '{text}'; known are {', '.join(known)}")
    return text.lower()
