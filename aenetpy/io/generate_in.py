"""The input file of ``generate`` (spec 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from aenetpy.io.free_form import (
    TOKEN,
    Entry,
    parse_real,
    quote,
    significant_lines,
    split_tokens,
)
from aenetpy.io.keywords import Keywords
from aenetpy.io.taylor_in import TaylorInput, format_taylor, read_taylor

_VALUES = ("OUTPUT", "TIMING", "DEBUG", "VERBOSITY", "FORCES", "FORCESPERCENT")
_BLOCKS = ("TYPES", "SETUPS", "FILES", "TAYLOR", "DERIVATIVES")
_TYPES = "the lines 'TYPES', '2', 'Ti -1604.6', 'O -432.5' (species and atomic energies in eV)"
_SETUPS = "the line 'SETUPS' and below it one line 'Ti Ti.fingerprint.stp' per species"
_DECIMAL_COMMA = re.compile(r"\d,\d")
_FILES = "the line 'FILES', then the number of structures, then one file per line"


@dataclass(frozen=True)
class GenerateInput:
    """What ``generate.in`` says (spec 2.1).

    Parameters
    ----------
    path
        The file itself.
    species, atomic_energies_t
        TYPES in order, and their energies in eV.
    setups
        Setup file of each species.
    files
        Entries of FILES; those of a pattern stand on the same line.
    output
        Name of the training set.
    forces, forces_percent
        Whether to write fingerprint derivatives, and of how many structures, in percent.
    taylor
        Displaced copies to be added; None without TAYLOR and DERIVATIVES, which aenet ignores.
    timing, debug, verbosity
        As in aenet; DEBUG and VERBOSITY have no effect there.
    lines
        Line of each keyword that is present.
    """

    path: str
    species: tuple[str, ...]
    atomic_energies_t: tuple[float, ...]
    setups: dict[str, Entry]
    files: tuple[Entry, ...]
    output: str = "refdata.train"
    forces: bool = False
    forces_percent: float = 1.0
    taylor: TaylorInput | None = None
    timing: bool = False
    debug: bool = False
    verbosity: str = "normal"
    lines: dict[str, int] = field(default_factory=dict, compare=False)


def read_generate_in(path: str | Path) -> GenerateInput:
    """Return the content of a ``generate.in``.

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
    Spec 1 and 2.1. FILES is accepted in any case, blank lines and comments
    anywhere, and slashes in unquoted paths.
    """
    keywords = Keywords(path, _VALUES, _BLOCKS)
    species, energies = _read_types(keywords)
    return GenerateInput(
        path=keywords.path,
        species=species,
        atomic_energies_t=energies,
        setups=keywords.paths_by_species("SETUPS", species, _SETUPS),
        files=keywords.files(_FILES),
        output=keywords.string("OUTPUT", "refdata.train"),
        forces=keywords.flag("FORCES"),
        forces_percent=_read_forces_percent(keywords),
        taylor=read_taylor(keywords),
        timing=keywords.flag("TIMING"),
        debug=keywords.flag("DEBUG"),
        verbosity=keywords.string("VERBOSITY", "normal").lower(),
        lines=keywords.lines,
    )


def _read_types(keywords: Keywords) -> tuple[tuple[str, ...], tuple[float, ...]]:
    energies: dict[str, float] = {}
    for entry in keywords.types(_TYPES):
        symbol, place = keywords.species(entry, energies), keywords.place(entry.line)
        token = next(iter(split_tokens(entry.text)[1:]), "")
        if not token:
            raise place.error(f"no atomic energy for {symbol}", f"write '{symbol} <energy in eV>'")
        if _DECIMAL_COMMA.search(entry.text):
            raise place.error(
                f"atomic energy of {symbol}: a comma separates numbers", "write a decimal point"
            )
        try:
            energies[symbol] = parse_real(token)
        except ValueError as reason:
            raise place.error(f"atomic energy of {symbol}: {reason}") from None
    return tuple(energies), tuple(energies.values())


def _read_forces_percent(keywords: Keywords) -> float:
    percent = keywords.real("FORCESPERCENT", 1.0)
    if not 0 <= percent <= 100:
        place = keywords.place(keywords.lines["FORCESPERCENT"])
        raise place.error(f"FORCESPERCENT {percent:g} is not between 0 and 100")
    return percent


def format_generate_in(content: GenerateInput) -> str:
    """Return the text of a ``generate.in`` that aenet and ``read_generate_in`` understand."""
    lines = [f"OUTPUT {quote(content.output)}", "", "TYPES", str(len(content.species))]
    lines += [
        f"{symbol:<2} {energy!r}"
        for symbol, energy in zip(content.species, content.atomic_energies_t, strict=True)
    ]
    lines += ["", "SETUPS"]
    lines += [f"{symbol:<2} {quote(setup.text)}" for symbol, setup in content.setups.items()]
    lines += [""] + [
        name for name in ("TIMING", "DEBUG", "FORCES") if getattr(content, name.lower())
    ]
    if content.forces_percent != 1.0:
        lines.append(f"FORCESPERCENT {content.forces_percent!r}")
    if content.verbosity != "normal":
        lines.append(f"VERBOSITY {content.verbosity}")
    if content.taylor is not None:
        lines += ["", format_taylor(content.taylor).rstrip()]
    lines += ["", "FILES", str(len(content.files)), *(entry.text for entry in content.files)]
    return "\n".join(lines) + "\n"


def with_more_files(
    text: str, content: GenerateInput, names: Sequence[str], output: str | None = None
) -> str:
    """Return the text of a ``generate.in`` with further files behind those of FILES.

    Patterns are replaced by what they stand for, lest they match the further files too.
    Everything else stays as it stands.

    Parameters
    ----------
    text, content
        The file, and what was read from it.
    names
        The files to add.
    output
        Another OUTPUT, if there is to be one.
    """
    lines = text.rstrip("\n").split("\n")
    listed: dict[int, list[str]] = {}
    for entry in content.files:
        listed.setdefault(entry.line, []).append(entry.text)
    # What is added joins an existing line, so that all keep their numbers.
    for line, entries in listed.items():
        if entries != [lines[line - 1].strip()]:
            lines[line - 1] = "\n".join(entries)
    lines[max(listed) - 1] += "".join(f"\n{name}" for name in names)
    head = content.lines["FILES"]
    count = next(e.line for e in significant_lines(text) if e.line > head)
    n_files = len(content.files) + len(names)
    lines[count - 1] = re.sub(r"[\d.+-]+", str(n_files), lines[count - 1], count=1)
    if output is not None and "OUTPUT" in content.lines:
        line = content.lines["OUTPUT"]
        lines[line - 1] = _with_value(lines[line - 1], output)
    elif output is not None:
        lines[head - 1] = f"OUTPUT {quote(output)}\n{lines[head - 1]}"
    return "\n".join(lines) + "\n"


def _with_value(line: str, value: str) -> str:
    """Return the line of a keyword with another value; what follows it stays."""
    _, old = islice(TOKEN.finditer(line), 2)
    return line[: old.start()] + quote(value) + line[old.end() :]
