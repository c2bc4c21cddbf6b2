"""The energy objective: what training minimises (spec 3.3; design 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.interruption import check
from aenetpy.models.network import Network, NetworkMemory
from aenetpy.training.blocks import Block
from aenetpy.training.blockwise import Blockwise, forward, join, memory_for, unchecked
from aenetpy.training.objective import Loss, Quantity, Residuals, mean_errors


class EnergyObjective(Blockwise[Block]):
    """Half the sum of squared energy errors per atom over a set of structures.

    ``L(w) = 1/2 sum_s dE_s^2``, ``dE_s = (E_ref - sum_i y_i(w)) / N_s`` in scaled units.

    Parameters
    ----------
    trainset, structures_s, networks_t, workers
        As of `Blockwise`.

    Notes
    -----
    Spec 3.3. ``w`` is all weights, species after species in TYPES order.
    """

    quantities: tuple[Quantity, ...] = (Quantity("energy", "eV/atom"),)
    measure = Quantity("RMSE", "eV/atom")

    def _cut(self, structures: Index) -> list[Block]:
        return self._packing.blocks(structures)

    def _new_memory(self, pieces: Sequence[Block]) -> list[NetworkMemory]:
        return memory_for(self._networks_t, pieces)

    @property
    def identity(self) -> bytes:
        """Target energies and numbers of atoms."""
        return self.n_atoms_s.tobytes() + self.energies_s.tobytes()

    def score(self, loss: Loss) -> float:
        """Return the root mean square error, eV per atom."""
        return mean_errors(loss.errors[0]).rmse

    def evaluate(self, weights_w: Float, gradient: bool = True) -> Loss:
        """Return value, gradient and the errors of all structures, eV per atom.

        Without ``gradient`` only the forward pass is done, and ``gradient_w`` is empty.
        """
        if not gradient:
            energies_s = self.energies(weights_w)
            with unchecked():
                errors_s = (self.energies_s - energies_s) / self.n_atoms_s
                value = 0.5 * float(errors_s @ errors_s)
                return Loss(value, np.empty(0), (errors_s / self._scale,))
        networks_t = self._networks(weights_w)

        def work(block: Block) -> Loss:
            return self._evaluate_block(block, networks_t)

        return self._total(work, weights_w)

    def residuals(self, weights_w: Float) -> Residuals:
        """Return dE of each structure, scaled units, and ``-1/N_s sum_i dy_i/dw``, (s, w)."""
        networks_t = self._networks(weights_w)

        def work(block: Block) -> Residuals:
            return self._residuals_of_block(block, networks_t)

        parts = list(self._workers.map(work, self._blocks))
        if len(parts) == 1:
            return parts[0]
        return Residuals(
            join(part.residuals_k for part in parts),
            np.concatenate([np.empty((0, len(weights_w))), *(part.jacobian_kw for part in parts)]),
        )

    def energies(self, weights_w: Float) -> Float:
        """Return the energies of all structures in scaled units, (s,): forward pass only."""
        networks_t = self._networks(weights_w)

        def work(block: Block) -> Float:
            with self._borrow_memory() as memory_t, unchecked():
                return forward(block, networks_t, memory_t)

        return join(self._workers.map(work, self._blocks))

    def errors(self, energies_s: Float) -> Float:
        """Return (E_ref - E_nn) / N_atoms in eV per atom for energies in scaled units, (s,)."""
        return (self.energies_s - energies_s) / self.n_atoms_s / self._scale

    def _evaluate_block(self, block: Block, networks_t: list[Network]) -> Loss:
        """Value, gradient and errors of one block; dL/dy_i = -dE_s / N_s."""
        check()
        gradient_w = np.empty(self._ends_t[-1])
        gradients_t = np.split(gradient_w, self._ends_t[:-1])
        with self._borrow_memory() as memory_t, unchecked():
            energies_s = forward(block, networks_t, memory_t)
            errors_s = (block.energies_s - energies_s) / block.n_atoms_s
            slopes_s = -errors_s / block.n_atoms_s
            for rows, network, memory, gradient in zip(
                block.rows_t, networks_t, memory_t, gradients_t, strict=True
            ):
                network.backward(rows.spread(slopes_s), memory, gradient)
            value = 0.5 * float(errors_s @ errors_s)
            return Loss(value, gradient_w, (errors_s / self._scale,))

    def _residuals_of_block(self, block: Block, networks_t: list[Network]) -> Residuals:
        """Errors and Jacobian rows of one block; row s is sum_i (-1/N_s) dy_i/dw."""
        check()
        jacobian_kw = np.zeros((block.n_structures, self._ends_t[-1]))
        jacobians_t = np.split(jacobian_kw, self._ends_t[:-1], axis=1)
        with self._borrow_memory() as memory_t, unchecked():
            energies_s = forward(block, networks_t, memory_t)
            errors_s = (block.energies_s - energies_s) / block.n_atoms_s
            for rows, network, memory, jacobian in zip(
                block.rows_t, networks_t, memory_t, jacobians_t, strict=True
            ):
                slopes_n = rows.spread(-1.0 / block.n_atoms_s)
                jacobian[rows.structures] = network.jacobian(slopes_n, rows.counts, memory)
        return Residuals(errors_s, jacobian_kw)
