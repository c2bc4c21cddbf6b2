"""Properties of each structure of a data set, for text, figures and findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from aenetpy.arrays import Float, Long, Mask
from aenetpy.data.structure import Structure, determinant
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.descriptors.zero_forces import has_placeholder_forces
from aenetpy.errors import located

REACH = 8.0
"""Distances beyond are not looked at, Å."""

PER_ATOM = 40
"""Shortest distances that are compared of each atom: in a close-packed metal three shells."""

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True, eq=False)
class Survey:
    """Numbers of all structures.

    Parameters
    ----------
    species
        In the order of their appearance.
    names_s
        Of the structures.
    counts_st
        Atoms of each species, (s, t) int64.
    periodic_s
        Number of periodic directions, (s,).
    energies_s
        Total energies, eV, (s,) float64; not a number where there is none, of displaced copies, and
        of structures that did not converge.
    isolated_s
        Which structures are isolated atoms, (s,).
    longest_s, net_s
        Longest force on an atom, and length of the sum of all forces, eV/Å, (s,) float64; not a
        number without forces.
    unconverged_s, zero_forces_s
        Which structures did not converge, and whose forces are all exactly zero although symmetry
        does not demand it, (s,).
    stress_sk
        Stress xx yy zz yz xz xy, positive under tension, eV/Å^3, (s, 6); not a number where
        unknown.
    heights_s
        Smallest distance of two faces of the cell across a periodic direction, Å, (s,) float64;
        infinite if isolated.
    pairs
        Species of each kind of pair.
    shortest_sp
        Shortest distance of each kind, Å, (s, p) float64; infinite beyond 8 Å.
    distances
        Of each structure: distances, Å, float32, sorted within each kind of pair.
    digests_s
        Equal for structures that are equal in all but their names.
    """

    species: tuple[str, ...]
    names_s: tuple[str, ...]
    counts_st: Long
    periodic_s: Long
    energies_s: Float
    isolated_s: Mask
    longest_s: Float
    net_s: Float
    unconverged_s: Mask
    zero_forces_s: Mask
    stress_sk: Float
    heights_s: Float
    pairs: tuple[tuple[str, str], ...]
    shortest_sp: Float
    distances: tuple[np.ndarray, ...]
    digests_s: tuple[str, ...]

    @property
    def n_atoms_s(self) -> Long:
        """Atoms of each structure, (s,)."""
        n_atoms_s: Long = self.counts_st.sum(axis=1)
        return n_atoms_s

    @property
    def formulas_s(self) -> tuple[str, ...]:
        """Composition of each structure: Ti8O16."""
        return tuple(
            "".join(f"{symbol}{n}" for symbol, n in zip(self.species, row, strict=True) if n)
            for row in self.counts_st.tolist()
        )


def survey(structures: Sequence[Structure]) -> Survey:
    """Look at all structures."""
    species = tuple(dict.fromkeys(x for structure in structures for x in structure.species))
    pairs = tuple(combinations_with_replacement(range(len(species)), 2))
    types = {symbol: t for t, symbol in enumerate(species)}
    shortest_sp = np.full((len(structures), len(pairs)), np.inf)
    distances = []
    for s, structure in enumerate(structures):
        types_n = np.array([types[symbol] for symbol in structure.species])
        by_pair = distances_by_pair(structure, types_n, pairs)
        shortest_sp[s] = [found.min(initial=np.inf) for found in by_pair]
        distances.append(_compared(by_pair, np.bincount(types_n, minlength=len(species)), pairs))
    return Survey(
        species=species,
        names_s=tuple(structure.name for structure in structures),
        counts_st=np.array([[x.species.count(symbol) for symbol in species] for x in structures]),
        periodic_s=np.array([sum(structure.pbc_c) for structure in structures]),
        energies_s=np.array([_energy(structure) for structure in structures]),
        isolated_s=np.array([structure.is_free_atom for structure in structures]),
        longest_s=np.array(
            [
                np.nan
                if structure.forces_nc is None
                else np.linalg.norm(structure.forces_nc, axis=1).max()
                for structure in structures
            ]
        ),
        net_s=np.array(
            [
                np.nan
                if structure.forces_nc is None
                else np.linalg.norm(structure.forces_nc.sum(axis=0))
                for structure in structures
            ]
        ),
        unconverged_s=np.array([not structure.converged for structure in structures]),
        zero_forces_s=np.array([has_placeholder_forces(structure) for structure in structures]),
        stress_sk=np.array([_stress(structure) for structure in structures]),
        heights_s=np.array([smallest_height(structure) for structure in structures]),
        pairs=tuple((species[a], species[b]) for a, b in pairs),
        shortest_sp=shortest_sp,
        distances=tuple(distances),
        digests_s=tuple(structure.digest() for structure in structures),
    )


def distances_by_pair(
    structure: Structure, types_n: Long, pairs: Sequence[tuple[int, int]]
) -> list[Float]:
    """Return the distances up to 8 Å, Å, of each kind of pair, sorted; each pair of atoms once."""
    with located(structure.name):
        neighbors = find_neighbors(
            structure.positions_nc, structure.cell_cc, structure.pbc_c, REACH
        )
    distances_p = neighbors.distances()
    of_p = np.repeat(types_n, neighbors.counts_n)
    to_p = types_n[neighbors.partners_p]
    found = []
    for a, b in pairs:
        # Pairs of one species are there twice, once from either end.
        sorted_p = np.sort(distances_p[(of_p == a) & (to_p == b)])
        found.append(sorted_p[::2] if a == b else sorted_p)
    return found


def _compared(by_pair: list[Float], counts_t: Long, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return as many of the shortest distances as there are with 40 of each atom, 8 Å for none."""
    parts = []
    for (a, b), found in zip(pairs, by_pair, strict=True):
        n = PER_ATOM * int(counts_t[a]) * int(counts_t[b]) / counts_t.sum()
        part = np.full(round(n / 2 if a == b else n), REACH, np.float32)
        part[: len(found)] = found[: len(part)]
        parts.append(part)
    return np.concatenate(parts)


def smallest_height(structure: Structure) -> float:
    """Return the smallest distance of opposite faces of the cell, Å, across periodic directions."""
    if structure.cell_cc is None or structure.is_isolated:
        return np.inf
    a_c, b_c, c_c = structure.cell_cc
    volume = abs(determinant(structure.cell_cc))
    faces = (np.cross(b_c, c_c), np.cross(c_c, a_c), np.cross(a_c, b_c))
    return min(
        volume / float(np.linalg.norm(face_c))
        for face_c, periodic in zip(faces, structure.pbc_c, strict=True)
        if periodic
    )


def _energy(structure: Structure) -> float:
    """Return the total energy, or not a number where it says nothing of atomic energies."""
    known = structure.energy is not None and not structure.cohesive_energy and structure.converged
    return float(structure.energy or 0.0) if known and structure.parent is None else np.nan


def _stress(structure: Structure) -> list[float]:
    if structure.stress_cc is None:
        return [np.nan] * 6
    return [float(structure.stress_cc[at]) for at in VOIGT]
