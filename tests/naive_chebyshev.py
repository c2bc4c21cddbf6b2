"""Slow twin of the Chebyshev fingerprints: the sums of the definition, pair by pair."""

from __future__ import annotations

import math

import numpy as np


def polynomial(n, x):
    """T_n(x) by its three-term recursion."""
    before, now = 1.0, x
    for _ in range(n):
        before, now = now, 2.0 * x * now - before
    return before


def cutoff_function(d, cutoff):
    return 0.5 * (math.cos(math.pi * d / cutoff) + 1.0) if d < cutoff else 0.0


def weights_of(environment, symbols):
    table = {
        1: [0],
        2: [-1, 1],
        3: [-1, 0, 1],
        4: [-2, -1, 1, 2],
        5: [-2, -1, 0, 1, 2],
        6: [-3, -2, -1, 1, 2, 3],
    }[len(environment)]
    spins = dict(zip(environment, table, strict=True))
    return [float(spins.get(symbol, 0)) for symbol in symbols]


def naive_fingerprint(vectors, symbols, environment, parameters, convention="new"):
    """Fingerprint of one atom from its neighbours' vectors and symbols."""
    radial_cutoff, radial_order, angular_cutoff, angular_order = parameters
    distances = [math.sqrt(r @ r) for r in vectors]
    values = []
    parts = [[1.0] * len(vectors)]
    if len(environment) > 1:
        parts.append(weights_of(environment, symbols))
    for weights in parts:
        for n in range(radial_order + 1):
            total = 0.0
            for s, d in zip(weights, distances, strict=True):
                if d < radial_cutoff:
                    x = 2.0 * d / radial_cutoff - 1.0
                    total += s * cutoff_function(d, radial_cutoff) * polynomial(n, x)
            values.append(total)
        angular = np.zeros(angular_order + 1)
        for j in range(len(vectors)):
            for k in range(j):
                cosine = vectors[j] @ vectors[k] / (distances[j] * distances[k])
                factor = weights[j] * weights[k]
                factor *= cutoff_function(distances[j], angular_cutoff)
                factor *= cutoff_function(distances[k], angular_cutoff)
                if factor == 0.0:
                    continue
                x = {
                    "new": cosine,
                    "old": (2.0 * cosine - math.pi) / math.pi,
                    "half": (1.0 + cosine) / 2.0,
                }[convention]
                for n in range(angular_order + 1):
                    angular[n] += factor * polynomial(n, x)
        values.extend(angular)
    return np.array(values)
