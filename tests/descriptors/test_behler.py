"""The Behler2011 descriptor against slow formulas, aenet's files and finite differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aenetpy.descriptors.behler import BehlerDescriptor
from aenetpy.descriptors.neighbors import Neighbors, find_neighbors
from aenetpy.formats.derivatives import iter_derivatives
from aenetpy.formats.trainset import read_trainset
from aenetpy.structures.xsf import read_xsf
from tests.naive_behler import behler_setup, behler_values, neighbors_by_force

SPECIES = ("O", "Ti", "H")  # H is in no ENV; the order differs from ENV on purpose
EVERYTHING = behler_setup(
    "Ti",
    ("Ti", "O"),
    [
        (4, "O Ti", 4.2, 1.0, 2.0, 0.01),
        (1, "O", 4.0),
        (2, "O", 4.2, 1.9, 0.5),
        (3, "Ti", 4.2, 0.7),
        (1, "Ti", 3.5),
        (2, "Ti", 4.2, 0.0, 1.2),
        (2, "Ti", 4.2, 3.0, 4.0),
        (3, "O", 3.5, 1.5),
        (5, "Ti O", 3.9, -1.0, 3.0, 0.02),
        (4, "O O", 4.2, -1.0, 1.0, 0.005),
        (4, "O O", 4.2, 1.0, 1.0, 0.005),
        (4, "O O", 4.2, -1.0, 4.0, 0.1),
        (4, "O O", 4.2, 1.0, 16.0, 0.1),
        (4, "O O", 3.7, 1.0, 16.0, 0.1),
        (5, "O O", 4.2, 1.0, 1.5, 0.03),
        (5, "O O", 4.2, -1.0, 7.0, 0.0),
        (4, "Ti Ti", 4.2, 1.0, 4.0, 0.002),
        (4, "Ti Ti", 4.2, 1.0, 4.0, 0.002),
        (4, "Ti Ti", 4.2, 0.5, 2.5, 0.3),
        (5, "Ti Ti", 4.2, 1.0, 8.0, 0.04),
    ],
)
CUTOFF = 4.2

Geometry = tuple[np.ndarray, np.ndarray | None, np.ndarray]


def geometry(kind: str) -> Geometry:
    """Positions, cell and types of a random structure."""
    rng = np.random.default_rng(sum(kind.encode()))
    if kind == "isolated":
        return rng.uniform(0.0, 5.0, (9, 3)), None, rng.integers(0, 3, 9).astype(np.int32)
    if kind == "own images":
        cell = np.array([[2.6, 0.1, 0.0], [0.9, 2.9, 0.2], [-0.4, 0.7, 3.1]])
        return np.array([[0.1, 0.2, 0.3]]), cell, np.array([1], dtype=np.int32)
    if kind == "small cell":
        cell = np.array([[3.0, 0.2, 0.1], [0.4, 3.4, 0.0], [0.3, -0.5, 3.9]])
        fractional = np.array([[0.0, 0.1, 0.0], [0.5, 0.45, 0.6], [1.3, 0.9, -0.8]])
        return fractional @ cell, cell, np.array([1, 0, 1], dtype=np.int32)
    cell = np.array([[6.1, 0.3, 0.0], [1.4, 5.6, 0.6], [-0.8, 0.9, 6.6]])
    points = np.array(list(np.ndindex(3, 2, 2))) / [3.0, 2.0, 2.0]
    fractional = points + rng.uniform(-0.06, 0.06, points.shape)
    return fractional @ cell, cell, rng.integers(0, 3, len(points)).astype(np.int32)


GEOMETRIES = ["isolated", "own images", "small cell", "periodic"]


def neighbors_of(positions: np.ndarray, cell: np.ndarray | None, cutoff: float) -> Neighbors:
    return find_neighbors(positions, cell, np.full(3, cell is not None), cutoff)


def shared_values(positions: np.ndarray, cell: np.ndarray | None, types: np.ndarray) -> np.ndarray:
    """Evaluate EVERYTHING for all atoms, whatever their species."""
    neighbors = neighbors_of(positions, cell, CUTOFF + 0.001)
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    return descriptor.evaluate(neighbors.around(np.arange(len(types)), types))[0]


# ------------------------------------------------------------------ values


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_values_follow_the_formulas(kind: str) -> None:
    positions, cell, types = geometry(kind)
    neighbors = neighbors_by_force(positions, cell, (cell is not None,) * 3, CUTOFF + 0.001)
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    features_ag, _ = descriptor.evaluate(neighbors.around(np.arange(len(types)), types))
    symbols = [SPECIES[types[j]] for j in neighbors.partners_p]
    for i, values_g in enumerate(features_ag):
        pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
        expected_g = behler_values(EVERYTHING, symbols[pairs], neighbors.r_cp[:, pairs].T)
        np.testing.assert_allclose(values_g, expected_g, rtol=1e-11, atol=1e-13)
    assert np.count_nonzero(features_ag) > 0.2 * features_ag.size


def test_rows_follow_the_order_of_atoms() -> None:
    positions, cell, types = geometry("periodic")
    neighbors = neighbors_of(positions, cell, CUTOFF)
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    all_ag, _ = descriptor.evaluate(neighbors.around(np.arange(12), types))
    some_ag, _ = descriptor.evaluate(neighbors.around(np.array([7, 2, 11], dtype=np.int32), types))
    np.testing.assert_array_equal(some_ag, all_ag[[7, 2, 11]])
    none_ag, _ = descriptor.evaluate(neighbors.around(np.array([], dtype=np.int64), types))
    assert none_ag.shape == (0, 20)


def test_many_triples_pass_through_the_buffer() -> None:
    rng = np.random.default_rng(3)
    setup = behler_setup(
        "O", ("O",), [(4, "O O", 4.0, 1.0, 2.0, 0.05), (5, "O O", 4.0, -1.0, 2.5, 0.05)]
    )
    r_pc = rng.uniform(-2.2, 2.2, (75, 3))
    neighbors = Neighbors(
        np.array([0, 75]), np.zeros(75, dtype=np.int32), np.ascontiguousarray(r_pc.T)
    )
    descriptor = BehlerDescriptor(setup, ("O",))
    values_ag, _ = descriptor.evaluate(neighbors.around(np.array([0]), np.zeros(1, dtype=np.int32)))
    expected_g = behler_values(setup, ["O"] * 75, r_pc)
    np.testing.assert_allclose(values_ag[0], expected_g, rtol=1e-12)


def test_names_come_in_the_order_of_values() -> None:
    setup = behler_setup(
        "Ti",
        ("Ti", "O"),
        [
            (5, "O Ti", 6.0, 1.0, 2.0, 0.1),
            (2, "O", 6.5, 0.5, 0.01),
            (4, "Ti O", 6.0, -1.0, 4.0, 0.1),
            (4, "Ti Ti", 6.0, -1.0, 4.0, 0.1),
            (3, "Ti", 6.5, 0.7),
            (1, "Ti", 6.5),
        ],
    )
    assert BehlerDescriptor(setup, ("Ti", "O")).names() == [
        "G1 Ti Rc=6.5",
        "G3 Ti kappa=0.7 Rc=6.5",
        "G4 Ti Ti eta=0.1 zeta=4 lambda=-1 Rc=6",
        "G4 Ti O eta=0.1 zeta=4 lambda=-1 Rc=6",
        "G5 Ti O eta=0.1 zeta=2 lambda=1 Rc=6",
        "G2 O eta=0.01 Rs=0.5 Rc=6.5",
    ]


def test_one_triple_by_hand() -> None:
    setup = behler_setup("O", ("O",), [(4, "O O", 4.0, 1.0, 1.0, 0.1), (1, "O", 4.0)])
    positions = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    neighbors = neighbors_of(positions, None, 4.0)
    descriptor = BehlerDescriptor(setup, ("O",))
    values_ag, _ = descriptor.evaluate(neighbors.around(np.array([0]), np.zeros(3, dtype=np.int32)))
    fc_jk = 0.5 * (np.cos(np.pi * np.sqrt(8.0) / 4.0) + 1.0)
    expected_g = [1.0, 2.0 * 0.5 * np.exp(-0.1 * 16.0) * 0.25 * fc_jk]
    np.testing.assert_allclose(values_ag[0], expected_g, rtol=1e-14)


# ------------------------------------------------------------------ reference files


@pytest.mark.parametrize("case", ["02-generate-behler2011", "02b-generate-behler2011-all-types"])
def test_values_of_aenet(golden: Path, case: str) -> None:
    trainset = read_trainset(golden / case / "expected" / "TiO2.train")
    assert trainset.setups_t is not None
    descriptors = [BehlerDescriptor(setup, trainset.species) for setup in trainset.setups_t]
    cutoff = max(descriptor.cutoff for descriptor in descriptors)
    features: list[list[np.ndarray]] = [[] for _ in descriptors]
    for name in trainset.names_s:
        structure = read_xsf(golden / case / name)
        neighbors = find_neighbors(
            structure.positions_nc, structure.cell_cc, structure.pbc_c, cutoff
        )
        types = np.array([trainset.species.index(s) for s in structure.species], dtype=np.int32)
        for t, descriptor in enumerate(descriptors):
            atoms = np.flatnonzero(types == t)
            features[t].append(descriptor.evaluate(neighbors.around(atoms, types))[0])
    for t, rows in enumerate(features):
        np.testing.assert_allclose(
            np.concatenate(rows), trainset.features_tng[t], rtol=1e-9, atol=1e-9
        )


def test_derivatives_of_aenet(golden: Path) -> None:
    case = golden / "02b-generate-behler2011-all-types"
    trainset = read_trainset(case / "expected" / "TiO2.train")
    assert trainset.setups_t is not None
    descriptors = [BehlerDescriptor(setup, trainset.species) for setup in trainset.setups_t]
    cutoff = max(descriptor.cutoff for descriptor in descriptors) + 0.001
    n_compared = 0
    for derivatives in iter_derivatives(case / "expected" / "TiO2.train.forces"):
        structure = read_xsf(case / derivatives.name)
        neighbors = find_neighbors(
            structure.positions_nc, structure.cell_cc, structure.pbc_c, cutoff
        )
        types = np.array([trainset.species.index(s) for s in structure.species], dtype=np.int32)
        for i, atom in enumerate(derivatives.atoms or ()):
            jacobian_pgc = descriptors[types[i]].jacobian(neighbors.around([i], types))
            np.testing.assert_allclose(
                -jacobian_pgc.sum(axis=0), atom.central_gc, rtol=1e-8, atol=1e-8
            )
            partners = neighbors.partners_p[neighbors.offsets_n[i] : neighbors.offsets_n[i + 1]]
            for j in range(len(types)):
                mine, theirs = (
                    jacobian_pgc[partners == j],
                    atom.neighbors_pgc[atom.neighbors_p == j],
                )
                assert len(mine) == len(theirs)
                np.testing.assert_allclose(
                    mine.sum(axis=0), theirs.sum(axis=0), rtol=1e-8, atol=1e-8
                )
            n_compared += 1
    assert n_compared == trainset.n_atoms


# ------------------------------------------------------------------ derivatives


def energy_and_slopes(
    positions: np.ndarray, cell: np.ndarray | None, types: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy sum_ag sin(c_g G_ag) with its forces and virial."""
    neighbors = neighbors_of(positions, cell, CUTOFF)
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    atoms = np.arange(len(types))
    weights_g = np.random.default_rng(0).uniform(0.5, 1.5, descriptor.n_features)
    around = neighbors.around(atoms, types)
    features_ag, state = descriptor.evaluate(around)
    forces_nc, virial_scc = np.zeros_like(positions), np.zeros((1, 3, 3))
    gradient_ag = weights_g * np.cos(weights_g * features_ag)
    descriptor.adjoint(around, state, gradient_ag, forces_nc, virial_scc)
    return float(np.sin(weights_g * features_ag).sum()), forces_nc, virial_scc[0]


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_forces_are_slopes_of_the_energy(kind: str) -> None:
    positions, cell, types = geometry(kind)
    _, forces_nc, _ = energy_and_slopes(positions, cell, types)
    step, expected_nc = 1e-5, np.empty_like(positions)
    for index in np.ndindex(*positions.shape):
        shift = np.zeros_like(positions)
        shift[index] = step
        plus, _, _ = energy_and_slopes(positions + shift, cell, types)
        minus, _, _ = energy_and_slopes(positions - shift, cell, types)
        expected_nc[index] = -(plus - minus) / (2.0 * step)
    scale = max(1.0, float(np.abs(expected_nc).max()))
    np.testing.assert_allclose(forces_nc, expected_nc, rtol=0.0, atol=1e-7 * scale)
    np.testing.assert_allclose(forces_nc.sum(axis=0), 0.0, atol=1e-11 * scale)


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_virial_is_the_slope_along_strain(kind: str) -> None:
    positions, cell, types = geometry(kind)
    _, _, virial_cc = energy_and_slopes(positions, cell, types)
    step, expected_cc = 1e-5, np.empty((3, 3))
    for index in np.ndindex(3, 3):
        energies = []
        for sign in (1.0, -1.0):
            strain = np.eye(3)
            strain[index] += sign * step
            strained_cell = None if cell is None else cell @ strain
            energies.append(energy_and_slopes(positions @ strain, strained_cell, types)[0])
        expected_cc[index] = (energies[0] - energies[1]) / (2.0 * step)
    scale = max(1.0, float(np.abs(expected_cc).max()))
    np.testing.assert_allclose(virial_cc, expected_cc, rtol=0.0, atol=1e-7 * scale)
    np.testing.assert_allclose(virial_cc, virial_cc.T, atol=1e-11 * scale)


@pytest.mark.parametrize("kind", ["isolated", "small cell"])
def test_jacobian_is_the_slope_of_every_value(kind: str) -> None:
    positions, cell, types = geometry(kind)
    neighbors = neighbors_of(positions, cell, CUTOFF)
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    first, last = neighbors.offsets_n[:2]
    jacobian_pgc = descriptor.jacobian(neighbors.around([0], types))
    assert jacobian_pgc.shape == (last - first, descriptor.n_features, 3)
    step = 1e-5
    for p in range(first, last):
        for c in range(3):
            values = []
            for sign in (1.0, -1.0):
                r_cp = neighbors.r_cp.copy()
                r_cp[c, p] += sign * step
                moved = neighbors._replace(r_cp=r_cp)
                values.append(descriptor.evaluate(moved.around(np.array([0]), types))[0][0])
            slope_g = (values[0] - values[1]) / (2.0 * step)
            np.testing.assert_allclose(jacobian_pgc[p - first, :, c], slope_g, rtol=1e-6, atol=1e-8)


def test_adjoint_adds_and_leaves_its_input_alone() -> None:
    positions, cell, types = geometry("periodic")
    neighbors = neighbors_of(positions, cell, CUTOFF)
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    gradient_ag = np.random.default_rng(1).normal(size=(12, descriptor.n_features))
    gradient_ag.flags.writeable = False
    once, twice = np.zeros((12, 3)), np.zeros((12, 3))
    virial_once, virial_twice = np.zeros((1, 3, 3)), np.zeros((1, 3, 3))
    around = neighbors.around(np.arange(12), types)
    for forces, virial in [(once, virial_once), (twice, virial_twice), (twice, virial_twice)]:
        descriptor.adjoint(around, None, gradient_ag, forces, virial)
    np.testing.assert_allclose(twice, 2.0 * once, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(virial_twice, 2.0 * virial_once, rtol=1e-12, atol=1e-12)


# ------------------------------------------------------------------ invariance


def rotation(seed: int) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_values_are_invariant(kind: str) -> None:
    positions, cell, types = geometry(kind)
    values = shared_values(positions, cell, types)
    turn = rotation(5)
    turned = shared_values(positions @ turn, None if cell is None else cell @ turn, types)
    np.testing.assert_allclose(turned, values, rtol=1e-10, atol=1e-12)
    shifted = shared_values(positions + np.array([0.3, -7.1, 12.9]), cell, types)
    np.testing.assert_allclose(shifted, values, rtol=1e-10, atol=1e-12)
    order = np.random.default_rng(6).permutation(len(types))
    permuted = shared_values(positions[order], cell, types[order])
    np.testing.assert_allclose(permuted, values[order], rtol=1e-10, atol=1e-12)


def test_values_repeat_in_a_supercell() -> None:
    positions, cell, types = geometry("small cell")
    assert cell is not None
    shifts = np.array(list(np.ndindex(2, 1, 3))) @ cell
    copies = (positions[None, :, :] + shifts[:, None, :]).reshape(-1, 3)
    big = shared_values(copies, cell * [[2.0], [1.0], [3.0]], np.tile(types, 6))
    small = shared_values(positions, cell, types)
    np.testing.assert_allclose(big, np.tile(small, (6, 1)), rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------ edges


def test_an_atom_alone_has_only_zeros() -> None:
    values = shared_values(np.zeros((1, 3)), None, np.array([1], dtype=np.int32))
    assert values.shape == (1, 20)
    assert not values.any()
    descriptor = BehlerDescriptor(EVERYTHING, SPECIES)
    types = np.array([1], dtype=np.int32)
    neighbors = neighbors_of(np.zeros((1, 3)), None, CUTOFF)
    assert descriptor.jacobian(neighbors.around([0], types)).shape == (0, 20, 3)


def test_species_outside_the_environment_contribute_nothing() -> None:
    positions, cell, types = geometry("periodic")
    types[:4] = 2
    keep = types != 2
    values = shared_values(positions, cell, types)
    np.testing.assert_allclose(
        values[keep], shared_values(positions[keep], cell, types[keep]), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("zeta", [0.5, 1.0, 2.0])
def test_aligned_and_coinciding_neighbours_stay_finite(zeta: float) -> None:
    setup = behler_setup(
        "O",
        ("O",),
        [(g, "O O", 6.0, sign, zeta, 0.05) for g in (4, 5) for sign in (1.0, -1.0)]
        + [(1, "O", 6.0), (2, "O", 6.0, 1.0, 0.5), (3, "O", 6.0, 1.0)],
    )
    positions = np.array([[0.0, 0, 0], [0.0, 0, 0], [1.5, 0, 0], [1.5, 0, 0], [-2.0, 0, 0]])
    types = np.zeros(5, dtype=np.int32)
    neighbors = neighbors_of(positions, None, 6.0)
    descriptor = BehlerDescriptor(setup, ("O",))
    around = neighbors.around(np.arange(5), types)
    features_ag, state = descriptor.evaluate(around)
    forces_nc, virial_scc = np.zeros((5, 3)), np.zeros((1, 3, 3))
    descriptor.adjoint(around, state, np.ones_like(features_ag), forces_nc, virial_scc)
    for array in (features_ag, forces_nc, virial_scc):
        assert np.isfinite(array).all()


def test_numbers_without_meaning_are_not_looked_at() -> None:
    setup = behler_setup("O", ("O",), [(2, "O", 6.0, 0.0, 0.5), (1, "O", 6.0)])
    setup.partners_g2[:, 1] = 538976288  # as found in real potential files
    setup.parameters_gp[0, 3] = np.nan
    assert BehlerDescriptor(setup, ("O",)).n_features == 2
