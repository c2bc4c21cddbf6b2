"""What all descriptors have in common, and which one a setup asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from aenetpy.arrays import Float, Int, Long
from aenetpy.data.fingerprint_families import Family, known_families
from aenetpy.data.setup import Setup
from aenetpy.descriptors.cosine_convention import CosineConvention
from aenetpy.descriptors.lookup import serving_setups
from aenetpy.descriptors.neighbors import Neighbors
from aenetpy.errors import DataError
from aenetpy.lazy import load_class


class Descriptor(Protocol):
    """Fingerprints of the atoms of one species, and their derivatives.

    All methods work on a packed batch of atoms: ``types_n`` is the index of each
    atom's species in the tuple given to `make_descriptor`, (n,) int32, and
    ``neighbors`` belongs to the same atoms. They change nothing but the arrays given
    for that purpose, so that threads may share a descriptor.
    """

    setup: Setup
    n_features: int
    cutoff: float

    def names(self) -> list[str]:
        """Return the name of each component, in order."""
        ...

    def evaluate(self, atoms_a: Long, types_n: Int, neighbors: Neighbors) -> tuple[Float, Any]:
        """Return the fingerprints (a, g) of the given atoms, and what `adjoint` reuses."""
        ...

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
        """Add forces -dE/dr (n, 3) and virials (s, 3, 3), given dE/dG (a, g) of each atom.

        ``virial_sbc += sum_p r_b dE/dr_c`` over the pairs p of the given atoms of structure
        s = ``structures_n[atom]``, so that the stress tensor is virial / volume.
        """
        ...

    def directional(
        self,
        atoms_a: Long,
        types_n: Int,
        neighbors: Neighbors,
        state: Any,
        rates_cp: Float,
    ) -> Float:
        """Return how the fingerprints (a, g) change if the vectors r do, at the rates (3, p)."""
        ...

    def jacobian(self, atom: int, types_n: Int, neighbors: Neighbors) -> Float:
        """Return dG/dr_p, (p, g, 3), of one atom with respect to each of its neighbours."""
        ...


def adjoints(
    descriptor: Descriptor,
    atoms_a: Long,
    types_n: Int,
    neighbors: Neighbors,
    state: Any,
    gradient_mag: Float,
    structures_n: Long,
    forces_mnc: Float,
    virial_mscc: Float,
) -> None:
    """Do `Descriptor.adjoint` for several gradients, those of the members of a committee.

    A descriptor may do it for all of them together, in a method ``adjoints``.
    """
    if len(gradient_mag) > 1 and hasattr(descriptor, "adjoints"):
        descriptor.adjoints(
            atoms_a, types_n, neighbors, state, gradient_mag, structures_n, forces_mnc, virial_mscc
        )
        return
    for gradient_ag, forces_nc, virial_scc in zip(
        gradient_mag, forces_mnc, virial_mscc, strict=True
    ):
        descriptor.adjoint(
            atoms_a, types_n, neighbors, state, gradient_ag, structures_n, forces_nc, virial_scc
        )


def make_descriptors(setups: Sequence[Setup]) -> list[Descriptor]:
    """Return the descriptors of all species, which count in the order of ``setups``."""
    species = [setup.species for setup in setups]
    return [
        make_descriptor(setup, species, serving=serving)
        for setup, serving in zip(setups, serving_setups(setups), strict=True)
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
