"""The fingerprint setup file ``.stp`` (spec 6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aenetpy.data.fingerprint_families import (
    Chebyshev,
    Family,
    FingerprintParameter,
    family_of,
    known_families,
)
from aenetpy.data.setup import N_PARAMETERS, Setup
from aenetpy.errors import InputError
from aenetpy.files.files import write_text
from aenetpy.inputs.kinds import refuse_other_kind
from aenetpy.inputs.lines import (
    Entry,
    Place,
    parse_arguments,
    parse_integer,
    parse_real,
    read_text,
    significant_lines,
    split_tokens,
    suggest,
    times,
)
from aenetpy.inputs.spec import Bounds, Item, Table

MOST_FUNCTIONS = 10_000
"""Of one setup; ten species with 30 G4 for each pair of them make 1650."""

MOST_LINES = 2 * MOST_FUNCTIONS

STP = Table(
    ".stp",
    "Setup of a fingerprint: what `aenetpy generate` computes of the atoms of one species.",
    (
        Item(
            "DESCR",
            "lines",
            "free text, kept in all files",
            form="then lines up to `END DESCR`",
        ),
        Item("ATOM", "word", "central species", required=True, form="symbol"),
        Item(
            "ENV",
            "lines",
            "the species around it, before BASIS or FUNCTIONS; the order fixes the species weights",
            required=True,
            form="number, then one species per line",
        ),
        Item(
            "RMIN",
            "number",
            "shortest distance to expect",
            told="1.0, with a warning",
            bounds=Bounds(0),
            unit="Å",
        ),
        Item(
            "BASIS",
            "lines",
            "Chebyshev fingerprint",
            told="required, or FUNCTIONS",
            form=f"`type={Chebyshev.name}`, next line"
            f" `{' '.join(f'{one.name}=' for one in Chebyshev.parameters)}`",
        ),
        Item(
            "FUNCTIONS",
            "lines",
            "symmetry functions; also called SYMMFUNC",
            told="required, or BASIS",
            form="`type=Behler2011`, next line the number, then one function per line: `G=1 type2="
            " Rc=`, `G=2 type2= Rc= Rs= eta=`, `G=3 type2= Rc= kappa=`, `G=4` and `G=5` `type2="
            " type3= Rc= lambda= zeta= eta=`",
        ),
    ),
)
_KEYWORDS = (*STP.names, "SYMMFUNC")
_END_DESCR = re.compile(r"\s*END\s+DESCR\b", re.IGNORECASE)
_KIND = re.compile(r"(?<!\w)G\s*=\s*([^\s,;]+)")
_DESCRIPTION_LENGTH = 1024


@dataclass
class _Draft:
    """What has been read of a setup so far."""

    description: str = ""
    species: str | None = None
    environment: tuple[str, ...] | None = None
    r_min: float | None = None
    basis: tuple[str, list[int], list[list[float]], list[tuple[int, int]]] | None = None


def read_stp(path: str | Path) -> Setup:
    """Return the fingerprint setup of one species.

    Parameters
    ----------
    path
        A ``.stp`` file.

    Returns
    -------
    Setup
        With ``r_max`` the largest cutoff and without statistics.

    Raises
    ------
    InputError
        If a key is missing or a value is wrong, with the line.

    Notes
    -----
    Spec 6.1 to 6.4. Blank lines and comments are accepted everywhere. A line
    of ``FUNCTIONS`` is read as written where aenet confuses ``eta`` and ``zeta``.
    """
    file = str(path)
    draft = _Draft()
    text = read_text(path)
    refuse_other_kind(path, text, STP.name)
    draft.description, entries = _split_description(file, text)
    if len(entries) > MOST_LINES:
        raise Place(file).error(f"has {len(entries)} lines", f"a setup has at most {MOST_LINES}")
    while entries:
        entries = _read_keyword(file, draft, entries[0], entries[1:])
    return _finish(file, draft)


def _split_description(file: str, text: str) -> tuple[str, list[Entry]]:
    entries = significant_lines(text)
    heads = [entry.line for entry in entries if _word(entry) == "DESCR"]
    if not heads:
        return "", entries
    lines, start = text.split("\n"), heads[0]
    for end in range(start, len(lines)):
        if _END_DESCR.match(lines[end]):
            description = "".join(f"{line.rstrip()}$$" for line in lines[start:end])
            outside = [entry for entry in entries if not start <= entry.line <= end + 1]
            return description[:_DESCRIPTION_LENGTH], outside
    raise Place(file, start).error("DESCR has no end", "add a line 'END DESCR'")


def _word(entry: Entry) -> str:
    return next(iter(split_tokens(entry.text)), "").upper()


def _read_keyword(file: str, draft: _Draft, head: Entry, rest: list[Entry]) -> list[Entry]:
    """Read one keyword and return the entries behind its data."""
    place, word = Place(file, head.line), _word(head)
    value = split_tokens(head.text)[1:2]
    if word == "ATOM":
        _once(draft.species, place, word)
        draft.species = _symbol(value, place, "ATOM Ti")
    elif word == "ENV":
        _once(draft.environment, place, word)
        draft.environment, rest = _read_environment(value, rest, place)
    elif word == "RMIN":
        _once(draft.r_min, place, word)
        draft.r_min = _number(value, parse_real, place, "RMIN")
    elif word in ("BASIS", "FUNCTIONS", "SYMMFUNC"):
        _once(draft.basis, place, "BASIS or FUNCTIONS")
        if draft.environment is None:
            raise place.error(f"{word} stands before ENV", "put ENV first")
        draft.basis, rest = _read_basis(head, rest, draft.environment, place)
    else:
        hint = suggest(head.text.split()[0], _KEYWORDS)
        place.warn(f"unknown keyword '{head.text.split()[0]}' ignored{hint}")
    return rest


def _once(known: object, place: Place, keyword: str) -> None:
    if known is not None:
        raise place.error(f"{keyword} is given twice", "keep one")


def _symbol(tokens: list[str], place: Place, example: str) -> str:
    if not tokens or not tokens[0]:
        raise place.error("no species", f"write '{example}'")
    if len(tokens[0]) > 2:
        place.warn(f"species '{tokens[0]}' is cut to '{tokens[0][:2]}', as in aenet")
    return tokens[0][:2]


def _number(tokens: list[str], parse: Callable[[str], float], place: Place, what: str) -> float:
    if not tokens:
        raise place.error(f"{what} has no value")
    try:
        return parse(tokens[0])
    except ValueError as reason:
        raise place.error(f"{what}: {reason}") from None


def _parameter(
    parameter: FingerprintParameter, tokens: list[str], place: Place, what: str
) -> float:
    """Return a parameter of a function, within its limit."""
    if not tokens and parameter.default is not None:
        return parameter.default
    name = parameter.name
    parse = parse_integer if parameter.is_whole else parse_real
    value = _number(tokens, parse, place, f"{what}: {name}")
    reason = parameter.limit.objection(value)
    if reason is not None:
        raise place.error(f"{what}: {name} {reason}")
    return float(value)


def _read_environment(
    value: list[str], rest: list[Entry], place: Place
) -> tuple[tuple[str, ...], list[Entry]]:
    count = int(_number(value, parse_integer, place, "ENV"))
    if count < 1:
        raise place.error(f"ENV announces {count} species", "there must be at least one")
    n_listed = next((i for i, entry in enumerate(rest) if _is_keyword(entry)), len(rest))
    n_symbols = next((i for i, entry in enumerate(rest) if not _is_symbol(entry)), len(rest))
    if n_listed < count or n_symbols > count:
        raise place.error(f"ENV announces {count} species but lists {min(n_listed, n_symbols)}")
    environment: list[str] = []
    for entry in rest[:count]:
        here = Place(place.file, entry.line)
        symbol = _symbol(split_tokens(entry.text)[:1], here, "Ti")
        if symbol in environment:
            raise here.error(f"species {symbol} is twice in ENV", "list each species once")
        environment.append(symbol)
    return tuple(environment), rest[count:]


def _is_keyword(entry: Entry) -> bool:
    return _word(entry) in _KEYWORDS


def _is_symbol(entry: Entry) -> bool:
    return len(split_tokens(entry.text)) == 1 and len(_word(entry)) <= 2


def _read_basis(
    head: Entry, rest: list[Entry], environment: tuple[str, ...], place: Place
) -> tuple[tuple[str, list[int], list[list[float]], list[tuple[int, int]]], list[Entry]]:
    word = head.text.split()[0]
    given = parse_arguments(head.text[len(word) :], {"type": 1}, place, word.upper())
    if "type" not in given:
        raise place.error(f"{word} has no type", "write type=Chebyshev or type=Behler2011")
    kind = given["type"][0]
    family = family_of(kind)
    if family.lists_functions:
        functions, rest = _split_functions(rest, place)
        rows = [_read_function(entry, environment, place.file, family) for entry in functions]
        return (
            kind,
            [g for g, _, _ in rows],
            [p for _, p, _ in rows],
            [e for _, _, e in rows],
        ), rest
    if family.parameters:
        size, row = _read_row(rest[:1], len(environment), place, family)
        unused = [[0.0] * N_PARAMETERS] * (size - 1)
        return (kind, [0] * size, [row, *unused], [(0, 0)] * size), rest[1:]
    raise place.error(f"unknown basis type '{kind}'", f"known are {known_families()}")


def _read_row(
    entries: list[Entry], n_environment: int, place: Place, family: Family
) -> tuple[int, list[float]]:
    """Read the line of parameters below BASIS: number of components, and the parameters."""
    if not entries or "=" not in entries[0].text:
        names = "= ".join(parameter.name for parameter in family.parameters)
        raise place.error("BASIS has no parameters", f"write {names}= below it")
    here = Place(place.file, entries[0].line)
    keys = {parameter.name: 1 for parameter in family.parameters}
    given = parse_arguments(entries[0].text, keys, here, family.name)
    values = {
        one.name: _parameter(one, given.get(one.name, []), here, family.name)
        for one in family.parameters
    }
    for parameter in family.parameters:
        if parameter.is_cutoff and values[parameter.name] == 0.0:
            raise here.error(f"{family.name}: {parameter.name} is 0", "a cutoff must be above 0")
    row = [*values.values(), *[0.0] * (N_PARAMETERS - len(values))]
    return family.size(values, n_environment), row


def _split_functions(rest: list[Entry], place: Place) -> tuple[list[Entry], list[Entry]]:
    if not rest:
        raise place.error("FUNCTIONS is not followed by a number")
    here = Place(place.file, rest[0].line)
    count = int(_number(split_tokens(rest[0].text), parse_integer, here, "number of FUNCTIONS"))
    if count > MOST_FUNCTIONS:
        raise here.error(f"FUNCTIONS announces {count} functions", f"at most {MOST_FUNCTIONS}")
    listed = rest[1:]
    end = next((i for i, entry in enumerate(listed) if not _KIND.match(entry.text)), len(listed))
    # a malformed line counts as listed, its own message tells more
    if count < 1 or end > count or (end < count and not _is_malformed(listed, end)):
        raise here.error(f"FUNCTIONS announces {times(count, 'function')} but lists {end}")
    return listed[:count], listed[count:]


def _is_malformed(entries: list[Entry], index: int) -> bool:
    return index < len(entries) and not _is_keyword(entries[index])


def _read_function(
    entry: Entry, environment: tuple[str, ...], file: str, family: Family
) -> tuple[int, list[float], tuple[int, int]]:
    place = Place(file, entry.line)
    match = _KIND.search(entry.text)
    if match is None or match[1] not in ("1", "2", "3", "4", "5"):
        what = "no G" if match is None else f"unknown function G={match[1]}"
        raise place.error(f"{what} in '{entry.text}'", "known are G=1 to G=5")
    g = int(match[1])
    species_keys = ("type2",) if g < 4 else ("type2", "type3")
    parameters = family.parameters_of(g)
    keys = ("G", *species_keys, *(parameter.name for parameter in parameters))
    given = parse_arguments(entry.text, dict.fromkeys(keys, 1), place, f"G{g}")
    missing = [key for key in keys if key not in given]
    if missing:
        raise place.error(f"G{g} lacks {', '.join(missing)}", f"it needs {', '.join(keys)}")
    partners = [given[key][0][:2] for key in species_keys]
    for key, symbol in zip(species_keys, partners, strict=True):
        if symbol not in environment:
            raise place.error(f"{key}={symbol} is not in ENV ({' '.join(environment)})")
    row = [_parameter(one, given[one.name], place, f"G{g}") for one in parameters]
    positions = [environment.index(symbol) + 1 for symbol in partners]
    return g, row + [0.0] * (N_PARAMETERS - len(row)), (positions[0], positions[1] if g > 3 else 0)


def _finish(file: str, draft: _Draft) -> Setup:
    place = Place(file)
    if draft.species is None:
        raise place.error("ATOM is missing", "add a line 'ATOM Ti'")
    if draft.environment is None:
        raise place.error("ENV is missing", "add 'ENV 2' and below it one species per line")
    if draft.basis is None:
        raise place.error("BASIS is missing", "add 'BASIS type=Chebyshev' and its parameters")
    if draft.r_min is not None and draft.r_min < 0:
        raise place.error(f"RMIN {draft.r_min:g} is negative", "give the shortest distance in Å")
    if not draft.r_min:
        place.warn("RMIN not set; 1.0 is taken, as in aenet")
    kind, functions, parameters, partners = draft.basis
    family = family_of(kind)
    if family.lists_functions and draft.species not in draft.environment:
        place.warn(f"ATOM {draft.species} is not in ENV; aenet 2.0.4 cannot evaluate this setup")
    setup = Setup(
        species=draft.species,
        environment=draft.environment,
        r_min=draft.r_min or 1.0,
        r_max=family.largest_cutoff(parameters),
        kind=kind,
        functions_g=np.array(functions, dtype=np.int32),
        parameters_gp=np.array(parameters, dtype=np.float64),
        partners_g2=np.array(partners, dtype=np.int32),
        description=draft.description,
    )
    if setup.stale_weights:
        place.warn(setup.stale_weights)
    return setup


def format_stp(setup: Setup) -> str:
    """Return the text of a ``.stp`` file that aenet and ``read_stp`` understand."""
    description = setup.description.removesuffix("$$").split("$$") if setup.description else []
    lines = ["DESCR", *description, "END DESCR", "", f"ATOM {setup.species}", ""]
    lines += [f"ENV {len(setup.environment)}", *setup.environment, "", f"RMIN {setup.r_min!r}", ""]
    if setup.family.lists_functions:
        lines += [f"FUNCTIONS type={setup.kind}", str(setup.n_features)]
        lines += [_format_function(setup, row) for row in range(setup.n_features)]
    elif setup.family.parameters:
        values = zip(setup.family.parameters, setup.parameters_gp[0].tolist(), strict=False)
        row = [f"{one.name} = {int(x) if one.is_whole else x!r}" for one, x in values]
        lines += [f"BASIS type={setup.kind}", "  ".join(row)]
    else:
        raise InputError(f"unknown basis type '{setup.kind}'")
    return "\n".join(lines) + "\n"


def write_stp(path: str | Path, setup: Setup) -> None:
    """Write a ``.stp`` file, completely or not at all; see ``format_stp``."""
    write_text(path, format_stp(setup))


def _format_function(setup: Setup, row: int) -> str:
    g = int(setup.functions_g[row])
    parts = [f"G={g}"]
    for key, position in zip(("type2", "type3"), setup.partners_g2[row], strict=True):
        if position:
            parts.append(f"{key}={setup.environment[position - 1]}")
    # eta before zeta, or aenet reads zeta for both
    parts += [f"{key}={value!r}" for key, value in sorted(setup.named_parameters(row).items())]
    return " ".join(parts)
