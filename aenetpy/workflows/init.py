"""``init``: commented input files to start from."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from string import Template

from aenetpy.analysis.dataset import Dataset, describe_dataset
from aenetpy.errors import UsageError
from aenetpy.io.files import check_new, read_text, write_text
from aenetpy.io.free_form import times
from aenetpy.io.patterns import matches
from aenetpy.io.structures import iter_structures, split_index, split_units
from aenetpy.io.yaml_in import yaml_text

ETAS_PAIR = (0.003, 0.036, 0.071, 0.125, 0.214, 0.357, 0.714, 1.428)
ETAS_TRIPLE = (0.0004, 0.03, 0.09)
ZETAS = (1.0, 2.0, 4.0)

log = logging.getLogger("aenetpy")


@dataclass(frozen=True)
class Fit:
    """One run of train: what examples/forces and the README recommend."""

    alpha: float | None
    method: str
    iterations: int
    regularization: str


@dataclass(frozen=True)
class Recipe:
    """How a potential is fitted.

    Parameters
    ----------
    fits
        The runs of train, by the name of their input.
    nodes
        Hidden layers.
    radial_order, angular_order
        Of Chebyshev fingerprints.
    radial_cutoff, angular_cutoff
        Å, at most.
    """

    fits: Mapping[str, Fit]
    nodes: str = "2 15:tanh 15:tanh"
    radial_order: int = 16
    angular_order: int = 4
    radial_cutoff: float = math.inf
    angular_cutoff: float = math.inf


ENERGIES = Recipe({"train.in": Fit(None, "bfgs", 500, "! REGULARIZATION 0.000001")})
FORCES = Recipe(
    {
        "train.in": Fit(
            0.99, "adamw lr=0.005 halflife=100 batchsize=10", 800, "REGULARIZATION 0.05"
        ),
        "train-2.in": Fit(
            0.7, "adamw lr=0.0005 halflife=20 batchsize=10", 133, "REGULARIZATION 0.05"
        ),
    },
    nodes="2 100:twist 60:twist",
    radial_order=20,
    angular_order=14,
    radial_cutoff=5.5,
    angular_cutoff=4.2,
)


@dataclass(frozen=True)
class Suggestions:
    """What is filled into the templates: usual values, or those of a data set.

    Parameters
    ----------
    files
        Entries of FILES.
    atomic_energies_t
        eV, of each species; None if unknown.
    r_min, radial_cutoff, angular_cutoff
        Å.
    """

    files: tuple[str, ...] = ("structures.xyz@:",)
    atomic_energies_t: tuple[float, ...] | None = None
    r_min: float = 1.0
    radial_cutoff: float = 6.5
    angular_cutoff: float = 4.5


def template_folder() -> Path:
    """Return where the templates are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


def write_inputs(
    species: Sequence[str],
    basis: str = "chebyshev",
    files: Sequence[str] = (),
    forces: bool = False,
    learn: bool = False,
) -> list[str]:
    """Fill the templates for some species and write them into the working directory.

    Parameters
    ----------
    species
        Symbols in TYPES order; those of the structures, in the order of appearance, if empty.
    basis
        ``chebyshev`` or ``behler2011``.
    files
        Structures, as in FILES. They give atomic energies, RMIN and cutoffs.
    forces
        Whether forces are trained on.
    learn
        Whether ``learn.yaml`` is written, too.

    Returns
    -------
    names
        The files written, those included that were there with the same content.

    Raises
    ------
    UsageError
        If a symbol is given twice or has more than two letters.
    DataError
        If a structure file is wrong, or there is another file of one of the names; none is
        written then.
    """
    suggestions = Suggestions()
    if files:
        names = [name for entry in files for name in matches(entry) or [entry]]
        dataset = describe_dataset(s for name in names for s in iter_structures(name))
        species = species or dataset.species
        suggestions = suggest_from(dataset, species, files)
    for symbol in species:
        if not symbol.isalnum() or len(symbol) > 2 or list(species).count(symbol) > 1:
            raise UsageError(
                f"species '{symbol}' is no symbol of one or two letters, or given twice",
                hint="write for instance: aenetpy init -s Ti -s O",
            )
    recipe = FORCES if forces else ENERGIES
    words = _general_words(species, suggestions, recipe)
    contents = {"generate.in": _filled("generate.in", words)}
    for name, fit in recipe.fits.items():
        contents[name] = _filled("train.in", words | _fit_words(fit))
    contents["predict.in"] = _filled("predict.in", words)
    for symbol in species:
        contents[f"{symbol}.fingerprint.stp"] = _filled(
            f"{basis}.stp", _setup_words(symbol, species, suggestions, recipe)
        )
    if learn:
        start = yaml_text(_first_of(suggestions.files[0]))
        contents["learn.yaml"] = _filled("learn.yaml", {"start": start})
    # What an earlier call has written may stay: it may have been killed half way.
    missing = [name for name, text in contents.items() if not _holds(name, text)]
    for name in missing:
        check_new(name, "remove it, or use another folder")
    for name in missing:
        write_text(name, contents[name])
    return list(contents)


def suggest_from(dataset: Dataset, species: Sequence[str], files: Sequence[str]) -> Suggestions:
    """Return what to fill in for a data set, and tell the user where it comes from.

    Raises
    ------
    UsageError
        If the structures hold a species that is not in ``species``.
    """
    for symbol in dataset.species:
        if symbol not in species:
            raise UsageError(
                f"the structures hold {symbol}, which is not among {' '.join(species)}",
                hint=f"add -s {symbol}, or leave out -s to take the species of the structures",
            )
    log.info(
        "%s: the shortest distance is %.2f Å; within %g and %g Å, the radial and angular cutoffs,"
        " an atom has %.0f and %.0f neighbours on average",
        times(dataset.n_structures, "structure"),
        dataset.shortest,
        dataset.radial_cutoff,
        dataset.angular_cutoff,
        dataset.neighbors_within(dataset.radial_cutoff),
        dataset.neighbors_within(dataset.angular_cutoff),
    )
    for n, what in (
        (dataset.n_without_energy, "energy"),
        (dataset.n_without_forces, "forces"),
    ):
        if n:
            log.warning("%s without %s: generate will refuse them", times(n, "structure"), what)
    fit = dataset.atomic_energies
    energies_t = None
    if fit is not None:
        by_symbol = dict(zip(dataset.species, fit.energies_t.tolist(), strict=True))
        energies_t = tuple(by_symbol.get(symbol, 0.0) for symbol in species)
        log.info(
            "atomic energies are fitted to the total energies%s%s",
            f": they leave {1000 * fit.rmse:.0f} meV/atom (RMS)"
            if math.isfinite(fit.rmse)
            else " of too few structures to judge them by",
            ""
            if fit.unique
            else "; other values do as well, since compositions do not tell the species apart",
        )
    return Suggestions(
        tuple(files), energies_t, dataset.r_min, dataset.radial_cutoff, dataset.angular_cutoff
    )


def _first_of(entry: str) -> str:
    """Return the first structure of an entry of FILES."""
    bare, units = split_units(entry)
    path, index = split_index(bare)
    first = (matches(path) or [path])[0]
    return (first if index is None else f"{first}@0") + (f"#units={units}" if units else "")


def _holds(name: str, text: str) -> bool:
    return os.path.isfile(name) and read_text(name) == text


def _filled(name: str, words: dict[str, str]) -> str:
    return Template(read_text(template_folder() / name)).substitute(words)


def _general_words(
    species: Sequence[str], suggestions: Suggestions, recipe: Recipe
) -> dict[str, str]:
    def lines(form: str) -> str:
        return "\n".join(form.format(symbol) for symbol in species)

    energies = ["0.0"] * len(species)
    if suggestions.atomic_energies_t is not None:
        energies = [f"{energy:.6f}" for energy in suggestions.atomic_energies_t]
    return {
        "training_set": f"{''.join(species)}.train",
        "n_species": str(len(species)),
        "species_list": lines("{}"),
        "types": "\n".join(
            f"{symbol} {energy}" for symbol, energy in zip(species, energies, strict=True)
        ),
        "setups": lines("{0} {0}.fingerprint.stp"),
        "networks": lines(f"{{0}} {{0}}.nn {recipe.nodes}"),
        "network_files": lines("{0} {0}.nn"),
        "n_files": str(len(suggestions.files)),
        "files": "\n".join(suggestions.files),
    }


def _fit_words(fit: Fit) -> dict[str, str]:
    return {
        "energies_alone": "! " if fit.alpha is None else "",
        "alpha": str(0.99 if fit.alpha is None else fit.alpha),
        "method": fit.method,
        "iterations": str(fit.iterations),
        "regularization": fit.regularization,
    }


def _setup_words(
    symbol: str, species: Sequence[str], suggestions: Suggestions, recipe: Recipe
) -> dict[str, str]:
    cutoff = suggestions.radial_cutoff
    pairs = [
        f"G=2 type2={other} eta={eta} Rs=0.0 Rc={cutoff}" for other in species for eta in ETAS_PAIR
    ]
    triples = [
        f"G=4 type2={one} type3={other} eta={eta} lambda={sign} zeta={zeta} Rc={cutoff}"
        for one, other in combinations_with_replacement(species, 2)
        for zeta in ZETAS
        for sign in (-1.0, 1.0)
        for eta in ETAS_TRIPLE
    ]
    return {
        "species": symbol,
        "n_species": str(len(species)),
        "species_list": "\n".join(species),
        "rmin": str(suggestions.r_min),
        "radial_cutoff": str(min(suggestions.radial_cutoff, recipe.radial_cutoff)),
        "angular_cutoff": str(min(suggestions.angular_cutoff, recipe.angular_cutoff)),
        "radial_order": str(recipe.radial_order),
        "angular_order": str(recipe.angular_order),
        "n_functions": str(len(pairs) + len(triples)),
        "functions": "\n".join(pairs + triples),
    }
