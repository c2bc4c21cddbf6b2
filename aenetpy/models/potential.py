"""A potential: setups, networks and scaling of all species; it evaluates structures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.structure import Structure
from aenetpy.descriptors.batch import (
    NO_CONTACT,
    Contact,
    chunk_ranges,
    iter_fingerprints,
    keep_closest,
    pack,
    search_batch,
    search_ranges,
)
from aenetpy.descriptors.cosine_convention import ConventionChoice, choose_conventions
from aenetpy.descriptors.env_order import effective_setups
from aenetpy.descriptors.featurise import total_cutoff
from aenetpy.descriptors.neighbors import Neighbors
from aenetpy.descriptors.species import check_species
from aenetpy.descriptors.verlet import VerletList
from aenetpy.errors import CoincidentAtoms, DataError, located
from aenetpy.kernels.batch import Batch
from aenetpy.models.atomic import AtomicPotential, check_network
from aenetpy.models.evaluation import Evaluation as Evaluation
from aenetpy.models.members import AtomicMembers
from aenetpy.models.ranges import OutOfRange
from aenetpy.parallel import ordered_map
from aenetpy.structures.atoms import as_structure

if TYPE_CHECKING:
    from ase import Atoms


COINCIDENT = 1e-6
"""Distance (Å) below which two atoms are in one place, and directions mean nothing."""

BLOCKS = 32
"""Pieces of a structure that threads work on at a time, at most."""


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
        "old" (aenet 2.0.3 and before), "half" (a fork), or "auto", as their statistics prove.

    Attributes
    ----------
    cosine_conventions
        The choice for each species.

    Raises
    ------
    DataError
        If a file belongs to another species, or holds numbers that cannot be used.
    """

    def __init__(
        self,
        files: Mapping[str, SpeciesPotential],
        paths: Mapping[str, str] | None = None,
        chebyshev_domain: ConventionChoice = "auto",
    ) -> None:
        self.files = dict(files)
        self.paths = dict(paths or {})
        self.species = tuple(files)
        for symbol, file in files.items():
            check_network(symbol, file, self.paths.get(symbol))
        self._check_agreement()
        setups = {symbol: file.setup for symbol, file in files.items()}
        self.chebyshev_domain = chebyshev_domain
        self.cosine_conventions = choose_conventions(setups, chebyshev_domain)
        self.atomic_potentials = tuple(
            AtomicPotential.from_file(
                file, self.species, self.cosine_conventions[symbol], effective
            )
            for (symbol, file), effective in zip(
                files.items(), effective_setups(self.setups), strict=True
            )
        )
        self.atomic_energies_t = np.array(
            [atomic.atomic_energy for atomic in self.atomic_potentials]
        )
        self.cutoff = total_cutoff([atomic.descriptor for atomic in self.atomic_potentials])
        self._accepted: set[frozenset[str]] = set()

    def _check_agreement(self) -> None:
        """Refuse files that cannot stem from one training set; aenet mixes them in silence."""
        first, *others = self.species or ("",)
        for symbol in others:
            one, other = self.files[first], self.files[symbol]
            kinds = one.setup.kind, other.setup.kind
            if one.setup.family is not other.setup.family:
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

    @cached_property
    def component_names(self) -> dict[str, list[str]]:
        """Names of the fingerprint components of each species."""
        parts = zip(self.species, self.atomic_potentials, strict=True)
        return {symbol: atomic.descriptor.names() for symbol, atomic in parts}

    def evaluate(
        self,
        structure: Structure | Atoms,
        forces: bool = True,
        jobs: int = 1,
        search: VerletList | None = None,
        out_of_range: bool = False,
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
        out_of_range
            Whether to look for fingerprint values outside of the training range.

        Raises
        ------
        DataError
            If the structure holds a species without a network, or one that a
            fingerprint does not know; if it has no atoms, or is not finite.
        CoincidentAtoms
            If two atoms, or an atom and the periodic image of another, are in one place.
        """
        found = evaluate_together(self._alone, structure, forces, jobs, search, out_of_range)
        return found[0]

    def evaluate_batch(
        self, structures: Sequence[Structure], forces: bool = True, out_of_range: bool = False
    ) -> list[Evaluation]:
        """Return the result of `evaluate` for each structure, equal to rounding.

        All small structures go through each kernel and each network together, so that
        threads with a batch each hardly meet.

        Parameters
        ----------
        structures
            So few atoms in all that their neighbours fit into memory.
        forces, out_of_range
            As in `evaluate`.

        Raises
        ------
        DataError, CoincidentAtoms
            As `evaluate`, of any of them.
        """
        return evaluate_batch_together(self._alone, structures, forces, out_of_range)[0]

    @cached_property
    def _alone(self) -> Members:
        return Members([self])

    def accept(self, structure: Structure) -> None:
        """Refuse species that the networks or their fingerprints do not know.

        Raises
        ------
        DataError
            Naming them.
        """
        present = frozenset(structure.species)
        if present in self._accepted:
            return
        check_species(
            structure,
            self.setups,
            "no network for species {missing}; the potential has networks of {known}",
            "add the .nn file, or remove the atoms",
        )
        self._accepted.add(present)


class Members:
    """Potentials that are evaluated together."""

    def __init__(self, potentials: Sequence[Potential]) -> None:
        self.potentials = tuple(potentials)
        of_species = zip(*(one.atomic_potentials for one in potentials), strict=True)
        self.atomic_t = [AtomicMembers(atomic_m) for atomic_m in of_species]


def evaluate_together(
    members: Members,
    structure: Structure | Atoms,
    forces: bool = True,
    jobs: int = 1,
    search: VerletList | None = None,
    out_of_range: bool = False,
) -> list[Evaluation]:
    """Return the evaluation of a structure by each potential, see `Potential.evaluate`.

    They share neighbours, fingerprints and the adjoint pass.
    """
    first = members.potentials[0]
    structure = as_structure(structure)
    first.accept(structure)
    batch = pack([structure], first.species)
    search = VerletList(first.cutoff, skin=0.0) if search is None else search
    with located(structure.name):
        search.update(structure.positions_nc, structure.cell_cc, structure.pbc_c)

    def evaluate_block(block: list[tuple[int, int]]) -> _Sums:
        return _sums(members, batch, search_ranges(search, block), forces, out_of_range)

    blocks = _blocks(chunk_ranges(len(structure)))
    if len(blocks) == 1:
        total = evaluate_block(blocks[0])
    else:
        total = _Sums.of(len(members.potentials), batch, forces)
        for sums in ordered_map(evaluate_block, blocks, min(jobs, len(blocks))):
            total.energies_mn += sums.energies_mn
            total.forces_mnc += sums.forces_mnc
            total.virial_mscc += sums.virial_mscc
            total.closest_s = [min(total.closest_s[0], sums.closest_s[0], key=_distance)]
            for found, more in zip(total.out_of_range_m, sums.out_of_range_m, strict=True):
                found += more
    found_m = _evaluations(members, [structure], batch, total, forces, out_of_range)
    return [found[0] for found in found_m]


def evaluate_batch_together(
    members: Members,
    structures: Sequence[Structure],
    forces: bool = True,
    out_of_range: bool = False,
) -> list[list[Evaluation]]:
    """Return the evaluation of each structure by each potential, see `evaluate_together`."""
    if len(structures) == 1:
        found = evaluate_together(members, structures[0], forces, out_of_range=out_of_range)
        return [[one] for one in found]
    first = members.potentials[0]
    for structure in structures:
        first.accept(structure)
    batch = pack(structures, first.species)
    ranges = search_batch(batch, first.cutoff, structures)
    sums = _sums(members, batch, ranges, forces, out_of_range)
    return _evaluations(members, structures, batch, sums, forces, out_of_range)


def _sums(
    members: Members,
    batch: Batch,
    ranges: Iterable[tuple[int, int, Neighbors]],
    forces: bool,
    out_of_range: bool,
) -> _Sums:
    """Add up the contributions of ranges of central atoms, one after the other."""
    sums = _Sums.of(len(members.potentials), batch, forces)
    descriptors = [one.atomic_m[0].descriptor for one in members.atomic_t]
    for chunk in iter_fingerprints(batch, ranges, descriptors):
        keep_closest(sums.closest_s, batch, chunk)
        for t, around, features_ag, state in chunk.species:
            atoms_a = around.atoms_a
            atomic = members.atomic_t[t]
            if out_of_range:
                for one, found_m in zip(atomic.atomic_m, sums.out_of_range_m, strict=True):
                    found = one.ranges.out_of_range(atoms_a, features_ag)
                    found_m += [] if found is None else [found]
            if not forces:
                sums.energies_mn[:, atoms_a] = atomic.energies(features_ag)
                continue
            sums.energies_mn[:, atoms_a], gradient_mag = atomic.energies_and_gradients(features_ag)
            descriptors[t].adjoints(around, state, gradient_mag, sums.forces_mnc, sums.virial_mscc)
    return sums


def _evaluations(
    members: Members,
    structures: Sequence[Structure],
    batch: Batch,
    sums: _Sums,
    forces: bool,
    out_of_range: bool,
) -> list[list[Evaluation]]:
    """Split the sums of a batch of structures: by potential, then structure."""
    starts_s = batch.starts_s.tolist()
    for s, structure in enumerate(structures):
        _check_coincidence(structure, sums.closest_s[s])
    volumes_s = [structure.volume for structure in structures]
    found_m: list[list[Evaluation]] = []
    for m, potential in enumerate(members.potentials):
        atomic_energies_n = potential.atomic_energies_t[batch.types_n]
        outside_s = _by_structure(sums.out_of_range_m[m], starts_s) if out_of_range else None
        found = []
        for s, volume in enumerate(volumes_s):
            atoms = slice(starts_s[s], starts_s[s + 1])
            cohesive_energy = float(sums.energies_mn[m, atoms].sum())
            energies_n = sums.energies_mn[m, atoms] + atomic_energies_n[atoms]
            found.append(
                Evaluation(
                    energy=float(energies_n.sum()),
                    cohesive_energy=cohesive_energy,
                    atomic_energies_n=energies_n,
                    forces_nc=sums.forces_mnc[m, atoms] if forces else None,
                    virial_cc=sums.virial_mscc[m, s] if forces else None,
                    closest=sums.closest_s[s],
                    out_of_range=None if outside_s is None else outside_s[s],
                    volume=volume,
                )
            )
        found_m.append(found)
    return found_m


@dataclass(eq=False)
class _Sums:
    """Contributions of some central atoms to each potential; their forces act on any atom."""

    energies_mn: Float
    forces_mnc: Float
    virial_mscc: Float
    closest_s: list[Contact]
    out_of_range_m: list[list[OutOfRange]]

    @classmethod
    def of(cls, n_members: int, batch: Batch, forces: bool) -> _Sums:
        """Return sums of nothing."""
        n_atoms, n_structures = len(batch.types_n), len(batch.starts_s) - 1
        return cls(
            energies_mn=np.zeros((n_members, n_atoms)),
            forces_mnc=np.zeros((n_members, n_atoms if forces else 0, 3)),
            virial_mscc=np.zeros((n_members, n_structures, 3, 3)),
            closest_s=[NO_CONTACT] * n_structures,
            out_of_range_m=[[] for _ in range(n_members)],
        )


def _by_structure(out_of_range: list[OutOfRange], starts_s: Sequence[int]) -> list[OutOfRange]:
    """Return the values outside of the training range in each structure."""
    if len(starts_s) == 2:
        return [OutOfRange.worst_first(out_of_range)]
    parts_s: list[list[OutOfRange]] = [[] for _ in starts_s[1:]]
    for found in out_of_range:  # atoms in ascending order
        ends_s = np.searchsorted(found.atoms_k, starts_s).tolist()
        for s, (begin, end) in enumerate(pairwise(ends_s)):
            if begin < end:
                parts_s[s].append(found.part(begin, end, starts_s[s]))
    return [OutOfRange.worst_first(parts) for parts in parts_s]


def _free_energies(file: SpeciesPotential, other: SpeciesPotential) -> dict[str, float]:
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
