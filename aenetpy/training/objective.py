"""The energy objective: what training minimises (spec 3.3; design 3.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from aenetpy.io.trainset import TrainingSet
from aenetpy.models.network import Network, Workspace

Float = NDArray[np.float64]
Index = NDArray[np.intp]
Item = TypeVar("Item")
Result = TypeVar("Result")

ATOMS_PER_BLOCK = 4000
"""Atoms that pass together: many enough to hide the interpreter, few enough for the cache."""


class Workers:
    """Threads that share the blocks of an objective, for the time of a ``with`` statement.

    BLAS is limited to one thread meanwhile, so that results do not depend on ``jobs``.

    Parameters
    ----------
    jobs
        Number of threads.
    """

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = max(1, jobs)
        self._executor: ThreadPoolExecutor | None = None
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> Workers:
        self._limits = threadpool_limits(1, user_api="blas")
        if self.jobs > 1:
            self._executor = ThreadPoolExecutor(self.jobs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None
        if self._limits is not None:
            self._limits.restore_original_limits()
            self._limits = None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return ``function(item)`` of all items in their order."""
        if self._executor is None:
            return [function(item) for item in items]
        return list(self._executor.map(function, items))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The objective at one point.

    Parameters
    ----------
    value
        1/2 sum over structures of ((E_ref - E_nn) / N_atoms)^2, scaled units.
    gradient_w
        Its derivative by all weights, (w,) float64.
    energies_s
        E_nn of the whole structures, scaled units, (s,) float64.
    """

    value: float
    gradient_w: Float
    energies_s: Float


@dataclass(frozen=True, eq=False)
class _Rows:
    """The atoms of one species in a block: inputs (g + 1, n), and whose they are."""

    x_1n: Float
    structures: Index  # positions in the block of the structures that have such atoms
    counts: Index  # their number of such atoms
    starts: Index  # where these atoms start

    def add_sums(self, y_n: Float, sums_s: Float) -> None:
        """sums_s += sum of y over the atoms of structure s."""
        if len(self.structures):
            sums_s[self.structures] += np.add.reduceat(y_n, self.starts)

    def spread(self, value_s: Float) -> Float:
        """Give every atom the value of its structure, (n,)."""
        return np.repeat(value_s[self.structures], self.counts)


@dataclass(frozen=True, eq=False)
class _Block:
    """Structures that are evaluated together."""

    rows_t: tuple[_Rows, ...]
    energies_s: Float
    n_atoms_s: Float


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

    def __init__(
        self,
        trainset: TrainingSet,
        structures_s: Index | Sequence[int],
        networks_t: Sequence[Network],
        workers: Workers | None = None,
    ) -> None:
        structures = np.asarray(structures_s, dtype=np.intp)
        self.n_atoms_s = trainset.n_atoms_s[structures]
        self.energies_s = trainset.energies_s[structures]
        self._scale = trainset.scale
        self._networks_t = tuple(networks_t)
        self._ends_t = np.cumsum([network.weights_w.size for network in networks_t])
        self._workers = Workers() if workers is None else workers
        self._blocks = _make_blocks(trainset, structures)
        self._memory: SimpleQueue[list[Workspace]] = SimpleQueue()
        for _ in range(min(self._workers.jobs, len(self._blocks))):
            self._memory.put(self._new_memory())

    @property
    def n_structures(self) -> int:
        """Number of structures summed over."""
        return len(self.energies_s)

    def evaluate(self, weights_w: Float) -> Evaluation:
        """Return value, gradient and the energies of all structures."""
        networks_t = self._networks(weights_w)

        def work(block: _Block) -> Evaluation:
            return self._evaluate_block(block, networks_t)

        parts = self._workers.map(work, self._blocks)
        # The one place where partial sums meet: today of threads, later of MPI ranks.
        value, gradient_w = 0.0, np.zeros_like(weights_w)
        for part in parts:
            value += part.value
            gradient_w += part.gradient_w
        return Evaluation(value, gradient_w, _join(part.energies_s for part in parts))

    def energies(self, weights_w: Float) -> Float:
        """Return the energies of all structures in scaled units, (s,): forward pass only."""
        networks_t = self._networks(weights_w)

        def work(block: _Block) -> Float:
            with self._borrow_memory() as memory_t, _unchecked():
                return _forward(block, networks_t, memory_t)

        return _join(self._workers.map(work, self._blocks))

    def errors(self, energies_s: Float) -> Float:
        """Return (E_ref - E_nn) / N_atoms in eV per atom for energies in scaled units, (s,)."""
        return (self.energies_s - energies_s) / self.n_atoms_s / self._scale

    def _evaluate_block(self, block: _Block, networks_t: list[Network]) -> Evaluation:
        """Value, gradient and energies of one block; dL/dy_i = -dE_s / N_s."""
        gradient_w = np.empty(self._ends_t[-1])
        gradients_t = np.split(gradient_w, self._ends_t[:-1])
        with self._borrow_memory() as memory_t, _unchecked():
            energies_s = _forward(block, networks_t, memory_t)
            errors_s = (block.energies_s - energies_s) / block.n_atoms_s
            slopes_s = -errors_s / block.n_atoms_s
            for rows, network, workspace, gradient in zip(
                block.rows_t, networks_t, memory_t, gradients_t, strict=True
            ):
                network.backward(rows.spread(slopes_s), workspace, gradient)
            value = 0.5 * float(errors_s @ errors_s)
        return Evaluation(value, gradient_w, energies_s)

    def _networks(self, weights_w: Float) -> list[Network]:
        parts_t = np.split(weights_w, self._ends_t[:-1])
        return [
            network.with_weights(part)
            for network, part in zip(self._networks_t, parts_t, strict=True)
        ]

    @contextmanager
    def _borrow_memory(self) -> Iterator[list[Workspace]]:
        memory_t = self._memory.get()
        try:
            yield memory_t
        finally:
            self._memory.put(memory_t)

    def _new_memory(self) -> list[Workspace]:
        """Workspaces for the largest block, one per species."""
        return [
            Workspace(network.nodes_l, max(b.rows_t[t].x_1n.shape[1] for b in self._blocks))
            for t, network in enumerate(self._networks_t)
        ]


def _forward(block: _Block, networks_t: list[Network], memory_t: list[Workspace]) -> Float:
    """E_s = sum over the atoms of s of y_i."""
    sums_s = np.zeros(len(block.energies_s))
    for rows, network, workspace in zip(block.rows_t, networks_t, memory_t, strict=True):
        rows.add_sums(network.run(rows.x_1n, workspace), sums_s)
    return sums_s


def _unchecked() -> np.errstate:
    """Let numbers overflow in silence: whoever asked looks whether the result is finite."""
    return np.errstate(over="ignore", invalid="ignore")


def _join(parts: Iterable[Float]) -> Float:
    return np.concatenate([np.empty(0), *parts])


def _make_blocks(trainset: TrainingSet, structures: Index) -> list[_Block]:
    """Cut the structures, in order, into equal blocks of at most about ATOMS_PER_BLOCK atoms."""
    n_atoms_s = trainset.n_atoms_s[structures].astype(np.intp)
    n_atoms = int(n_atoms_s.sum())
    n_blocks = math.ceil(n_atoms / ATOMS_PER_BLOCK)
    block_s = (np.cumsum(n_atoms_s) - n_atoms_s) * n_blocks // max(1, n_atoms)
    borders = np.flatnonzero(np.diff(block_s)) + 1
    counts_st = trainset.counts_st
    first_st = np.cumsum(counts_st, axis=0) - counts_st
    return [
        _Block(
            tuple(
                _gather(features_ng, first_st[chosen, t], counts_st[chosen, t])
                for t, features_ng in enumerate(trainset.features_tng)
            ),
            trainset.energies_s[chosen],
            trainset.n_atoms_s[chosen].astype(np.float64),
        )
        for chosen in np.split(structures, borders)
        if len(chosen)
    ]


def _gather(features_ng: Float, first_s: Index, count_s: Index) -> _Rows:
    """Collect rows first...first + count of each structure as columns, plus a row of ones."""
    starts_s = np.cumsum(count_s) - count_s
    rows_n = np.repeat(first_s - starts_s, count_s) + np.arange(count_s.sum())
    x_1n = np.ones((features_ng.shape[1] + 1, len(rows_n)))
    x_1n[:-1] = features_ng[rows_n].T
    present = np.flatnonzero(count_s)
    return _Rows(x_1n, present, count_s[present], starts_s[present])
