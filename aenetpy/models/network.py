"""A feed-forward network: forward pass, backward pass (spec 9.1 and 9.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.data.activations import ACTIVATIONS
from aenetpy.errors import DataError


def n_weights(nodes_l: tuple[int, ...]) -> int:
    """Return the number of weights and biases, sum over layers of (n_l + 1) n_{l+1}."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(nodes_l))


class SecondOrder(NamedTuple):
    """Arrays of one layer for `Network.backward_of_rates`, (n_out, n) each."""

    bends: Float
    backs: Float
    rates: Float
    turns: Float


class LayerMemory(NamedTuple):
    """Values of the nodes of one layer for all atoms, (n_out, n) each."""

    slopes: Float
    deltas: Float
    second: SecondOrder | None


class NetworkMemory:
    """Memory for one pass of one network over at most ``n_atoms`` atoms.

    Nodes are rows, atoms are columns, and the input of every layer carries a
    last row of ones for the bias, so that a layer is one matrix product.
    """

    def __init__(self, nodes_l: tuple[int, ...], n_atoms: int, second_order: bool = False) -> None:
        self._nodes_l = nodes_l
        self._n_parts = 7 if second_order else 3
        self._memory = [np.empty((self._n_parts * n + 1) * n_atoms) for n in nodes_l[1:]]
        self.inputs_l: list[Float] = []
        self.layers: list[LayerMemory] = []

    @property
    def second_l(self) -> list[SecondOrder]:
        """Memory for second order of each layer."""
        return [layer.second for layer in self.layers if layer.second is not None]

    def begin(self, x_1n: Float) -> None:
        """Lay out the memory for the atoms of ``x_1n``, (g + 1, n), last row ones."""
        n_atoms = x_1n.shape[1]
        self.inputs_l, self.layers = [x_1n], []
        for n_out, memory in zip(self._nodes_l[1:], self._memory, strict=True):
            n_rows = self._n_parts * n_out + 1
            rows = memory[: n_rows * n_atoms].reshape(n_rows, n_atoms)
            rows[n_out] = 1.0
            self.inputs_l.append(rows[: n_out + 1])
            starts = range(n_out + 1, n_rows, n_out)
            slopes, deltas, *others = (rows[k : k + n_out] for k in starts)
            second = SecondOrder(*others) if others else None
            self.layers.append(LayerMemory(slopes, deltas, second))


@dataclass(frozen=True, eq=False)
class Network:
    """A feed-forward network with one output: the energy of an atom.

    ``x_{l+1} = f_l(W_l [x_l; 1])``, the last column of ``W_l`` being the bias.

    Parameters
    ----------
    nodes_l
        Nodes per layer, input and output (one node) included, (l,).
    activations
        Names of the activations of layers 2...l, (l - 1,), see ``ACTIVATIONS``.
    weights_w
        All weights, flat float64, layer by layer a column-major matrix
        (n_out, n_in + 1).

    Notes
    -----
    Spec 9.1 and 9.2.
    """

    nodes_l: tuple[int, ...]
    activations: tuple[str, ...]
    weights_w: Float

    def __post_init__(self) -> None:
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise DataError(
                    f"unknown activation '{name}'", hint=f"use {', '.join(ACTIVATIONS)}"
                )
        if len(self.nodes_l) < 2 or min(self.nodes_l) < 1 or self.nodes_l[-1] != 1:
            raise DataError(f"a network cannot have the layers {list(self.nodes_l)}")
        if len(self.activations) != len(self.nodes_l) - 1:
            raise DataError(
                f"{len(self.activations)} activations given for {len(self.nodes_l) - 1} layers"
            )
        if self.weights_w.shape != (n_weights(self.nodes_l),):
            raise DataError(
                f"{self.weights_w.size} weights given where the layers {list(self.nodes_l)}"
                f" need {n_weights(self.nodes_l)}"
            )

    def with_weights(self, weights_w: Float) -> Network:
        """Return the same network with other weights."""
        return replace(self, weights_w=weights_w)

    @cached_property
    def matrices_l(self) -> tuple[Float, ...]:
        """Weight matrix (n_out, n_in + 1) of each layer, views of ``weights_w``."""
        return tuple(view.T for view in _transposed(self.nodes_l, self.weights_w))

    def forward(self, x_ng: Float) -> Float:
        """Return the network output of each atom.

        Notes
        -----
        Spec 9.1.
        """
        return self._run_alone(x_ng)[0]

    def gradient(self, x_ng: Float) -> tuple[Float, Float]:
        """Return the output of each atom and its derivative by the inputs.

        Notes
        -----
        Spec 9.1, 9.2 (f') and 9.4.
        """
        y_n, memory = self._run_alone(x_ng)
        self._propagate(np.ones_like(y_n), memory)
        return y_n, memory.layers[0].deltas.T @ self.matrices_l[0][:, :-1]

    def run(self, x_1n: Float, memory: NetworkMemory) -> Float:
        """Return the outputs y_n of the atoms in the columns of ``x_1n``, for training."""
        memory.begin(x_1n)
        for layer, (name, matrix) in enumerate(zip(self.activations, self.matrices_l, strict=True)):
            x_out = memory.inputs_l[layer + 1][:-1]
            np.matmul(matrix, memory.inputs_l[layer], out=x_out)
            slopes, _, second = memory.layers[layer]
            ACTIVATIONS[name].function(x_out, slopes, None if second is None else second.bends)
        return memory.inputs_l[-1][0]

    def backward(self, dloss_dy_n: Float, memory: NetworkMemory, gradient_w: Float) -> None:
        """Write dL/dw of the atoms of the last ``run`` into ``gradient_w``.

        ``dL/dW_l = delta_l [x_l; 1]^T`` with ``delta_l = f_l' (W_{l+1}^T delta_{l+1})``.
        """
        self._propagate(dloss_dy_n, memory)
        slots = _transposed(self.nodes_l, gradient_w)
        for x_in, layer, slot in zip(memory.inputs_l, memory.layers, slots, strict=False):
            np.matmul(x_in, layer.deltas.T, out=slot)

    def input_gradient(self, memory: NetworkMemory) -> Float:
        """Return dy/dx of the atoms of the last ``run``, (n, g) float64."""
        self._propagate(np.ones(memory.inputs_l[0].shape[1]), memory)
        return memory.layers[0].deltas.T @ self.matrices_l[0][:, :-1]

    def backward_of_rates(
        self, dloss_dy_n: Float, rates_ng: Float, memory: NetworkMemory, gradient_w: Float
    ) -> None:
        """Write the gradient of a loss of outputs and of their rates of change.

        ``dS/dw`` of ``S = sum_n (a_n y_n + dy_n/dx . v_n)`` with a and v held fixed, by forward
        over reverse: with the rates ``q_l = W_l v_l``, ``v_{l+1} = f_l' q_l`` and
        ``d_l = dy/dz_l``,

            e_l = f_l' (W_{l+1}^T e_{l+1}) + f_l'' q_l (W_{l+1}^T d_{l+1}),
            dS/dW_l = e_l [x_l; 1]^T + d_l [v_l; 0]^T.

        Notes
        -----
        Design 3.4.
        """
        second_l = memory.second_l
        rates_l = [rates_ng.T]
        for matrix, layer, second in zip(self.matrices_l, memory.layers, second_l, strict=True):
            np.matmul(matrix[:, :-1], rates_l[-1], out=second.rates)
            rates_l.append(layer.slopes * second.rates)
        np.multiply(memory.layers[-1].slopes, dloss_dy_n, out=second_l[-1].turns)
        for k in range(len(second_l) - 1, -1, -1):
            bends, backs, rates, turns = second_l[k]
            if k < len(second_l) - 1:
                np.matmul(self.matrices_l[k + 1][:, :-1].T, second_l[k + 1].turns, out=turns)
                turns *= memory.layers[k].slopes
                rates *= bends * backs
            else:
                rates *= bends
            turns += rates
        slots = _transposed(self.nodes_l, gradient_w)
        for k, slot in enumerate(slots):
            np.matmul(memory.inputs_l[k], second_l[k].turns.T, out=slot)
            slot[:-1] += rates_l[k] @ memory.layers[k].deltas.T

    def jacobian(self, slopes_n: Float, counts_s: Index, memory: NetworkMemory) -> Float:
        """Return ``sum_{i in s} a_i dy_i/dw`` of groups of atoms of the last ``run``.

        The sum over the atoms of a group is a product of matrices, and all groups
        of the same size make one stack of such products.
        """
        self._propagate(slopes_n, memory)
        jacobian_sw = np.empty((len(counts_s), self.weights_w.size))
        sizes, firsts, numbers = np.unique(counts_s, return_index=True, return_counts=True)
        start = 0
        for size, first, number in zip(
            sizes.tolist(), firsts.tolist(), numbers.tolist(), strict=True
        ):
            stop = start + size * number
            slots = _transposed(self.nodes_l, jacobian_sw[first : first + number])
            for x_in, layer, slot in zip(memory.inputs_l, memory.layers, slots, strict=False):
                x_isn = x_in[:, start:stop].reshape(-1, number, size)
                delta_osn = layer.deltas[:, start:stop].reshape(-1, number, size)
                np.matmul(x_isn.transpose(1, 0, 2), delta_osn.transpose(1, 2, 0), out=slot)
            start = stop
        return jacobian_sw

    def _propagate(self, dloss_dy_n: Float, memory: NetworkMemory) -> None:
        """delta_L = f_L' dL/dy, delta_l = f_l' (W_{l+1}^T delta_{l+1}), each (n_out, n)."""
        np.multiply(dloss_dy_n, memory.layers[-1].slopes, out=memory.layers[-1].deltas)
        for k in range(len(memory.layers) - 2, -1, -1):
            slopes, deltas, second = memory.layers[k]
            backs = deltas if second is None else second.backs
            np.matmul(self.matrices_l[k + 1][:, :-1].T, memory.layers[k + 1].deltas, out=backs)
            np.multiply(backs, slopes, out=deltas)

    def _run_alone(self, x_ng: Float) -> tuple[Float, NetworkMemory]:
        n_atoms, n_inputs = x_ng.shape
        if n_inputs != self.nodes_l[0]:
            raise DataError(
                f"fingerprints with {n_inputs} components given to a network"
                f" with {self.nodes_l[0]} input nodes"
            )
        x_1n = np.ones((n_inputs + 1, n_atoms))
        x_1n[:-1] = x_ng.T
        memory = NetworkMemory(self.nodes_l, n_atoms)
        return self.run(x_1n, memory), memory


def _transposed(nodes_l: tuple[int, ...], flat_w: Float) -> list[Float]:
    """Return views (..., n_in + 1, n_out) of the column-major layer matrices in (..., w)."""
    views, start = [], 0
    for n_in, n_out in pairwise(nodes_l):
        stop = start + (n_in + 1) * n_out
        views.append(flat_w[..., start:stop].reshape(*flat_w.shape[:-1], n_in + 1, n_out))
        start = stop
    return views
