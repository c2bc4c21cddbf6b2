"""``init``: commented input files to start from."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from pathlib import Path
from string import Template

from aenetpy.analysis.dataset import Dataset, describe_dataset
from aenetpy.errors import UsageError
from aenetpy.files.files import check_new, read_text, remove_leftovers, write_text
from aenetpy.inputs.entries import matches, parse_entry
from aenetpy.inputs.given import yaml_text
from aenetpy.inputs.lines import times
from aenetpy.structures.reading import iter_structures

ETAS_PAIR = (0.003, 0.036, 0.071, 0.125, 0.214, 0.357, 0.714, 1.428)
ETAS_TRIPLE = (0.0004, 0.03, 0.09)
ZETAS = (1.0, 2.0, 4.0)

log = logging.getLogger("aenetpy")


@dataclass(frozen=True)
class Fit:
    """One run of train, as examples/forces and the README recommend."""

    alpha: float | None
    method: str
    iterations: int
    regularization: str


@dataclass(frozen=True)
class Recipe:
    """How a potential is fitted."""

    fits: Mapping[str, Fit]
    nodes: str = "2 15:tanh 15:tanh"
    radial_order: int = 16
    angular_order: int = 4
    stress: bool = False


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
)
SMALL = "2 50:twist 30:twist"
FEW = 10_000
"""Force components, for each species, that are too few for the large networks of FORCES."""


@dataclass(frozen=True)
class Suggestions:
    """Values for the templates: usual values, or values of a data set.

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
    """Fill the templates for some species and write them into the working directory."""
    suggestions = Suggestions(radial_cutoff=5.5, angular_cutoff=4.2) if forces else Suggestions()
    if files:
        names = [name for entry in files for name in matches(entry) or [entry]]
        dataset = describe_dataset(s for name in names for s in iter_structures(name))
        species = species or dataset.species
        suggestions = suggest_from(dataset, species, files)
        recipe = choose_recipe(dataset, forces, learn)
    else:
        recipe = FORCES if forces else ENERGIES
    for symbol in species:
        if not symbol.isalnum() or len(symbol) > 2 or list(species).count(symbol) > 1:
            raise UsageError(
                f"species '{symbol}' is no symbol of one or two letters, or given twice",
                hint="write for instance: aenetpy init -s Ti -s O",
            )
    words = _general_words(species, suggestions, recipe)
    contents = {"generate.in": _filled("generate.in", words)}
    for name, fit in recipe.fits.items():
        contents[name] = _filled("train.in", words | _fit_words(fit, recipe.stress))
    contents["predict.in"] = _filled("predict.in", words)
    for symbol in species:
        contents[f"{symbol}.fingerprint.stp"] = _filled(
            f"{basis}.stp", _setup_words(symbol, species, suggestions, recipe)
        )
    if learn:
        start = yaml_text(_first_of(suggestions.files[0]))
        contents["learn.yaml"] = _filled("learn.yaml", {"start": start})
    # Files of an earlier call may stay: it may have been killed half way.
    remove_leftovers(".")
    missing = [name for name, text in contents.items() if not _holds(name, text)]
    for name in missing:
        check_new(name, "remove it, or use another folder")
    for name in missing:
        write_text(name, contents[name])
    return list(contents)


def suggest_from(dataset: Dataset, species: Sequence[str], files: Sequence[str]) -> Suggestions:
    """Return the values for a data set, and log their origin."""
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
        isolated = [x for x, is_ in zip(dataset.species, fit.isolated_t, strict=True) if is_]
        log.info(
            "atomic energies are %s%s%s",
            "fitted to the total energies"
            if not isolated
            else f"the energies of the isolated atoms of {', '.join(isolated)}"
            + ", others fitted" * (len(isolated) < len(dataset.species)),
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


def choose_recipe(dataset: Dataset, forces: bool, learn: bool) -> Recipe:
    """Return how a potential is fitted to a data set, and say why."""
    if not forces:
        return ENERGIES
    if not dataset.n_forces and not learn:
        log.warning("no structure has forces: train.in fits energies alone, without FORCES")
        return ENERGIES
    recipe = replace(FORCES, stress=dataset.n_with_stress > 0)
    if recipe.stress:
        known = times(dataset.n_with_stress, "structure")
        log.info("%s with stress: STRESS is on in train.in", known)
    per_species = dataset.n_forces // len(dataset.species)
    if dataset.n_forces and per_species < FEW and not learn:
        recipe = replace(recipe, nodes=SMALL)
    log.info(
        "%d force components per species: networks %s", per_species, recipe.nodes.partition(" ")[2]
    )
    return recipe


def _first_of(entry: str) -> str:
    """Return the first structure of an entry of FILES."""
    parts = parse_entry(entry)
    first = (matches(parts.path) or [parts.path])[0]
    return (first if parts.index is None else f"{first}@0") + parts.tail


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


def _fit_words(fit: Fit, stress: bool) -> dict[str, str]:
    return {
        "energies_alone": "! " if fit.alpha is None else "",
        "alpha": str(0.99 if fit.alpha is None else fit.alpha),
        "method": fit.method,
        "iterations": str(fit.iterations),
        "regularization": fit.regularization,
        "no_stress": "" if stress else "! ",
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
        "radial_cutoff": str(suggestions.radial_cutoff),
        "angular_cutoff": str(suggestions.angular_cutoff),
        "radial_order": str(recipe.radial_order),
        "angular_order": str(recipe.angular_order),
        "n_functions": str(len(pairs) + len(triples)),
        "functions": "\n".join(pairs + triples),
    }
