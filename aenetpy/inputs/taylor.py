"""How structures are displaced: the blocks TAYLOR and DERIVATIVES of ``generate.in``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aenetpy.inputs.keywords import Keywords, parse_pairs, parse_value
from aenetpy.inputs.lines import COMMENT, Entry, parse_real, quote, suggest, unquote
from aenetpy.inputs.spec import Bounds, Item, items_of, keyword, names

MOST_COPIES = 1_000_000
"""Of one structure."""

_LARGEST_FRACTION = 100_000.0
"""Percent: a thousand copies for each coordinate."""

_DELTA = Bounds(above=0, most=1.0)
"""Å; a larger number is of another unit."""

_PAIR = re.compile(r"""([\w-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s,]+(?:,[^\s,]+)*),?""")


@dataclass(frozen=True)
class TaylorInput:
    """Which displaced copies of the structures are made, and how their energy is estimated.

    Each field is explained by the key of TAYLOR or DERIVATIVES that fills it.
    """

    strategy: str = keyword(
        "strategy",
        "word",
        "`axis`: one atom along x, y or z; `random`: all atoms at once, centre of mass kept; both"
        " in pairs v, −v; `pyita`: files of PyITA to the byte",
        "axis",
        choices=("axis", "random", "pyita"),
    )
    delta: float | Mapping[str, float] | None = keyword(
        "delta",
        "number",
        "largest displacement of an atom; by species (`Ti:0.02,O:0.03`); `auto`: from the data, so"
        " that the neglected curvature is a quarter of what the forces give; the estimate is"
        " printed",
        None,
        required=True,
        bounds=_DELTA,
        unit="Å",
        hint="0.03, say",
    )
    copies_per_structure: int = keyword(
        "a",
        "integer",
        "copies per structure",
        1,
        required=True,
        bounds=Bounds(above=0, most=MOST_COPIES),
        hint="6, say",
    )
    spread: str = keyword(
        "spread", "word", "coordinates that `axis` takes", "even", choices=("even", "random")
    )
    order: int = keyword(
        "order",
        "integer",
        "2 adds v·Hv/2, from the Hessian H of the potential",
        1,
        form="1 or 2",
        bounds=Bounds(1, 2),
    )
    potential: str | None = keyword(
        "potential",
        "file",
        "its `.nn` files, for order 2 and also for `delta=auto`",
        None,
        form="folder",
    )
    max_force: float | None = keyword(
        "max_force",
        "number",
        "no copies of structures with a larger force on an atom",
        None,
        bounds=Bounds(above=0),
        unit="eV/Å",
    )
    min_distance: float | None = keyword(
        "min_distance",
        "number",
        "no copies with atoms closer than that",
        None,
        bounds=Bounds(above=0, most=5.0),
        unit="Å",
    )
    seed: int = keyword("seed", "integer", "of the random numbers", 1, bounds=Bounds(0))
    fraction: float | None = None
    n_max: int | None = None
    outfile: str | None = None


TAYLOR_KEYS = items_of(TaylorInput)
DERIVATIVES_KEYS = (
    Item("method", "word", "no other is known", default="taylor", choices=("taylor",)),
    Item(
        "delta",
        "number",
        "largest displacement of an atom",
        default=0.01,
        bounds=_DELTA,
        unit="Å",
    ),
    Item(
        "fraction",
        "number",
        "as many copies of a structure as this share of its 3N coordinates",
        default=16.0,
        bounds=Bounds(above=0, most=_LARGEST_FRACTION),
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
_DELTA_ITEM = next(item for item in TAYLOR_KEYS if item.name == "delta")


def make_taylor(given: Mapping[str, str]) -> TaylorInput:
    """Return the settings that ``key=value`` pairs of TAYLOR stand for."""
    fields = parse_pairs(TAYLOR_KEYS, given, {"delta": parse_delta}, _parse_whole)
    taylor = TaylorInput(**fields)
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
        return _length(text)
    by_species: dict[str, float] = {}
    for part in text.split(","):
        symbol, colon, value = part.partition(":")
        if not colon or not symbol:
            raise ValueError(f"delta: '{part}' is not of the form Ti:0.02")
        if symbol in by_species:
            raise ValueError(f"delta: {symbol} is given twice")
        by_species[symbol] = _length(value)
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
        return _read(keywords, "TAYLOR", names(TAYLOR_KEYS), make_taylor)
    if "DERIVATIVES" in keywords:
        return _read(keywords, "DERIVATIVES", names(DERIVATIVES_KEYS), _derivatives)
    return None


def _read(
    keywords: Keywords,
    name: str,
    keys: tuple[str, ...],
    make: Callable[[Mapping[str, str]], TaylorInput],
) -> TaylorInput:
    section = keywords.section(name, "")
    lines = [Entry(section.rest, section.line), *section.body]
    given: dict[str, str] = {}
    for entry in lines:
        place = keywords.place(entry.line)
        text = COMMENT.sub("", entry.text)
        for word, value in _PAIR.findall(text):
            key = word if word in keys else word.replace("-", "_")  # as on the command line
            if key not in keys:
                raise place.error(f"{name} has no key '{key}'{suggest(key, keys)}")
            if key in given:
                raise place.error(f"{name}: {key} is given twice")
            given[key] = unquote(value)
        if stray := _PAIR.sub("", text).strip():
            raise place.error(f"{name}: '{stray}' is not of the form key=value")
    try:
        return make(given)
    except ValueError as reason:
        place = keywords.place(next((e.line for e in lines if "=" in e.text), section.line))
        raise place.error(f"{name}: {reason}") from None


def format_taylor(taylor: TaylorInput) -> str:
    """Return the block TAYLOR or DERIVATIVES that ``read_taylor`` understands."""
    if taylor.fraction is not None:
        assert taylor.outfile is not None, "DERIVATIVES has a file of its own"
        disp_all = int(taylor.strategy == "random")
        return (
            f"DERIVATIVES\nmethod=taylor delta={taylor.delta!r} fraction={taylor.fraction!r} "
            f"outfile={quote(taylor.outfile)} disp_all={disp_all} N_max={taylor.n_max}\n"
        )
    pairs = {"strategy": taylor.strategy, "delta": format_delta(taylor.delta)}
    pairs |= {"a": str(taylor.copies_per_structure), "seed": str(taylor.seed)}
    for item in TAYLOR_KEYS:
        value = getattr(taylor, item.target)
        if item.name not in pairs and value != item.default:
            pairs[item.name] = quote(value) if item.kind == "file" else str(value)
    return "TAYLOR\n" + " ".join(f"{key}={text}" for key, text in pairs.items()) + "\n"


def _derivatives(given: Mapping[str, str]) -> TaylorInput:
    """Return the settings that the block of aenet's Python package stands for."""
    values = {item.target: item.default for item in DERIVATIVES_KEYS}
    values |= parse_pairs(DERIVATIVES_KEYS, given, parse_whole=_parse_whole)
    return TaylorInput(
        strategy="random" if values["disp_all"] == "1" else "axis",
        delta=values["delta"],
        fraction=values["fraction"],
        n_max=values["n_max"],
        outfile=values["outfile"],
    )


def _length(text: str) -> float:
    length: float = parse_value(_DELTA_ITEM, text)
    return length


def _parse_whole(text: str) -> int:
    """Return a whole number of any size, such as ``6`` or ``6.0``."""
    number = parse_real(text)
    if not number.is_integer():
        raise ValueError(f"'{text}' is not an integer")
    return int(number)
