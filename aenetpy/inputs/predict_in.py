"""The input file of ``predict`` (spec 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aenetpy.files.files import write_text
from aenetpy.inputs.entries import matches
from aenetpy.inputs.keywords import RULES, Keywords, format_value, parse_value
from aenetpy.inputs.lines import Entry, parse_arguments, quote
from aenetpy.inputs.spec import Bounds, Table, default_pairs, items_of, keyword

VERBOSITIES = ("low", "normal", "high")
"""Also written by their numbers 0, 1 and 2, as the Python package of aenet does."""

_TYPES = "the lines 'TYPES', '2', 'Ti', 'O'"
_NETWORKS = "the line 'NETWORKS' and below it one line 'Ti Ti.nn' per species"
_FILES = (
    "the line 'FILES', then the number of structures, then one file per line,"
    " or name a structure on the command line"
)
_ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True)
class RelaxOptions:
    """Options of a geometry optimisation: the keys of RELAX, and the number of their line.

    aenet ignores ``dmax_c``, which limits each direction of a step, and does not know ``cell``.
    """

    method: str = keyword("method", "word", "no other is known", "bfgs", choices=("bfgs",))
    force_tolerance: float = keyword(
        "F_conv",
        "number",
        "relax until no force component exceeds it",
        0.01,
        bounds=Bounds(0),
        unit="eV/Å",
    )
    energy_tolerance: float = keyword(
        "E_conv",
        "number",
        "and until the last step changed the energy by that at most",
        0.001,
        bounds=Bounds(0),
        unit="eV",
    )
    steps: int = keyword("steps", "integer", "largest number of steps", 99, bounds=Bounds(0))
    dmax_c: tuple[float, float, float] = keyword(
        "dmax",
        "number",
        "limits a step along each axis",
        (1.0, 1.0, 1.0),
        default_text="`1 1 1`",
        bounds=Bounds(above=0),
        unit="Å",
        form="three positive numbers (Å)",
    )
    cell: bool = keyword(
        "cell",
        "word",
        "`yes` relaxes the lattice too",
        False,
        default_text="`no`",
        choices=tuple(_ANSWERS),
    )
    line: int = field(default=0, compare=False)


_RELAX_KEYS = items_of(RelaxOptions)


@dataclass(frozen=True)
class PredictInput:
    """Content of ``predict.in`` (spec 4): the file itself, its keywords, and their lines."""

    path: str
    species: tuple[str, ...] = keyword(
        "TYPES", "lines", "the species", form="next line the number, then one symbol per line"
    )
    networks: dict[str, Entry] = keyword(
        "NETWORKS",
        "lines",
        "binary `.nn` or `.nn.ascii` of aenet-PyTorch",
        form="then `<symbol> <file>` each",
    )
    files: tuple[Entry, ...] = keyword(
        "FILES",
        "lines",
        "as in generate.in, but energy and forces are not needed; structures on the command"
        " line replace it",
        (),
        required=True,
        form="next line the number, then one file per line",
    )
    forces: bool = keyword("FORCES", "flag", "forces, eV/Å", False)
    print_atomic_energies: bool = keyword("PRINT_ATOMIC_ENERGIES", "flag", "one more column", False)
    verbosity: str = keyword(
        "VERBOSITY",
        "word",
        "`normal` and `high` are the same; also written 0, 1, 2; any other word acts as"
        " `normal`, with a note",
        "normal",
        choices=VERBOSITIES,
    )
    timing: bool = keyword("TIMING", "flag", "read, no effect", False)
    relax: RelaxOptions | None = keyword(
        "RELAX",
        "lines",
        "relax until no force component exceeds F_conv (eV/Å) and the last step changed the"
        " energy by E_conv (eV) at most; dmax (Å) limits a step along each axis; `cell=yes`"
        " relaxes the lattice too",
        None,
        default_text="off",
        form=f"next line `{default_pairs(_RELAX_KEYS)}`",
        keys=_RELAX_KEYS,
    )
    debug: bool = keyword("DEBUG", "flag", "read, no effect", False)
    lines: dict[str, int] = field(default_factory=dict, compare=False)


PREDICT_IN = Table(
    "predict.in",
    "What `aenetpy predict` reads: networks, and the structures whose energies are asked for.",
    items_of(PredictInput),
    rules=RULES,
)
_FLAGS = tuple(item for item in PREDICT_IN if item.kind == "flag")


def read_predict_in(
    path: str | Path,
    structures: Sequence[str] = (),
    folder: str | Path = ".",
    needs_networks: bool = True,
) -> PredictInput:
    """Return the content of a ``predict.in``.

    Parameters
    ----------
    path
        The file; the paths in it stay as they are, relative to the folder of the run.
    structures
        Structures from the command line, perhaps patterns; if there are any, they
        replace FILES and their line number is 0.
    folder
        That of the run: patterns stand for the files that are there.
    needs_networks
        Whether NETWORKS must be there; not where a committee stands in for it.

    Raises
    ------
    InputError
        If a keyword is missing or a value is wrong, with the line.

    Notes
    -----
    Spec 1 and 4.
    """
    keywords = Keywords.of(path, PREDICT_IN)
    species: list[str] = []
    for entry in keywords.types(_TYPES):
        species.append(keywords.species(entry, species))
    networks: dict[str, Entry] = {}
    if needs_networks or "NETWORKS" in keywords:
        networks = keywords.paths_by_species("NETWORKS", tuple(species), _NETWORKS)
    relax = _read_relax(keywords)
    flags = {item.target: keywords.value(item) for item in _FLAGS}
    named = (name for entry in structures for name in matches(entry, folder) or [entry])
    return PredictInput(
        path=keywords.path,
        species=tuple(species),
        networks=networks,
        files=tuple(Entry(name, 0) for name in named) or keywords.files(_FILES, folder),
        relax=relax,
        verbosity=_read_verbosity(keywords),
        lines=keywords.lines,
        **{**flags, "forces": flags["forces"] or relax is not None},
    )


def _read_verbosity(keywords: Keywords) -> str:
    word = keywords.string("VERBOSITY", "normal").lower()
    by_number = {str(number): name for number, name in enumerate(VERBOSITIES)}
    verbosity = by_number.get(word, word)
    if verbosity not in VERBOSITIES:
        keywords.place(keywords.lines["VERBOSITY"]).warn(
            f"unknown VERBOSITY '{word}' acts as normal, as in aenet;"
            f" known are {', '.join(VERBOSITIES)}"
        )
        return "normal"
    return verbosity


def _read_relax(keywords: Keywords) -> RelaxOptions | None:
    if "RELAX" not in keywords:
        return None
    section = keywords.section("RELAX", "")
    options = section.body[:1] if section.body and "=" in section.body[0].text else ()
    keywords.ignore(section.body[len(options) :])
    if not options:
        return RelaxOptions(line=section.line)
    place = keywords.place(options[0].line)
    n_values = {item.name: 3 if item.name == "dmax" else 1 for item in _RELAX_KEYS}
    given = parse_arguments(options[0].text, n_values, place, "RELAX")
    values: dict[str, Any] = {}
    for item in _RELAX_KEYS:
        if item.name in given:
            try:
                parsed = tuple(parse_value(item, token) for token in given[item.name])
            except ValueError as reason:
                raise place.error(f"RELAX: {reason}") from None
            values[item.target] = parsed if item.name == "dmax" else parsed[0]
    if "cell" in values:
        values["cell"] = _ANSWERS[values["cell"]]
    return RelaxOptions(**values, line=place.line or 0)


def format_predict_in(content: PredictInput) -> str:
    """Return the text of a ``predict.in`` that aenet and ``read_predict_in`` understand."""
    lines = ["TYPES", str(len(content.species)), *content.species]
    lines += ["", "NETWORKS"] if content.networks else []
    lines += [f"{symbol:<2} {quote(path.text)}" for symbol, path in content.networks.items()]
    lines += [""] + [item.name for item in _FLAGS if getattr(content, item.target)]
    lines += format_value(PREDICT_IN["VERBOSITY"], content.verbosity)
    if content.relax is not None:
        relax = content.relax
        dmax = " ".join(repr(value) for value in relax.dmax_c)
        lines += [
            "",
            "RELAX",
            f"method={relax.method} F_conv={relax.force_tolerance!r}"
            f" E_conv={relax.energy_tolerance!r} steps={relax.steps} dmax={dmax}"
            + (" cell=yes" if relax.cell else ""),
        ]
    if content.files:
        lines += ["", "FILES", str(len(content.files)), *(entry.text for entry in content.files)]
    return "\n".join(lines) + "\n"


def write_predict_in(path: str | Path, content: PredictInput) -> None:
    """Write a ``predict.in``, completely or not at all; see ``format_predict_in``."""
    write_text(path, format_predict_in(content))
