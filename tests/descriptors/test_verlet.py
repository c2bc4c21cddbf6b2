"""Neighbours kept from step to step are those of a new search."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.descriptors.verlet import VerletList
from aenetpy.errors import DataError
from tests.kernels.test_neighbors import ALL, CELLS, assert_same_pairs
from tests.naive_neighbors import naive_neighbors

NONE = (False, False, False)
CUTOFF = 4.0

SYSTEMS = {
    **{name: (cell, ALL, 5) for name, cell in CELLS.items()},
    "one atom": (2.6 * np.eye(3), ALL, 1),
    "molecule": (None, NONE, 7),
    "molecule in a box": (9.0 * np.eye(3), NONE, 7),
    "slab": (CELLS["triclinic"], (True, False, True), 6),
    "slab without height": (np.diag([4.1, 5.0, 0.0]), (True, True, False), 6),
    "wire": (CELLS["acute"], (False, False, True), 6),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_same_pairs_along_a_walk(name):
    cell, pbc, n_atoms = SYSTEMS[name]
    rng = np.random.default_rng(3)
    box = 5.0 * np.eye(3) if cell is None else np.where(np.any(cell, axis=1)[:, None], cell, 3.0)
    positions = rng.uniform(-1, 2, (n_atoms, 3)) @ box  # also outside of the cell
    verlet = VerletList(CUTOFF, skin=0.6)
    n_steps = 30
    for _ in range(n_steps):
        positions = positions + 0.05 * rng.uniform(-1, 1, positions.shape)
        verlet.update(positions, cell, pbc)
        assert_same_pairs(verlet.pairs(), naive_neighbors(positions, cell, pbc, CUTOFF))
    assert verlet.n_searches < n_steps / 2


def follow(verlet: VerletList, positions, cell) -> int:
    """Return how many searches an update takes."""
    before = verlet.n_searches
    verlet.update(positions, cell, ALL)
    return verlet.n_searches - before


def test_when_it_searches():
    cell = CELLS["cubic"]
    positions = np.random.default_rng(4).uniform(0, 7, (6, 3))
    verlet = VerletList(CUTOFF, skin=1.0)
    assert follow(verlet, positions, cell) == 1
    assert follow(verlet, positions, cell) == 0
    far = positions + [[0.4, 0.0, 0.0]] * 6
    assert follow(verlet, far, cell) == 1  # the first list had no skin
    assert follow(verlet, far + 0.49 * np.eye(6, 3), cell) == 0
    assert follow(verlet, far + 0.51 * np.eye(6, 3), cell) == 1
    assert follow(verlet, far, cell) == 1
    assert follow(verlet, far, 1.001 * cell) == 1
    assert follow(verlet, far[:5], 1.001 * cell) == 1
    verlet.update(far[:5], 1.001 * cell, (True, True, False))
    assert verlet.n_searches == 7
    twin = naive_neighbors(far[:5], 1.001 * cell, (True, True, False), CUTOFF)
    assert_same_pairs(verlet.pairs(), twin)


def test_a_cell_changed_in_place_is_noticed():
    cell = CELLS["cubic"].copy()
    positions = np.random.default_rng(5).uniform(0, 7, (6, 3))
    verlet = VerletList(CUTOFF, skin=1.0)
    for _ in range(3):
        follow(verlet, positions, cell)
        cell *= 1.02
        positions *= 1.001
        verlet.update(positions, cell, ALL)
        assert_same_pairs(verlet.pairs(), naive_neighbors(positions, cell, ALL, CUTOFF))


def test_without_skin_it_searches_always():
    positions = np.random.default_rng(6).uniform(0, 7, (6, 3))
    verlet = VerletList(CUTOFF, skin=0.0)
    assert [follow(verlet, positions + k * 1e-9, CELLS["cubic"]) for k in range(4)] == [1] * 4


def test_ranges_of_atoms():
    cell = CELLS["cubic"]
    positions = np.random.default_rng(7).uniform(0, 7, (20, 3))
    verlet = VerletList(CUTOFF, skin=0.5)
    for _ in range(3):
        positions += 0.01
        verlet.update(positions, cell, ALL)
        whole = verlet.pairs()
        for first, last in ((0, 8), (8, 16), (16, 20), (5, 5)):
            part = verlet.pairs(first, last)
            pairs = slice(whole.offsets_n[first], whole.offsets_n[last])
            assert part.offsets_n[first] == 0
            np.testing.assert_array_equal(part.counts_n[first:], whole.counts_n[first:last])
            np.testing.assert_array_equal(part.partners_p, whole.partners_p[pairs])
            np.testing.assert_array_equal(part.r_cp, whole.r_cp[:, pairs])


def test_a_failed_search_leaves_nothing_behind():
    cell = CELLS["cubic"]
    positions = np.random.default_rng(8).uniform(0, 7, (6, 3))
    verlet = VerletList(CUTOFF, skin=0.5)
    verlet.update(positions, cell, ALL)
    with pytest.raises(DataError, match="finite"):
        verlet.update(np.where(np.arange(6)[:, None] == 2, np.nan, positions), cell, ALL)
    verlet.update(positions, cell, ALL)
    assert_same_pairs(verlet.pairs(), naive_neighbors(positions, cell, ALL, CUTOFF))
