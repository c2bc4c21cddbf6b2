"""Forces and stress in the objective (design 3.4).

    S e^2/2 a [<dF^2>/f^2 + <dS^2>/s^2]

in the scaled units of energies, over all known components of forces F and of stress S of the whole
set; a batch has the part that its structures have in the sum. With the residuals held fixed, the
gradient equals the gradient of ``sum_i dy_i/dx . v_i`` along the rates v of the inputs that follow
from the residuals: one product with the derivatives of the fingerprints, and forward over reverse.

Coordinates q of a structure are its positions, then, with stress, nine of its strain, whose force
is -V times the stress.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Index, Long, Mask
from aenetpy.data.geometry import Geometry
from aenetpy.data.structure import determinant
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.jacobians import Jacobians, Targets, consecutive
from aenetpy.models.network import Network, NetworkMemory
from aenetpy.models.scaling import feature_scaling
from aenetpy.training.blocks import Block

EV_PER_A3_IN_GPA = 160.21766208
ATOMS_PER_FORCE_BLOCK = 2000
"""Atoms that pass together: fewer than for energies alone, since each has its neighbours."""


@dataclass(frozen=True)
class ForceWeights:
    """How much the errors of energies, forces and stress count.

    Parameters
    ----------
    alpha
        Share of forces and stress, 0 to 1; energies have the share 1 - alpha.
    energy, force, stress
        The errors that count equally: eV per atom, eV/Å, and eV/Å^3; None for no stress.
    """

    alpha: float = 0.5
    energy: float = 0.005
    force: float = 0.1
    stress: float | None = None


class Forces:
    """Forces and stresses of a training set, of which blocks take their part."""

    def __init__(
        self,
        trainset: TrainingSet,
        geometry: Geometry,
        weights: ForceWeights,
        derivatives: Jacobians,
        structures_s: Index,
    ) -> None:
        self.weights, self.derivatives = weights, derivatives
        self.unit = weights.energy * trainset.scale
        self.quantities = [("force", "eV/Å"), ("stress", "GPa")][: 1 + (weights.stress is not None)]
        self.slopes_tg = [
            feature_scaling(setup.known_statistics)[1] / trainset.scale
            for setup in trainset.setups_t or ()
        ]
        self.has_forces_s = geometry.has_forces_s
        strained = weights.stress is not None
        has_stress_s = geometry.has_stress_s & strained
        self._followed_s = self.has_forces_s | has_stress_s
        self._widths_s = 3 * trainset.n_atoms_s.astype(np.int64) + 9 * strained
        self._first_s = np.cumsum(self._widths_s) - self._widths_s
        n_coordinates = int(self._widths_s.sum())
        places_q = np.arange(n_coordinates) - np.repeat(self._first_s, self._widths_s)
        is_strain_q = places_q >= np.repeat(3 * trainset.n_atoms_s, self._widths_s)
        self._is_force_q = ~is_strain_q & np.repeat(self.has_forces_s, self._widths_s)
        self._is_stress_q = is_strain_q & np.repeat(has_stress_s, self._widths_s)
        reference_q, self._volume_q = np.zeros(n_coordinates), np.ones(n_coordinates)
        reference_q[~is_strain_q] = trainset.forces_nc.ravel() / trainset.scale
        if strained:
            volumes_s = np.array([abs(determinant(cell_cc)) for cell_cc in geometry.cells_scc])
            self._volume_q[is_strain_q] = np.repeat(-volumes_s, 9)
            reference_q[is_strain_q] = geometry.stress_scc.ravel()
            reference_q *= self._volume_q
        # Unknown references may be NaN; their weight is zero.
        reference_q[~(self._is_force_q | self._is_stress_q)] = 0.0
        self._reference_q = reference_q
        n_forces = 3 * int(trainset.n_atoms_s[structures_s] @ geometry.has_forces_s[structures_s])
        n_stress = 9 * int(has_stress_s[structures_s].sum())
        share = 0.5 * self.unit**2 * len(structures_s) * weights.alpha
        force = share / weights.force**2 / max(n_forces, 1)
        stress = share / (weights.stress or 1.0) ** 2 / max(n_stress, 1)
        self._weight_q: Float = -2.0 * force * self._is_force_q.astype(np.float64)
        self._weight_q[self._is_stress_q] = -2.0 * stress / self._volume_q[self._is_stress_q] ** 2

    def of(self, block: Block, chosen: Index) -> ForceBlock:
        """Return the part of the structures of a block."""
        followed_k = np.flatnonzero(self._followed_s[chosen])
        structures = chosen[followed_k]
        widths: Long = self._widths_s[structures]
        places_q = consecutive(self._first_s[structures], widths)
        ends: Long = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])
        rows_ts, n_numbers = [], 0
        for rows, slopes_g in zip(block.rows_t, self.slopes_tg, strict=True):
            first_s = np.zeros(len(chosen), np.int64)
            first_s[rows.structures] = rows.starts
            rows_ts.append(n_numbers + first_s[followed_k] * len(slopes_g))
            n_numbers += rows.x_1n.shape[1] * len(slopes_g)
        return ForceBlock(
            self,
            [rows.x_1n.shape[1] for rows in block.rows_t],
            Targets(ends, self._reference_q[places_q], self._weight_q[places_q]),
            self._is_force_q[places_q],
            self._is_stress_q[places_q],
            self._volume_q[places_q],
            structures,
            np.ascontiguousarray(np.array(rows_ts, np.int64).T),
            n_numbers,
        )


@dataclass(frozen=True, eq=False)
class ForceBlock:
    """The reference forces and stresses of the structures of a block."""

    forces: Forces
    n_atoms_t: list[int]
    targets: Targets
    is_force_q: Mask
    is_stress_q: Mask
    volume_q: Float
    structures_s: Index
    rows_st: Long
    n_numbers: int

    def compare(
        self, networks_t: Sequence[Network], memory_t: Sequence[NetworkMemory], rates: bool
    ) -> tuple[float, list[Float], Float]:
        """Return the part in L, errors in their units, and the rates of the inputs (flat)."""
        gradient_k = self._input_gradients(networks_t, memory_t)
        forces_q, rates_k = self._products(gradient_k, self.targets, rates)
        differences_q = self.targets.reference_q - forces_q
        errors = [differences_q[self.is_force_q]]
        if self.forces.weights.stress is not None:
            stress_k = differences_q[self.is_stress_q] / self.volume_q[self.is_stress_q]
            errors.append(stress_k * EV_PER_A3_IN_GPA)
        return -0.5 * float(self.targets.weight_q @ differences_q**2), errors, rates_k

    def residuals(
        self, networks_t: Sequence[Network], memory_t: Sequence[NetworkMemory]
    ) -> tuple[Float, Iterator[Float]]:
        """Return the residuals of known coordinates, and the rates that each one leads to."""
        gradient_k = self._input_gradients(networks_t, memory_t)
        forces_q, _ = self._products(gradient_k, self.targets, rates=False)
        roots_q, known_k = np.sqrt(-self.targets.weight_q), np.flatnonzero(self.targets.weight_q)

        def rates() -> Iterator[Float]:
            for q in known_k:  # f - (f - 1) is one: the rates are the column of J that belongs to q
                weight_q = np.zeros_like(roots_q)
                weight_q[q] = roots_q[q]
                column = Targets(self.targets.coordinates_s, forces_q - 1.0, weight_q)
                yield self._products(gradient_k, column, rates=True)[1]

        return (roots_q * (self.targets.reference_q - forces_q))[known_k], rates()

    def views(self, flat_k: Float, scaled: bool = True) -> list[Float]:
        """Cut numbers of all atoms by species, (n, g) each; network inputs are scaled."""
        views, start = [], 0
        for n_atoms, slopes_g in zip(self.n_atoms_t, self.forces.slopes_tg, strict=True):
            stop = start + n_atoms * len(slopes_g)
            own_ng = flat_k[start:stop].reshape(-1, len(slopes_g))
            views.append(own_ng * slopes_g if scaled else own_ng)
            start = stop
        return views

    def _input_gradients(
        self, networks_t: Sequence[Network], memory_t: Sequence[NetworkMemory]
    ) -> Float:
        """dE/dG, eV, of all atoms of the last forward pass, flat."""
        gradient_k = np.empty(self.n_numbers)
        for gradient_ng, network, memory, slopes_g in zip(
            self.views(gradient_k, scaled=False),
            networks_t,
            memory_t,
            self.forces.slopes_tg,
            strict=True,
        ):
            np.multiply(network.input_gradient(memory), slopes_g, out=gradient_ng)
        return gradient_k

    def _products(self, gradient_k: Float, targets: Targets, rates: bool) -> tuple[Float, Float]:
        return self.forces.derivatives.forces_and_rates(
            self.structures_s, self.rows_st, gradient_k, targets, rates
        )
