"""Chebyshev fingerprints: definition, aenet's numbers, derivatives, symmetries."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.data.setup import Setup
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.chebyshev import ChebyshevDescriptor, typespins
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.formats.derivatives import iter_derivatives
from aenetpy.formats.trainset import read_trainset
from aenetpy.structures.xsf import read_xsf
from tests.naive_chebyshev import naive_fingerprint

ALL = (True, True, True)
OPEN = (False, False, False)
SPECIES = ("Ti", "O")
TRICLINIC = np.array([[4.0, 0.3, -0.2], [1.5, 3.5, 0.4], [-1.0, 0.8, 5.0]])


def make_setup(parameters, environment=SPECIES, species="Ti") -> Setup:
    radial_cutoff, radial_order, angular_cutoff, angular_order = parameters
    n = (radial_order + angular_order + 2) * (2 if len(environment) > 1 else 1)
    rows = np.zeros((n, 4))
    rows[0] = parameters
    return Setup(
        species=species,
        environment=tuple(environment),
        r_min=0.5,
        r_max=max(radial_cutoff, angular_cutoff),
        kind="Chebyshev",
        functions_g=np.zeros(n, np.int32),
        parameters_gp=rows,
        partners_g2=np.zeros((n, 2), np.int32),
    )


class System:
    """A small structure and one descriptor for all its atoms."""

    def __init__(
        self, parameters, positions, cell, pbc, types=None, environment=SPECIES, **options
    ):
        self.species = options.pop("species", SPECIES)
        self.environment = environment
        self.parameters = parameters
        self.descriptor = ChebyshevDescriptor(
            make_setup(parameters, environment), self.species, **options
        )
        self.positions, self.cell, self.pbc = np.asarray(positions, float), cell, pbc
        n = len(positions)
        self.types = np.arange(n, dtype=np.int32) % len(self.species) if types is None else types
        self.atoms = np.arange(n)

    def neighbors(self, positions=None, cell=None):
        positions = self.positions if positions is None else positions
        cell = self.cell if cell is None else cell
        return find_neighbors(positions, cell, self.pbc, self.descriptor.cutoff + 0.001)

    def features(self, positions=None, cell=None):
        found = self.neighbors(positions, cell)
        return self.descriptor.evaluate(found.around(self.atoms, self.types))[0]

    def twin(self, convention="new"):
        found = self.neighbors()
        rows = []
        for i in range(len(self.positions)):
            pairs = slice(found.offsets_n[i], found.offsets_n[i + 1])
            symbols = [self.species[self.types[j]] for j in found.partners_p[pairs]]
            vectors = list(found.r_cp[:, pairs].T)
            rows.append(
                naive_fingerprint(vectors, symbols, self.environment, self.parameters, convention)
            )
        return np.array(rows)

    def adjoint(self, gradient):
        found = self.neighbors()
        around = found.around(self.atoms, self.types)
        _, state = self.descriptor.evaluate(around)
        forces, virial = np.zeros_like(self.positions), np.zeros((1, 3, 3))
        self.descriptor.adjoint(around, state, gradient, forces, virial)
        return forces, virial[0]


def random_positions(n, cell, seed=0):
    """Atoms no closer than 0.9 Å, images included."""
    rng = np.random.default_rng(seed)
    while True:
        positions = rng.uniform(size=(n, 3)) @ cell
        distances = find_neighbors(positions, cell, ALL, 2.0).distances()
        if distances.size == 0 or distances.min() > 0.9:
            return positions


def periodic(parameters, n=4, cell=TRICLINIC, **options):
    return System(parameters, random_positions(n, cell), cell, ALL, **options)


SYSTEMS = {
    "periodic": lambda: periodic((5.0, 8, 4.0, 4)),
    "self-images": lambda: System((5.0, 6, 4.4, 3), [[0.1, 0.2, 0.3]], 2.1 * np.eye(3), ALL),
    "skewed": lambda: periodic(
        (4.5, 5, 3.5, 5), 3, np.array([[3.0, 0, 0], [13.0, 3.3, 0], [-7.0, 9.0, 3.6]])
    ),
    "isolated": lambda: System(
        (6.0, 9, 5.0, 6), random_positions(7, 4.5 * np.eye(3), 1), None, OPEN
    ),
    "slab": lambda: System(
        (5.0, 4, 4.0, 3), random_positions(4, TRICLINIC), TRICLINIC, (True, True, False)
    ),
    "angular cutoff beyond the radial one": lambda: periodic((3.3, 6, 4.6, 4)),
    "equal cutoffs": lambda: periodic((4.0, 6, 4.0, 4)),
    "orders zero": lambda: periodic((4.0, 0, 3.5, 0)),
    "radial order zero": lambda: periodic((4.0, 0, 3.5, 7)),
    "angular order zero": lambda: periodic((4.0, 5, 3.5, 0)),
    "no angular cutoff": lambda: periodic((4.0, 5, 0.0, 3)),
    "one species": lambda: periodic((4.5, 7, 4.0, 4), species=("Ti",), environment=("Ti",)),
    "environment in another order": lambda: periodic((4.5, 4, 4.0, 3), environment=("O", "Ti")),
    "species outside the environment": lambda: periodic((4.5, 4, 4.0, 3), species=("Ti", "O", "H")),
    "three species": lambda: periodic(
        (4.5, 4, 4.0, 3), species=("Ti", "O", "H"), environment=("H", "Ti", "O")
    ),
    "high orders": lambda: periodic((4.0, 40, 3.4, 40), 3),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_twin(name):
    system = SYSTEMS[name]()
    expected = system.twin()
    assert expected.shape == (len(system.positions), system.descriptor.n_features)
    np.testing.assert_allclose(system.features(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("convention", ["old", "half"])
def test_twin_of_other_cosine_conventions(convention):
    system = periodic((4.5, 4, 4.0, 6), cosine_convention=convention)
    expected = system.twin(convention)
    np.testing.assert_allclose(system.features(), expected, rtol=1e-10, atol=1e-9)


def difference(function, step):
    """Central difference of fourth order at 0.

    At a cutoff the second derivative jumps: steps stay within the distance that the
    structures above keep from it.
    """
    near, far = function(step) - function(-step), function(2 * step) - function(-2 * step)
    return (8.0 * near - far) / (12.0 * step)


SMOOTH = [name for name in SYSTEMS if name != "high orders"]


@pytest.mark.parametrize("name", SMOOTH)
def test_forces_are_central_differences(name):
    system = SYSTEMS[name]()
    gradient = np.random.default_rng(1).normal(size=system.features().shape)
    forces, _ = system.adjoint(gradient)
    expected = np.zeros_like(forces)
    for i, c in np.ndindex(*forces.shape):

        def energy(step, i=i, c=c):
            moved = system.positions.copy()
            moved[i, c] += step
            return np.sum(gradient * system.features(moved))

        expected[i, c] = -difference(energy, 1e-4)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(forces, expected, rtol=1e-7, atol=1e-9 * scale)
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-10 * scale)


@pytest.mark.parametrize("name", SMOOTH)
def test_virial_is_the_strain_derivative(name):
    system = SYSTEMS[name]()
    gradient = np.random.default_rng(1).normal(size=system.features().shape)
    _, virial = system.adjoint(gradient)
    expected = np.zeros((3, 3))
    for b, c in np.ndindex(3, 3):

        def energy(step, b=b, c=c):
            strain = np.eye(3)
            strain[b, c] += step
            cell = None if system.cell is None else system.cell @ strain
            return np.sum(gradient * system.features(system.positions @ strain, cell))

        expected[b, c] = difference(energy, 3e-5)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(virial, expected, rtol=1e-7, atol=1e-9 * scale)


@pytest.mark.parametrize("name", SYSTEMS)
def test_jacobian_agrees_with_the_adjoint(name):
    system = SYSTEMS[name]()
    found = system.neighbors()
    gradient = np.random.default_rng(2).normal(size=system.features().shape)
    expected, _ = system.adjoint(gradient)
    forces = np.zeros_like(expected)
    for i in range(len(forces)):
        pairs = slice(found.offsets_n[i], found.offsets_n[i + 1])
        derivatives = system.descriptor.jacobian(found.around([i], system.types))
        slopes = np.einsum("pgc,g->pc", derivatives, gradient[i])
        np.add.at(forces, found.partners_p[pairs], -slopes)
        forces[i] += slopes.sum(axis=0)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(forces, expected, rtol=1e-9, atol=1e-12 * scale)


def rotation(seed=0):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


def test_rotation_and_reflection():
    system = SYSTEMS["periodic"]()
    turn = rotation()
    turned = system.features(system.positions @ turn, system.cell @ turn)
    np.testing.assert_allclose(turned, system.features(), rtol=1e-10, atol=1e-10)


def test_translation_and_wrapping():
    system = SYSTEMS["periodic"]()
    images = np.random.default_rng(1).integers(-3, 4, size=(len(system.positions), 3))
    moved = system.positions + np.array([0.7, -11.0, 2.3]) + images @ system.cell
    np.testing.assert_allclose(system.features(moved), system.features(), rtol=1e-10, atol=1e-10)


def test_permutation():
    system = SYSTEMS["isolated"]()
    order = np.random.default_rng(1).permutation(len(system.positions))
    expected = system.features()[order]
    system.types = system.types[order]
    np.testing.assert_allclose(
        system.features(system.positions[order]), expected, rtol=1e-10, atol=1e-10
    )


def test_supercell():
    small = SYSTEMS["periodic"]()
    repeats = [(i, j, k) for i in range(2) for j in range(3) for k in range(2)]
    positions = np.concatenate([small.positions + np.array(r) @ small.cell for r in repeats])
    cell = small.cell * np.array([[2], [3], [2]])
    types = np.tile(small.types, len(repeats))
    large = System(small.parameters, positions, cell, ALL, types=types)
    expected = np.tile(small.features(), (len(repeats), 1))
    np.testing.assert_allclose(large.features(), expected, rtol=1e-10, atol=1e-10)


def test_any_subset_of_atoms_in_any_order():
    system = SYSTEMS["periodic"]()
    rows, _ = system.descriptor.evaluate(system.neighbors().around(np.array([3, 1]), system.types))
    np.testing.assert_array_equal(rows, system.features()[[3, 1]])
    none, _ = system.descriptor.evaluate(system.neighbors().around(np.zeros(0, int), system.types))
    assert none.shape == (0, system.descriptor.n_features)


def test_longer_neighbour_lists_change_nothing():
    system = SYSTEMS["periodic"]()
    longer = find_neighbors(system.positions, system.cell, ALL, 7.5)
    rows, _ = system.descriptor.evaluate(longer.around(system.atoms, system.types))
    np.testing.assert_allclose(rows, system.features(), rtol=1e-13, atol=1e-13)


def test_lonely_atom_has_no_fingerprint_and_no_force():
    system = System((4.0, 3, 4.0, 3), [[1.0, 2.0, 3.0]], None, OPEN)
    assert not system.features().any()
    forces, virial = system.adjoint(np.ones((1, system.descriptor.n_features)))
    assert not forces.any()
    assert not virial.any()


def test_dimer_in_closed_form():
    system = System((4.0, 1, 4.0, 1), [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]], None, OPEN)
    # f_c = 1/2 at half the cutoff, T_0 = 1, T_1(0) = 0; no angles; Ti sees O with weight +1
    expected = [[0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0, -0.5, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(system.features(), expected, atol=1e-15)


def test_atoms_at_the_same_place_do_not_crash():
    system = System((4.0, 3, 4.0, 3), [[0.0, 0.0, 0.0]] * 2, None, OPEN)
    assert not np.isfinite(system.features()).all()


def test_names():
    setup = make_setup((4.0, 1, 4.0, 0))
    plain = ["radial 0", "radial 1", "angular 0"]
    names = make_descriptor(setup, SPECIES).names()
    assert names == plain + [f"weighted {name}" for name in plain]
    assert make_descriptor(make_setup((4.0, 1, 4.0, 0), ("Ti",)), SPECIES).names() == plain


@pytest.mark.parametrize(
    ("n", "spins"),
    [(1, [0]), (2, [-1, 1]), (3, [-1, 0, 1]), (4, [-2, -1, 1, 2]), (6, [-3, -2, -1, 1, 2, 3])],
)
def test_typespins(n, spins):
    assert list(typespins("ABCDEF"[:n]).values()) == spins


@pytest.mark.parametrize(
    "case",
    [
        "01-generate-chebyshev",
        "01b-generate-chebyshev-env-order",
        "03-generate-single-species",
        "04b-generate-isolated",
    ],
)
def test_fingerprints_of_aenet(golden, case):
    (path,) = (golden / case / "expected").glob("*.train")
    trainset = read_trainset(path)
    descriptors = [make_descriptor(setup, trainset.species) for setup in trainset.setups_t]
    cutoff = max(descriptor.cutoff for descriptor in descriptors) + 0.001
    found_t = [[] for _ in trainset.species]
    for name in trainset.names_s:
        structure = read_xsf(golden / case / name)
        types = np.array([trainset.species.index(s) for s in structure.species], np.int32)
        neighbors = find_neighbors(
            structure.positions_nc, structure.cell_cc, structure.pbc_c, cutoff
        )
        for t, descriptor in enumerate(descriptors):
            atoms = np.flatnonzero(types == t)
            found_t[t].append(descriptor.evaluate(neighbors.around(atoms, types))[0])
    for found, expected in zip(found_t, trainset.features_tng, strict=True):
        np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-9, atol=1e-9)


def test_derivatives_of_aenet(golden):
    folder = golden / "01c-generate-derivatives"
    trainset = read_trainset(folder / "expected" / "TiO2.train")
    descriptors = [make_descriptor(setup, trainset.species) for setup in trainset.setups_t]
    cutoff = max(descriptor.cutoff for descriptor in descriptors) + 0.001
    n_checked = 0
    for expected in iter_derivatives(folder / "expected" / "TiO2.train.forces"):
        structure = read_xsf(folder / expected.name)
        types = np.array([trainset.species.index(s) for s in structure.species], np.int32)
        neighbors = find_neighbors(structure.positions_nc, structure.cell_cc, ALL, cutoff)
        for i, atom in enumerate(expected.atoms):
            partners = neighbors.partners_p[neighbors.offsets_n[i] : neighbors.offsets_n[i + 1]]
            found = descriptors[atom.type].jacobian(neighbors.around([i], types))
            tight = {"rtol": 1e-8, "atol": 1e-8}
            np.testing.assert_allclose(-found.sum(axis=0), atom.central_gc, **tight)
            for j in range(len(structure)):
                mine, theirs = found[partners == j], atom.neighbors_pgc[atom.neighbors_p == j]
                assert mine.shape == theirs.shape
                if len(mine) == 0:
                    continue
                # the order of images is free: each of theirs is one of mine
                distance = np.abs(mine[:, None] - theirs[None]).max(axis=(2, 3))
                nearest = distance.argmin(axis=0)
                assert sorted(nearest) == list(range(len(mine)))
                np.testing.assert_allclose(mine[nearest], theirs, **tight)
                n_checked += len(mine)
    assert n_checked == 232
