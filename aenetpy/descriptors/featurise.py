"""Fingerprints of all atoms of structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Int, Long
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.batch import (
    NO_CONTACT,
    Contact,
    by_species,
    iter_fingerprints,
    keep_closest,
    pack,
    search_batch,
)

NEIGHBOR_TOLERANCE = 0.001
"""aenet counts atoms up to this much (Å) beyond the cutoff as neighbours (spec 5.3)."""


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

    types_n: Int
    features_tng: tuple[Float, ...]
    n_neighbors_n: Long
    closest: Contact


def total_cutoff(descriptors: Sequence[Descriptor]) -> float:
    """Return the radius (Å) within which aenet counts neighbours."""
    return max(descriptor.cutoff for descriptor in descriptors) + NEIGHBOR_TOLERANCE


def structure_fingerprints(
    structure: Structure, species: Sequence[str], descriptors: Sequence[Descriptor]
) -> Fingerprints:
    """Compute the fingerprints of all atoms of a structure, see `batch_fingerprints`."""
    return batch_fingerprints([structure], species, descriptors)[0]


def batch_fingerprints(
    structures: Sequence[Structure], species: Sequence[str], descriptors: Sequence[Descriptor]
) -> list[Fingerprints]:
    """Compute the fingerprints of all atoms of some structures.

    Each comes out as if it were alone.
    """
    batch = pack(structures, species)
    n_neighbors_n = np.empty(len(batch.types_n), dtype=np.int64)
    closest_s = [NO_CONTACT] * len(structures)
    found: list[tuple[int, Float]] = []
    ranges = search_batch(batch, total_cutoff(descriptors), structures)
    for chunk in iter_fingerprints(batch, ranges, descriptors):
        n_neighbors_n[chunk.first : chunk.last] = chunk.neighbors.counts_n[chunk.first :]
        keep_closest(closest_s, batch, chunk)
        found += [(one.t, one.features_ag) for one in chunk.species]
    features_tng = by_species(found, descriptors)
    if len(structures) == 1:
        return [Fingerprints(batch.types_n, features_tng, n_neighbors_n, closest_s[0])]
    rows_ts = [
        np.searchsorted(np.flatnonzero(batch.types_n == t), batch.starts_s)
        for t in range(len(descriptors))
    ]
    return [
        Fingerprints(
            batch.types_n[begin:end],
            tuple(
                features_ng[rows_s[s] : rows_s[s + 1]]
                for features_ng, rows_s in zip(features_tng, rows_ts, strict=True)
            ),
            n_neighbors_n[begin:end],
            closest_s[s],
        )
        for s, (begin, end) in enumerate(zip(batch.starts_s, batch.starts_s[1:], strict=False))
    ]
