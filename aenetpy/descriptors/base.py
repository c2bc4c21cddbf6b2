"""The base class of descriptors, and the descriptor of a setup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.fingerprint_families import Family, known_families
from aenetpy.data.setup import Setup
from aenetpy.descriptors.cosine_convention import CosineConvention
from aenetpy.descriptors.env_order import effective_setups
from aenetpy.errors import DataError
from aenetpy.kernels.batch import Surroundings, pull_forces
from aenetpy.lazy import load_class


class Descriptor:
    """Fingerprints of the atoms of one species, and their derivatives.

    All methods work on some atoms of a batch in their `Surroundings`, where species count in
    the order given to `make_descriptor`. They change nothing but the arrays given for that
    purpose, so that threads may share a descriptor.

    A family gives `evaluate` and `slopes`, from which all else follows, and may give kernels
    of its own for the other methods: `adjoint` and `directional` are in every step of dynamics
    and every epoch of training on forces, `jacobian` is called once for each atom.

    Attributes
    ----------
    n_features
        Number of components.
    cutoff
        Largest distance of neighbours, Å.
    """

    def __init__(self, setup: Setup, species: Sequence[str]) -> None:
        self.setup = setup
        self.n_features = setup.n_features
        self.cutoff = setup.family.largest_cutoff(setup.parameters_gp.tolist())

    def names(self) -> list[str]:
        """Return the name of each component, in order."""
        return [f"component {g + 1}" for g in range(self.n_features)]

    def evaluate(self, around: Surroundings) -> tuple[Float, Any]:
        """Return the fingerprints (a, g) of the atoms, and a state that the derivatives reuse."""
        raise NotImplementedError

    def slopes(self, around: Surroundings, state: Any, gradient_mag: Float) -> Float:
        """Return dE/dr_p (m, p, 3) of the pairs of the atoms for several dE/dG (m, a, g).

        The pairs of the first atom come first, then the pairs of the second, and so on.
        """
        raise NotImplementedError

    def adjoints(
        self,
        around: Surroundings,
        state: Any,
        gradient_mag: Float,
        forces_mnc: Float,
        virial_mscc: Float,
    ) -> None:
        """Add forces -dE/dr and virials of each member of a committee, given dE/dG of each atom.

        ``virial_sbc += sum_p r_b dE/dr_c`` over the pairs p of the atoms of structure s, so that
        the stress tensor is virial / volume.
        """
        slopes_mpc = self.slopes(around, state, gradient_mag)
        for slopes_pc, *sums in zip(slopes_mpc, forces_mnc, virial_mscc, strict=True):
            pull_forces(around, slopes_pc, *sums)

    def adjoint(
        self,
        around: Surroundings,
        state: Any,
        gradient_ag: Float,
        forces_nc: Float,
        virial_scc: Float,
    ) -> None:
        """Do `adjoints` for a single gradient: forces (n, 3), virials (s, 3, 3), dE/dG (a, g)."""
        gradient_mag = np.asarray(gradient_ag)[np.newaxis]
        self.adjoints(around, state, gradient_mag, forces_nc[np.newaxis], virial_scc[np.newaxis])

    def directional(self, around: Surroundings, state: Any, rates_cp: Float) -> Float:
        """Return how the fingerprints (a, g) change if the vectors r do, at the rates (3, p)."""
        rates_ag = np.empty((len(around.atoms_a), self.n_features))
        for a, atom in enumerate(around.atoms_a.tolist()):
            jacobian_pgc = self.jacobian(around.only(atom))
            rates_ag[a] = np.einsum("pgc,cp->g", jacobian_pgc, rates_cp[:, around.pairs_of(atom)])
        return rates_ag

    def jacobian(self, around: Surroundings) -> Float:
        """Return dG/dr_p, (p, g, 3), 1/Å, of a single atom, by the vector to each neighbour."""
        _, state = self.evaluate(around)
        unit_mag = np.eye(self.n_features)[:, np.newaxis]
        return self.slopes(around, state, unit_mag).swapaxes(0, 1)


def make_descriptors(setups: Sequence[Setup]) -> list[Descriptor]:
    """Return the descriptors of all species, which count in the order of ``setups``."""
    species = [setup.species for setup in setups]
    return [
        make_descriptor(setup, species, effective=effective)
        for setup, effective in zip(setups, effective_setups(setups), strict=True)
    ]


def make_descriptor(
    setup: Setup,
    species: Sequence[str],
    cosine_convention: CosineConvention = "new",
    effective: Setup | None = None,
) -> Descriptor:
    """Return the descriptor of a setup, with the functions of the effective one (spec 6.3)."""
    family = setup.family
    if not family.descriptor:
        raise DataError(
            f"unknown type of fingerprint {setup.kind!r} in the setup of {setup.species}",
            hint=f"use {known_families().replace(' and ', ' or ')}",
        )
    conventions: dict[str, Any] = {}
    if family.has_cosine_convention:
        conventions["cosine_convention"] = cosine_convention
    if family.lists_functions:
        conventions["effective"] = effective
    descriptor: Descriptor = _descriptor_class(family)(setup, species, **conventions)
    return descriptor


def _descriptor_class(family: Family) -> Any:
    """Return the class of a family; its kernels are imported when they are first needed."""
    if not isinstance(family.descriptor, str):
        return family.descriptor
    return load_class(family.descriptor)
