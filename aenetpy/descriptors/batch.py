"""Structures packed into a batch, and their atoms with neighbours and fingerprints, chunk by chunk.

All code that works on fingerprints goes through `iter_fingerprints`. A chunk is a group of
small structures, which each kernel takes in one call, or some atoms of a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.neighbors import CellList, Neighbors, find_batch_neighbors
from aenetpy.descriptors.species import type_indices
from aenetpy.errors import located
from aenetpy.interruption import check
from aenetpy.kernels.batch import Batch, Surroundings
from aenetpy.kernels.neighbors import closest_pairs

CHUNK = 256
"""Central atoms per piece of work: their neighbours stay in the cache. It is part of the
order of summation, so it does not depend on the number of threads."""


GROUP = 2048
"""Atoms of small structures that each kernel takes in one call: the more, the less threads meet;
too many, and their neighbours leave the cache. No number depends on it."""


@dataclass(frozen=True, eq=False)
class Contact:
    """Two neighbours and their distance in Å; ``math.inf`` if there are none."""

    distance: float
    first: int
    second: int


NO_CONTACT = Contact(math.inf, -1, -1)


class NeighborSearch(Protocol):
    """Finds the neighbours of the atoms first ... last - 1 of one structure."""

    def pairs(self, first: int = 0, last: int | None = None) -> Neighbors:
        """Return them, see `CellList.pairs`."""
        ...


class SpeciesChunk(NamedTuple):
    """Fingerprints (a, g) of some atoms of species ``t``, and the state for their derivatives."""

    t: int
    around: Surroundings
    features_ag: Float
    state: Any


class Chunk(NamedTuple):
    """The atoms first ... last - 1 of a batch, their neighbours and fingerprints."""

    first: int
    last: int
    neighbors: Neighbors
    species: list[SpeciesChunk]


def pack(structures: Sequence[Structure], species: Sequence[str]) -> Batch:
    """Pack structures into one set of arrays."""
    types = [type_indices(structure, species) for structure in structures]
    positions = [np.reshape(structure.positions_nc, (-1, 3)) for structure in structures]
    n_atoms_s = [len(types_n) for types_n in types]
    cells_scc = np.zeros((len(structures), 3, 3))
    pbc_sc = np.zeros((len(structures), 3), np.bool_)
    for s, structure in enumerate(structures):
        if structure.cell_cc is not None:
            cells_scc[s], pbc_sc[s] = structure.cell_cc, structure.pbc_c
    if len(structures) == 1:  # saves time in molecular dynamics
        return Batch(
            np.ascontiguousarray(positions[0], np.float64),
            types[0],
            np.array([0, n_atoms_s[0]]),
            np.zeros(n_atoms_s[0], np.int64),
            cells_scc,
            pbc_sc,
        )
    return Batch(
        np.ascontiguousarray(np.concatenate([np.empty((0, 3)), *positions]), np.float64),
        np.concatenate([np.empty(0, np.int32), *types]),
        np.cumsum([0, *n_atoms_s], dtype=np.int64),
        np.repeat(np.arange(len(structures)), n_atoms_s),
        cells_scc,
        pbc_sc,
    )


def chunk_ranges(n_atoms: int) -> list[tuple[int, int]]:
    """Cut the atoms of a structure into pieces of at most ``CHUNK`` central atoms."""
    return [(first, min(first + CHUNK, n_atoms)) for first in range(0, n_atoms, CHUNK)]


def small_structure_groups(starts_s: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Gather consecutive small structures; a structure with more than one chunk stays alone."""
    first = 0
    for s in range(1, len(starts_s)):
        last_alone = starts_s[s] - starts_s[s - 1] > CHUNK
        if s == len(starts_s) - 1 or last_alone:
            full = True
        else:
            n_next = starts_s[s + 1] - starts_s[s]
            full = n_next > CHUNK or starts_s[s + 1] - starts_s[first] > GROUP
        if full:
            yield first, s
            first = s


def search_batch(
    batch: Batch, cutoff: float, structures: Sequence[Structure]
) -> Iterator[tuple[int, int, Neighbors]]:
    """Yield all atoms of a batch with their neighbours, a range at a time."""
    starts_s = batch.starts_s.tolist()
    for s_first, s_last in small_structure_groups(starts_s):
        begin, end = starts_s[s_first], starts_s[s_last]
        if s_last - s_first == 1:
            cells = cell_list(structures[s_first], cutoff)
            for first, last, neighbors in search_ranges(cells, chunk_ranges(end - begin)):
                yield begin + first, begin + last, neighbors.renumbered(begin)
            continue
        check()
        neighbors, failed = find_batch_neighbors(batch, cutoff, s_first, s_last)
        if failed >= 0:
            cell_list(structures[failed], cutoff)
            raise AssertionError("the cell list of this structure refuses it")
        yield begin, end, neighbors


def cell_list(structure: Structure, cutoff: float) -> CellList:
    """Sort the atoms of one structure into bins, or say with its name why that cannot be."""
    with located(structure.name):
        return CellList(structure.positions_nc, structure.cell_cc, structure.pbc_c, cutoff)


def search_ranges(
    search: NeighborSearch, ranges: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int, Neighbors]]:
    """Yield ranges of the atoms of one structure with their neighbours."""
    for first, last in ranges:
        check()
        yield first, last, search.pairs(first, last)


def iter_fingerprints(
    batch: Batch,
    ranges: Iterable[tuple[int, int, Neighbors]],
    descriptors: Sequence[Descriptor],
) -> Iterator[Chunk]:
    """Yield the fingerprints of ranges of atoms, species by species."""
    for first, last, neighbors in ranges:
        species = []
        for t, descriptor in enumerate(descriptors):
            atoms_a = first + (batch.types_n[first:last] == t).nonzero()[0]
            if atoms_a.size:
                around = neighbors.around(atoms_a, batch.types_n, batch.structures_n)
                species.append(SpeciesChunk(t, around, *descriptor.evaluate(around)))
        yield Chunk(first, last, neighbors, species)


def by_species(
    found: Iterable[tuple[int, Float]], descriptors: Sequence[Descriptor]
) -> tuple[Float, ...]:
    """Join the rows (a, g) of all parts by species."""
    parts_t: list[list[Float]] = [[] for _ in descriptors]
    for t, rows_ag in found:
        parts_t[t].append(rows_ag)
    return tuple(
        parts[0] if len(parts) == 1 else np.concatenate([np.empty((0, one.n_features)), *parts])
        for parts, one in zip(parts_t, descriptors, strict=True)
    )


def closest_contact(neighbors: Neighbors) -> Contact:
    """Return the closest pair among the neighbours found in one structure."""
    return _closest(np.array([0, len(neighbors.offsets_n) - 1]), neighbors)[0]


def keep_closest(closest_s: list[Contact], batch: Batch, chunk: Chunk) -> None:
    """Put the closest pairs of a chunk of a batch where they are closer than the earlier ones."""
    first, last = int(batch.structures_n[chunk.first]), int(batch.structures_n[chunk.last - 1]) + 1
    starts_s = batch.starts_s[first : last + 1]
    found_s = _closest(np.minimum(starts_s, chunk.last), chunk.neighbors)
    for s, contact in enumerate(found_s, start=first):
        if contact.distance < closest_s[s].distance:
            closest_s[s] = contact


def _closest(starts_s: Long, neighbors: Neighbors) -> list[Contact]:
    """Find the closest pair of each structure, its atoms numbered from the first of it."""
    square_s, atoms_s2 = closest_pairs(starts_s, neighbors)
    return [
        Contact(math.sqrt(square), i - start, j - start) if i >= 0 else NO_CONTACT
        for square, (i, j), start in zip(
            square_s.tolist(), atoms_s2.tolist(), starts_s.tolist(), strict=False
        )
    ]
