"""Fingerprints of all atoms of one structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import DataError
from aenetpy.fingerprints.base import Descriptor
from aenetpy.fingerprints.neighbors import CellList, Neighbors
from aenetpy.interruption import check
from aenetpy.io.structure import Structure

Float = NDArray[np.float64]

NEIGHBOR_TOLERANCE = 0.001
"""aenet counts atoms up to this much (Å) beyond the cutoff as neighbours (spec 5.3)."""

CHUNK = 256
"""Central atoms per piece of work: their neighbours stay in the cache. It is part of the
order of summation, so it does not depend on the number of threads."""


@dataclass(frozen=True, eq=False)
class Contact:
    """Two neighbours and their distance in Å; ``math.inf`` if there are none."""

    distance: float
    first: int
    second: int


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Fingerprints of one structure.

    Parameters
    ----------
    types_n
        0-based species index of each atom, (n,) int32.
    features_tng
        Raw fingerprints per species, rows in atom order, t arrays (n_t, g_t).
    n_neighbors_n
        Neighbours of each atom within the cutoff, (n,) int64.
    closest
        The closest pair of atoms.
    """

    types_n: NDArray[np.int32]
    features_tng: tuple[Float, ...]
    n_neighbors_n: NDArray[np.int64]
    closest: Contact


def type_indices(structure: Structure, species: Sequence[str]) -> NDArray[np.int32]:
    """Return the 0-based index of each atom's species.

    Raises
    ------
    DataError
        If the structure holds a species that is not in ``species``.
    """
    index = {symbol: t for t, symbol in enumerate(species)}
    try:
        return np.array([index[symbol] for symbol in structure.species], dtype=np.int32)
    except KeyError as error:
        raise DataError(
            f"species {error.args[0]} is not in TYPES ({' '.join(species)})",
            file=structure.name,
            hint="add it to TYPES with a setup or network of its own, or remove the structure",
        ) from None


def total_cutoff(descriptors: Sequence[Descriptor]) -> float:
    """Return the radius (Å) within which aenet counts neighbours."""
    return max(descriptor.cutoff for descriptor in descriptors) + NEIGHBOR_TOLERANCE


def chunk_ranges(n_atoms: int) -> list[tuple[int, int]]:
    """Cut the atoms of a structure into pieces of at most ``CHUNK`` central atoms."""
    return [(first, min(first + CHUNK, n_atoms)) for first in range(0, n_atoms, CHUNK)]


def atoms_of_type(types_n: NDArray[np.int32], t: int, first: int, last: int) -> NDArray[np.int64]:
    """Return the indices of the atoms of one species between ``first`` and ``last``."""
    return first + (types_n[first:last] == t).nonzero()[0]


def closest_contact(neighbors: Neighbors) -> Contact:
    """Return the closest pair among the neighbours found."""
    if neighbors.partners_p.size == 0:
        return Contact(np.inf, -1, -1)
    x_p, y_p, z_p = neighbors.r_cp
    square_p = x_p * x_p + y_p * y_p + z_p * z_p
    pair = int(square_p.argmin())
    center = int(neighbors.offsets_n.searchsorted(pair, side="right")) - 1
    return Contact(math.sqrt(square_p[pair]), center, int(neighbors.partners_p[pair]))


def fingerprints(
    structure: Structure, species: Sequence[str], descriptors: Sequence[Descriptor]
) -> Fingerprints:
    """Compute the fingerprints of all atoms of a structure.

    Parameters
    ----------
    structure
        Periodic or isolated.
    species
        Global species, in the order of ``descriptors``.
    descriptors
        One per species.

    Raises
    ------
    DataError
        If the structure holds an unknown species.
    """
    types_n = type_indices(structure, species)
    n_atoms = len(structure)
    cells = CellList(
        structure.positions_nc, structure.cell_cc, structure.pbc_c, total_cutoff(descriptors)
    )
    parts_t: list[list[Float]] = [[] for _ in descriptors]
    n_neighbors_n = np.empty(n_atoms, dtype=np.int64)
    closest = Contact(np.inf, -1, -1)
    for first, last in chunk_ranges(n_atoms):
        check()
        neighbors = cells.pairs(first, last)
        n_neighbors_n[first:last] = neighbors.counts_n[first:last]
        closest = min(closest, closest_contact(neighbors), key=lambda contact: contact.distance)
        for t, descriptor in enumerate(descriptors):
            atoms_a = atoms_of_type(types_n, t, first, last)
            if atoms_a.size == 0:
                continue
            features_ag, _ = descriptor.evaluate(atoms_a, types_n, neighbors)
            parts_t[t].append(features_ag)
    features_tng = tuple(
        np.concatenate(parts) if parts else np.empty((0, descriptor.n_features))
        for parts, descriptor in zip(parts_t, descriptors, strict=True)
    )
    return Fingerprints(types_n, features_tng, n_neighbors_n, closest)
