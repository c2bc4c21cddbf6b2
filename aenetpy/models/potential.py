"""A potential: setups, networks and scaling of all species, and what it says of a structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import CoincidentAtoms, DataError, NumericalError, located
from aenetpy.fingerprints.domain import DomainChoice, choose_domains
from aenetpy.fingerprints.featurise import (
    Contact,
    atoms_of_type,
    chunk_ranges,
    closest_contact,
    total_cutoff,
    type_indices,
)
from aenetpy.fingerprints.lookup import serving_setups
from aenetpy.fingerprints.species import check_environments
from aenetpy.fingerprints.verlet import VerletList
from aenetpy.interruption import check
from aenetpy.io.network import NetworkFile
from aenetpy.io.setup import Setup
from aenetpy.io.structure import Structure
from aenetpy.io.structures import as_structure
from aenetpy.models.atomic import AtomicPotential, check_network
from aenetpy.models.extrapolation import Excursions
from aenetpy.parallel import ordered_map

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]

COINCIDENT = 1e-6
"""Distance (Å) below which two atoms are in one place, and directions mean nothing."""

BLOCKS = 32
"""Pieces of a structure that threads work on at a time, at most."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a potential says of a structure.

    Parameters
    ----------
    energy, cohesive_energy
        Total energy, and energy less the atomic energies, eV.
    atomic_energies_n
        Energy of each atom, its free-atom energy included, eV, (n,) float64.
    forces_nc
        -dE/dr, eV/Å, (n, 3) float64; None if not asked for.
    virial_cc
        Sum of r ⊗ dE/dr over pairs, eV, (3, 3) float64; the stress is
        virial / volume. None if forces were not asked for.
    closest
        The closest pair of atoms.
    excursions
        Fingerprint values outside of the training range; None if not asked for.
    """

    energy: float
    cohesive_energy: float
    atomic_energies_n: Float
    forces_nc: Float | None
    virial_cc: Float | None
    closest: Contact
    excursions: Excursions | None = None

    def require_finite(self, name: str | None = None) -> None:
        """Refuse energies and forces that are not finite.

        Raises
        ------
        NumericalError
            Naming the structure, if its name is given, and its closest atoms.
        """
        forces_nc = np.zeros((0, 3)) if self.forces_nc is None else self.forces_nc
        if np.isfinite(self.energy) and np.isfinite(forces_nc).all():
            return
        first, second, distance = self.closest.first, self.closest.second, self.closest.distance
        raise NumericalError(
            f"the energy or a force is not finite; the closest atoms, {first + 1} and "
            f"{second + 1}, are {distance:.3f} Å apart",
            file=name,
            hint="check the structure, and the numbers in the potential",
        )


class Potential:
    """Potential energy of structures made of several species.

    Parameters
    ----------
    files
        Contents of the ``.nn`` file of each species.
    paths
        Where they were read from.
    chebyshev_domain
        How potentials with Chebyshev fingerprints read the cosine of an angle: "new",
        "old" (aenet 2.0.3 and before), or "auto", as their statistics prove.

    Attributes
    ----------
    domains
        What was chosen for each species.

    Raises
    ------
    DataError
        If a file belongs to another species, or holds numbers that cannot be used.
    """

    def __init__(
        self,
        files: Mapping[str, NetworkFile],
        paths: Mapping[str, str] | None = None,
        chebyshev_domain: DomainChoice = "auto",
    ) -> None:
        self.files = dict(files)
        self.paths = dict(paths or {})
        self.species = tuple(files)
        for symbol, file in files.items():
            check_network(symbol, file, self.paths.get(symbol))
        self._check_agreement()
        setups = {symbol: file.setup for symbol, file in files.items()}
        self.chebyshev_domain = chebyshev_domain
        self.domains = choose_domains(setups, chebyshev_domain)
        self.atomic_potentials = tuple(
            AtomicPotential.from_file(file, self.species, self.domains[symbol], serving)
            for (symbol, file), serving in zip(
                files.items(), serving_setups(self.setups), strict=True
            )
        )
        self.cutoff = total_cutoff([atomic.descriptor for atomic in self.atomic_potentials])
        self._accepted: set[frozenset[str]] = set()

    def _check_agreement(self) -> None:
        """Refuse files that cannot stem from one training set; aenet mixes them in silence."""
        first, *others = self.species or ("",)
        for symbol in others:
            one, other = self.files[first], self.files[symbol]
            kinds = one.setup.kind, other.setup.kind
            if one.setup.is_chebyshev != other.setup.is_chebyshev:
                problem = f"{kinds[0]} fingerprint of {first} and {kinds[1]} of {symbol}"
            elif _free_energies(one, other) != _free_energies(other, one):
                problem = f"other atomic energies than the network of {first}"
            else:
                continue
            raise DataError(
                f"the networks disagree: {problem}",
                file=self.paths.get(symbol),
                hint="use networks that were trained together",
            )

    def __repr__(self) -> str:
        sizes = (f"{symbol} {'-'.join(map(str, f.nodes_l))}" for symbol, f in self.files.items())
        return f"<Potential: {', '.join(sizes)}>"

    @cached_property
    def setups(self) -> tuple[Setup, ...]:
        """The fingerprint setup of each species, with the TYPES that it was trained with."""
        return tuple(replace(file.setup, types=file.species) for file in self.files.values())

    def evaluate(
        self,
        structure: Structure | Atoms,
        forces: bool = True,
        jobs: int = 1,
        search: VerletList | None = None,
        excursions: bool = False,
    ) -> Evaluation:
        """Return energy and, if asked for, forces and virial of a structure.

        The forces are F_m = -Σ_i Σ_g dε_i/dG_g · dG_ig/dr_m, from one adjoint pass
        over the neighbours; no derivative of a fingerprint is stored (design 3.1).

        Parameters
        ----------
        structure
            A `Structure` or an ASE ``Atoms`` object; it is not changed.
        forces
            Whether forces and virial are wanted; the energy alone takes half the time.
        jobs
            Threads; the result does not depend on it.
        search
            Finds the neighbours, with `cutoff`. Given again for the next structure of a
            trajectory, it saves most of the search.
        excursions
            Whether to look for fingerprint values outside of the training range.

        Raises
        ------
        DataError
            If the structure holds a species without a network, or one that a
            fingerprint does not know; if it has no atoms, or is not finite.
        CoincidentAtoms
            If two atoms, or an atom and the periodic image of another, are in one place.
        """
        structure = as_structure(structure)
        self._accept(structure)
        types_n = type_indices(structure, self.species)
        search = VerletList(self.cutoff, skin=0.0) if search is None else search
        with located(structure.name):
            search.update(structure.positions_nc, structure.cell_cc, structure.pbc_c)

        def evaluate_block(block: list[tuple[int, int]]) -> _Part:
            return self._evaluate_block(types_n, search, block, forces, excursions)

        n_atoms = len(structure)
        energies_n = np.empty(n_atoms)
        forces_nc = np.zeros((n_atoms, 3)) if forces else None
        virial_cc = np.zeros((3, 3)) if forces else None
        closest = Contact(np.inf, -1, -1)
        outside: list[Excursions] = []
        blocks = _blocks(chunk_ranges(n_atoms))
        jobs = min(jobs, len(blocks))
        for block, part in zip(blocks, ordered_map(evaluate_block, blocks, jobs), strict=True):
            energies_n[block[0][0] : block[-1][1]] = part.energies_n
            closest = min(closest, part.closest, key=_distance)
            outside += part.excursions
            if forces_nc is not None and virial_cc is not None:
                forces_nc += part.forces_nc
                virial_cc += part.virial_cc
        _check_coincidence(structure, closest)
        atomic_energies_t = np.array([atomic.atomic_energy for atomic in self.atomic_potentials])
        cohesive_energy = float(energies_n.sum())
        energies_n += atomic_energies_t[types_n]
        return Evaluation(
            energy=float(energies_n.sum()),
            cohesive_energy=cohesive_energy,
            atomic_energies_n=energies_n,
            forces_nc=forces_nc,
            virial_cc=virial_cc,
            closest=closest,
            excursions=Excursions.worst_first(outside) if excursions else None,
        )

    def _accept(self, structure: Structure) -> None:
        """Refuse species that the networks or their fingerprints do not know."""
        present = frozenset(structure.species)
        if present in self._accepted:
            return
        missing = sorted(map(str, present - set(self.species)))  # by mistake, they may be numbers
        if missing:
            raise DataError(
                f"no network for species {' '.join(missing)}; "
                f"the potential has those of {' '.join(self.species)}",
                file=structure.name,
                hint="add the .nn file, or remove the atoms",
            )
        check_environments(present, self.setups, structure.name)
        self._accepted.add(present)

    def _evaluate_block(
        self,
        types_n: NDArray[np.int32],
        search: VerletList,
        block: list[tuple[int, int]],
        forces: bool,
        excursions: bool,
    ) -> _Part:
        """Evaluate some chunks, one after the other, into the same arrays."""
        start, stop = block[0][0], block[-1][1]
        part = _Part(
            energies_n=np.empty(stop - start),
            forces_nc=np.zeros((types_n.size, 3)) if forces else np.zeros((0, 3)),
            virial_cc=np.zeros((3, 3)),
            closest=Contact(np.inf, -1, -1),
            excursions=[],
        )
        for first, last in block:
            check()
            neighbors = search.pairs(first, last)
            part.closest = min(part.closest, closest_contact(neighbors), key=_distance)
            for t, atomic in enumerate(self.atomic_potentials):
                atoms_a = atoms_of_type(types_n, t, first, last)
                if atoms_a.size == 0:
                    continue
                features_ag, state = atomic.descriptor.evaluate(atoms_a, types_n, neighbors)
                if excursions:
                    found = atomic.ranges.excursions(atoms_a, features_ag)
                    part.excursions += [] if found is None else [found]
                if not forces:
                    part.energies_n[atoms_a - start] = atomic.energies(features_ag)
                    continue
                energies_a, gradient_ag = atomic.energies_and_gradient(features_ag)
                part.energies_n[atoms_a - start] = energies_a
                atomic.descriptor.adjoint(
                    atoms_a, types_n, neighbors, state, gradient_ag, part.forces_nc, part.virial_cc
                )
        return part


@dataclass(eq=False)
class _Part:
    """What a block of central atoms contributes; its forces act on any atom."""

    energies_n: Float
    forces_nc: Float
    virial_cc: Float
    closest: Contact
    excursions: list[Excursions]


def _free_energies(file: NetworkFile, other: NetworkFile) -> dict[str, float]:
    """Atomic energies of the species that both files know, to 1e-6 eV."""
    known = zip(file.species, file.atomic_energies_t.tolist(), strict=True)
    return {symbol: round(energy, 6) for symbol, energy in known if symbol in other.species}


def _blocks(chunks: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Cut the chunks of a structure into at most ``BLOCKS`` consecutive blocks.

    Each block fills force arrays as long as the structure: as many as chunks would take
    time quadratic in the number of atoms. Like the chunks, they fix the order of
    summation, whatever the number of threads.
    """
    size = max(1, -(-len(chunks) // BLOCKS))
    return [chunks[k : k + size] for k in range(0, len(chunks), size)]


def _check_coincidence(structure: Structure, closest: Contact) -> None:
    """Refuse atoms in one place, whose energy is not a number, or one that means nothing."""
    if closest.distance < COINCIDENT:
        raise CoincidentAtoms(
            f"the closest atoms, {closest.first + 1} and {closest.second + 1}, are "
            f"{closest.distance:.3f} Å apart: two atoms in one place have no energy",
            file=structure.name,
            hint="correct the structure",
        )


def _distance(contact: Contact) -> float:
    return contact.distance
