"""Random weights to start from (spec 3.2)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from aenetpy.arrays import Float

PURPOSE = tuple(b"weights")
"""Number of this stream of random numbers."""


def initial_weights(nodes_l: tuple[int, ...], species: str, seed: int) -> Float:
    """Draw weights and biases for a new network.

    Uniform in ``(-1/2, 1/2) * sqrt(12) / sqrt(n_l + 1)`` for the matrix between
    layers l and l + 1, i.e. mean 0 and standard deviation ``1 / sqrt(n_l + 1)``.
    Every species has its own stream; aenet gives all species the same weights.

    Notes
    -----
    Spec 3.2.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(*PURPOSE, *species.encode()))
    stream = np.random.default_rng(sequence)
    layers = [
        (stream.random((n_in + 1) * n_out) - 0.5) * math.sqrt(12.0 / (n_in + 1))
        for n_in, n_out in pairwise(nodes_l)
    ]
    return np.concatenate(layers)
