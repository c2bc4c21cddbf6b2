"""The input file of ``generate`` (spec 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from aenetpy.files.files import write_text
from aenetpy.inputs.keywords import RULES, Keywords, format_value
from aenetpy.inputs.lines import (
    TOKEN,
    Entry,
    parse_real,
    quote,
    significant_lines,
    split_tokens,
)
from aenetpy.inputs.spec import Bounds, Item, Table, default_pairs, filled_by, items_of, keyword
from aenetpy.inputs.taylor import (
    DERIVATIVES_KEYS,
    TAYLOR_KEYS,
    TaylorInput,
    format_taylor,
    read_taylor,
)

_TYPES = "the lines 'TYPES', '2', 'Ti -1604.6', 'O -432.5' (species and atomic energies in eV)"
_SETUPS = "the line 'SETUPS' and below it one line 'Ti Ti.fingerprint.stp' per species"
_DECIMAL_COMMA = re.compile(r"\d,\d")
_FILES = "the line 'FILES', then the number of structures, then one file per line"


_TAYLOR = Item(
    "TAYLOR",
    "lines",
    "add displaced copies, see below",
    form="then `key=value` pairs, `delta=0.02 a=6 strategy=random`",
    keys=TAYLOR_KEYS,
)
_DERIVATIVES = Item(
    "DERIVATIVES",
    "lines",
    "as aenet's Python package writes it; structures to `OUTPUT`, structures and copies to"
    " `outfile`; as many copies of a structure as `fraction` % of its 3N coordinates,"
    " `N_max` in all; all atoms at once or (`disp_all=0`) one at a time",
    form=f"then `{default_pairs(DERIVATIVES_KEYS)}`",
    keys=DERIVATIVES_KEYS,
)


@dataclass(frozen=True, kw_only=True)
class GenerateInput:
    """Content of ``generate.in`` (spec 2.1): the file itself, its keywords, and their lines.

    TYPES gives ``species`` and, in the same order, ``atomic_energies_t`` in eV. Files of a
    pattern in FILES have the same line.
    """

    path: str
    species: tuple[str, ...] = keyword(
        "TYPES",
        "lines",
        "the species; where other atomic energies explain the energies far better, `generate`"
        " prints the block to paste",
        form="next line the number, then `<symbol> <atomic energy, eV>` each",
    )
    atomic_energies_t: tuple[float, ...]
    setups: dict[str, Entry] = keyword(
        "SETUPS",
        "lines",
        "the fingerprint of each species",
        form="then `<symbol> <setup file>` each",
    )
    files: tuple[Entry, ...] = keyword(
        "FILES",
        "lines",
        "`@index` for several frames, `*`, `?`, `[...]` and `**` for many files"
        " (`runs/*/vasprun.xml@:`; sorted; the number counts lines); the `input.data` of RuNNer"
        " and n2p2 also needs its units, `input.data@:#units=eV,Angstrom` (or `Hartree`,"
        " `Bohr`); each structure needs energy and forces",
        form="next line the number, then one file per line",
    )
    output: str = keyword("OUTPUT", "file", "the training set, must not exist", "refdata.train")
    forces: bool = keyword(
        "FORCES", "flag", "also write derivatives of fingerprints to `<OUTPUT>.forces`", False
    )
    forces_percent: float = keyword(
        "FORCESPERCENT",
        "number",
        "FORCES for this share of the structures, evenly spread",
        1.0,
        bounds=Bounds(0, 100),
        unit="%",
    )
    taylor: TaylorInput | None = filled_by(_TAYLOR, _DERIVATIVES)
    forces_optional: bool = keyword(
        "FORCES_OPTIONAL",
        "flag",
        "take structures without forces, too (not in aenet): `train` fits their energies alone",
        False,
    )
    unconverged: str = keyword(
        "UNCONVERGED",
        "word",
        "structures whose electronic steps did not converge: VASP steps that used all of NELM,"
        " and where a file says `converged=F` (not in aenet)",
        "leave",
        choices=("keep", "leave"),
        default_text="they are left out",
    )
    timing: bool = keyword("TIMING", "flag", "read, no effect", False)
    debug: bool = keyword("DEBUG", "flag", "read, no effect", False)
    verbosity: str = keyword("VERBOSITY", "word", "read, no effect", "normal")
    lines: dict[str, int] = field(default_factory=dict, compare=False)


GENERATE_IN = Table(
    "generate.in",
    "What `aenetpy generate` reads: structures, and how they become a training set.",
    items_of(GenerateInput),
    rules=RULES,
)


def read_generate_in(path: str | Path, folder: str | Path = ".") -> GenerateInput:
    """Return the content of a ``generate.in``.

    Parameters
    ----------
    path
        The file; the paths in it stay as they are, relative to the folder of the run.
    folder
        That folder: patterns in FILES stand for the files that are there.

    Raises
    ------
    InputError
        If a keyword is missing or a value is wrong, with the line.

    Notes
    -----
    Spec 1 and 2.1. FILES is accepted in any case, blank lines and comments
    anywhere, and slashes in unquoted paths.
    """
    keywords = Keywords.of(path, GENERATE_IN)
    species, energies = _read_types(keywords)
    return GenerateInput(
        path=keywords.path,
        species=species,
        atomic_energies_t=energies,
        setups=keywords.paths_by_species("SETUPS", species, _SETUPS),
        files=keywords.files(_FILES, folder),
        taylor=read_taylor(keywords),
        lines=keywords.lines,
        **{item.target: keywords.value(item) for item in GENERATE_IN.values},
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


def format_generate_in(content: GenerateInput) -> str:
    """Return the text of a ``generate.in`` that aenet and ``read_generate_in`` understand."""
    lines = [f"OUTPUT {quote(content.output)}", "", "TYPES", str(len(content.species))]
    lines += [
        f"{symbol:<2} {energy!r}"
        for symbol, energy in zip(content.species, content.atomic_energies_t, strict=True)
    ]
    lines += ["", "SETUPS"]
    lines += [f"{symbol:<2} {quote(setup.text)}" for symbol, setup in content.setups.items()]
    lines.append("")
    for item in GENERATE_IN.values:
        if item.name == "OUTPUT":
            continue
        lines += format_value(item, getattr(content, item.target))
    if content.taylor is not None:
        lines += ["", format_taylor(content.taylor).rstrip()]
    lines += ["", "FILES", str(len(content.files)), *(entry.text for entry in content.files)]
    return "\n".join(lines) + "\n"


def write_generate_in(path: str | Path, content: GenerateInput) -> None:
    """Write a ``generate.in``, completely or not at all; see ``format_generate_in``."""
    write_text(path, format_generate_in(content))


def with_more_files(
    text: str, content: GenerateInput, names: Sequence[str], output: str | None = None
) -> str:
    """Return the text of a ``generate.in`` with further files at the end of FILES.

    Patterns are replaced by their files, so that they do not match the further files too.
    Everything else stays as it stands.
    """
    lines = text.rstrip("\n").split("\n")
    listed: dict[int, list[str]] = {}
    for entry in content.files:
        listed.setdefault(entry.line, []).append(entry.text)
    # The new text joins an existing line, so that all keep their numbers.
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
    """Return the line of a keyword with another value; the rest of the line stays."""
    _, old = islice(TOKEN.finditer(line), 2)
    return line[: old.start()] + quote(value) + line[old.end() :]
