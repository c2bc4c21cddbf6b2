"""FORCES, STRESS and CACHE of ``train.in``: what training does with forces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aenetpy.inputs.keywords import Keywords
from aenetpy.inputs.lines import COMMENT, Entry, Place, parse_arguments, parse_real, split_tokens
from aenetpy.inputs.spec import Bounds, Item

ERROR = Bounds(1e-6, 1e6)
"""Of errors that count equally: beyond it their squares leave nothing of the other terms."""

FORCE_KEYS = (
    Item(
        "alpha",
        "number",
        "share a of the forces in `L`; 0: energies alone, 1: forces alone",
        default=0.1,
        bounds=Bounds(0, 1),
    ),
    Item(
        "energy",
        "number",
        "error of the energy that counts as much as one of `force`, for `alpha=0.5`",
        default=5.0,
        bounds=ERROR,
        unit="meV/atom",
    ),
    Item(
        "force",
        "number",
        "error of a force component that counts as much as one of `energy`",
        default=0.1,
        bounds=ERROR,
        unit="eV/Å",
    ),
)

FORCES = Item(
    "FORCES",
    "lines",
    "train on forces, too: `L = (1-a) <dE^2>/energy^2 + a <dF^2>/force^2` is made small,"
    " with the means over structures (energies per atom) and over force components; with"
    " STRESS also `+ a <dS^2>/stress^2`",
    told="energies alone",
    form="on this or the next line `alpha=0.1 energy=5 force=0.1` (a, meV/atom, eV/Å), all or some",
    keys=FORCE_KEYS,
)
STRESS = Item(
    "STRESS",
    "lines",
    "train on the stress, too; the number is its error in GPa that counts as much as those"
    " of FORCES",
    told="off",
    bounds=ERROR,
    form="nothing, or number from 1e-6 to 1e6 (GPa); 1 without",
)
CACHE = Item(
    "CACHE",
    "lines",
    "memory for derivatives of fingerprints that are kept during training on forces;"
    " `single` keeps them in single precision",
    told="a quarter of the memory of the machine",
    bounds=Bounds(0, 1e9),
    form="number (MB), 0 to 1e9, then optionally `single`",
)


@dataclass(frozen=True)
class ForceSettings:
    """What is minimised with FORCES: ``(1-a) <dE^2>/energy^2 + a <dF^2>/force^2``.

    Parameters
    ----------
    alpha
        a, 0...1.
    energy, force
        Errors that count equally for a = 1/2, in meV/atom and eV/Å.
    """

    alpha: float = 0.1
    energy: float = 5.0
    force: float = 0.1


@dataclass(frozen=True)
class CacheSettings:
    """How much memory derivatives of fingerprints may take."""

    megabytes: float
    single: bool = False


def read_forces(keywords: Keywords) -> ForceSettings | None:
    """Return what FORCES says; None without."""
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
            found[key] = _number(place, known[key], token, f"FORCES: {key}")
    keywords.ignore(section.body[len(below) :])
    return ForceSettings(**found)


def read_stress(keywords: Keywords) -> float | None:
    """Return the error behind STRESS, GPa; None without STRESS."""
    tokens = _tokens_of_line(keywords, "STRESS", 1)
    if tokens is None:
        return None
    place = keywords.place(keywords.lines["STRESS"])
    return _number(place, STRESS, tokens[0], "STRESS") if tokens else 1.0


def read_cache(keywords: Keywords) -> CacheSettings | None:
    """Return what CACHE says; None without."""
    tokens = _tokens_of_line(keywords, "CACHE", 2)
    if tokens is None:
        return None
    place = keywords.place(keywords.lines["CACHE"])
    if not tokens:
        raise place.error("CACHE has no value", "write 'CACHE 2000' for 2000 MB")
    if tokens[1:] and tokens[1].lower() != "single":
        raise place.error(f"CACHE takes a number and 'single', not '{tokens[1]}'")
    return CacheSettings(_number(place, CACHE, tokens[0], "CACHE"), len(tokens) > 1)


def _tokens_of_line(keywords: Keywords, keyword: str, most: int) -> list[str] | None:
    """Return what stands behind a keyword on its line; None without the keyword."""
    if keyword not in keywords:
        return None
    section = keywords.section(keyword, "")
    keywords.ignore(section.body)
    tokens = split_tokens(COMMENT.sub("", section.rest))
    if len(tokens) > most:
        raise keywords.place(section.line).error(f"{keyword}: '{tokens[most]}' has no meaning")
    return tokens


def _number(place: Place, item: Item, token: str, what: str) -> float:
    try:
        value = parse_real(token)
    except ValueError as reason:
        raise place.error(f"{what}: {reason}") from None
    objection = item.bounds.objection(value)
    if objection is not None:
        raise place.error(f"{what} {value:g} {objection}")
    return value


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
