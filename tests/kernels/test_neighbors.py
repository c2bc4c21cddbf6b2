"""Neighbours against the slow twin, closed forms, and the counts printed by aenet."""

from __future__ import annotations

import io
import lzma
import tarfile

import numpy as np
import pytest

from aenetpy.descriptors.neighbors import CellList, Neighbors, find_neighbors
from aenetpy.errors import DataError
from aenetpy.structures.xsf import read_xsf
from tests.naive_neighbors import naive_neighbors

ALL = (True, True, True)


def assert_same_pairs(found: Neighbors, expected) -> None:
    """Compare as sets: the order within an atom is free."""
    np.testing.assert_array_equal(found.counts_n, [len(own) for own in expected])
    for i, own in enumerate(expected):
        pairs = slice(found.offsets_n[i], found.offsets_n[i + 1])
        r_pc = found.r_cp[:, pairs].T
        partners = found.partners_p[pairs]
        unused = np.ones(len(own), bool)
        for j, r in own:
            distance = np.linalg.norm(r_pc - r, axis=1)
            distance[~unused | (partners != j)] = np.inf
            nearest = int(np.argmin(distance))
            assert distance[nearest] < 1e-9
            unused[nearest] = False


CUBE = np.eye(3)
CELLS = {
    "cubic": 7.0 * CUBE,
    "smaller than the cutoff": 2.3 * CUBE,
    "triclinic": np.array([[4.0, 0.3, -0.2], [1.5, 3.5, 0.4], [-1.0, 0.8, 5.0]]),
    "left-handed": np.array([[1.5, 3.5, 0.4], [4.0, 0.3, -0.2], [-1.0, 0.8, 5.0]]),
    "very skewed": np.array([[3.0, 0.0, 0.0], [31.0, 3.3, 0.0], [-17.0, 29.0, 3.6]]),
    "acute": np.array([[5.0, 0.0, 0.0], [4.9, 0.9, 0.0], [4.8, 0.4, 1.1]]),
    "long": np.diag([2.0, 3.0, 40.0]),
    "flat": np.array([[20.0, 0.0, 0.0], [0.0, 18.0, 0.0], [3.0, 5.0, 1.2]]),
}


@pytest.mark.parametrize("cutoff", [3.1, 6.001])
@pytest.mark.parametrize("name", CELLS)
def test_twin_periodic(name, cutoff):
    cell = CELLS[name]
    positions = np.random.default_rng(7).uniform(size=(6, 3)) @ cell
    assert_same_pairs(
        find_neighbors(positions, cell, ALL, cutoff), naive_neighbors(positions, cell, ALL, cutoff)
    )


@pytest.mark.parametrize("seed", range(12))
def test_twin_random_cells_and_boundaries(seed):
    rng = np.random.default_rng(seed)
    cell = rng.normal(size=(3, 3)) * 2.5 + 2.0 * CUBE
    while abs(np.linalg.det(cell)) < 10.0:
        cell = rng.normal(size=(3, 3)) * 2.5 + 2.0 * CUBE
    pbc = rng.uniform(size=3) < 0.6
    positions = rng.normal(size=(7, 3)) * 8.0  # inside, outside, anywhere
    assert_same_pairs(
        find_neighbors(positions, cell, pbc, 4.5), naive_neighbors(positions, cell, pbc, 4.5)
    )


@pytest.mark.parametrize("pbc", [(1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("other", ["given", "zero", "not a number"])
def test_vectors_along_open_directions_play_no_role(pbc, other):
    cell = CELLS["triclinic"].copy()
    positions = np.random.default_rng(3).uniform(-3.0, 9.0, size=(8, 3))
    expected = naive_neighbors(positions, cell, pbc, 5.0)
    cell[~np.array(pbc, bool)] *= {"given": 1.0, "zero": 0.0, "not a number": np.nan}[other]
    assert_same_pairs(find_neighbors(positions, cell, pbc, 5.0), expected)


@pytest.mark.parametrize("n_atoms", [1, 2, 40])
def test_twin_isolated(n_atoms):
    positions = np.random.default_rng(5).normal(size=(n_atoms, 3)) * 3.0
    expected = naive_neighbors(positions, None, ALL, 4.0)
    assert_same_pairs(find_neighbors(positions, None, (False,) * 3, 4.0), expected)
    assert_same_pairs(find_neighbors(positions, 50.0 * CUBE, (False,) * 3, 4.0), expected)


def test_row_of_atoms_where_aenet_loses_some():
    row = np.zeros((12, 3))
    row[:, 1] = np.arange(12.0)
    assert find_neighbors(row, None, (False,) * 3, 4.0).counts_n[0] == 4
    assert find_neighbors(row, None, (False,) * 3, 8.0).counts_n[0] == 8


def test_planar_net_where_aenet_loses_some():
    x, y = np.meshgrid(np.arange(7) * 1.5, np.arange(7) * 1.5)
    net = np.stack([x.ravel(), y.ravel(), np.zeros(49)], axis=1)
    assert find_neighbors(net, None, (False,) * 3, 8.0).counts_n[0] == 27


def test_primitive_diamond_where_aenet_loses_some():
    half = 3.567 / 2
    cell = half * (1.0 - CUBE)
    positions = [[0.0, 0.0, 0.0], [half / 2] * 3]
    twin = naive_neighbors(positions, cell, ALL, 10.0)
    assert_same_pairs(find_neighbors(positions, cell, ALL, 10.0), twin)
    # the conventional cell must agree with the primitive one
    cubic = np.concatenate(
        [np.array(positions) + shift for shift in [np.zeros(3), *(half * (1.0 - CUBE))]]
    )
    counts = find_neighbors(cubic, 2 * half * CUBE, ALL, 10.0).counts_n
    assert set(counts) == {len(twin[0])}


def test_shells_of_the_simple_cubic_lattice():
    cutoffs = [1.0, np.sqrt(2.0), np.sqrt(3.0), 2.0, np.sqrt(5.0)]
    counts = [find_neighbors([[0.0, 0.0, 0.0]], CUBE, ALL, c + 1e-9).counts_n[0] for c in cutoffs]
    assert counts == [6, 18, 26, 32, 56]


def test_cutoff_is_inclusive():
    positions = [[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]
    assert list(find_neighbors(positions, None, (False,) * 3, 3.0).counts_n) == [1, 1]
    assert list(find_neighbors(positions, None, (False,) * 3, 2.9999999).counts_n) == [0, 0]


def test_atoms_at_the_same_place_are_neighbours():
    neighbors = find_neighbors([[1.0, 2.0, 3.0]] * 2, 9.0 * CUBE, ALL, 3.0)
    assert list(neighbors.partners_p) == [1, 0]
    assert list(neighbors.distances()) == [0.0, 0.0]


def test_wrapping_changes_nothing():
    cell = CELLS["triclinic"]
    rng = np.random.default_rng(11)
    positions = rng.uniform(0.01, 0.99, size=(9, 3)) @ cell
    moved = positions + rng.integers(-4, 5, size=(9, 3)) @ cell
    inside = find_neighbors(positions, cell, ALL, 6.0)
    outside = find_neighbors(moved, cell, ALL, 6.0)
    np.testing.assert_array_equal(inside.partners_p, outside.partners_p)
    np.testing.assert_allclose(inside.r_cp, outside.r_cp, atol=1e-12)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1e-18, 1.0 - 1e-16, 0.5])
def test_atoms_on_the_faces_of_the_cell(fraction):
    cell = 4.0 * CUBE
    positions = np.array([[fraction] * 3, [0.25, 0.5, fraction]]) @ cell
    assert_same_pairs(
        find_neighbors(positions, cell, ALL, 4.5), naive_neighbors(positions, cell, ALL, 4.5)
    )


def test_every_pair_has_its_reverse():
    cell = CELLS["triclinic"]
    positions = np.random.default_rng(2).uniform(size=(10, 3)) @ cell
    neighbors = find_neighbors(positions, cell, ALL, 7.0)
    np.testing.assert_allclose(neighbors.r_cp.sum(axis=1), 0.0, atol=1e-9)
    centers = np.repeat(np.arange(10), neighbors.counts_n)
    forth = np.bincount(10 * centers + neighbors.partners_p, minlength=100).reshape(10, 10)
    np.testing.assert_array_equal(forth, forth.T)


def test_ranges_of_atoms_agree_with_the_whole():
    cell = np.diag([20.0, 22.0, 24.0])
    positions = np.random.default_rng(4).uniform(size=(300, 3)) @ cell
    whole = find_neighbors(positions, cell, ALL, 6.0)
    cells = CellList(positions, cell, ALL, 6.0)
    parts = [cells.pairs(first, min(first + 77, 300)) for first in range(0, 300, 77)]
    np.testing.assert_array_equal(
        np.sum([np.pad(p.counts_n, (0, 300 - len(p.counts_n))) for p in parts], axis=0),
        whole.counts_n,
    )
    np.testing.assert_array_equal(np.concatenate([p.partners_p for p in parts]), whole.partners_p)
    np.testing.assert_array_equal(np.concatenate([p.r_cp for p in parts], axis=1), whole.r_cp)
    one = find_neighbors(positions, cell, ALL, 6.0, first=5, last=6)
    np.testing.assert_array_equal(one.counts_n, [0, 0, 0, 0, 0, whole.counts_n[5]])


def test_far_apart_clusters_need_little_memory():
    positions = np.concatenate([np.zeros((1, 3)), np.full((1, 3), 1e7), [[1e7, 1e7, 1e7 + 1.0]]])
    assert list(find_neighbors(positions, None, (False,) * 3, 2.0).counts_n) == [0, 1, 1]


def test_arrays_are_as_promised():
    neighbors = find_neighbors(np.random.default_rng(0).normal(size=(20, 3)), None, ALL, 2.0)
    assert (neighbors.offsets_n.dtype, neighbors.partners_p.dtype) == (np.int64, np.int32)
    assert neighbors.r_cp.flags.c_contiguous
    assert find_neighbors(np.zeros((0, 3)), None, ALL, 2.0).offsets_n.tolist() == [0]


@pytest.mark.parametrize(
    "cell",
    [np.zeros((3, 3)), [[1, 0, 0], [0, 1, 0], [1, 1, 0]], [[4, 0, 0], [0, np.nan, 0], [0, 0, 4]]],
)
def test_singular_cell_is_refused(cell):
    with pytest.raises(DataError, match="linearly dependent"):
        find_neighbors([[0.0, 0.0, 0.0]], cell, ALL, 3.0)


def test_absurdly_small_cell_is_refused():
    with pytest.raises(DataError, match="cell too small"):
        find_neighbors([[0.0, 0.0, 0.0]], 0.05 * CUBE, ALL, 8.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_coordinates_that_are_no_numbers_are_refused(bad):
    with pytest.raises(DataError, match="not finite"):
        find_neighbors([[0.0, 0.0, bad]], 5.0 * CUBE, ALL, 3.0)


def read_counts(text: str) -> dict[str, list[int]]:
    """Neighbours of each atom of each structure as printed by generate.x."""
    counts: dict[str, list[int]] = {}
    name = None
    for line in text.split("structure file (xsf)")[1].splitlines():
        words = line.split()
        if len(words) == 5 and words[4].endswith(".xsf"):
            name = words[4]
            counts[name] = []
        elif name is not None and len(words) == 3 and words[2].isdigit():
            counts[name].append(int(words[2]))
        elif name is not None:
            break
    return counts


@pytest.mark.parametrize(
    ("case", "cutoff"), [("01-generate-chebyshev", 8.001), ("03-generate-single-species", 6.501)]
)
def test_counts_of_aenet(golden, case, cutoff):
    expected = read_counts((golden / case / "expected" / "generate.out").read_text())
    assert len(expected) in (10, 20)
    for name, counts in expected.items():
        structure = read_xsf(golden / case / name)
        found = find_neighbors(structure.positions_nc, structure.cell_cc, structure.pbc_c, cutoff)
        assert found.counts_n.tolist() == counts, name


def test_counts_of_aenet_700(golden, data, tmp_path):
    packed = golden / "05b-train-700" / "expected" / "generate.out.xz"
    expected = read_counts(lzma.decompress(packed.read_bytes()).decode())
    assert sum(map(len, expected.values())) == 14876
    with tarfile.open(data / "tio2" / "structures.tar.xz") as archive:
        for member in archive:
            if member.name not in expected:
                continue
            text = io.TextIOWrapper(archive.extractfile(member)).read()
            path = tmp_path / "structure.xsf"
            path.write_text(text)
            structure = read_xsf(path)
            found = find_neighbors(structure.positions_nc, structure.cell_cc, ALL, 8.001)
            assert found.counts_n.tolist() == expected.pop(member.name)
    assert not expected
