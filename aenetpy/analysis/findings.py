"""Possible faults of a set of structures, finding by finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aenetpy.analysis.dataset import Dataset
from aenetpy.analysis.likeness import NEARLY, alike, repeated
from aenetpy.analysis.mixed_energies import MixedEnergies
from aenetpy.analysis.outliers import EnergyCheck
from aenetpy.analysis.survey import Survey
from aenetpy.analysis.work_of_forces import against_forces
from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.inputs.lines import times

NET_FORCE = 0.01
"""Sum of all forces, per atom, from which on they do not belong together, eV/Å."""

TOO_CLOSE = 0.5
"""No two nuclei are closer than this, Å: H2 has 0.74."""

LONG_FORCE = 20.0
"""Forces that are longer, eV/Å, rule a fit: nuclei that nearly touch, or a mistake."""

RARE, FEW = 0.05, 10
"""A species in less than this share and less than this number of structures is rare."""

SIGNS, SHARE_OF_SIGNS = 3, 0.2
"""So many structures, and this share of those that a fit speaks of, are no coincidence."""

OTHER_SIGN, OTHER_UNITS = 0.3, 5.0
"""Ratios of fitted slopes and forces that a fit does not give by its own error."""


CONTRADICTION = 0.01
"""Difference of energies, eV/atom, that nearly equal structures have at most, besides the work of
their forces along the distance that they may be apart."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or should be looked at."""

    kind: str
    text: str
    names: tuple[str, ...]


def missing(found: Survey, structures: Sequence[Structure]) -> list[Finding]:
    """Return missing labels, and kinds of energies and periodicity that are mixed."""
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
    whose = f"{times(int(others_s.sum()), 'structure')} ('{names_s[others_s][0]}', ...)"
    if mixed.unit is not None:
        kind = "two_units"
        text = f"the energies of {whose} seem to be in {mixed.unit}, those of the others in eV"
    else:
        kind = "two_references"
        step = np.median(found.counts_st[others_s] @ mixed.steps_t / found.n_atoms_s[others_s])
        steps = zip(found.species, mixed.steps_t, strict=True)
        per_atom = ", ".join(f"{step:+.4g} eV per {symbol}" for symbol, step in steps)
        text = (
            f"the energies fall into two groups, {abs(step):.3g} eV/atom apart: those of {whose}"
            f" have other atomic energies than the others ({per_atom}); are they of one code, with"
            " one set of pseudopotentials and settings, and all total or all cohesive energies?"
        )
        known_s = np.isfinite(found.energies_s) & ~found.isolated_s
        fewer_s = others_s if 2 * others_s.sum() <= known_s.sum() else known_s & ~others_s
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


def wrong_signs(found: Survey, structures: Sequence[Structure], ratios_s: Float) -> list[Finding]:
    """Return forces that are not the slope of the energy: of the other sign, or in other units.

    By near structures, and by the slopes of a fit by the forces, see `slope_ratios`.
    """
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
