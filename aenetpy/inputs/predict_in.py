"""The input file of ``predict`` (spec 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aenetpy.files.files import write_text
from aenetpy.inputs.entries import matches
from aenetpy.inputs.keywords import RULES, Keywords, format_value
from aenetpy.inputs.lines import (
    Entry,
    Place,
    parse_arguments,
    parse_integer,
    parse_real,
    quote,
)
from aenetpy.inputs.spec import Bounds, Item, Table, defaults, names

VERBOSITIES = ("low", "normal", "high")
"""Also written by their numbers 0, 1 and 2, as the Python package of aenet does."""

_TYPES = "the lines 'TYPES', '2', 'Ti', 'O'"
_NETWORKS = "the line 'NETWORKS' and below it one line 'Ti Ti.nn' per species"
_FILES = (
    "the line 'FILES', then the number of structures, then one file per line,"
    " or name a structure on the command line"
)
_ANSWERS = {"yes": True, "no": False}

RELAX_KEYS = (
    Item("method", "word", "no other is known", default="bfgs", choices=("bfgs",)),
    Item(
        "F_conv",
        "number",
        "relax until no force component exceeds it",
        default=0.01,
        bounds=Bounds(0),
        unit="eV/Å",
    ),
    Item(
        "E_conv",
        "number",
        "and until the last step changed the energy by that at most",
        default=0.001,
        bounds=Bounds(0),
        unit="eV",
    ),
    Item("steps", "integer", "largest number of steps", default=99, bounds=Bounds(0)),
    Item(
        "dmax",
        "number",
        "limits a step along each axis",
        default="1 1 1",
        bounds=Bounds(above=0),
        unit="Å",
        form="three positive numbers (Å)",
    ),
    Item("cell", "word", "`yes` relaxes the lattice too", default="no", choices=tuple(_ANSWERS)),
)

PREDICT_IN = Table(
    "predict.in",
    "What `aenetpy predict` reads: networks, and the structures whose energies are asked for.",
    (
        Item(
            "TYPES",
            "lines",
            "the species",
            required=True,
            form="next line the number, then one symbol per line",
        ),
        Item(
            "NETWORKS",
            "lines",
            "binary `.nn` or `.nn.ascii` of aenet-PyTorch",
            required=True,
            form="then `<symbol> <file>` each",
        ),
        Item(
            "FILES",
            "lines",
            "as in generate.in, but energy and forces are not needed; structures on the command"
            " line replace it",
            required=True,
            form="next line the number, then one file per line",
        ),
        Item("FORCES", "flag", "forces, eV/Å"),
        Item("PRINT_ATOMIC_ENERGIES", "flag", "one more column"),
        Item(
            "VERBOSITY",
            "word",
            "`normal` and `high` are the same; also written 0, 1, 2; any other word acts as"
            " `normal`, with a note",
            default="normal",
            choices=VERBOSITIES,
        ),
        Item("TIMING", "flag", "write `predict.time`"),
        Item(
            "RELAX",
            "lines",
            "relax until no force component exceeds F_conv (eV/Å) and the last step changed the"
            " energy by E_conv (eV) at most; dmax (Å) limits a step along each axis; `cell=yes`"
            " relaxes the lattice too",
            told="off",
            form="next line `method=bfgs F_conv=0.01 E_conv=0.001 steps=99 dmax=1 1 1 cell=no`",
            keys=RELAX_KEYS,
        ),
        Item("DEBUG", "flag", "read, no effect"),
    ),
    rules=RULES,
)
_FLAGS = names(tuple(item for item in PREDICT_IN if item.kind == "flag"))
_N_VALUES = {item.name: 3 if item.name == "dmax" else 1 for item in RELAX_KEYS}


@dataclass(frozen=True)
class RelaxOptions:
    """Options of a geometry optimisation.

    Parameters
    ----------
    method
        Always ``bfgs``.
    force_tolerance
        F_conv, the largest component of a force in the end, eV/Å.
    energy_tolerance
        E_conv, the largest change of energy by the last step, eV; without much effect in aenet.
    steps
        Largest number of steps.
    dmax_c
        Largest displacement by one step per direction, Å; aenet ignores it.
    cell
        Whether the lattice vectors move too; aenet does not know it.
    line
        Line number.
    """

    method: str = "bfgs"
    force_tolerance: float = 0.01
    energy_tolerance: float = 0.001
    steps: int = 99
    dmax_c: tuple[float, float, float] = (1.0, 1.0, 1.0)
    cell: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class PredictInput:
    """What ``predict.in`` says (spec 4)."""

    path: str
    species: tuple[str, ...]
    networks: dict[str, Entry]
    files: tuple[Entry, ...] = ()
    forces: bool = False
    print_atomic_energies: bool = False
    relax: RelaxOptions | None = None
    verbosity: str = "normal"
    timing: bool = False
    debug: bool = False
    lines: dict[str, int] = field(default_factory=dict, compare=False)


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
    flags = {item.target: keywords.value(item) for item in PREDICT_IN if item.kind == "flag"}
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
    return _parse_relax(parse_arguments(options[0].text, _N_VALUES, place, "RELAX"), place)


def _parse_relax(given: dict[str, list[str]], place: Place) -> RelaxOptions:
    tokens = {key: text.split() for key, text in defaults(RELAX_KEYS).items()} | given
    method = tokens["method"][0].lower()
    if method != "bfgs":
        raise place.error(f"unknown optimization method '{method}'", "RELAX knows only bfgs")
    try:
        force_tolerance, energy_tolerance = (parse_real(tokens[k][0]) for k in ("F_conv", "E_conv"))
        steps = parse_integer(tokens["steps"][0])
        x, y, z = (parse_real(token) for token in tokens["dmax"])
    except ValueError as reason:
        raise place.error(f"RELAX: {reason}") from None
    numbers = {"F_conv": force_tolerance, "E_conv": energy_tolerance, "steps": steps}
    numbers["dmax"] = min(x, y, z)
    if not all(key.bounds.allow(numbers[key.name]) for key in RELAX_KEYS if key.name in numbers):
        raise place.error(
            "RELAX: F_conv, E_conv, steps must not be negative, dmax must be positive"
        )
    answer = tokens["cell"][0].lower()
    if answer not in _ANSWERS:
        raise place.error(f"RELAX: cell={answer} is neither yes nor no")
    return RelaxOptions(
        method=method,
        force_tolerance=force_tolerance,
        energy_tolerance=energy_tolerance,
        steps=steps,
        dmax_c=(x, y, z),
        cell=_ANSWERS[answer],
        line=place.line or 0,
    )


def format_predict_in(content: PredictInput) -> str:
    """Return the text of a ``predict.in`` that aenet and ``read_predict_in`` understand."""
    lines = ["TYPES", str(len(content.species)), *content.species]
    lines += ["", "NETWORKS"] if content.networks else []
    lines += [f"{symbol:<2} {quote(path.text)}" for symbol, path in content.networks.items()]
    lines += [""] + [name for name in _FLAGS if getattr(content, name.lower())]
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
