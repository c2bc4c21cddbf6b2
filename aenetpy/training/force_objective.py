"""Energies, forces and stress together: what training on forces minimises (design 3.4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aenetpy.arrays import Float, Index, Long
from aenetpy.data.geometry import Geometry
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.derivatives import Derivatives, Targets
from aenetpy.interruption import check
from aenetpy.models.network import Network, NetworkMemory
from aenetpy.models.scaling import feature_scaling
from aenetpy.parallel import Workers
from aenetpy.training.blocks import Block
from aenetpy.training.blockwise import Blockwise, forward, join, memory_for, unchecked
from aenetpy.training.force_targets import (
    EV_PER_A3_IN_GPA,
    BlockTargets,
    ForceTargets,
    ForceWeights,
)
from aenetpy.training.objective import Loss, Quantity, Residuals

ATOMS_PER_BLOCK = 2000
"""Atoms that pass together: fewer than for energies alone, since each has its neighbours."""


@dataclass(frozen=True, eq=False)
class _ForceBlock:
    """Structures that are evaluated together, and those of them whose forces are followed."""

    block: Block
    labels: BlockTargets
    followed_s: Index
    rows_st: Long  # where the gradients of their atoms begin
    n_numbers: int  # of all gradients


class ForceObjective(Blockwise[_ForceBlock]):
    """Mean squared errors of energies, forces and stress, in units of errors that count equally.

    ``L(w) = S (e scale)^2/2 [(1 - a) <dE^2>/e^2 + a <dF^2>/f^2 + a <dS^2>/s^2]``, where dE is the
    error of the energy per atom of each of S structures, dF of each known component of a force,
    and dS of each of the nine components of each known stress; with a = 0 it is that of
    `EnergyObjective`. The means are over the whole set; a batch has the part that its
    structures have in the sum.

    Parameters
    ----------
    trainset, structures_s, networks_t, workers
        As of `Blockwise`.
    geometry
        Of all structures of ``trainset``: which forces and which stress are used.
    weights
        a, e, f, s.
    derivatives
        Of the fingerprints of all structures whose forces or stress are used.

    Notes
    -----
    Design 3.4. With the residuals held fixed, the gradient of the force term is that of
    ``sum_i dy_i/dx . v_i`` along the rates v of the inputs that the residuals lead to: one
    product with the derivatives, and forward over reverse through the networks.
    """

    measure = Quantity("error weighted as by FORCES", "")

    def __init__(
        self,
        trainset: TrainingSet,
        structures_s: Index | Sequence[int],
        networks_t: Sequence[Network],
        geometry: Geometry,
        weights: ForceWeights,
        derivatives: Derivatives,
        workers: Workers | None = None,
    ) -> None:
        assert trainset.setups_t is not None, "normalise refuses sets without setups"
        self._slopes_tg = [
            feature_scaling(setup.known_statistics)[1] / trainset.scale
            for setup in trainset.setups_t
        ]
        self._derivatives = derivatives
        self._has_stress = weights.stress is not None
        self.quantities: tuple[Quantity, ...] = (
            Quantity("energy", "eV/atom"),
            Quantity("force", "eV/Å"),
            *([Quantity("stress", "GPa")] if self._has_stress else []),
        )
        chosen = np.asarray(structures_s, dtype=np.intp)
        self._targets = ForceTargets(trainset, geometry, weights, chosen)
        self._unit = 0.5 * (weights.energy * trainset.scale) ** 2
        self._energy_factor = self._unit * (1.0 - weights.alpha) / weights.energy**2
        super().__init__(trainset, chosen, networks_t, workers)

    def _cut(self, structures: Index) -> list[_ForceBlock]:
        pieces = self._packing.cut(structures, ATOMS_PER_BLOCK)
        return [self._force_block(chosen) for chosen in pieces]

    def _new_memory(self, pieces: Sequence[_ForceBlock]) -> list[NetworkMemory]:
        return memory_for(self._networks_t, [one.block for one in pieces], second_order=True)

    def _force_block(self, chosen: Index) -> _ForceBlock:
        block, labels = self._packing.block(chosen), self._targets.of(chosen)
        rows_ts, n_numbers = [], 0
        for rows, slopes_g in zip(block.rows_t, self._slopes_tg, strict=True):
            first_s = np.zeros(len(chosen), np.int64)
            first_s[rows.structures] = rows.starts
            rows_ts.append(n_numbers + first_s[labels.followed_k] * len(slopes_g))
            n_numbers += rows.x_1n.shape[1] * len(slopes_g)
        rows_st = np.ascontiguousarray(np.array(rows_ts, np.int64).T)
        return _ForceBlock(block, labels, chosen[labels.followed_k], rows_st, n_numbers)

    @property
    def structures_with_forces(self) -> Index:
        """Numbers of the structures whose forces are compared, in the order of their errors."""
        return self._structures[self._targets.has_forces_s[self._structures]]

    @property
    def identity(self) -> bytes:
        """References and weights."""
        parts = [self.n_atoms_s, self.energies_s, np.array([self._energy_factor])]
        for one in self._blocks:
            parts += [one.labels.targets.reference_q, one.labels.targets.weight_q]
        return b"".join(part.tobytes() for part in parts)

    def score(self, loss: Loss) -> float:
        """Return the root of what is in brackets in L: errors in units of equal weight."""
        if not self.n_structures:
            return math.nan
        return math.sqrt(loss.value / self.n_structures / self._unit)

    def evaluate(self, weights_w: Float, gradient: bool = True) -> Loss:
        """Return value, gradient and the errors of all energies, forces and stresses.

        Without ``gradient`` no rates are followed, and ``gradient_w`` is empty.
        """
        networks_t = self._networks(weights_w)

        def work(one: _ForceBlock) -> Loss:
            return self._evaluate_block(one, networks_t, gradient)

        loss = self._total(work, weights_w)
        return loss if gradient else replace(loss, gradient_w=np.empty(0))

    def residuals(self, weights_w: Float) -> Residuals:
        """Return all errors times the root of twice their weight in L, and their slopes, (k, w).

        Structure by structure the energy, then the known coordinates; one derivative of a
        force by all weights takes as long as the gradient of L for its structure.
        """
        networks_t = self._networks(weights_w)
        pieces = [self._structures[k : k + 1] for k in range(self.n_structures)]

        def work(chosen: Index) -> Residuals:
            return self._residuals_of_structure(self._force_block(chosen), networks_t)

        found = list(self._workers.map(work, pieces))
        return Residuals(
            join(one.residuals_k for one in found),
            np.concatenate([np.empty((0, len(weights_w))), *(one.jacobian_kw for one in found)]),
        )

    def _residuals_of_structure(self, one: _ForceBlock, networks_t: list[Network]) -> Residuals:
        check()
        block, targets = one.block, one.labels.targets
        memory_t = self._new_memory([one])
        known_k = np.flatnonzero(targets.weight_q)
        jacobian_kw = np.empty((1 + len(known_k), self._ends_t[-1]))
        no_rates = np.zeros(one.n_numbers)
        with unchecked():
            energies_s = forward(block, networks_t, memory_t)
            errors_s = (block.energies_s - energies_s) / block.n_atoms_s / self._scale
            gradient_k = self._input_gradients(one, networks_t, memory_t)
            root = math.sqrt(2.0 * self._energy_factor)
            slopes_s = -root / block.n_atoms_s / self._scale
            self._backward(one, networks_t, memory_t, slopes_s, no_rates, jacobian_kw[0])
            forces_q, _ = self._derivatives.compare(
                one.followed_s, one.rows_st, gradient_k, targets, rates=False
            )
            roots_q = np.sqrt(-targets.weight_q)
            for row, q in enumerate(known_k, start=1):
                # f - (f - 1) is one: the rates are the column of J that belongs to q.
                weight_q = np.zeros_like(roots_q)
                weight_q[q] = roots_q[q]
                column = Targets(targets.coordinates_s, forces_q - 1.0, weight_q)
                _, rates_k = self._derivatives.compare(
                    one.followed_s, one.rows_st, gradient_k, column, rates=True
                )
                self._backward(one, networks_t, memory_t, 0.0 * slopes_s, rates_k, jacobian_kw[row])
            differences_q = roots_q * (targets.reference_q - forces_q)
        return Residuals(np.concatenate([root * errors_s, differences_q[known_k]]), jacobian_kw)

    def energies(self, weights_w: Float) -> Float:
        """Return the energies of all structures in scaled units, (s,)."""
        errors_s = self.evaluate(weights_w, gradient=False).errors[0]
        return self.energies_s - errors_s * self.n_atoms_s * self._scale

    def _evaluate_block(self, one: _ForceBlock, networks_t: list[Network], gradient: bool) -> Loss:
        check()
        block, targets = one.block, one.labels.targets
        with self._borrow_memory() as memory_t, unchecked():
            energies_s = forward(block, networks_t, memory_t)
            errors_s = (block.energies_s - energies_s) / block.n_atoms_s / self._scale
            gradient_k = self._input_gradients(one, networks_t, memory_t)
            forces_q, rates_k = self._derivatives.compare(
                one.followed_s, one.rows_st, gradient_k, targets, gradient
            )
            differences_q = targets.reference_q - forces_q
            value = self._energy_factor * float(errors_s @ errors_s)
            value -= 0.5 * float(targets.weight_q @ differences_q**2)
            errors = self._errors(one.labels, errors_s, differences_q)
            if not gradient:
                return Loss(value, np.empty(0), errors)
            gradient_w = np.empty(self._ends_t[-1])
            slopes_s = -2.0 * self._energy_factor * errors_s / block.n_atoms_s / self._scale
            self._backward(one, networks_t, memory_t, slopes_s, rates_k, gradient_w)
            return Loss(value, gradient_w, errors)

    def _input_gradients(
        self, one: _ForceBlock, networks_t: list[Network], memory_t: list[NetworkMemory]
    ) -> Float:
        """dE/dG, eV, of all atoms of the last forward pass, flat."""
        gradient_k = np.empty(one.n_numbers)
        for gradient_ng, network, memory, slopes_g in zip(
            self._views(one, gradient_k), networks_t, memory_t, self._slopes_tg, strict=True
        ):
            np.multiply(network.input_gradient(memory), slopes_g, out=gradient_ng)
        return gradient_k

    def _backward(
        self,
        one: _ForceBlock,
        networks_t: list[Network],
        memory_t: list[NetworkMemory],
        slopes_s: Float,
        rates_k: Float,
        gradient_w: Float,
    ) -> None:
        """Write the gradient of sum_s a_s E_s + sum_i dE_i/dG . v_i, given a (s) and v (flat)."""
        for rows, network, memory, slopes_g, rates_ng, own_w in zip(
            one.block.rows_t,
            networks_t,
            memory_t,
            self._slopes_tg,
            self._views(one, rates_k),
            np.split(gradient_w, self._ends_t[:-1]),
            strict=True,
        ):
            network.backward_of_rates(rows.spread(slopes_s), rates_ng * slopes_g, memory, own_w)

    def _errors(
        self, labels: BlockTargets, errors_s: Float, differences_q: Float
    ) -> tuple[Float, ...]:
        """Errors of energies, of known forces and of known stresses, in their units."""
        forces_k = differences_q[labels.is_force_q]
        if not self._has_stress:
            return errors_s, forces_k
        stress_k = differences_q[labels.is_stress_q] / labels.volume_q[labels.is_stress_q]
        return errors_s, forces_k, stress_k * EV_PER_A3_IN_GPA

    def _views(self, one: _ForceBlock, flat_k: Float) -> list[Float]:
        """Cut a flat array into the numbers of the atoms of each species, (n, g) each."""
        views, start = [], 0
        for rows, slopes_g in zip(one.block.rows_t, self._slopes_tg, strict=True):
            stop = start + rows.x_1n.shape[1] * len(slopes_g)
            views.append(flat_k[start:stop].reshape(-1, len(slopes_g)))
            start = stop
        return views
