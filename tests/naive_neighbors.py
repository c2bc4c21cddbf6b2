"""Slow twin of the neighbour search: the distance of every atom to every image."""

from __future__ import annotations

import itertools

import numpy as np


def naive_neighbors(positions_nc, cell_cc, pbc_c, cutoff):
    """Return for each atom a list of (partner, vector)."""
    positions = np.asarray(positions_nc, float).reshape(-1, 3)
    pbc = np.zeros(3, bool) if cell_cc is None else np.asarray(pbc_c, bool)
    periodic = np.zeros((0, 3)) if cell_cc is None else np.asarray(cell_cc, float)[pbc]
    # a full set of axes: what is left out of the periodic vectors is perpendicular to them
    perpendicular = np.linalg.svd(periodic, full_matrices=True)[2][len(periodic) :]
    axes = np.vstack([periodic, perpendicular])
    fractions = positions @ np.linalg.inv(axes)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(axes), axis=0)
    spread = np.ptp(fractions, axis=0) if len(positions) else np.zeros(3)
    reach = np.ceil(cutoff / heights + spread).astype(int) + 1
    images = itertools.product(*(range(-n, n + 1) for n in reach[: len(periodic)]))
    shifts = np.array(list(images), float) @ periodic
    pairs = []
    for i in range(len(positions)):
        own = []
        for j in range(len(positions)):
            vectors = positions[j] + shifts - positions[i]
            inside = (vectors * vectors).sum(axis=1) <= cutoff * cutoff
            if i == j:
                inside &= shifts.any(axis=1)
            own.extend((j, r) for r in vectors[inside])
        pairs.append(own)
    return pairs
