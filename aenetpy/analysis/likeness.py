"""Structures that are equal or nearly so, wherever and however turned they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.analysis.survey import Survey

NEARLY = 0.01
"""Distances of atoms in structures that are nearly equal differ by at most this, Å."""

N_COORDINATES = 12


def alike(found: Survey, tolerance: float = NEARLY) -> list[list[int]]:
    """Return groups of structures that are nearly equal, each led by its first.

    Two structures are nearly equal if they have the same atoms and periodicity and their sorted
    distances d, of each pair of species and up to 40 of each atom, differ little:
    ``max_k |d_k - d'_k| <= tolerance``. If no atom is displaced by more than half of the
    tolerance, this is the case, since sorting brings numbers no further apart; that distances
    agree and structures do not is possible, but rare.

    Notes
    -----
    The mean of a block of sorted distances is no further apart than they are: a tree over
    twelve such means leaves few pairs to be compared in full.
    """
    kinds: dict[tuple[object, ...], list[int]] = {}
    for s, (row, periodic) in enumerate(
        zip(found.counts_st.tolist(), found.periodic_s.tolist(), strict=True)
    ):
        kinds.setdefault((*row, periodic), []).append(s)
    groups = [
        [members[k] for k in group]
        for members in kinds.values()
        for group in _groups(np.stack([found.distances[s] for s in members]), tolerance)
    ]
    return sorted(groups)


def _groups(distances_sd: np.ndarray, tolerance: float) -> list[list[int]]:
    """Return groups of two and more rows that differ little from their first."""
    from scipy.spatial import cKDTree

    n_structures, n_distances = distances_sd.shape
    if n_structures < 2 or n_distances == 0:
        return []
    blocks = np.array_split(distances_sd, min(N_COORDINATES, n_distances), axis=1)
    means_sk = np.stack([block.mean(axis=1, dtype=np.float64) for block in blocks], axis=1)
    tree = cKDTree(means_sk)
    taken_s = np.zeros(n_structures, bool)
    groups = []
    for s in range(n_structures):
        if taken_s[s]:
            continue
        near = [k for k in tree.query_ball_point(means_sk[s], tolerance, p=np.inf) if k > s]
        others = np.array([k for k in near if not taken_s[k]], dtype=np.int64)
        apart = np.abs(distances_sd[others] - distances_sd[s]).max(axis=1, initial=0.0)
        members = np.sort(others[apart <= tolerance])
        taken_s[members] = True
        if len(members):
            groups.append([s, *members.tolist()])
    return groups


def repeated(digests: Sequence[str]) -> list[list[int]]:
    """Return groups of structures with the same digest, each led by its first."""
    places: dict[str, list[int]] = {}
    for s, digest in enumerate(digests):
        places.setdefault(digest, []).append(s)
    return [group for group in places.values() if len(group) > 1]
