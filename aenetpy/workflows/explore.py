"""``explore``: what a set of structures is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aenetpy.analysis.atomic_energies import AtomicEnergies, fit_atomic_energies
from aenetpy.analysis.dataset import Dataset, describe_dataset
from aenetpy.analysis.likeness import NEARLY, alike, repeated
from aenetpy.analysis.mixed_energies import MixedEnergies, find_mixed_energies
from aenetpy.analysis.outliers import EnergyCheck, check_energies
from aenetpy.analysis.slopes import slope_ratios
from aenetpy.analysis.survey import Survey, survey
from aenetpy.analysis.work_of_forces import against_forces
from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.featurise import batch_fingerprints
from aenetpy.errors import DataError
from aenetpy.interruption import interruptible
from aenetpy.io.free_form import times
from aenetpy.io.patterns import matches
from aenetpy.io.structures import iter_structures
from aenetpy.parallel import one_blas_thread
from aenetpy.workflows.atomic_energies import types_block
from aenetpy.workflows.batches import batches_of_atoms

NET_FORCE = 0.01
"""Sum of all forces, per atom, from which on they do not belong together, eV/Å."""

TOO_CLOSE = 0.5
"""No two nuclei are closer than this, Å: H2 has 0.74."""

LONG_FORCE = 20.0
"""Forces that are longer, eV/Å, rule a fit: nuclei that nearly touch, or a mistake."""

RARE, FEW = 0.05, 10
"""A species in less than this share and less than this number of structures is rare."""

SIGNS, SHARE_OF_SIGNS = 3, 0.1
"""So many structures, and this share of those that a fit speaks of, are no coincidence."""

OTHER_SIGN, OTHER_UNITS = 0.3, 5.0
"""Ratios of fitted slopes and forces that a fit does not give by its own error."""

STEP, LEAST_FORCE = 0.02, 0.05
"""Å that the atom with the longest force moves by, if that is so long, by the median of all."""

CONTRADICTION = 0.01
"""Difference of energies, eV/atom, that nearly equal structures have at most, besides the work of
their forces along the distance that they may be apart."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or should be looked at.

    Parameters
    ----------
    kind
        A word that does not change, for programs.
    text
        For people.
    names
        Of the structures, or files, it is about.
    """

    kind: str
    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Exploration:
    """What was found.

    Parameters
    ----------
    survey, dataset
        Numbers of the structures, and what they suggest for the input files.
    energies
        How energies go with each other.
    rest_s
        Energies per atom less fitted atomic energies, eV/atom, (s,); not a number where unknown.
    cutoffs
        Å; cell heights are compared with them.
    findings
        What is wrong, the worst first.
    """

    survey: Survey
    dataset: Dataset
    energies: EnergyCheck
    rest_s: Float
    cutoffs: tuple[float, ...]
    findings: tuple[Finding, ...]

    @property
    def types_block(self) -> str | None:
        """The block TYPES of ``generate.in`` with fitted energies; None if no energy is known."""
        fit = self.dataset.atomic_energies
        return None if fit is None else types_block(self.survey.species, fit.energies_t)


def explore(
    files: Sequence[str],
    cutoffs: Sequence[float] = (),
    on_file: Callable[[], object] = lambda: None,
) -> Exploration:
    """Look at structures, all of which are held in memory.

    Parameters
    ----------
    files
        As in FILES of ``generate.in``, patterns included. Those that cannot be read are findings.
    cutoffs
        To compare cell heights with, Å; those that the data suggest by default.
    on_file
        Called after each entry.

    Raises
    ------
    DataError
        If no structure can be read.
    """
    structures, refused = read_all(files, on_file)
    with one_blas_thread():
        found = survey(structures)
        dataset = describe_dataset(structures)
        features_sg = mean_features(structures, found.species)
        of_structures_s = np.where(found.isolated_s, np.nan, found.energies_s)
        energies = check_energies(of_structures_s, found.counts_st, features_sg)
        mixed = find_mixed_energies(of_structures_s, found.counts_st, features_sg)
        signs = []
        if mixed is None and energies.upper_s is None:
            fitted_s = np.where(energies.outliers_s, np.nan, of_structures_s)
            signs = wrong_signs(structures, found, fitted_s, features_sg)
    findings = [
        *refused,
        *missing(found, structures),
        *(strange_energies(found, energies) if mixed is None else two_kinds(found, mixed)),
        *strange_geometry(found),
        *strange_forces(found),
        *signs,
        *rare_species(found),
        *different_atoms(found),
        *repetitions(found),
        *undetermined(dataset, found),
    ]
    return Exploration(
        survey=found,
        dataset=dataset,
        energies=energies,
        rest_s=less_references(found),
        cutoffs=tuple(cutoffs) or (dataset.radial_cutoff, dataset.angular_cutoff),
        findings=tuple(findings),
    )


def read_all(
    files: Sequence[str], on_file: Callable[[], object]
) -> tuple[list[Structure], list[Finding]]:
    """Return the structures that can be read, and what is wrong with the others."""
    structures: list[Structure] = []
    refused: list[Finding] = []
    first: DataError | None = None
    for entry in interruptible(files):
        for name in matches(entry) or [entry]:
            try:
                for structure in iter_structures(name):
                    survey([structure])  # refuses what has no usable cell
                    structures.append(structure)
            except DataError as error:
                first = first or error
                refused.append(Finding("unreadable", str(error), (name,)))
        on_file()
    if not structures:
        raise first or DataError("no structures are named", hint="name files, as in FILES")
    return structures, refused


def mean_features(structures: Sequence[Structure], species: tuple[str, ...]) -> Float:
    """Return small Chebyshev fingerprints summed over the atoms, per atom, (s, g)."""
    descriptors = [
        make_descriptor(
            Setup.chebyshev(
                symbol,
                species,
                radial_cutoff=5.0,
                radial_order=6,
                angular_cutoff=4.0,
                angular_order=3,
            ),
            species,
        )
        for symbol in species
    ]
    rows = []
    for batch in batches_of_atoms(structures, len):
        for structure, one in zip(
            batch, batch_fingerprints(batch, species, descriptors), strict=True
        ):
            sums = [features_ng.sum(axis=0) for features_ng in one.features_tng]
            rows.append(np.concatenate(sums) / len(structure))
    return np.array(rows)


def less_references(found: Survey) -> Float:
    """Return energies per atom less fitted atomic energies, eV/atom; not a number where unknown."""
    known_s = np.isfinite(found.energies_s)
    rest_s = np.full(len(known_s), np.nan)
    if known_s.any():
        fit = fit_known(found)
        rest_s[known_s] = found.energies_s[known_s] - found.counts_st[known_s] @ fit.energies_t
    return np.asarray(rest_s / found.n_atoms_s)


def standard_errors(found: Survey) -> Float:
    """Return the standard errors of fitted atomic energies, eV, (t,).

    Not a number for those of isolated atoms, infinite for those that are not determined.
    """
    fit = fit_known(found)
    errors_t = np.where(fit.isolated_t, np.nan, np.inf)
    if fit.unique:
        used_s = np.isfinite(found.energies_s) & ~found.isolated_s
        shares_st = found.counts_st[used_s] / found.n_atoms_s[used_s, None]
        shares_st = shares_st[:, ~fit.isolated_t]
        inverse_tt = np.linalg.inv(shares_st.T @ shares_st)
        errors_t[~fit.isolated_t] = fit.rmse * np.sqrt(np.diag(inverse_tt))
    return np.asarray(errors_t)


def fit_known(found: Survey) -> AtomicEnergies:
    """Return the atomic energies that suit all known energies."""
    known_s = np.isfinite(found.energies_s)
    return fit_atomic_energies(
        found.counts_st[known_s], found.energies_s[known_s], found.isolated_s[known_s]
    )


def missing(found: Survey, structures: Sequence[Structure]) -> list[Finding]:
    """Return what structures lack, and kinds of energies and periodicity that are mixed."""
    findings = []
    cohesive = [bool(structure.cohesive_energy) for structure in structures]
    without = [s.energy is None and not s.cohesive_energy for s in structures]
    for kind, chosen_s, text in (
        ("without_energy", without, "without energy: generate will refuse them"),
        (
            "without_forces",
            np.isnan(found.longest_s),
            "without forces: generate takes them only with FORCES_OPTIONAL",
        ),
        (
            "unconverged",
            found.unconverged_s,
            "whose electronic steps did not converge: generate leaves them out, unless UNCONVERGED"
            " keep takes them",
        ),
        (
            "cohesive_energies",
            cohesive if not all(cohesive) else [],
            "with a cohesive energy, "
            "others with a total energy: the atomic energies of TYPES must be theirs",
        ),
    ):
        names = tuple(np.array(found.names_s)[np.flatnonzero(chosen_s)])
        if names:
            findings.append(Finding(kind, f"{times(len(names), 'structure')} {text}", names))
    periodic_s = np.where(found.isolated_s, -1, found.periodic_s)
    if len(kinds := np.unique(periodic_s[~found.isolated_s])) > 1:
        counts = ", ".join(
            f"{(periodic_s == k).sum()} in {times(int(k), 'direction')}" for k in kinds
        )
        fewest = min(kinds, key=lambda k: (periodic_s == k).sum())
        names = tuple(np.array(found.names_s)[periodic_s == fewest])
        findings.append(
            Finding("mixed_periodicity", f"not all are periodic alike: {counts}", names)
        )
    return findings


def strange_energies(found: Survey, energies: EnergyCheck) -> list[Finding]:
    """Return outliers, or two groups of energies."""
    names_s = np.array(found.names_s)
    what = "composition and geometry" if energies.of_geometry else "composition"
    if energies.upper_s is not None:
        upper_s, lower_s = energies.upper_s, np.isfinite(energies.rest_s) & ~energies.upper_s
        text = (
            f"the energies fall into two groups that {what} do not explain, {energies.step:.3g}"
            f" eV/atom apart: {lower_s.sum()} structures ('{names_s[lower_s][0]}', ...) and"
            f" {upper_s.sum()} ('{names_s[upper_s][0]}', ...); are they of one code, with one set"
            " of pseudopotentials and settings?"
        )
        fewer_s = upper_s if upper_s.sum() <= lower_s.sum() else lower_s
        return [Finding("two_references", text, tuple(names_s[fewer_s]))]
    middle = np.nanmedian(energies.rest_s) if np.isfinite(energies.rest_s).any() else 0.0
    order = np.argsort(-np.abs(energies.rest_s - middle))
    worst = [s for s in order if energies.outliers_s[s]]
    if not worst:
        return []
    rest = energies.rest_s[worst[0]] - middle
    text = (
        f"{times(len(worst), 'structure')} with an energy unlike those of the others by more than"
        f" {what} explain (standard deviation {1000 * energies.deviation:.3g} meV/atom): the worst,"
        f" {names_s[worst[0]]}, by {rest:+.3g} eV/atom ({rest * found.n_atoms_s[worst[0]]:+.3g} eV)"
    )
    return [Finding("energy_outliers", text, tuple(names_s[worst]))]


def two_kinds(found: Survey, mixed: MixedEnergies) -> list[Finding]:
    """Return which energies are in another unit, or have other atomic energies."""
    names_s, others_s = np.array(found.names_s), mixed.others_s
    fewer_s = others_s
    if mixed.unit is not None:
        kind, what = "two_units", f"are in {mixed.unit}, those of the others in eV"
    else:
        steps = zip(found.species, mixed.steps_t, strict=True)
        per_atom = ", ".join(f"{step:+.4g} eV per {symbol}" for symbol, step in steps)
        kind, what = "two_references", f"have other atomic energies than the others: {per_atom}"
        known_s = np.isfinite(found.energies_s) & ~found.isolated_s
        fewer_s = others_s if 2 * others_s.sum() <= known_s.sum() else known_s & ~others_s
    text = (
        f"the energies of {times(int(others_s.sum()), 'structure')} ('{names_s[others_s][0]}', ...)"
        f" {what}, as it seems"
    )
    return [Finding(kind, text, tuple(names_s[fewer_s]))]


def strange_geometry(found: Survey) -> list[Finding]:
    """Return structures with atoms on top of each other."""
    shortest_s = found.shortest_sp.min(axis=1)
    close = np.flatnonzero(shortest_s < TOO_CLOSE)
    if not close.size:
        return []
    names = tuple(np.array(found.names_s)[close])
    text = (
        f"{times(len(names), 'structure')} with atoms closer than {TOO_CLOSE} Å: the closest are"
        f" {shortest_s.min():.3f} Å apart"
    )
    return [Finding("close_atoms", text, names)]


def strange_forces(found: Survey) -> list[Finding]:
    """Return structures whose forces nobody calculated, are large, or do not add up to nothing."""
    per_atom_s = np.nan_to_num(found.net_s) / found.n_atoms_s
    longest_s = np.nan_to_num(found.longest_s)
    worst, longest = int(np.argmax(per_atom_s)), int(np.argmax(longest_s))
    others = longest_s[~np.isnan(found.longest_s)].any()
    findings = []
    for kind, chosen_s, text in (
        (
            "zero_forces",
            found.zero_forces_s,
            "whose forces are all exactly zero although symmetry does not demand it"
            + ("" if others else ", as all others")
            + ": were they calculated?",
        ),
        (
            "long_forces",
            longest_s > LONG_FORCE,
            f"with a force of more than {LONG_FORCE:g} eV/Å: the longest, in"
            f" {found.names_s[longest]}, has {longest_s[longest]:.3g} eV/Å; leave them out, or"
            " train with MAXFORCES",
        ),
        (
            "net_forces",
            per_atom_s > NET_FORCE,
            f"with a net force of more than {NET_FORCE} eV/Å per"
            f" atom: the worst, {found.names_s[worst]}, {found.net_s[worst]:.3g} eV/Å in all; are"
            " forces missing, or those of fixed atoms set to zero?",
        ),
    ):
        names = tuple(np.array(found.names_s)[chosen_s])
        if names:
            findings.append(Finding(kind, f"{times(len(names), 'structure')} {text}", names))
    return findings


def wrong_signs(
    structures: Sequence[Structure], found: Survey, energies_s: Float, features_sg: Float
) -> list[Finding]:
    """Return forces that are not the slope of the energy: of the other sign, or in other units.

    By near structures, and where there are enough structures by a linear function of fingerprints.
    """
    ratios_s = forces_by_fit(structures, found, energies_s, features_sg)
    known_s = np.isfinite(ratios_s)
    by_fit = np.flatnonzero(known_s & (ratios_s < -OTHER_SIGN))
    against = set(against_forces(structures))
    if len(by_fit) >= SHARE_OF_SIGNS * known_s.sum():
        against |= set(by_fit.tolist())
    if len(against) >= SIGNS:
        names = tuple(found.names_s[s] for s in sorted(against))
        text = (
            f"{times(len(names), 'structure')} with forces of the wrong sign: the energy rises"
            " along them; are they gradients?"
        )
        return [Finding("wrong_sign", text, names)]
    if known_s.any() and not 1 / OTHER_UNITS < abs(np.median(ratios_s[known_s])) < OTHER_UNITS:
        text = (
            "forces and energies do not belong together: along the forces, the energy falls"
            f" {np.median(ratios_s[known_s]):.2g} times as fast as they say; are both in eV and Å?"
        )
        return [Finding("force_units", text, ())]
    return []


def forces_by_fit(
    structures: Sequence[Structure], found: Survey, energies_s: Float, features_sg: Float
) -> Float:
    """Return the slopes of fitted energies along the forces by the forces, see `slope_ratios`."""
    longest_s = np.nan_to_num(found.longest_s)
    least = LEAST_FORCE * float(np.median(longest_s))
    steps = [
        STEP * structure.forces_nc / longest
        if structure.forces_nc is not None and longest > least
        else np.zeros_like(structure.positions_nc)
        for structure, longest in zip(structures, longest_s, strict=True)
    ]
    features = [
        mean_features(
            [
                replace(structure, positions_nc=structure.positions_nc + sign * step_nc)
                for structure, step_nc in zip(structures, steps, strict=True)
            ],
            found.species,
        )
        for sign in (1, -1)
    ]
    works_s = [
        np.nan if structure.forces_nc is None else (structure.forces_nc * step_nc).sum() / STEP
        for structure, step_nc in zip(structures, steps, strict=True)
    ]
    shares_st = found.counts_st / found.n_atoms_s[:, None]
    changes_sg = (features[0] - features[1]) / (2 * STEP)
    return slope_ratios(
        energies_s / found.n_atoms_s,
        np.hstack([shares_st, features_sg]),
        np.hstack([np.zeros_like(shares_st), changes_sg]),
        np.array(works_s) / found.n_atoms_s,
    )


def rare_species(found: Survey) -> list[Finding]:
    """Return species that only few of many structures hold."""
    used_s = ~found.isolated_s
    findings = []
    for symbol, holds_s in zip(found.species, (found.counts_st > 0).T, strict=True):
        n, names = int(used_s.sum()), tuple(np.array(found.names_s)[holds_s & used_s])
        if len(names) < min(RARE * n, FEW):
            text = (
                f"only {times(len(names), 'structure')} of {n} hold{'s' * (len(names) == 1)}"
                f" {symbol}: too few to learn from; is it meant?"
            )
            findings.append(Finding("rare_species", text, names))
    return findings


def different_atoms(found: Survey) -> list[Finding]:
    """Return isolated atoms of one species with different energies."""
    findings = []
    for t, symbol in enumerate(found.species):
        of_s = found.isolated_s & (found.counts_st[:, t] > 0) & np.isfinite(found.energies_s)
        energies = found.energies_s[of_s]
        if energies.size and np.ptp(energies) > CONTRADICTION:
            text = (
                f"{times(len(energies), 'isolated atom')} of {symbol} with energies from"
                f" {energies.min():.6g} to {energies.max():.6g} eV: the lowest is taken"
            )
            names = tuple(np.array(found.names_s)[of_s])
            findings.append(Finding("isolated_atoms_differ", text, names))
    return findings


def repetitions(found: Survey) -> list[Finding]:
    """Return structures that are equal or nearly equal, and those whose energies then differ."""
    findings = []
    equal = repeated(found.digests_s)
    again = {s for group in equal for s in group[1:]}
    near: list[tuple[int, int]] = []
    against: list[tuple[int, int]] = []
    per_atom_s = found.energies_s / found.n_atoms_s
    for first, *others in alike(found):
        for s in others:
            if s in again:
                continue
            work = NEARLY * np.nan_to_num(max(found.longest_s[first], found.longest_s[s]))
            differs = abs(per_atom_s[s] - per_atom_s[first]) > CONTRADICTION + work
            (against if differs else near).append((first, s))
    pairs = [(group[0], s) for group in equal for s in group[1:]]
    for kind, found_pairs, text in (
        ("equal", pairs, "equal to earlier ones in all but their names"),
        (
            "nearly_equal",
            near,
            f"nearly equal to earlier ones (all distances the same to {NEARLY} Å)",
        ),
        (
            "contradictory",
            against,
            f"nearly equal to earlier ones (distances the same to {NEARLY} Å) but with other"
            " energies, by more than their forces explain",
        ),
    ):
        if found_pairs:
            a, b = found_pairs[0]
            example = f"'{found.names_s[b]}' and '{found.names_s[a]}'"
            names = tuple(found.names_s[s] for _, s in found_pairs)
            findings.append(
                Finding(kind, f"{times(len(names), 'structure')} {text}: {example}", names)
            )
    return findings


def undetermined(dataset: Dataset, found: Survey) -> list[Finding]:
    """Return whether the compositions leave atomic energies open."""
    fit = dataset.atomic_energies
    if fit is None or fit.unique:
        return []
    used_s = np.isfinite(found.energies_s) & ~found.isolated_s
    rank = np.linalg.matrix_rank(found.counts_st[used_s][:, ~fit.isolated_t])
    text = (
        f"the compositions do not determine the atomic energies: they tell {rank} of"
        f" {(~fit.isolated_t).sum()} apart; those below fit, others as well"
    )
    return [Finding("undetermined_references", text, ())]
