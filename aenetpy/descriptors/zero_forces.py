"""Forces that are exactly zero although no symmetry demands it: nobody calculated them."""

from __future__ import annotations

import numpy as np

from aenetpy.data.structure import Structure
from aenetpy.descriptors.neighbors import find_neighbors

REACH = 6.0
"""Neighbours beyond do not pull, Å."""

FAINT = 0.05
"""The pull of an atom at 3 Å: where all are weaker, atoms are free."""

SHIFT = 0.005
"""Positions are symmetric to this, Å: they are written with few decimals."""


def has_zero_forces(structure: Structure) -> bool:
    """Return whether there are forces, all of them exactly zero."""
    return structure.forces_nc is not None and not structure.forces_nc.any()


def symmetry_demands_zero(structure: Structure) -> bool:
    """Return whether the neighbours of each atom balance each other.

    Atoms pull their neighbours with ``exp(-r / 1 Å)``, smoothly cut off and with a factor for the
    species. Where symmetry demands that a force vanishes, these forces cancel, too.
    """
    neighbors = find_neighbors(structure.positions_nc, structure.cell_cc, structure.pbc_c, REACH)
    distances_p = neighbors.distances()
    if not len(distances_p):
        return True
    kinds = {symbol: 1.0 + 0.37 * t for t, symbol in enumerate(sorted(set(structure.species)))}
    weights_n = np.array([kinds[symbol] for symbol in structure.species])
    pulls_p = np.exp(-distances_p) * (1 - (distances_p / REACH) ** 2) ** 2
    pulls_p *= weights_n[neighbors.partners_p]
    of_p = np.repeat(np.arange(len(structure)), neighbors.counts_n)
    sums_cn = [
        np.bincount(of_p, pulls_p * r_p / np.maximum(distances_p, 1e-9), len(structure))
        for r_p in neighbors.r_cp
    ]
    return float(np.abs(sums_cn).max()) <= SHIFT * max(float(pulls_p.max()), FAINT)


def has_placeholder_forces(structure: Structure) -> bool:
    """Return whether all forces are exactly zero although symmetry does not demand it."""
    return has_zero_forces(structure) and not symmetry_demands_zero(structure)
