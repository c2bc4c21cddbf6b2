"""The calculators through which ASE uses a potential, or a committee."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators import calculator
from ase.stress import full_3x3_to_voigt_6_stress

from aenetpy.data.structure import Structure
from aenetpy.descriptors.batch import Contact
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.descriptors.verlet import VerletList
from aenetpy.errors import UsageError
from aenetpy.formats.network import NetworkSource
from aenetpy.models.committee import Committee, CommitteeEvaluation, Measure, read_committee
from aenetpy.models.evaluation import Evaluation
from aenetpy.models.potential import Potential
from aenetpy.models.ranges import OutOfRange, describe
from aenetpy.models.reading import read_potential
from aenetpy.structures.atoms import structure_from_atoms

log = logging.getLogger("aenetpy")

_ENERGIES_ALONE = {"energy", "free_energy", "energies"} | {
    f"{name}_{what}" for name in ("energy", "energies") for what in ("std", "members")
}
_LEAST_VOLUME = 1e-6  # Å³; smaller cells have no volume


class _Calculator(calculator.Calculator):
    """Base class of the calculators of a potential and of a committee."""

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012
    default_parameters = {"skin": 0.5, "jobs": 1}  # noqa: RUF012
    ignored_changes = {"initial_charges", "initial_magmoms"}  # noqa: RUF012

    def __init__(
        self, potential: Potential | Committee, skin: float, jobs: int, **kwargs: Any
    ) -> None:
        _check_parameter("skin", skin)
        _check_parameter("jobs", jobs)
        self.closest = Contact(np.inf, -1, -1)
        self._cutoff = potential.cutoff
        self._cohesive_energy = math.nan
        self._warned: set[str] = set()
        self._n_evaluations = self._n_outside = 0
        self._worst = 0.0, ""
        self._search = VerletList(potential.cutoff, skin)
        super().__init__(skin=skin, jobs=jobs, **kwargs)

    def get_cohesive_energy(self, atoms: Atoms | None = None) -> float:
        """Return E = Σ_i ε_i, the energy without the energies of the free atoms, eV."""
        self.get_property("energy", atoms)
        return self._cohesive_energy

    @property
    def n_searches(self) -> int:
        """How often neighbours were searched, which tells whether the skin is well chosen."""
        return self._search.n_searches

    def forget_neighbours(self) -> None:
        """Forget the neighbours, not the results: the next evaluation searches them anew.

        Its sums over neighbours then have the order of a new calculator, so that
        a dynamics that goes on from a saved state repeats bit by bit.
        """
        self._search.forget()

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change ``skin`` or ``jobs``; results stay valid."""
        for name, value in kwargs.items():
            if name not in self.default_parameters:
                raise UsageError(
                    f"the calculator has no parameter '{name}'",
                    hint="set skin or jobs, or make a new calculator",
                )
            _check_parameter(name, value)
        changed: dict[str, Any] = super().set(**kwargs)
        if "skin" in changed:
            self._search = VerletList(self._cutoff, changed["skin"])
        return changed

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(calculator.all_changes),
    ) -> None:
        """Fill ``results``: energies alone if nothing else is asked for, otherwise all.

        Results that still hold are kept if nothing has changed. Whether the remembered
        neighbours do is found out from positions and cell themselves.
        """
        super().calculate(atoms, properties, system_changes)
        if system_changes:
            self.results = {}
        structure = structure_from_atoms(self.atoms, labels=False)
        forces = not _ENERGIES_ALONE.issuperset(properties)
        found = self._evaluate(structure, forces)
        self.closest = found.closest
        self._warn(found)
        self._count_extrapolation(structure.species, found.out_of_range)
        self.results.update(
            energy=found.energy,
            free_energy=found.energy,
            energies=found.atomic_energies_n,
        )
        self._cohesive_energy = found.cohesive_energy
        if found.forces_nc is None or found.virial_cc is None:
            return
        self.results["forces"] = found.forces_nc
        volume = self._volume()
        if volume > _LEAST_VOLUME:
            self.results["stress"] = full_3x3_to_voigt_6_stress(found.virial_cc) / volume
        elif not {"stress", "stress_std", "stress_members"}.isdisjoint(properties):
            raise calculator.PropertyNotImplementedError(
                "no stress: the cell of these atoms has no volume"
            )

    def _evaluate(self, structure: Structure, forces: bool) -> Evaluation:
        """Return the entries of ``results``, all numbers finite."""
        raise NotImplementedError

    def _volume(self) -> float:
        return float(abs(np.linalg.det(self.atoms.cell.array)))

    def _potentials(self) -> Sequence[Potential]:
        """Return the potential, or all of the committee."""
        raise NotImplementedError

    def _warn(self, found: Evaluation) -> None:
        """Warn once that atoms are too close."""
        first, second, distance = found.closest.first, found.closest.second, found.closest.distance
        r_min = min(setup.r_min for one in self._potentials() for setup in one.setups)
        if distance < r_min and "contact" not in self._warned:
            self._warned.add("contact")
            log.warning(
                "atoms %d and %d are %.3f Å apart, closer than RMIN = %g Å of the potential",
                first + 1,
                second + 1,
                distance,
                r_min,
            )

    def _count_extrapolation(self, species: Sequence[str], out: OutOfRange | None) -> None:
        """Put atoms far outside of the training range into ``results``; warn the first time."""
        assert out is not None, "asked for"
        self._n_evaluations += 1
        if not out.n_far:
            self.results.pop("extrapolation", None)
            return
        self._n_outside += 1
        worst, beyond = describe(self._potentials()[0].component_names, species, out), out.furthest
        self.results["extrapolation"] = {
            "atoms": out.n_far,
            "worst": worst,
            "standard_deviations": beyond,
            "evaluations": self._n_outside,
        }
        if beyond > self._worst[0]:
            self._worst = beyond, f"{worst} (evaluation {self._n_evaluations})"
        if self._n_outside == 1:
            log.warning(
                "outside of the training range of the potential: %s; energies and forces are "
                "guesses",
                worst,
            )

    def extrapolation_summary(self) -> str:
        """Return in one line how often atoms left the training range; empty if never."""
        if not self._n_outside:
            return ""
        return (
            f"outside of the training range in {self._n_outside} of {self._n_evaluations}"
            f" evaluations; worst: {self._worst[1]}"
        )


class Calculator(_Calculator):
    """Energies, forces and stress of atoms from networks in aenet's format.

    The energy is E = Σ_i (ε_i + E_atom), the forces are -dE/dr, and the stress is
    (dE/dstrain)/volume; see `aenetpy.models.potential.Potential.evaluate`.

    Results, in eV and Å: ``energy`` and ``free_energy`` (the same), ``energies`` (n,)
    of the atoms, ``forces`` (n, 3), ``stress`` (6,) in the order xx yy zz yz xz xy if the
    cell has a volume; `get_cohesive_energy` leaves out the energies of the free atoms.

    Energies alone (Monte Carlo) cost half as much as energies and forces. Atoms
    closer than RMIN, and atoms far outside of the training range, are logged once, as warnings of
    the logger ``aenetpy``. While atoms are far outside there is ``results["extrapolation"]``, a
    dict: how many ``atoms`` are; the ``worst`` fingerprint component, and by how many
    ``standard_deviations``; in how many ``evaluations`` so far. It is no property of ASE.

    Parameters
    ----------
    potential
        A `Potential`, or its files: a folder with one ``.nn`` file of each species, a list
        of files, or a dict from species to file.
    skin
        How much further than the cutoff neighbours are remembered from step to step, Å;
        0 searches them at every step. It changes the time, and results by rounding only.
    jobs
        Threads; results do not depend on it.
    chebyshev_domain
        As in `aenetpy.read_potential`, for files.
    **kwargs
        ``atoms``, ``label`` and ``directory`` of ASE's calculators.

    Raises
    ------
    DataError
        If a file is missing, damaged, or of the wrong species; on evaluation, if
        the structure has species without a network, no atoms, or a coordinate that is
        not finite.
    CoincidentAtoms
        On evaluation, if two atoms are in one place.
    UsageError
        If ``skin`` or ``jobs`` makes no sense.

    Attributes
    ----------
    closest
        The closest pair of atoms in the last evaluation.

    Examples
    --------
    >>> atoms.calc = aenetpy.Calculator("potentials/TiO2")  # doctest: +SKIP
    >>> atoms.calc  # doctest: +SKIP
    Calculator(O: O.nn, 44-15-15-1; Ti: Ti.nn, 44-15-15-1; cutoff=8 Å, skin=0.5 Å, jobs=1)
    >>> atoms.get_forces()  # doctest: +SKIP
    >>> FIRE(FrechetCellFilter(atoms)).run(fmax=0.01)  # of ase  # doctest: +SKIP
    """

    name = "aenetpy"

    def __init__(
        self,
        potential: Potential | NetworkSource,
        *,
        skin: float = 0.5,
        jobs: int = 1,
        chebyshev_domain: ConventionChoice = "auto",
        **kwargs: Any,
    ) -> None:
        if not isinstance(potential, Potential):
            potential = read_potential(potential, chebyshev_domain)
        self.potential = potential
        super().__init__(potential, skin, jobs, **kwargs)
        if potential.paths:  # `todict` needs them to make this calculator again
            self.parameters["potential"] = potential.paths
            if potential.chebyshev_domain != "auto":
                self.parameters["chebyshev_domain"] = potential.chebyshev_domain

    def __repr__(self) -> str:
        networks = []
        for symbol, file in self.potential.files.items():
            source = self.potential.paths.get(symbol)
            layers = "-".join(map(str, file.nodes_l))
            networks.append(f"{symbol}: {layers if source is None else f'{source}, {layers}'}")
        skin, jobs = self.parameters["skin"], self.parameters["jobs"]
        return (
            f"{type(self).__name__}({'; '.join(networks)};"
            f" cutoff={self.potential.cutoff:.3g} Å, skin={skin:g} Å, jobs={jobs})"
        )

    def _evaluate(self, structure: Structure, forces: bool) -> Evaluation:
        found = self.potential.evaluate(
            structure, forces, self.parameters["jobs"], self._search, out_of_range=True
        )
        found.require_finite()
        return found

    def _potentials(self) -> Sequence[Potential]:
        return [self.potential]


class CommitteeCalculator(_Calculator):
    """Mean energies, forces and stress of a committee, and the spread of its members.

    Results as of `Calculator`, of the mean; ``energy_std``, ``energies_std`` (n,),
    ``forces_std`` (n, 3) and ``stress_std`` (6,), standard deviations of the population (ddof = 0)
    over the members; and the values of each member, ``energy_members`` (m,), ``energies_members``
    (m, n), ``forces_members`` (m, n, 3) and ``stress_members`` (m, 6). Units eV and Å.

    Parameters
    ----------
    committee
        A `Committee`, or an argument of `read_committee`: a folder with ``member-1`` ..., or a list
        with the potential of each member.
    skin, jobs, chebyshev_domain, **kwargs
        As of `Calculator`.

    Raises
    ------
    DataError, CoincidentAtoms, UsageError
        As `Calculator`; if the members know different species.
    NumericalError
        On evaluation, if energy or forces of a member are not finite, naming it.

    Attributes
    ----------
    closest
        The closest pair of atoms in the last evaluation.
    evaluation
        All that the committee said in the last evaluation; None before the first.

    Examples
    --------
    >>> atoms.calc = aenetpy.CommitteeCalculator("committee")  # doctest: +SKIP
    >>> atoms.get_forces()  # doctest: +SKIP
    >>> atoms.calc.results["forces_std"], atoms.calc.disagreement()  # doctest: +SKIP
    """

    name = "aenetpy-committee"
    implemented_properties = [  # noqa: RUF012
        *_Calculator.implemented_properties,
        *(
            f"{name}_{what}"
            for what in ("std", "members")
            for name in ("energy", "energies", "forces", "stress")
        ),
    ]

    def __init__(
        self,
        committee: Committee | str | Path | Sequence[NetworkSource],
        *,
        skin: float = 0.5,
        jobs: int = 1,
        chebyshev_domain: ConventionChoice = "auto",
        **kwargs: Any,
    ) -> None:
        if not isinstance(committee, Committee):
            committee = read_committee(committee, chebyshev_domain)
        self.committee = committee
        self.evaluation: CommitteeEvaluation | None = None
        super().__init__(committee, skin, jobs, **kwargs)

    def __repr__(self) -> str:
        skin, jobs = self.parameters["skin"], self.parameters["jobs"]
        return (
            f"{type(self).__name__}({', '.join(self.committee.names)};"
            f" cutoff={self.committee.cutoff:.3g} Å, skin={skin:g} Å, jobs={jobs})"
        )

    def disagreement(self, measure: Measure = "max", atoms: Atoms | None = None) -> float:
        """Return gamma of some atoms, see `CommitteeEvaluation.disagreement`.

        Parameters
        ----------
        measure
            "max", "norm", "mean" or "energy".
        atoms
            By default the results of the last calculation.
        """
        self.get_property("energy_std" if measure == "energy" else "forces_std", atoms)
        assert self.evaluation is not None
        return self.evaluation.disagreement(measure)

    def _evaluate(self, structure: Structure, forces: bool) -> Evaluation:
        found = self.committee.evaluate(
            structure, forces, self.parameters["jobs"], self._search, out_of_range=True
        )
        self.evaluation = found
        found.require_finite()
        self.results.update(
            energy_std=found.energy_std,
            energies_std=found.atomic_energies_std_n,
            energy_members=found.energies_m,
            energies_members=found.atomic_energies_mn,
        )
        if found.forces_mnc is None or found.virials_mcc is None:
            return found.mean
        self.results.update(forces_std=found.forces_std_nc, forces_members=found.forces_mnc)
        volume = self._volume()
        if volume > _LEAST_VOLUME:
            stresses = np.array([full_3x3_to_voigt_6_stress(one) for one in found.virials_mcc])
            self.results["stress_members"] = stresses / volume
            self.results["stress_std"] = (stresses / volume).std(axis=0)
        return found.mean

    def _potentials(self) -> Sequence[Potential]:
        return self.committee.potentials


def _check_parameter(name: str, value: Any) -> None:
    """Refuse skins and numbers of threads that make no sense."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise UsageError(f"{name} = {value!r} is no number")
    if name == "skin" and not 0.0 <= value < np.inf:
        raise UsageError(
            f"skin = {value} Å: it must be 0 or positive", hint="0.5 suits most simulations"
        )
    if name == "jobs" and not (value >= 1 and int(value) == value):
        raise UsageError(f"jobs = {value} is no number of threads")
