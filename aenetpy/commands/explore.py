"""``explore``: properties and faults of a set of structures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aenetpy.analysis.atomic_energies import AtomicEnergies, fit_atomic_energies
from aenetpy.analysis.dataset import Dataset, describe_dataset
from aenetpy.analysis.findings import (
    Finding,
    different_atoms,
    missing,
    rare_species,
    repetitions,
    strange_energies,
    strange_forces,
    strange_geometry,
    two_kinds,
    undetermined,
    wrong_signs,
)
from aenetpy.analysis.mixed_energies import find_mixed_energies
from aenetpy.analysis.outliers import EnergyCheck, check_energies
from aenetpy.analysis.slopes import slope_ratios
from aenetpy.analysis.starting_energies import types_block
from aenetpy.analysis.survey import Survey, survey
from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.batches import batches_of_atoms
from aenetpy.descriptors.featurise import batch_fingerprints
from aenetpy.errors import DataError
from aenetpy.inputs.entries import matches
from aenetpy.interruption import interruptible
from aenetpy.parallel import one_blas_thread
from aenetpy.structures.reading import iter_structures

STEP, LEAST_FORCE = 0.02, 0.05
"""Å that the atom with the longest force moves by, if that is so long, by the median of all."""


@dataclass(frozen=True, eq=False)
class Exploration:
    """Results of `explore`.

    Parameters
    ----------
    survey, dataset
        Numbers of the structures, and proposals for the input files.
    energies
        How energies go with each other.
    rest_s
        Energies per atom less fitted atomic energies, eV/atom, (s,); not a number where unknown.
    cutoffs
        Å; cell heights are compared with them.
    findings
        The faults, the worst first.
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
            ratios_s = forces_by_fit(structures, found, fitted_s, features_sg)
            signs = wrong_signs(found, structures, ratios_s)
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
    """Return the structures that can be read, and the errors of the others."""
    structures: list[Structure] = []
    refused: list[Finding] = []
    first: DataError | None = None
    for entry in interruptible(files):
        for name in matches(entry) or [entry]:
            try:
                for structure in iter_structures(name):
                    survey([structure])  # refuses structures without a usable cell
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
