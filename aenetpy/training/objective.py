"""The objective: errors of energies, forces and stress, and a penalty on large weights.

    L(w) = (1 - a)/2 sum_s dE_s^2 + (the part of `Forces`) + S lambda |w|^2

over S structures, with dE_s = (E_ref - sum_i y_i(w)) / N_s in scaled units (spec 3.3; design 3.3,
3.5). The structures are cut into blocks that do not depend on the number of workers and are summed
in fixed order, so that results do not depend on it either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.data.training_set import TrainingSet
from aenetpy.interruption import check
from aenetpy.models.network import Network, NetworkMemory
from aenetpy.parallel import Workers
from aenetpy.training.blocks import ATOMS_PER_BLOCK, Block, Packing
from aenetpy.training.forces import ATOMS_PER_FORCE_BLOCK, ForceBlock, Forces

Part = TypeVar("Part")
Piece: TypeAlias = tuple[Block, ForceBlock | None]


@dataclass(frozen=True)
class Quantity:
    """A quantity that is compared with references, such as the energy, and its unit."""

    name: str
    unit: str


@dataclass(frozen=True, eq=False)
class Loss:
    """The objective at one point."""

    value: float
    gradient_w: Float
    errors: tuple[Float, ...]


@dataclass(frozen=True, eq=False)
class Residuals:
    """The same as a sum of squares, ``L = 1/2 sum_k r_k^2``: r (k,), and dr/dw (k, w)."""

    residuals_k: Float
    jacobian_kw: Float


@dataclass(frozen=True)
class MeanErrors:
    """Mean absolute and root mean square error of one quantity; of none 0 and NaN."""

    mae: float
    rmse: float


def mean_errors(errors_k: Float) -> MeanErrors:
    """Return ``mean |d|`` and ``sqrt(mean d^2)`` of errors d."""
    if not len(errors_k):
        return MeanErrors(0.0, math.nan)
    return MeanErrors(float(np.abs(errors_k).mean()), math.sqrt(float((errors_k**2).mean())))


class Objective:
    """A function of all weights, species after species in TYPES order, summed over structures."""

    def __init__(
        self,
        trainset: TrainingSet,
        structures_s: Index | Sequence[int],
        networks_t: Sequence[Network],
        workers: Workers | None = None,
        forces: Forces | None = None,
        penalty: float = 0.0,
    ) -> None:
        self._scale = trainset.scale
        self._networks_t = tuple(networks_t)
        self._ends_t = np.cumsum([network.weights_w.size for network in networks_t])
        self._workers = Workers() if workers is None else workers
        self._forces, self._penalty = forces, penalty
        self._energy_share = 1.0 if forces is None else 1.0 - forces.weights.alpha
        self._packing = Packing(trainset)
        self.quantities: tuple[Quantity, ...] = (Quantity("energy", "eV/atom"),)
        self.measure = Quantity("RMSE", "eV/atom")
        if forces is not None:
            self.quantities += tuple(Quantity(*one) for one in forces.quantities)
            self.measure = Quantity("error weighted as by FORCES", "")
        self._choose(np.asarray(structures_s, dtype=np.intp))

    def _choose(self, structures: Index) -> None:
        self._structures = structures
        self.n_atoms_s = self._packing.n_atoms_s[structures]
        self.energies_s = self._packing.energies_s[structures]
        n_largest = ATOMS_PER_BLOCK if self._forces is None else ATOMS_PER_FORCE_BLOCK
        self._pieces = [self._piece(one) for one in self._packing.cut(structures, n_largest)]
        self._memory: SimpleQueue[list[NetworkMemory]] = SimpleQueue()
        for _ in range(min(self._workers.jobs, len(self._pieces))):
            self._memory.put(self._new_memory([block for block, _ in self._pieces]))

    def _piece(self, chosen: Index) -> Piece:
        block = self._packing.block(chosen)
        return block, None if self._forces is None else self._forces.of(block, chosen)

    @property
    def n_structures(self) -> int:
        """Number of structures summed over."""
        return len(self.energies_s)

    @property
    def structures_with_forces(self) -> Index:
        """Numbers of the structures whose forces are compared, in the order of their errors."""
        assert self._forces is not None, "there are none"
        return self._structures[self._forces.has_forces_s[self._structures]]

    @property
    def identity(self) -> bytes:
        """References and weights of errors; the memory of a method is valid for these only."""
        parts = [self.n_atoms_s, self.energies_s, np.array([self._energy_share, self._penalty])]
        for _, followed in self._pieces:
            if followed is not None:
                parts += [followed.targets.reference_q, followed.targets.weight_q]
        return b"".join(part.tobytes() for part in parts)

    def batch(self, chosen_s: Index) -> Objective:
        """Return the objective over some of its structures, by position, repeats allowed."""
        part = copy(self)
        part._choose(self._structures[chosen_s])
        return part

    def sampling_key(self, sampling: str, loss: Loss) -> Float:
        """Return a number for each structure; SAMPLING prefers those with small ones, (s,)."""
        if sampling == "weighted":
            return -np.abs(loss.errors[0])
        return self.energies_s / self.n_atoms_s

    def score(self, loss: Loss) -> float:
        """Return the value of ``measure``, small is good; NaN without structures."""
        if self._forces is None or not self.n_structures:
            return mean_errors(loss.errors[0]).rmse
        return math.sqrt(2.0 * loss.value / self.n_structures) / self._forces.unit

    def evaluate(self, weights_w: Float, gradient: bool = True) -> Loss:
        """Return value, errors and, with ``gradient``, the gradient."""
        networks_t = self._networks(weights_w)
        parts = self._map(partial(self._evaluate, networks_t, gradient))
        # The one place where partial sums meet: today of threads, later of MPI ranks.
        factor = self._penalty * self.n_structures
        with unchecked():
            value = factor * float(weights_w @ weights_w)
            gradient_w = 2.0 * factor * weights_w if gradient else np.empty(0)
            for part in parts:
                value += part.value
                gradient_w += part.gradient_w
        errors = (join(part.errors[k] for part in parts) for k in range(len(self.quantities)))
        return Loss(value, gradient_w, tuple(errors))

    def energies(self, weights_w: Float) -> Float:
        """Return the energies of all structures in scaled units, (s,): forward pass only."""
        networks_t = self._networks(weights_w)
        return join(self._map(partial(self._energies, networks_t)))

    def residuals(self, weights_w: Float) -> Residuals:
        """Return r and dr/dw; structure by structure the energy, then the known coordinates.

        The derivative of one force takes as long as the gradient of L for its structure.
        Weights are residuals too, ``sqrt(2 S lambda) w``.
        """
        networks_t = self._networks(weights_w)
        pieces = self._pieces
        if self._forces is not None:
            pieces = [self._piece(self._structures[k : k + 1]) for k in range(self.n_structures)]
        parts = self._map(partial(self._residuals, networks_t), pieces)
        root = math.sqrt(2.0 * self._penalty * self.n_structures)
        if root:
            parts.append(Residuals(root * weights_w, root * np.eye(len(weights_w))))
        empty = np.empty((0, len(weights_w)))
        return Residuals(
            join(part.residuals_k for part in parts),
            np.concatenate([empty, *(part.jacobian_kw for part in parts)]),
        )

    # One block

    def _energies(self, networks_t: list[Network], block: Block, _: ForceBlock | None) -> Float:
        with self._borrow_memory() as memory_t, unchecked():
            return forward(block, networks_t, memory_t)

    def _evaluate(
        self, networks_t: list[Network], gradient: bool, block: Block, followed: ForceBlock | None
    ) -> Loss:
        check()
        with self._borrow_memory() as memory_t, unchecked():
            errors_s = block.energies_s - forward(block, networks_t, memory_t)
            errors_s /= block.n_atoms_s
            value = 0.5 * self._energy_share * float(errors_s @ errors_s)
            slopes_s = -self._energy_share * errors_s / block.n_atoms_s
            errors, rates_k = [errors_s / self._scale], None
            if followed is not None:
                more, own, rates_k = followed.compare(networks_t, memory_t, gradient)
                value += more
                errors += own
            gradient_w = np.empty(self._ends_t[-1] if gradient else 0)
            if gradient:
                self._backward(block, followed, networks_t, memory_t, slopes_s, rates_k, gradient_w)
            return Loss(value, gradient_w, tuple(errors))

    def _residuals(
        self, networks_t: list[Network], block: Block, followed: ForceBlock | None
    ) -> Residuals:
        check()
        memory_t = self._new_memory([block])
        root = math.sqrt(self._energy_share)
        jacobian_kw = np.zeros((block.n_structures, self._ends_t[-1]))
        with unchecked():
            errors_s = block.energies_s - forward(block, networks_t, memory_t)
            residuals_k = root * errors_s / block.n_atoms_s
            slopes_s = -root / block.n_atoms_s
            for rows, network, memory, own in zip(
                block.rows_t, networks_t, memory_t, self._split(jacobian_kw), strict=True
            ):
                slopes_n = rows.spread(slopes_s)
                own[rows.structures] = network.jacobian(slopes_n, rows.counts, memory)
            if followed is None:
                return Residuals(residuals_k, jacobian_kw)
            forces_k, rates = followed.residuals(networks_t, memory_t)
            more_kw = np.empty((len(forces_k), self._ends_t[-1]))
            nothing_s = np.zeros(block.n_structures)
            for row_w, rates_k in zip(more_kw, rates, strict=True):
                self._backward(block, followed, networks_t, memory_t, nothing_s, rates_k, row_w)
        return Residuals(join([residuals_k, forces_k]), np.concatenate([jacobian_kw, more_kw]))

    def _backward(
        self,
        block: Block,
        followed: ForceBlock | None,
        networks_t: list[Network],
        memory_t: list[NetworkMemory],
        slopes_s: Float,
        rates_k: Float | None,
        gradient_w: Float,
    ) -> None:
        """Write the gradient of sum_s a_s E_s + sum_i dE_i/dG . v_i, given a (s) and v (flat)."""
        rates_tng: Sequence[Float | None] = [None] * len(networks_t)
        if followed is not None and rates_k is not None:
            rates_tng = followed.views(rates_k)
        for rows, network, memory, rates_ng, own_w in zip(
            block.rows_t, networks_t, memory_t, rates_tng, self._split(gradient_w), strict=True
        ):
            if rates_ng is None:
                network.backward(rows.spread(slopes_s), memory, own_w)
            else:
                network.backward_of_rates(rows.spread(slopes_s), rates_ng, memory, own_w)

    # Workers and memory

    def _map(self, work: Callable[..., Part], pieces: Sequence[Piece] | None = None) -> list[Part]:
        return list(self._workers.map(lambda piece: work(*piece), pieces or self._pieces))

    def _new_memory(self, blocks: Sequence[Block]) -> list[NetworkMemory]:
        """Return memory for the largest of some blocks, one per species."""
        widths_t = np.max([[rows.x_1n.shape[1] for rows in block.rows_t] for block in blocks], 0)
        second_order = self._forces is not None
        return [
            NetworkMemory(network.nodes_l, width, second_order)
            for network, width in zip(self._networks_t, widths_t.tolist(), strict=True)
        ]

    @contextmanager
    def _borrow_memory(self) -> Iterator[list[NetworkMemory]]:
        memory_t = self._memory.get()
        try:
            yield memory_t
        finally:
            self._memory.put(memory_t)

    def _split(self, array: Float) -> list[Float]:
        """Cut the last axis, all weights, by species."""
        return np.split(array, self._ends_t[:-1], axis=-1)

    def _networks(self, weights_w: Float) -> list[Network]:
        return [
            network.with_weights(own_w)
            for network, own_w in zip(self._networks_t, self._split(weights_w), strict=True)
        ]


def forward(block: Block, networks_t: list[Network], memory_t: list[NetworkMemory]) -> Float:
    """Return E_s = sum over the atoms of s of y_i."""
    sums_s = np.zeros(len(block.energies_s))
    for rows, network, memory in zip(block.rows_t, networks_t, memory_t, strict=True):
        rows.add_sums(network.run(rows.x_1n, memory), sums_s)
    return sums_s


def unchecked() -> np.errstate:
    """Let numbers overflow without a warning: the loop checks that results are finite."""
    return np.errstate(over="ignore", invalid="ignore")


def join(parts: Iterable[Float]) -> Float:
    """Return arrays end to end; without arrays an empty one."""
    return np.concatenate([np.empty(0), *parts])
