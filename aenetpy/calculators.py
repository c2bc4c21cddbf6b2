"""The calculator through which ASE uses a potential."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators import calculator
from ase.stress import full_3x3_to_voigt_6_stress

from aenetpy.descriptors.batch import Contact
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.descriptors.verlet import VerletList
from aenetpy.errors import UsageError
from aenetpy.io.network_files import NetworkSource
from aenetpy.io.structures import structure_from_atoms
from aenetpy.models.extrapolation import FAR
from aenetpy.models.potential import Evaluation, Potential
from aenetpy.models.reading import read_potential

log = logging.getLogger("aenetpy")

_ENERGIES_ALONE = {"energy", "free_energy", "energies"}
_LEAST_VOLUME = 1e-6  # Å³; what is smaller is no volume


class Calculator(calculator.Calculator):
    """Energies, forces and stress of atoms from networks in aenet's format.

    The energy is E = Σ_i (ε_i + E_atom), the forces are -dE/dr, and the stress is
    (dE/dstrain)/volume; see `aenetpy.models.potential.Potential.evaluate`.

    Results, in eV and Å: ``energy`` and ``free_energy`` (the same), ``energies`` (n,)
    of the atoms, ``forces`` (n, 3), ``stress`` (6,) in the order xx yy zz yz xz xy if the
    cell has a volume; `get_cohesive_energy` gives the energy less those of the free atoms.

    What asks for energies alone (Monte Carlo) costs half of what asks for forces too. Atoms
    closer than RMIN, and atoms far outside of the training range, are told once, as warnings of
    the logger ``aenetpy``.

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
    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012
    default_parameters = {"skin": 0.5, "jobs": 1}  # noqa: RUF012
    ignored_changes = {"initial_charges", "initial_magmoms"}  # noqa: RUF012

    def __init__(
        self,
        potential: Potential | NetworkSource,
        *,
        skin: float = 0.5,
        jobs: int = 1,
        chebyshev_domain: ConventionChoice = "auto",
        **kwargs: Any,
    ) -> None:
        _check_parameter("skin", skin)
        _check_parameter("jobs", jobs)
        if not isinstance(potential, Potential):
            potential = read_potential(potential, chebyshev_domain)
        self.potential = potential
        self.closest = Contact(np.inf, -1, -1)
        self._cohesive_energy = math.nan
        self._warned: set[str] = set()
        self._search = VerletList(potential.cutoff, skin)
        super().__init__(skin=skin, jobs=jobs, **kwargs)
        if potential.paths:  # what `todict` needs to make this calculator again
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

    def get_cohesive_energy(self, atoms: Atoms | None = None) -> float:
        """Return E = Σ_i ε_i, the energy less those of the free atoms, eV.

        Parameters
        ----------
        atoms
            By default those of the last calculation.
        """
        self.get_property("energy", atoms)
        return self._cohesive_energy

    @property
    def n_searches(self) -> int:
        """How often neighbours were searched, which tells whether the skin is well chosen."""
        return self._search.n_searches

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change ``skin`` or ``jobs``; results stay valid.

        Raises
        ------
        UsageError
            If a parameter is unknown or its value makes no sense.
        """
        for name, value in kwargs.items():
            if name not in self.default_parameters:
                raise UsageError(
                    f"the calculator has no parameter '{name}'",
                    hint="set skin or jobs, or make a new calculator",
                )
            _check_parameter(name, value)
        changed: dict[str, Any] = super().set(**kwargs)
        if "skin" in changed:
            self._search = VerletList(self.potential.cutoff, changed["skin"])
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
        found = self.potential.evaluate(
            structure, forces, self.parameters["jobs"], self._search, out_of_range=True
        )
        found.require_finite()
        self.closest = found.closest
        self._warn(structure.species, found)
        self.results.update(
            energy=found.energy,
            free_energy=found.energy,
            energies=found.atomic_energies_n,
        )
        self._cohesive_energy = found.cohesive_energy
        if found.forces_nc is None or found.virial_cc is None:
            return
        self.results["forces"] = found.forces_nc
        volume = abs(np.linalg.det(self.atoms.cell.array))
        if volume > _LEAST_VOLUME:
            self.results["stress"] = full_3x3_to_voigt_6_stress(found.virial_cc) / volume
        elif "stress" in properties:
            raise calculator.PropertyNotImplementedError(
                "no stress: the cell of these atoms has no volume"
            )

    def _warn(self, species: Sequence[str], found: Evaluation) -> None:
        """Tell once that atoms are too close, and once that they leave the training range."""
        first, second, distance = found.closest.first, found.closest.second, found.closest.distance
        r_min = min(setup.r_min for setup in self.potential.setups)
        far = found.out_of_range
        if distance < r_min and "contact" not in self._warned:
            self._warned.add("contact")
            log.warning(
                "atoms %d and %d are %.3f Å apart, closer than RMIN = %g Å of the potential",
                first + 1,
                second + 1,
                distance,
                r_min,
            )
        if (
            far is not None
            and len(far)
            and far.deviations_k[0] >= FAR
            and "far" not in self._warned
        ):
            self._warned.add("far")
            symbol = species[far.atoms_k[0]]
            t = self.potential.species.index(symbol)
            names = self.potential.atomic_potentials[t].descriptor.names()
            log.warning(
                "outside of the training range of the potential: %s of atom %d (%s), by %.3g "
                "standard deviations; energies and forces are guesses",
                names[far.components_k[0]],
                far.atoms_k[0] + 1,
                symbol,
                far.deviations_k[0],
            )


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
