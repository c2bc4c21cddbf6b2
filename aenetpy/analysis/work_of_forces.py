"""Whether forces are the slope of the energies, between structures that lie near each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure

FARTHEST = 0.7
"""No atom moves by more between two structures that are compared, Å."""

SAME_CELL = 0.001
"""Lattice vectors differ by at most this, Å, per component."""

LEAST_WORK = 0.001
"""Work that says something, eV."""

NEXT = 3
"""Each structure is compared with so many that follow it and have the same atoms."""


def against_forces(structures: Sequence[Structure]) -> list[int]:
    """Return the structures whose energy changes as if their forces had the other sign.

    ``E_b - E_a = -(F_a + F_b) . (x_b - x_a) / 2`` holds exactly in a harmonic potential, for any
    the distance. Pairs whose two forces point different ways along the path have an extremum in
    between and have no vote.
    """
    kinds: dict[object, list[int]] = {}
    for s, structure in enumerate(structures):
        if structure.forces_nc is not None and structure.converged and structure.parent is None:
            kinds.setdefault((structure.species, structure.pbc_c), []).append(s)
    votes: dict[int, int] = {}
    for a, b in _pairs(kinds.values()):
        change = _change(structures[a], structures[b])
        path_nc = _path(structures[a], structures[b])
        if change is None or path_nc is None:
            continue
        works = [
            -float((forces_nc * path_nc).sum())
            for forces_nc in (structures[a].forces_nc, structures[b].forces_nc)
            if forces_nc is not None
        ]
        if works[0] * works[1] > 0 and min(map(abs, works)) > LEAST_WORK:
            ratio = change / (sum(works) / 2)
            for s in (a, b):
                votes[s] = votes.get(s, 0) + int(-2 < ratio < -0.5) - int(ratio > 0)
    return sorted(s for s, n in votes.items() if n > 0)


def _pairs(kinds: Iterable[list[int]]) -> Iterator[tuple[int, int]]:
    for members in kinds:
        for step in range(1, NEXT + 1):
            yield from zip(members, members[step:], strict=False)


def _change(a: Structure, b: Structure) -> float | None:
    """Return the change of the energy, eV, if both have the same kind of energy."""
    if a.cohesive_energy and b.cohesive_energy:
        return b.cohesive_energy - a.cohesive_energy
    if a.energy is None or b.energy is None or a.cohesive_energy or b.cohesive_energy:
        return None
    return b.energy - a.energy


def _path(a: Structure, b: Structure) -> Float | None:
    """Return how the atoms move, Å, (n, 3), by the shortest ways; None if far, or with the cell."""
    path_nc = b.positions_nc - a.positions_nc
    if a.cell_cc is not None and b.cell_cc is not None:
        if np.abs(b.cell_cc - a.cell_cc).max() > SAME_CELL:
            return None
        turns_nc = np.rint(np.linalg.solve(a.cell_cc.T, path_nc.T).T) * np.array(a.pbc_c)
        path_nc = path_nc - turns_nc @ a.cell_cc
    path_nc = path_nc - path_nc.mean(axis=0)  # a translation changes nothing
    near = np.linalg.norm(path_nc, axis=1).max() <= FARTHEST
    return np.asarray(path_nc) if near else None
