"""The fingerprint setup file ``.stp`` (spec 6)."""

from __future__ import annotations

import re
from collections.abc import Callable
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
from aenetpy.inputs.keywords import Keywords, Section
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
            default_text="1.0, with a warning",
            bounds=Bounds(0),
            unit="Å",
            hint="give the shortest distance in Å",
        ),
        Item(
            "BASIS",
            "lines",
            "Chebyshev fingerprint",
            default_text="required, or FUNCTIONS",
            form=f"`type={Chebyshev.name}`, next line"
            f" `{' '.join(f'{one.name}=' for one in Chebyshev.parameters)}`",
        ),
        Item(
            "FUNCTIONS",
            "lines",
            "symmetry functions; also called SYMMFUNC",
            default_text="required, or BASIS",
            form="`type=Behler2011`, next line the number, then one function per line: `G=1 type2="
            " Rc=`, `G=2 type2= Rc= Rs= eta=`, `G=3 type2= Rc= kappa=`, `G=4` and `G=5` `type2="
            " type3= Rc= lambda= zeta= eta=`",
        ),
    ),
)
_BASES = ("BASIS", "FUNCTIONS", "SYMMFUNC")
_Basis = tuple[str, list[int], list[list[float]], list[tuple[int, int]]]
_END_DESCR = re.compile(r"\s*END\s+DESCR\b", re.IGNORECASE)
_KIND = re.compile(r"(?<!\w)G\s*=\s*([^\s,;]+)")
_DESCRIPTION_LENGTH = 1024


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
    text = read_text(path)
    refuse_other_kind(path, text, STP.name)
    description, lines = _split_description(str(path), text)
    if len(lines) > MOST_LINES:
        hint = f"a setup has at most {MOST_LINES}"
        raise Place(str(path)).error(f"has {len(lines)} lines", hint)
    keywords = Keywords(path, ("ATOM", "RMIN"), ("DESCR", "ENV", *_BASES), lines, once=True)
    if "DESCR" in keywords:
        second = keywords.section("DESCR", "")
        keywords.place(second.line).warn("a second DESCR is ignored")
        keywords.ignore(second.body)
    centre = keywords.section("ATOM", "a line 'ATOM Ti'").line
    species = keywords.species(Entry(keywords.string("ATOM", ""), centre), ())
    environment = _read_environment(keywords)
    r_min = keywords.value(STP["RMIN"])
    kind, functions, parameters, partners = _read_basis(keywords, environment)
    place, family = keywords.place(), family_of(kind)
    if not r_min:
        place.warn("RMIN not set; 1.0 is taken, as in aenet")
    if family.lists_functions and species not in environment:
        place.warn(f"ATOM {species} is not in ENV; aenet 2.0.4 cannot evaluate this setup")
    setup = Setup(
        species=species,
        environment=environment,
        r_min=r_min or 1.0,
        r_max=family.largest_cutoff(parameters),
        kind=kind,
        functions_g=np.array(functions, dtype=np.int32),
        parameters_gp=np.array(parameters, dtype=np.float64),
        partners_g2=np.array(partners, dtype=np.int32),
        description=description,
    )
    if setup.stale_weights:
        place.warn(setup.stale_weights)
    return setup


def _split_description(file: str, text: str) -> tuple[str, list[Entry]]:
    entries = significant_lines(text)
    heads = [entry.line for entry in entries if entry.text.split()[0].upper() == "DESCR"]
    if not heads:
        return "", entries
    lines, start = text.split("\n"), heads[0]
    for end in range(start, len(lines)):
        if _END_DESCR.match(lines[end]):
            description = "".join(f"{line.rstrip()}$$" for line in lines[start:end])
            outside = [entry for entry in entries if not start <= entry.line <= end + 1]
            return description[:_DESCRIPTION_LENGTH], outside
    raise Place(file, start).error("DESCR has no end", "add a line 'END DESCR'")


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


def _read_environment(keywords: Keywords) -> tuple[str, ...]:
    section = keywords.section("ENV", "'ENV 2' and below it one species per line")
    place, count = keywords.place(section.line), keywords.integer("ENV", 0)
    if count < 1:
        raise place.error(f"ENV announces {count} species", "there must be at least one")
    body = section.body
    n_symbols = next((i for i, entry in enumerate(body) if not _is_symbol(entry)), len(body))
    if len(body) < count or n_symbols > count:
        raise place.error(f"ENV announces {count} species but lists {n_symbols}")
    environment: list[str] = []
    for entry in body[:count]:
        environment.append(keywords.species(entry, environment))
    keywords.ignore(body[count:])
    return tuple(environment)


def _is_symbol(entry: Entry) -> bool:
    tokens = split_tokens(entry.text)
    return len(tokens) == 1 and len(tokens[0]) <= 2


def _read_basis(keywords: Keywords, environment: tuple[str, ...]) -> _Basis:
    """Return type, functions, their parameters, and the places of their partners in ENV."""
    words = [word for word in keywords.lines if word in _BASES]
    if len(words) > 1:
        raise keywords.place(keywords.lines[words[1]]).error(
            "BASIS or FUNCTIONS is given twice", "keep one"
        )
    word = words[0] if words else "BASIS"
    section = keywords.section(word, "'BASIS type=Chebyshev' and its parameters")
    place = keywords.place(section.line)
    if section.line < keywords.lines["ENV"]:
        raise place.error(f"{word} stands before ENV", "put ENV first")
    given = parse_arguments(section.rest, {"type": 1}, place, word)
    if "type" not in given:
        raise place.error(f"{word} has no type", "write type=Chebyshev or type=Behler2011")
    kind = given["type"][0]
    family = family_of(kind)
    if family.lists_functions:
        entries = _functions(keywords, section)
        rows = [_read_function(entry, environment, place.file, family) for entry in entries]
        return kind, [g for g, _, _ in rows], [p for _, p, _ in rows], [e for _, _, e in rows]
    if family.parameters:
        size, row = _read_row(section.body[:1], len(environment), place, family)
        keywords.ignore(section.body[1:])
        unused = [[0.0] * N_PARAMETERS] * (size - 1)
        return kind, [0] * size, [row, *unused], [(0, 0)] * size
    raise place.error(f"unknown basis type '{kind}'", f"known are {known_families()}")


def _read_row(
    entries: tuple[Entry, ...], n_environment: int, place: Place, family: Family
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


def _functions(keywords: Keywords, section: Section) -> tuple[Entry, ...]:
    """Return the lines of functions, as many as announced."""
    if not section.body:
        raise keywords.place(section.line).error("FUNCTIONS is not followed by a number")
    head, *listed = section.body
    here = keywords.place(head.line)
    count = int(_number(split_tokens(head.text), parse_integer, here, "number of FUNCTIONS"))
    if count > MOST_FUNCTIONS:
        raise here.error(f"FUNCTIONS announces {count} functions", f"at most {MOST_FUNCTIONS}")
    end = next((i for i, entry in enumerate(listed) if not _KIND.match(entry.text)), len(listed))
    # a malformed line counts as listed, its own message says more
    if count < 1 or end > count or (end < count and end == len(listed)):
        raise here.error(f"FUNCTIONS announces {times(count, 'function')} but lists {end}")
    keywords.ignore(listed[count:])
    return tuple(listed[:count])


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
