"""Slow twins: a network written atom by atom and node by node, straight from spec 9."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

ACTIVATION: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "mtanh": lambda x: 1.7159 * math.tanh(0.666666666666667 * x),
    "twist": lambda x: 1.7159 * math.tanh(0.666666666666667 * x) + 0.1 * x,
    "swish": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
}


def output(nodes: Sequence[int], names: Sequence[str], weights: Float, x: Sequence[float]) -> float:
    """Return the output for one atom; weights as in the file, column after column."""
    start = 0
    for n_in, n_out, name in zip(nodes, nodes[1:], names, strict=False):
        extended = [*x, 1.0]
        x = [
            ACTIVATION[name](
                sum(
                    weights[start + column * n_out + row] * extended[column]
                    for column in range(n_in + 1)
                )
            )
            for row in range(n_out)
        ]
        start += (n_in + 1) * n_out
    return x[0]


def difference(function: Callable[[Float], float], at: Float, step: float = 1e-6) -> Float:
    """Return the gradient by central differences."""
    gradient = np.empty_like(at)
    for k in range(len(at)):
        shift = np.zeros_like(at)
        shift[k] = step
        gradient[k] = (function(at + shift) - function(at - shift)) / (2 * step)
    return gradient
