"""A network per species as general tools make them, with dropout.

The trainer of the package knows no dropout: there, a pass over the atoms has no random part,
and its methods, line searches among them, rest on that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.baselines.base import Model, Samples, Scaling
from aenetpy.errors import NumericalError
from aenetpy.interruption import interruptible

B1, B2, EPS = 0.9, 0.999, 1e-7
"""Of Adam."""


class PlainNetwork(Model):
    """``E_s = sum_i y_t(G_i)``, one network y per species, last layer linear.

    Minimised is the mean of ``(E_ref - E_s)^2`` over the structures of a step, or of
    ``(E_ref / N_s - y_i)^2`` over their atoms (labels of atoms), by Adam with decoupled weight
    decay. With dropout p each hidden node is left out of a step with probability p, the others
    count 1/(1-p) times. Weights begin uniform within ``sqrt(6 / (n_in + n_out))``.

    Notes
    -----
    Glorot and Bengio, AISTATS 2010; Srivastava et al., J. Mach. Learn. Res. 15 (2014) 1929.
    """

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Take the steps of all epochs."""
        stream = np.random.default_rng(self.seed)
        self.scaling_t = [Scaling.of(x_ng) for x_ng in samples.features_tng]
        self.mean, self.deviation = 0.0, 1.0
        labels = samples.labels(self.labels, energies_s)
        if self.parameters["scale"] == "yes":
            per_atom_s = energies_s / samples.n_atoms_s
            self.mean, self.deviation = float(per_atom_s.mean()), float(labels.std()) or 1.0
        hidden = [self.parameters["nodes"]] * self.parameters["layers"]
        self.weights_tl = [
            [_first_weights(stream, sizes) for sizes in pairwise([x_ng.shape[1], *hidden, 1])]
            for x_ng in samples.features_tng
        ]
        flat = [weights for weights_l in self.weights_tl for weights in weights_l]
        means = [np.zeros_like(weights) for weights in flat]
        squares = [np.zeros_like(weights) for weights in flat]
        scaled_s = (energies_s - self.mean * samples.n_atoms_s) / self.deviation
        inputs_tng = self._scaled(samples)
        n_steps = 0
        for _ in interruptible(range(self.parameters["epochs"])):
            total, count = 0.0, 0
            for chosen_s in _batches(stream, len(energies_s), self.parameters["batchsize"]):
                gradients, square, n = self._gradient(
                    samples, inputs_tng, scaled_s, chosen_s, stream
                )
                total, count, n_steps = total + square, count + n, n_steps + 1
                for weights, gradient, mean, spread in zip(
                    flat, gradients, means, squares, strict=True
                ):
                    mean += (1 - B1) * (gradient - mean)
                    spread += (1 - B2) * (gradient**2 - spread)
                    step = mean / (1 - B1**n_steps)
                    step /= np.sqrt(spread / (1 - B2**n_steps)) + EPS
                    weights -= self.parameters["rate"] * (
                        step + self.parameters["weight_decay"] * weights
                    )
            if not np.isfinite(total):
                raise NumericalError(
                    f"model plain-network has diverged in epoch {len(self.history) + 1}",
                    hint="use a smaller rate",
                )
            self.history.append(float(np.sqrt(total / count)) * self.deviation)

    def energies(self, samples: Samples) -> Float:
        """Return the sums over the atoms."""
        inputs_tng = self._scaled(samples)
        energies_s = np.zeros(len(samples.counts_st))
        for x_ng, structures_n, weights_l in zip(
            inputs_tng, samples.structures_tn, self.weights_tl, strict=True
        ):
            outputs = self._forward(x_ng, weights_l, None)[-1][:, 0]
            energies_s += np.bincount(structures_n, outputs, minlength=len(energies_s))
        return energies_s * self.deviation + self.mean * samples.n_atoms_s

    def _scaled(self, samples: Samples) -> list[Float]:
        """Return the inputs of the networks."""
        pairs = zip(self.scaling_t, samples.features_tng, strict=True)
        return [scaling.scaled(x_ng) for scaling, x_ng in pairs]

    def _forward(
        self, x_ng: Float, weights_l: list[Float], stream: np.random.Generator | None
    ) -> list[Float]:
        """Return inputs and nodes of all layers; without a stream none is left out."""
        nodes, share = [x_ng], self.parameters["dropout"]
        for k, weights in enumerate(weights_l):
            sums = nodes[-1] @ weights[:-1] + weights[-1]
            if k < len(weights_l) - 1:
                is_relu = self.parameters["activation"] == "relu"
                sums = np.maximum(sums, 0.0) if is_relu else np.tanh(sums)
                if stream is not None and share > 0.0:
                    sums = sums * (stream.random(sums.shape) >= share) / (1.0 - share)
            nodes.append(sums)
        return nodes

    def _gradient(
        self,
        samples: Samples,
        inputs_tng: list[Float],
        scaled_s: Float,
        chosen_s: Index,
        stream: np.random.Generator,
    ) -> tuple[list[Float], float, int]:
        """Return the gradient of a step, the sum of squared errors, and their number."""
        place_s = np.full(len(scaled_s), -1)
        place_s[chosen_s] = np.arange(len(chosen_s))
        rows_tn = [np.flatnonzero(place_s[s_n] >= 0) for s_n in samples.structures_tn]
        nodes_tl = [
            self._forward(x_ng[rows_n], weights_l, stream)
            for x_ng, rows_n, weights_l in zip(inputs_tng, rows_tn, self.weights_tl, strict=True)
        ]
        where_tn = [
            place_s[s_n[rows_n]] for s_n, rows_n in zip(samples.structures_tn, rows_tn, strict=True)
        ]
        if self.labels == "structure":
            found = np.zeros(len(chosen_s))
            for nodes_l, where_n in zip(nodes_tl, where_tn, strict=True):
                found += np.bincount(where_n, nodes_l[-1][:, 0], minlength=len(chosen_s))
            errors_s = found - scaled_s[chosen_s]
            errors_tn = [errors_s[where_n] for where_n in where_tn]
            square, n = float(errors_s @ errors_s), len(chosen_s)
        else:
            shares_s = scaled_s[chosen_s] / samples.n_atoms_s[chosen_s]
            errors_tn = [
                nodes_l[-1][:, 0] - shares_s[where_n]
                for nodes_l, where_n in zip(nodes_tl, where_tn, strict=True)
            ]
            square = sum(float(errors_n @ errors_n) for errors_n in errors_tn)
            n = sum(map(len, errors_tn))
        gradients: list[Float] = []
        for nodes_l, errors_n, weights_l in zip(nodes_tl, errors_tn, self.weights_tl, strict=True):
            gradients += self._backward(nodes_l, weights_l, 2.0 / n * errors_n[:, None])
        return gradients, square, n

    def _backward(self, nodes_l: list[Float], weights_l: list[Float], deltas: Float) -> list[Float]:
        """Return the gradient of each layer; nodes that were left out are zero and stay so."""
        share = self.parameters["dropout"]
        gradients: list[Float] = []
        for k in range(len(weights_l) - 1, -1, -1):
            gradients.insert(0, np.vstack([nodes_l[k].T @ deltas, deltas.sum(axis=0)]))
            if k > 0:
                deltas = deltas @ weights_l[k][:-1].T
                nodes = nodes_l[k]
                if self.parameters["activation"] == "relu":
                    deltas = deltas * (nodes > 0) / (1.0 - share)
                else:
                    kept = nodes * (1.0 - share)
                    deltas = deltas * (nodes != 0) * (1.0 - kept**2) / (1.0 - share)
        return gradients


def _first_weights(stream: np.random.Generator, sizes: tuple[int, int]) -> Float:
    """Return weights and, in the last row, biases of a layer."""
    n_in, n_out = sizes
    edge = np.sqrt(6.0 / (n_in + n_out))
    return np.vstack([stream.uniform(-edge, edge, (n_in, n_out)), np.zeros(n_out)])


def _batches(stream: np.random.Generator, n: int, size: int) -> Iterator[Index]:
    """Yield the structures of each step of an epoch."""
    order = stream.permutation(n)
    for first in range(0, n, size):
        yield order[first : first + size]
