"""A potential: setups, networks and scaling of all species, and what it says of a structure."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import DataError
from aenetpy.fingerprints.base import Descriptor, make_descriptor
from aenetpy.fingerprints.domain import AngularDomain, DomainChoice, choose_domains, proven_domain
from aenetpy.fingerprints.featurise import (
    Contact,
    atoms_of_type,
    chunk_ranges,
    closest_contact,
    total_cutoff,
    type_indices,
)
from aenetpy.fingerprints.neighbors import CellList
from aenetpy.io.network import NetworkFile, read_network
from aenetpy.io.structure import Structure
from aenetpy.models.extrapolation import Excursions, Ranges
from aenetpy.models.network import Network
from aenetpy.models.scaling import feature_scaling
from aenetpy.parallel import ordered_map

Float = NDArray[np.float64]

log = logging.getLogger("aenetpy")


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
    ranges: Ranges

    @classmethod
    def from_file(
        cls, file: NetworkFile, species: Sequence[str], angular_domain: AngularDomain
    ) -> AtomicPotential:
        """Build from a potential file, for structures made of ``species``."""
        setup = file.setup
        assert setup.statistics is not None, "a potential file always has statistics"
        mean_g, inverse_sigma_g = feature_scaling(setup.statistics)
        return cls(
            descriptor=make_descriptor(setup, species, angular_domain),
            network=Network(file.nodes_l, file.activations, file.weights_w),
            mean_g=mean_g,
            inverse_sigma_g=inverse_sigma_g,
            scale=file.scale,
            shift=file.shift,
            atomic_energy=float(file.atomic_energies_t[file.species.index(setup.species)]),
            ranges=Ranges.of(setup.statistics),
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
        If a file belongs to another species or contradicts itself.
    """

    def __init__(
        self, files: Mapping[str, NetworkFile], chebyshev_domain: DomainChoice = "auto"
    ) -> None:
        self.files = dict(files)
        self.species = tuple(files)
        for symbol, file in files.items():
            check_species(symbol, file)
        setups = {symbol: file.setup for symbol, file in files.items()}
        self.domains = choose_domains(setups, chebyshev_domain)
        self.atomic_potentials = tuple(
            AtomicPotential.from_file(file, self.species, self.domains[symbol])
            for symbol, file in files.items()
        )
        self.cutoff = total_cutoff([atomic.descriptor for atomic in self.atomic_potentials])

    def evaluate(
        self, structure: Structure, forces: bool = True, jobs: int = 1, excursions: bool = False
    ) -> Evaluation:
        """Return energy and, if asked for, forces and virial of a structure.

        The forces are F_m = -Σ_i Σ_g dε_i/dG_g · dG_ig/dr_m, from one adjoint pass
        over the neighbours; no derivative of a fingerprint is stored (design 3.1).

        Parameters
        ----------
        structure
            Periodic or isolated.
        forces
            Whether to compute forces and virial.
        jobs
            Threads; the result does not depend on it.
        excursions
            Whether to look for fingerprint values outside of the training range.

        Raises
        ------
        DataError
            If the structure holds a species without a network.
        """
        types_n = type_indices(structure, self.species)
        cells = CellList(structure.positions_nc, structure.cell_cc, structure.pbc_c, self.cutoff)
        n_atoms = len(structure)

        def evaluate_chunk(chunk: tuple[int, int]) -> _Chunk:
            return self._evaluate_chunk(types_n, cells, chunk, forces, excursions)

        energies_n = np.empty(n_atoms)
        forces_nc = np.zeros((n_atoms, 3)) if forces else None
        virial_cc = np.zeros((3, 3)) if forces else None
        closest = Contact(np.inf, -1, -1)
        outside: list[Excursions] = []
        chunks = chunk_ranges(n_atoms)
        for (first, last), part in zip(
            chunks, ordered_map(evaluate_chunk, chunks, jobs), strict=True
        ):
            energies_n[first:last] = part.energies_n
            closest = min(closest, part.closest, key=lambda contact: contact.distance)
            outside += part.excursions
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
            excursions=Excursions.worst_first(outside) if excursions else None,
        )

    def _evaluate_chunk(
        self,
        types_n: NDArray[np.int32],
        cells: CellList,
        chunk: tuple[int, int],
        forces: bool,
        excursions: bool,
    ) -> _Chunk:
        first, last = chunk
        neighbors = cells.pairs(first, last)
        energies_n = np.empty(last - first)
        forces_nc = np.zeros((types_n.size, 3)) if forces else np.zeros((0, 3))
        virial_cc = np.zeros((3, 3))
        outside: list[Excursions] = []
        for t, atomic in enumerate(self.atomic_potentials):
            atoms_a = atoms_of_type(types_n, t, first, last)
            if atoms_a.size == 0:
                continue
            features_ag, state = atomic.descriptor.evaluate(atoms_a, types_n, neighbors)
            if excursions:
                outside += filter(None, [atomic.ranges.excursions(atoms_a, features_ag)])
            if not forces:
                energies_n[atoms_a - first] = atomic.energies(features_ag)
                continue
            energies_a, gradient_ag = atomic.energies_and_gradient(features_ag)
            energies_n[atoms_a - first] = energies_a
            atomic.descriptor.adjoint(
                atoms_a, types_n, neighbors, state, gradient_ag, forces_nc, virial_cc
            )
        return _Chunk(energies_n, forces_nc, virial_cc, closest_contact(neighbors), outside)


@dataclass(frozen=True, eq=False)
class _Chunk:
    energies_n: Float
    forces_nc: Float
    virial_cc: Float
    closest: Contact
    excursions: list[Excursions]


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


def read_potential(
    paths: Mapping[str, str | Path], chebyshev_domain: DomainChoice = "auto"
) -> Potential:
    """Read the ``.nn`` file of each species.

    Parameters
    ----------
    paths
        File of each species.
    chebyshev_domain
        As in `Potential`. Where "auto" finds potentials of aenet 2.0.3 or before, the
        user is told.

    Raises
    ------
    DataError
        If a file is missing, damaged, or belongs to another species.
    """
    files = {}
    for symbol, path in paths.items():
        files[symbol] = read_network(path)
        check_species(symbol, files[symbol], path)
    potential = Potential(files, chebyshev_domain)
    _tell_domains(potential, paths, chebyshev_domain)
    return potential


def _tell_domains(
    potential: Potential, paths: Mapping[str, str | Path], choice: DomainChoice
) -> None:
    """Tell the user of old potentials, and of a choice that the files contradict."""
    old, contradicting = [], []
    for symbol, domain in potential.domains.items():
        if choice == "auto" and domain == "old":
            old.append(str(paths[symbol]))
        if proven_domain(potential.files[symbol].setup) not in (domain, None):
            contradicting.append(str(paths[symbol]))
    if old:
        log.warning(
            "%s: fitted with aenet 2.0.3 or before, which took cos(theta) for an angle;"
            " evaluated in that way (aenet 2.0.4 does not: --chebyshev-domain new);"
            " 'aenetpy upgrade' makes files for both",
            ", ".join(old),
        )
    if contradicting:
        log.warning(
            "%s: evaluated in the %s domain of cos(theta) as asked for, although fitted in the"
            " other one; the energies are wrong",
            ", ".join(contradicting),
            choice,
        )
