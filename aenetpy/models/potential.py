"""A potential: setups, networks and scaling of all species, and what it says of a structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import DataError
from aenetpy.fingerprints.base import Descriptor, make_descriptor
from aenetpy.fingerprints.featurise import (
    Contact,
    atoms_of_type,
    chunk_ranges,
    closest_contact,
    total_cutoff,
    type_indices,
)
from aenetpy.fingerprints.species import check_environments
from aenetpy.fingerprints.verlet import VerletList
from aenetpy.io.network import NetworkFile
from aenetpy.io.network_files import NetworkSource, read_networks
from aenetpy.io.setup import Setup
from aenetpy.io.structure import Structure
from aenetpy.io.structures import as_structure
from aenetpy.models.network import Network
from aenetpy.models.scaling import feature_scaling
from aenetpy.parallel import ordered_map

if TYPE_CHECKING:
    from ase import Atoms

Float = NDArray[np.float64]

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
    """

    energy: float
    cohesive_energy: float
    atomic_energies_n: Float
    forces_nc: Float | None
    virial_cc: Float | None
    closest: Contact


@dataclass(frozen=True, eq=False)
class AtomicPotential:
    """Energy of one atom of a species from its fingerprint (spec 9.3).

    ε = y(x) / scale + shift + E_atom with x_g = (G_g - mean_g) / σ_g.
    """

    descriptor: Descriptor
    network: Network
    mean_g: Float
    inverse_sigma_g: Float
    scale: float
    shift: float
    atomic_energy: float

    @classmethod
    def from_file(cls, file: NetworkFile, species: Sequence[str]) -> AtomicPotential:
        """Build from a potential file, for structures made of ``species``."""
        setup = file.setup
        assert setup.statistics is not None, "a potential file always has statistics"
        mean_g, inverse_sigma_g = feature_scaling(setup.statistics)
        return cls(
            descriptor=make_descriptor(setup, species),
            network=Network(file.nodes_l, file.activations, file.weights_w),
            mean_g=mean_g,
            inverse_sigma_g=inverse_sigma_g,
            scale=file.scale,
            shift=file.shift,
            atomic_energy=float(file.atomic_energies_t[file.species.index(setup.species)]),
        )

    def energies(self, features_ng: Float) -> Float:
        """Return the energy of each atom without its atomic energy, eV, (n,)."""
        y_n = self.network.forward((features_ng - self.mean_g) * self.inverse_sigma_g)
        return y_n / self.scale + self.shift

    def energies_and_gradient(self, features_ng: Float) -> tuple[Float, Float]:
        """Return the energies (n,) and dε/dG (n, g), eV."""
        y_n, dydx_ng = self.network.gradient((features_ng - self.mean_g) * self.inverse_sigma_g)
        return y_n / self.scale + self.shift, dydx_ng * (self.inverse_sigma_g / self.scale)


class Potential:
    """Potential energy of structures made of several species.

    Parameters
    ----------
    files
        Contents of the ``.nn`` file of each species.
    paths
        Where they were read from.

    Raises
    ------
    DataError
        If a file belongs to another species or contradicts itself.
    """

    def __init__(
        self, files: Mapping[str, NetworkFile], paths: Mapping[str, str] | None = None
    ) -> None:
        self.files = dict(files)
        self.paths = dict(paths or {})
        self.species = tuple(files)
        for symbol, file in files.items():
            check_species(symbol, file)
        self.atomic_potentials = tuple(
            AtomicPotential.from_file(file, self.species) for file in files.values()
        )
        self.cutoff = total_cutoff([atomic.descriptor for atomic in self.atomic_potentials])
        self._accepted: set[frozenset[str]] = set()

    def __repr__(self) -> str:
        sizes = (f"{symbol} {'-'.join(map(str, f.nodes_l))}" for symbol, f in self.files.items())
        return f"<Potential: {', '.join(sizes)}>"

    @property
    def setups(self) -> tuple[Setup, ...]:
        """The fingerprint setup of each species."""
        return tuple(file.setup for file in self.files.values())

    def evaluate(
        self,
        structure: Structure | Atoms,
        forces: bool = True,
        jobs: int = 1,
        search: VerletList | None = None,
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

        Raises
        ------
        DataError
            If the structure holds a species without a network, or one that a
            fingerprint does not know; if it has no atoms, or is not finite.
        """
        structure = as_structure(structure)
        self._accept(structure)
        types_n = type_indices(structure, self.species)
        search = VerletList(self.cutoff, skin=0.0) if search is None else search
        search.update(structure.positions_nc, structure.cell_cc, structure.pbc_c)

        def evaluate_block(block: list[tuple[int, int]]) -> _Part:
            return self._evaluate_block(types_n, search, block, forces)

        n_atoms = len(structure)
        energies_n = np.empty(n_atoms)
        forces_nc = np.zeros((n_atoms, 3)) if forces else None
        virial_cc = np.zeros((3, 3)) if forces else None
        closest = Contact(np.inf, -1, -1)
        blocks = _blocks(chunk_ranges(n_atoms))
        for block, part in zip(blocks, ordered_map(evaluate_block, blocks, jobs), strict=True):
            energies_n[block[0][0] : block[-1][1]] = part.energies_n
            closest = min(closest, part.closest, key=_distance)
            if forces_nc is not None and virial_cc is not None:
                forces_nc += part.forces_nc
                virial_cc += part.virial_cc
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
        )

    def _accept(self, structure: Structure) -> None:
        """Refuse species that the networks or their fingerprints do not know."""
        present = frozenset(structure.species)
        if present in self._accepted:
            return
        missing = sorted(present - set(self.species))
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
    ) -> _Part:
        """Evaluate some chunks, one after the other, into the same arrays."""
        start, stop = block[0][0], block[-1][1]
        part = _Part(
            energies_n=np.empty(stop - start),
            forces_nc=np.zeros((types_n.size, 3)) if forces else np.zeros((0, 3)),
            virial_cc=np.zeros((3, 3)),
            closest=Contact(np.inf, -1, -1),
        )
        for first, last in block:
            neighbors = search.pairs(first, last)
            part.closest = min(part.closest, closest_contact(neighbors), key=_distance)
            for t, atomic in enumerate(self.atomic_potentials):
                atoms_a = atoms_of_type(types_n, t, first, last)
                if atoms_a.size == 0:
                    continue
                features_ag, state = atomic.descriptor.evaluate(atoms_a, types_n, neighbors)
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


def _blocks(chunks: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Cut the chunks of a structure into at most ``BLOCKS`` consecutive blocks.

    Each block fills force arrays as long as the structure: as many as chunks would take
    time quadratic in the number of atoms. Like the chunks, they fix the order of
    summation, whatever the number of threads.
    """
    size = max(1, -(-len(chunks) // BLOCKS))
    return [chunks[k : k + size] for k in range(0, len(chunks), size)]


def _distance(contact: Contact) -> float:
    return contact.distance


def check_species(symbol: str, file: NetworkFile, path: str | Path | None = None) -> None:
    """Require that a network belongs to a species; aenet uses crossed files in silence.

    Raises
    ------
    DataError
        Naming both species.
    """
    if file.setup.species != symbol:
        raise DataError(
            f"the network given for {symbol} belongs to {file.setup.species}",
            file=path,
            hint="put the file of each species on its own line of NETWORKS",
        )
    if symbol not in file.species:
        raise DataError(
            f"the network of {symbol} has no atomic energy of it, only of {' '.join(file.species)}",
            file=path,
            hint="the file is damaged; train the network again",
        )


def read_potential(source: NetworkSource) -> Potential:
    """Read a potential from its ``.nn`` files.

    Parameters
    ----------
    source
        A folder that holds one file of each species, one file, several files, or a
        mapping from species to file; see `aenetpy.io.network_files.read_networks`.

    Raises
    ------
    DataError
        If a file is missing, damaged, or belongs to another species, or if two files
        are of one species.
    """
    files, paths = {}, {}
    for symbol, (path, file) in read_networks(source).items():
        check_species(symbol, file, path)
        files[symbol], paths[symbol] = file, str(path)
    if not files:
        raise DataError("a potential needs at least one .nn file, and none is named")
    return Potential(files, paths)
