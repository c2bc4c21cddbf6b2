"""The energy objective: what training minimises (spec 3.3; design 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from queue import SimpleQueue

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.data.training_set import TrainingSet
from aenetpy.interruption import check
from aenetpy.models.network import Network, NetworkMemory
from aenetpy.parallel import Workers
from aenetpy.training.blocks import Block, Packing
from aenetpy.training.objective import Loss, Quantity, Residuals


class EnergyObjective:
    """Half the sum of squared energy errors per atom over a set of structures.

    ``L(w) = 1/2 sum_s dE_s^2``, ``dE_s = (E_ref - sum_i y_i(w)) / N_s`` in scaled units.

    Parameters
    ----------
    trainset
        The normalised training set.
    structures_s
        Indices of the structures to sum over.
    networks_t
        A network per species in TYPES order; gives the layers, not the weights.
    workers
        Threads for the blocks of structures; one by default.

    Notes
    -----
    Spec 3.3. ``w`` is all weights, species after species in TYPES order. The blocks
    do not depend on the number of workers and are summed up in fixed order, so
    that results do not depend on it either.
    """

    quantities: tuple[Quantity, ...] = (Quantity("energy", "eV/atom"),)

    def __init__(
        self,
        trainset: TrainingSet,
        structures_s: Index | Sequence[int],
        networks_t: Sequence[Network],
        workers: Workers | None = None,
    ) -> None:
        self._scale = trainset.scale
        self._networks_t = tuple(networks_t)
        self._ends_t = np.cumsum([network.weights_w.size for network in networks_t])
        self._workers = Workers() if workers is None else workers
        self._packing = Packing(trainset)
        self._choose(np.asarray(structures_s, dtype=np.intp))

    def _choose(self, structures: Index) -> None:
        self._structures = structures
        self.n_atoms_s = self._packing.n_atoms_s[structures]
        self.energies_s = self._packing.energies_s[structures]
        self._blocks = self._packing.blocks(structures)
        self._memory: SimpleQueue[list[NetworkMemory]] = SimpleQueue()
        for _ in range(min(self._workers.jobs, len(self._blocks))):
            self._memory.put(self._new_memory())

    @property
    def n_structures(self) -> int:
        """Number of structures summed over."""
        return len(self.energies_s)

    @property
    def identity(self) -> bytes:
        """Target energies and numbers of atoms."""
        return self.n_atoms_s.tobytes() + self.energies_s.tobytes()

    def sampling_key(self, sampling: str, loss: Loss) -> Float:
        """Return what SAMPLING goes by: size of the error, or target energy per atom, (s,)."""
        return (
            -np.abs(loss.errors[0]) if sampling == "weighted" else self.energies_s / self.n_atoms_s
        )

    def batch(self, chosen_s: Index) -> EnergyObjective:
        """Return the objective over some of its structures, by position, repeats allowed."""
        part = copy(self)
        part._choose(self._structures[chosen_s])
        return part

    def evaluate(self, weights_w: Float, gradient: bool = True) -> Loss:
        """Return value, gradient and the errors of all structures, eV per atom.

        Without ``gradient`` only the forward pass is done, and ``gradient_w`` is empty.
        """
        if not gradient:
            energies_s = self.energies(weights_w)
            with _unchecked():
                errors_s = (self.energies_s - energies_s) / self.n_atoms_s
                value = 0.5 * float(errors_s @ errors_s)
                return Loss(value, np.empty(0), (errors_s / self._scale,))
        networks_t = self._networks(weights_w)

        def work(block: Block) -> Loss:
            return self._evaluate_block(block, networks_t)

        parts = list(self._workers.map(work, self._blocks))
        # The one place where partial sums meet: today of threads, later of MPI ranks.
        value, gradient_w = 0.0, np.zeros_like(weights_w)
        for part in parts:
            value += part.value
            gradient_w += part.gradient_w
        return Loss(value, gradient_w, (_join(part.errors[0] for part in parts),))

    def residuals(self, weights_w: Float) -> Residuals:
        """Return dE of each structure, scaled units, and ``-1/N_s sum_i dy_i/dw``, (s, w)."""
        networks_t = self._networks(weights_w)

        def work(block: Block) -> Residuals:
            return self._residuals_of_block(block, networks_t)

        parts = list(self._workers.map(work, self._blocks))
        if len(parts) == 1:
            return parts[0]
        return Residuals(
            _join(part.residuals_k for part in parts),
            np.concatenate([np.empty((0, len(weights_w))), *(part.jacobian_kw for part in parts)]),
        )

    def energies(self, weights_w: Float) -> Float:
        """Return the energies of all structures in scaled units, (s,): forward pass only."""
        networks_t = self._networks(weights_w)

        def work(block: Block) -> Float:
            with self._borrow_memory() as memory_t, _unchecked():
                return _forward(block, networks_t, memory_t)

        return _join(self._workers.map(work, self._blocks))

    def errors(self, energies_s: Float) -> Float:
        """Return (E_ref - E_nn) / N_atoms in eV per atom for energies in scaled units, (s,)."""
        return (self.energies_s - energies_s) / self.n_atoms_s / self._scale

    def _evaluate_block(self, block: Block, networks_t: list[Network]) -> Loss:
        """Value, gradient and errors of one block; dL/dy_i = -dE_s / N_s."""
        check()
        gradient_w = np.empty(self._ends_t[-1])
        gradients_t = np.split(gradient_w, self._ends_t[:-1])
        with self._borrow_memory() as memory_t, _unchecked():
            energies_s = _forward(block, networks_t, memory_t)
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
        with self._borrow_memory() as memory_t, _unchecked():
            energies_s = _forward(block, networks_t, memory_t)
            errors_s = (block.energies_s - energies_s) / block.n_atoms_s
            for rows, network, memory, jacobian in zip(
                block.rows_t, networks_t, memory_t, jacobians_t, strict=True
            ):
                slopes_n = rows.spread(-1.0 / block.n_atoms_s)
                jacobian[rows.structures] = network.jacobian(slopes_n, rows.counts, memory)
        return Residuals(errors_s, jacobian_kw)

    def _networks(self, weights_w: Float) -> list[Network]:
        parts_t = np.split(weights_w, self._ends_t[:-1])
        return [
            network.with_weights(part)
            for network, part in zip(self._networks_t, parts_t, strict=True)
        ]

    @contextmanager
    def _borrow_memory(self) -> Iterator[list[NetworkMemory]]:
        memory_t = self._memory.get()
        try:
            yield memory_t
        finally:
            self._memory.put(memory_t)

    def _new_memory(self) -> list[NetworkMemory]:
        """Memory for the largest block, one per species."""
        return [
            NetworkMemory(network.nodes_l, max(b.rows_t[t].x_1n.shape[1] for b in self._blocks))
            for t, network in enumerate(self._networks_t)
        ]


def _forward(block: Block, networks_t: list[Network], memory_t: list[NetworkMemory]) -> Float:
    """E_s = sum over the atoms of s of y_i."""
    sums_s = np.zeros(len(block.energies_s))
    for rows, network, memory in zip(block.rows_t, networks_t, memory_t, strict=True):
        rows.add_sums(network.run(rows.x_1n, memory), sums_s)
    return sums_s


def _unchecked() -> np.errstate:
    """Let numbers overflow in silence: whoever asked looks whether the result is finite."""
    return np.errstate(over="ignore", invalid="ignore")


def _join(parts: Iterable[Float]) -> Float:
    return np.concatenate([np.empty(0), *parts])
