"""The base class of descriptors, and the descriptor of a setup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.data.fingerprint_families import Family, known_families
from aenetpy.data.setup import Setup
from aenetpy.descriptors.cosine_convention import CosineConvention
from aenetpy.descriptors.env_order import effective_setups
from aenetpy.descriptors.neighbors import Neighbors
from aenetpy.errors import DataError
from aenetpy.kernels.batch import pull_forces
from aenetpy.lazy import load_class


class Descriptor:
    """Fingerprints of the atoms of one species, and their derivatives.

    All methods work on a packed batch of atoms: ``types_n`` is the index of each
    atom's species in the tuple given to `make_descriptor`, (n,) int32, and
    ``neighbors`` belongs to the same atoms. They change nothing but the arrays given
    for that purpose, so that threads may share a descriptor.

    A family gives `evaluate` and `slopes`, from which all else follows, and may give kernels
    of its own for the other methods.

    Attributes
    ----------
    cutoff
        Largest distance of neighbours, Å.
    """

    cutoff: float

    def __init__(self, setup: Setup, species: Sequence[str], **conventions: Any) -> None:
        self.setup = setup
        self.n_features = setup.n_features

    def names(self) -> list[str]:
        """Return the name of each component, in order."""
        return [f"component {g + 1}" for g in range(self.n_features)]

    def evaluate(self, atoms_a: Long, types_n: Int, neighbors: Neighbors) -> tuple[Float, Any]:
        """Return the fingerprints (a, g) of the given atoms, and a state for derivatives."""
        raise NotImplementedError

    def slopes(
        self, atoms_a: Long, types_n: Int, neighbors: Neighbors, state: Any, gradient_mag: Float
    ) -> Float:
        """Return dE/dr_p (m, p, 3) of the pairs of the given atoms, given dE/dG (m, a, g).

        The pairs of the first atom come first, then the pairs of the second, and so on.
        """
        raise NotImplementedError

    def adjoints(
        self,
        atoms_a: Long,
        types_n: Int,
        neighbors: Neighbors,
        state: Any,
        gradient_mag: Float,
        structures_n: Long,
        forces_mnc: Float,
        virial_mscc: Float,
    ) -> None:
        """Add forces -dE/dr and virials of each member of a committee, given dE/dG of each atom.

        ``virial_sbc += sum_p r_b dE/dr_c`` over the pairs p of the given atoms of structure
        s = ``structures_n[atom]``, so that the stress tensor is virial / volume.
        """
        atoms_a = np.ascontiguousarray(atoms_a, np.int64)
        slopes_mpc = self.slopes(atoms_a, types_n, neighbors, state, gradient_mag)
        for m, slopes_pc in enumerate(slopes_mpc):
            pull_forces(atoms_a, neighbors, slopes_pc, structures_n, forces_mnc[m], virial_mscc[m])

    def adjoint(
        self,
        atoms_a: Long,
        types_n: Int,
        neighbors: Neighbors,
        state: Any,
        gradient_ag: Float,
        structures_n: Long,
        forces_nc: Float,
        virial_scc: Float,
    ) -> None:
        """Do `adjoints` for a single gradient: forces (n, 3), virials (s, 3, 3), dE/dG (a, g)."""
        gradient_mag, forces_mnc = np.asarray(gradient_ag)[np.newaxis], forces_nc[np.newaxis]
        self.adjoints(
            atoms_a,
            types_n,
            neighbors,
            state,
            gradient_mag,
            structures_n,
            forces_mnc,
            virial_scc[np.newaxis],
        )

    def directional(
        self, atoms_a: Long, types_n: Int, neighbors: Neighbors, state: Any, rates_cp: Float
    ) -> Float:
        """Return how the fingerprints (a, g) change if the vectors r do, at the rates (3, p)."""
        rates_ag = np.empty((len(atoms_a), self.n_features))
        for a, i in enumerate(atoms_a):
            pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
            jacobian_pgc = self.jacobian(int(i), types_n, neighbors)
            rates_ag[a] = np.einsum("pgc,cp->g", jacobian_pgc, rates_cp[:, pairs])
        return rates_ag

    def jacobian(self, atom: int, types_n: Int, neighbors: Neighbors) -> Float:
        """Return dG/dr_p, (p, g, 3), 1/Å, of one atom with respect to each of its neighbours."""
        atoms_a = np.array([atom])
        _, state = self.evaluate(atoms_a, types_n, neighbors)
        unit_mag = np.eye(self.n_features)[:, np.newaxis]
        return self.slopes(atoms_a, types_n, neighbors, state, unit_mag).swapaxes(0, 1)


def make_descriptors(setups: Sequence[Setup]) -> list[Descriptor]:
    """Return the descriptors of all species, which count in the order of ``setups``."""
    species = [setup.species for setup in setups]
    return [
        make_descriptor(setup, species, serving=serving)
        for setup, serving in zip(setups, effective_setups(setups), strict=True)
    ]


def make_descriptor(
    setup: Setup,
    species: Sequence[str],
    cosine_convention: CosineConvention = "new",
    serving: Setup | None = None,
) -> Descriptor:
    """Return the descriptor that a setup defines."""
    family = setup.family
    if not family.descriptor:
        raise DataError(
            f"unknown type of fingerprint {setup.kind!r} in the setup of {setup.species}",
            hint=f"use {known_families().replace(' and ', ' or ')}",
        )
    descriptor: Descriptor = _descriptor_class(family)(
        setup, species, cosine_convention=cosine_convention, serving=serving
    )
    return descriptor


def _descriptor_class(family: Family) -> Any:
    """Return the class of a family; its kernels are imported when they are first needed."""
    if not isinstance(family.descriptor, str):
        return family.descriptor
    return load_class(family.descriptor)
