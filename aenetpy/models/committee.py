"""A committee: several potentials, their mean, and how much they disagree."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.descriptors.verlet import VerletList
from aenetpy.digests import digest_of
from aenetpy.errors import DataError, UsageError
from aenetpy.files.files import read_bytes
from aenetpy.formats.network import NetworkSource
from aenetpy.models.calibration import Calibration
from aenetpy.models.committee_file import committee_members
from aenetpy.models.evaluation import Evaluation
from aenetpy.models.potential import Members, Potential, evaluate_batch_together, evaluate_together
from aenetpy.models.ranges import OutOfRange
from aenetpy.models.reading import read_potential
from aenetpy.structures.atoms import as_structure

if TYPE_CHECKING:
    from ase import Atoms

Measure = Literal["max", "norm", "mean", "energy"]
"""How the disagreement of a committee becomes one number, see `CommitteeEvaluation`."""


@dataclass(frozen=True, eq=False)
class CommitteeEvaluation:
    """Results of a committee for a structure: the mean, and the spread of its members.

    All standard deviations are of the population, sqrt(Σ_m (x_m - mean)^2 / m), ddof = 0.
    """

    members: tuple[Evaluation, ...]
    names: tuple[str, ...]

    @cached_property
    def energies_m(self) -> Float:
        """Total energy of each member, eV, (m,) float64."""
        return np.array([one.energy for one in self.members])

    @cached_property
    def atomic_energies_mn(self) -> Float:
        """Energy of each atom, eV, (m, n) float64."""
        return np.array([one.atomic_energies_n for one in self.members])

    @cached_property
    def forces_mnc(self) -> Float | None:
        """Forces of each member, eV/Å, (m, n, 3) float64; None if not asked for."""
        return _stacked([one.forces_nc for one in self.members])

    @cached_property
    def virials_mcc(self) -> Float | None:
        """Virial of each member, eV, (m, 3, 3) float64; None if forces were not asked for."""
        return _stacked([one.virial_cc for one in self.members])

    @cached_property
    def mean(self) -> Evaluation:
        """Mean of energies, forces and virials; values outside of any member's training range."""
        first = self.members[0]
        outside = [one.out_of_range for one in self.members if one.out_of_range is not None]
        return Evaluation(
            energy=float(_mean(self.energies_m)),
            cohesive_energy=float(_mean(np.array([one.cohesive_energy for one in self.members]))),
            atomic_energies_n=_mean(self.atomic_energies_mn),
            forces_nc=None if self.forces_mnc is None else _mean(self.forces_mnc),
            virial_cc=None if self.virials_mcc is None else _mean(self.virials_mcc),
            closest=first.closest,
            out_of_range=OutOfRange.worst_first(outside) if outside else None,
            volume=first.volume,
        )

    @cached_property
    def energy_std(self) -> float:
        """Standard deviation of the total energy, eV."""
        return float(_std(self.energies_m))

    @cached_property
    def atomic_energies_std_n(self) -> Float:
        """Standard deviation of the energy of each atom, eV, (n,) float64."""
        return _std(self.atomic_energies_mn)

    @cached_property
    def forces_std_nc(self) -> Float | None:
        """Standard deviation of each component of the forces, eV/Å, (n, 3) float64, or None."""
        return None if self.forces_mnc is None else _std(self.forces_mnc)

    @cached_property
    def stress_std_cc(self) -> Float | None:
        """Standard deviation of the stress, eV/Å^3, (3, 3) float64; None without a cell."""
        if self.virials_mcc is None or self.mean.volume is None:
            return None
        return _std(self.virials_mcc) / self.mean.volume

    def disagreement(self, measure: Measure = "max") -> float:
        """Return gamma, the spread of the members as one number.

        With σ_nc the standard deviation of component c of the force on atom n::

            max     max_nc σ_nc, eV/Å, as LASP2
            norm    max_n sqrt(Σ_c σ_nc^2), eV/Å
            mean    mean_n sqrt(Σ_c σ_nc^2), eV/Å
            energy  standard deviation of the energy per atom, eV

        Not a number, if a member says so of any atom; see `exceeds`.
        """
        if measure not in get_args(Measure):
            raise UsageError(
                f"the measure '{measure}' is not known", hint=f"use {', '.join(get_args(Measure))}"
            )
        if measure == "energy":
            return self.energy_std / len(self.members[0].atomic_energies_n)
        if self.forces_std_nc is None:
            raise UsageError(
                f"the measure '{measure}' needs forces", hint="evaluate with forces=True"
            )
        if measure == "max":
            return float(self.forces_std_nc.max())
        norms_n = np.sqrt((self.forces_std_nc**2).sum(axis=1))
        return float(norms_n.max() if measure == "norm" else norms_n.mean())

    def require_finite(self, name: str | None = None) -> None:
        """Refuse energies and forces of any member that are not finite."""
        for member, own in zip(self.members, self.names, strict=True):
            member.require_finite(own if name is None else name)


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Standard deviations, times the factors of the calibration where there are any.

    Parameters
    ----------
    energy
        Of the total energy, eV.
    forces_nc
        Of each component of the forces, eV/Å, (n, 3) float64; None if not asked for.
    energy_is_calibrated, forces_are_calibrated
        Whether the test set of the committee has given a factor.
    """

    energy: float
    forces_nc: Float | None
    energy_is_calibrated: bool
    forces_are_calibrated: bool


def exceeds(gamma: float, threshold: float) -> bool:
    """Return whether a disagreement is above a threshold; NaN and infinity are above any."""
    return not (math.isfinite(gamma) and gamma <= threshold)


class Committee:
    """Several potentials for the same species, evaluated together.

    Members with the same setups share neighbours, fingerprints and the adjoint pass; their
    networks and the statistics that scale the fingerprints are their own.

    Parameters
    ----------
    potentials
        At least two, for the same species in any order.
    calibration
        Calibration of the spread by the test set; None if it is not known.

    Attributes
    ----------
    potentials
        All of them, with their species in the order of the first.
    names
        Name of each member in errors: its folder, or its number.
    species
        Those that all of them know.
    cutoff
        Within which neighbours are searched, Å.

    Raises
    ------
    DataError
        If there are fewer than two, or a member knows other species, naming its folder.
    """

    def __init__(
        self, potentials: Sequence[Potential], calibration: Calibration | None = None
    ) -> None:
        self.calibration = calibration
        if len(potentials) < 2:
            raise DataError(
                f"a committee of {len(potentials)} has no spread",
                hint="give two potentials or more",
            )
        self.names = tuple(_name(one, number) for number, one in enumerate(potentials, start=1))
        self.species = potentials[0].species
        for potential, name in zip(potentials, self.names, strict=True):
            if set(potential.species) != set(self.species):
                raise DataError(
                    f"this member of a committee is for {' '.join(sorted(potential.species))}, and "
                    f"the first for {' '.join(sorted(self.species))}",
                    file=name,
                    hint="the members of a committee need the same species",
                )
        self.potentials = tuple(_in_order(one, self.species) for one in potentials)
        self.cutoff = max(potential.cutoff for potential in self.potentials)
        self._groups: list[list[int]] = []
        for m, potential in enumerate(self.potentials):
            for group in self._groups:
                if _same_descriptors(self.potentials[group[0]], potential):
                    group.append(m)
                    break
            else:
                self._groups.append([m])
        self._members = [Members([self.potentials[m] for m in group]) for group in self._groups]

    def __len__(self) -> int:
        return len(self.potentials)

    def __repr__(self) -> str:
        return f"<Committee of {len(self)}: {', '.join(map(repr, self.potentials))}>"

    @property
    def setups(self) -> tuple[Setup, ...]:
        """All fingerprint setups of all members."""
        return tuple(setup for potential in self.potentials for setup in potential.setups)

    def evaluate(
        self,
        structure: Structure | Atoms,
        forces: bool = True,
        jobs: int = 1,
        search: VerletList | None = None,
        out_of_range: bool = False,
    ) -> CommitteeEvaluation:
        """Return the mean and the spread of the members for a structure.

        Parameters
        ----------
        structure, forces, jobs, search, out_of_range
            As in `Potential.evaluate`.

        Raises
        ------
        DataError, CoincidentAtoms
            As `Potential.evaluate`.
        """
        structure = as_structure(structure)
        search = VerletList(self.cutoff, skin=0.0) if search is None else search
        found: dict[int, Evaluation] = {}
        for group, members in zip(self._groups, self._members, strict=True):
            said = evaluate_together(members, structure, forces, jobs, search, out_of_range)
            found.update(zip(group, said, strict=True))
        return self._evaluation(found)

    def evaluate_batch(
        self, structures: Sequence[Structure], forces: bool = True, out_of_range: bool = False
    ) -> list[CommitteeEvaluation]:
        """Return the result of `evaluate` for each structure, equal to rounding.

        Parameters
        ----------
        structures, forces, out_of_range
            As in `Potential.evaluate_batch`.

        Raises
        ------
        DataError, CoincidentAtoms
            As `Potential.evaluate`, of any of them.
        """
        found_s: list[dict[int, Evaluation]] = [{} for _ in structures]
        for group, members in zip(self._groups, self._members, strict=True):
            said_m = evaluate_batch_together(members, structures, forces, out_of_range)
            for m, said_s in zip(group, said_m, strict=True):
                for found, said in zip(found_s, said_s, strict=True):
                    found[m] = said
        return [self._evaluation(found) for found in found_s]

    def uncertainty(self, found: CommitteeEvaluation) -> Uncertainty:
        """Return the standard deviations of an evaluation, calibrated if that is known."""
        energy = None if self.calibration is None else self.calibration.energy.factor
        spread = None if self.calibration is None else self.calibration.force
        forces_nc, is_known = found.forces_std_nc, spread is not None
        if spread is not None and forces_nc is not None:
            forces_nc = spread.factor * forces_nc
        return Uncertainty(
            found.energy_std * (1.0 if energy is None else energy),
            forces_nc,
            energy is not None,
            is_known,
        )

    def _evaluation(self, found: dict[int, Evaluation]) -> CommitteeEvaluation:
        return CommitteeEvaluation(tuple(found[m] for m in range(len(self))), self.names)


def read_committee(
    sources: str | Path | Sequence[NetworkSource], chebyshev_domain: ConventionChoice = "auto"
) -> Committee:
    """Read a committee of potentials, old ones of aenet among them.

    Parameters
    ----------
    sources
        A folder with the folders ``member-1``, ``member-2`` ... (if there is a
        ``committee.json``, those that it names), or a list with the source of each member, see
        `aenetpy.read_potential`.
    chebyshev_domain
        As in `aenetpy.read_potential`.

    Raises
    ------
    DataError
        As `aenetpy.read_potential` and `Committee`; if a folder has no members, a member has
        changed since ``committee.json`` was written, or is there twice.
    """
    if not isinstance(sources, str | Path):
        return Committee([read_potential(source, chebyshev_domain) for source in sources])
    members, calibration = committee_members(sources)
    potentials = [read_potential(member, chebyshev_domain) for member in members]
    committee = Committee(potentials, calibration)
    _check_repeats(committee)
    return committee


def _check_repeats(committee: Committee) -> None:
    """Refuse a potential that is a member twice: the spread would be too small."""
    known: dict[frozenset[str], str] = {}
    for potential, name in zip(committee.potentials, committee.names, strict=True):
        digests = frozenset(digest_of(read_bytes(path)) for path in potential.paths.values())
        if digests in known:
            raise DataError(
                f"this member of a committee is the same as {known[digests]}",
                file=name,
                hint="name each potential once",
            )
        known[digests] = name


def _name(potential: Potential, number: int) -> str:
    """Return the folder of a potential, or its number where it has none."""
    folders = {os.path.dirname(path) for path in potential.paths.values()}
    if len(folders) == 1 and (folder := folders.pop()):
        return folder
    return f"member {number}"


def _in_order(potential: Potential, species: tuple[str, ...]) -> Potential:
    """Return the same potential with its species in another order."""
    if potential.species == species:
        return potential
    files = {symbol: potential.files[symbol] for symbol in species}
    return Potential(files, potential.paths, potential.chebyshev_domain)


def _same_descriptors(one: Potential, other: Potential) -> bool:
    """Return whether two potentials for the same species have the same fingerprints."""
    return one.cosine_conventions == other.cosine_conventions and all(
        mine.same_fingerprint(yours) and mine.types == yours.types
        for mine, yours in zip(one.setups, other.setups, strict=True)
    )


def _stacked(arrays: Sequence[Float | None]) -> Float | None:
    known = [array for array in arrays if array is not None]
    return np.array(known) if len(known) == len(arrays) else None


def _mean(values: Float) -> Float:
    """Return the mean over the members; not finite where a member is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values.mean(axis=0))


def _std(values: Float) -> Float:
    """Return the standard deviation over the members; not a number where one is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values.std(axis=0))
