"""What objectives share that sum over structures block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.data.training_set import TrainingSet
from aenetpy.models.network import Network, NetworkMemory
from aenetpy.parallel import Workers
from aenetpy.training.blocks import Block, Packing
from aenetpy.training.objective import Loss, Quantity

Piece = TypeVar("Piece")
Itself = TypeVar("Itself", bound="Blockwise[Any]")


class Blockwise(Generic[Piece]):
    """A sum over structures of a training set, cut into blocks that threads share.

    The blocks do not depend on the number of workers and are summed up in fixed order, so
    that results do not depend on it either.

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
    """

    quantities: tuple[Quantity, ...]

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
        self._blocks = self._cut(structures)
        self._memory: SimpleQueue[list[NetworkMemory]] = SimpleQueue()
        for _ in range(min(self._workers.jobs, len(self._blocks))):
            self._memory.put(self._new_memory(self._blocks))

    def _cut(self, structures: Index) -> list[Piece]:
        """Cut structures into blocks."""
        raise NotImplementedError

    def _new_memory(self, pieces: Sequence[Piece]) -> list[NetworkMemory]:
        """Return memory for the largest of some blocks, one per species."""
        raise NotImplementedError

    @property
    def n_structures(self) -> int:
        """Number of structures summed over."""
        return len(self.energies_s)

    def sampling_key(self, sampling: str, loss: Loss) -> Float:
        """Return what SAMPLING goes by: size of the error, or target energy per atom, (s,)."""
        return (
            -np.abs(loss.errors[0]) if sampling == "weighted" else self.energies_s / self.n_atoms_s
        )

    def batch(self: Itself, chosen_s: Index) -> Itself:
        """Return the objective over some of its structures, by position, repeats allowed."""
        part = copy(self)
        part._choose(self._structures[chosen_s])
        return part

    def _total(self, work: Callable[[Piece], Loss], weights_w: Float) -> Loss:
        """Sum what ``work`` gives of each block, and join its errors."""
        parts = list(self._workers.map(work, self._blocks))
        # The one place where partial sums meet: today of threads, later of MPI ranks.
        value, gradient_w = 0.0, np.zeros_like(weights_w)
        for part in parts:
            value += part.value
            if len(part.gradient_w):
                gradient_w += part.gradient_w
        errors = (join(part.errors[k] for part in parts) for k in range(len(self.quantities)))
        return Loss(value, gradient_w, tuple(errors))

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


def memory_for(
    networks_t: Sequence[Network], blocks: Sequence[Block], second_order: bool = False
) -> list[NetworkMemory]:
    """Return memory for the largest of some blocks, one per species."""
    return [
        NetworkMemory(network.nodes_l, max(b.rows_t[t].x_1n.shape[1] for b in blocks), second_order)
        for t, network in enumerate(networks_t)
    ]


def forward(block: Block, networks_t: list[Network], memory_t: list[NetworkMemory]) -> Float:
    """Return E_s = sum over the atoms of s of y_i."""
    sums_s = np.zeros(len(block.energies_s))
    for rows, network, memory in zip(block.rows_t, networks_t, memory_t, strict=True):
        rows.add_sums(network.run(rows.x_1n, memory), sums_s)
    return sums_s


def unchecked() -> np.errstate:
    """Let numbers overflow in silence: whoever asked looks whether the result is finite."""
    return np.errstate(over="ignore", invalid="ignore")


def join(parts: Iterable[Float]) -> Float:
    """Return arrays end to end, none of them an empty one."""
    return np.concatenate([np.empty(0), *parts])
