"""A batch of structures: each as if alone; adjoint, directional derivative and J agree."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest

from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import make_descriptor, make_descriptors
from aenetpy.descriptors.batch import closest_contact, pack
from aenetpy.descriptors.featurise import batch_fingerprints, structure_fingerprints, total_cutoff
from aenetpy.descriptors.neighbors import find_batch_neighbors, find_neighbors
from aenetpy.descriptors.passes import BatchPass
from aenetpy.errors import DataError
from tests.descriptors.bumps import bump_setup, use_bumps
from tests.descriptors.test_chebyshev import make_setup
from tests.naive_behler import behler_setup

ALL, NONE = (True, True, True), (False, False, False)
SPECIES = ("Ti", "O")


def functions(symbol):
    """Return one function of each kind and two of some, of all pairs of species."""
    return [
        (1, symbol, 4.0),
        (2, "O", 4.0, 0.7, 0.9),
        (2, "Ti", 3.5, 0.0, 0.3),
        (3, "O", 3.5, 1.3),
        (4, "O O", 4.0, -1.0, 1.0, 0.05),
        (4, "Ti O", 4.0, 1.0, 4.0, 0.02),
        (4, "Ti O", 4.0, -1.0, 2.0, 0.02),
        (4, "Ti O", 4.0, 1.0, 2.0, 0.1),
        (5, "Ti Ti", 3.5, 1.0, 2.5, 0.0),
        (5, "O O", 3.5, -1.0, 3.0, 0.1),
    ]


FAMILIES = {
    "chebyshev": [make_setup((4.0, 5, 3.2, 4), ("Ti", "O"), species) for species in SPECIES],
    "chebyshev, angular longer": [
        make_setup((3.0, 3, 4.0, 3), ("Ti", "O"), species) for species in SPECIES
    ],
    "chebyshev, half": [make_setup((4.0, 3, 3.2, 4), ("Ti", "O"), species) for species in SPECIES],
    "chebyshev, one species": [make_setup((4.0, 3, 4.0, 2), ("Ti",), "Ti")],
    "bumps": [bump_setup(species, SPECIES, 4.0, 2) for species in SPECIES],
    "behler": [behler_setup(species, ("Ti", "O"), functions(species)) for species in SPECIES],
    "behler, one species": [
        behler_setup("Ti", ("Ti",), [(2, "Ti", 4.0, 0.0, 0.4), (4, "Ti Ti", 4.0, 1.0, 2.0, 0.03)])
    ],
}


def random_structure(n_atoms, kind, symbols, seed):
    """Return atoms no closer than 1 Å; the small cell lets them see their own images."""
    rng = np.random.default_rng(seed)
    edge = {"small": 2.9, "periodic": 5.2, "slab": 5.0, "isolated": 5.0}[kind]
    cell = edge * np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3))
    pbc = {"isolated": NONE, "slab": (True, True, False)}.get(kind, ALL)
    while True:
        positions = rng.uniform(-0.3, 1.2, (n_atoms, 3)) @ cell
        found = find_neighbors(positions, cell, pbc, 4.0)
        if closest_contact(found).distance > 1.0:
            break
    species = tuple(symbols[k % len(symbols)] for k in range(n_atoms))
    given = None if kind == "isolated" else cell
    return Structure(species, positions, given, pbc, name=f"{kind}.xsf")


def structures_of(symbols):
    return [
        random_structure(2, "small", symbols, 1),
        random_structure(6, "periodic", symbols, 2),
        random_structure(5, "isolated", symbols, 3),
        random_structure(1, "small", symbols, 4),
        random_structure(5, "slab", symbols, 5),
        random_structure(1, "isolated", symbols, 6),
    ]


@pytest.fixture(params=FAMILIES)
def family(request, monkeypatch):
    use_bumps(monkeypatch)
    setups = FAMILIES[request.param]
    symbols = tuple(setup.species for setup in setups)
    if "half" in request.param:
        return symbols, [make_descriptor(setup, symbols, "half") for setup in setups]
    return symbols, make_descriptors(setups)


def moved(structures, displacements_nc, step):
    """Displace each structure by its part of ``displacements_nc``."""
    starts = np.cumsum([0, *map(len, structures)])
    return [
        replace(
            one, positions_nc=one.positions_nc + step * displacements_nc[begin : begin + len(one)]
        )
        for one, begin in zip(structures, starts, strict=False)
    ]


def test_each_structure_as_if_alone(family):
    symbols, descriptors = family
    structures = structures_of(symbols)
    for found, structure in zip(
        batch_fingerprints(structures, symbols, descriptors), structures, strict=True
    ):
        alone = structure_fingerprints(structure, symbols, descriptors)
        for together_ng, alone_ng in zip(found.features_tng, alone.features_tng, strict=True):
            np.testing.assert_array_equal(together_ng, alone_ng)
        np.testing.assert_array_equal(found.types_n, alone.types_n)
        np.testing.assert_array_equal(found.n_neighbors_n, alone.n_neighbors_n)
        assert astuple(found.closest) == astuple(alone.closest)


def test_neighbors_of_a_batch_are_those_of_each_structure():
    structures = structures_of(SPECIES)
    batch = pack(structures, SPECIES)
    together, failed = find_batch_neighbors(batch, 4.3, 0, len(structures))
    assert failed == -1
    assert batch.structures_n.tolist() == [0, 0, *[1] * 6, *[2] * 5, 3, *[4] * 5, 5]
    for s, structure in enumerate(structures):
        alone = find_neighbors(structure.positions_nc, structure.cell_cc, structure.pbc_c, 4.3)
        begin, end = batch.starts_s[s], batch.starts_s[s + 1]
        pairs = slice(together.offsets_n[begin], together.offsets_n[end])
        np.testing.assert_array_equal(together.partners_p[pairs] - begin, alone.partners_p)
        np.testing.assert_array_equal(together.r_cp[:, pairs], alone.r_cp)
        np.testing.assert_array_equal(
            together.offsets_n[begin : end + 1] - pairs.start, alone.offsets_n
        )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"cell_cc": np.zeros((3, 3))}, "linearly dependent"),
        ({"cell_cc": 0.01 * np.eye(3)}, "cell too small"),
        ({"positions_nc": np.full((6, 3), np.nan)}, "not finite"),
    ],
)
def test_the_structure_that_cannot_be_searched_is_named(change, problem):
    structures = structures_of(SPECIES)
    structures[1] = replace(structures[1], name="bad.xsf", **change)
    descriptors = make_descriptors(FAMILIES["chebyshev"])
    with pytest.raises(DataError, match=problem) as caught:
        batch_fingerprints(structures, SPECIES, descriptors)
    assert str(caught.value.file) == "bad.xsf"


def test_directional_derivative_is_the_limit_of_differences(family):
    symbols, descriptors = family
    structures = structures_of(symbols)
    n_atoms = sum(map(len, structures))
    displacements_nc = np.random.default_rng(7).uniform(-1, 1, (n_atoms, 3))
    step = 1e-4

    def features(times):
        return BatchPass(
            moved(structures, displacements_nc, times * step), symbols, descriptors
        ).features_tag

    found_tag = BatchPass(structures, symbols, descriptors).directional(displacements_nc)
    ahead, behind, far_ahead, far_behind = (features(times) for times in (1, -1, 2, -2))
    for t, found_ag in enumerate(found_tag):
        near_ag = (ahead[t] - behind[t]) / (2.0 * step)
        far_ag = (far_ahead[t] - far_behind[t]) / (4.0 * step)
        assert np.abs(found_ag).max() > 0.1
        np.testing.assert_allclose(found_ag, (4.0 * near_ag - far_ag) / 3.0, rtol=1e-6, atol=2e-7)


def test_moving_all_atoms_together_changes_nothing(family):
    symbols, descriptors = family
    found = BatchPass(structures_of(symbols), symbols, descriptors)
    shift_nc = np.tile([0.3, -0.7, 1.1], (len(found.batch.types_n), 1))
    for rates_ag in found.directional(shift_nc):
        np.testing.assert_allclose(rates_ag, 0.0, atol=1e-12)


def test_adjoint_and_directional_are_products_with_the_jacobian(family):
    symbols, descriptors = family
    found = BatchPass(structures_of(symbols), symbols, descriptors)
    rng = np.random.default_rng(9)
    gradient_tag = [rng.uniform(-1, 1, features.shape) for features in found.features_tag]
    displacements_nc = rng.uniform(-1, 1, (len(found.batch.types_n), 3))
    strains_scc = rng.uniform(-1, 1, (len(found.batch.starts_s) - 1, 3, 3))
    forces_nc, virial_scc = found.adjoint(gradient_tag)
    rates_tag = found.directional(displacements_nc, strains_scc)
    done_t = [0] * len(descriptors)
    both = zip(found.derivatives(), found.derivatives(strain=True), strict=True)
    for s, (derivatives_t, strained_t) in enumerate(both):
        atoms = slice(found.batch.starts_s[s], found.batch.starts_s[s + 1])
        along_q = np.concatenate([displacements_nc[atoms].ravel(), strains_scc[s].ravel()])
        expected_q = np.zeros_like(along_q)
        for t, jacobian_agq in enumerate(strained_t):
            np.testing.assert_array_equal(derivatives_t[t], jacobian_agq[:, :, :-9])
            rows = slice(done_t[t], done_t[t] + len(jacobian_agq))
            done_t[t] = rows.stop
            expected_q -= np.einsum("ag,agq->q", gradient_tag[t][rows], jacobian_agq)
            np.testing.assert_allclose(
                rates_tag[t][rows], jacobian_agq @ along_q, rtol=1e-10, atol=1e-11
            )
        np.testing.assert_allclose(forces_nc[atoms].ravel(), expected_q[:-9], 1e-10, 1e-11)
        np.testing.assert_allclose(virial_scc[s].ravel(), -expected_q[-9:], 1e-10, 1e-11)
    assert done_t == [len(features) for features in found.features_tag]


def test_virials_of_a_batch_are_those_of_each_structure(family):
    symbols, descriptors = family
    structures = structures_of(symbols)
    together = BatchPass(structures, symbols, descriptors)
    _, virial_scc = together.adjoint([np.cos(features) for features in together.features_tag])
    for structure, virial_cc in zip(structures, virial_scc, strict=True):
        alone = BatchPass([structure], symbols, descriptors)
        _, (alone_cc,) = alone.adjoint([np.cos(features) for features in alone.features_tag])
        np.testing.assert_array_equal(virial_cc, alone_cc)


def test_chunks_of_a_large_structure_add_up():
    symbols, descriptors = SPECIES, make_descriptors(FAMILIES["chebyshev"])
    small = structures_of(symbols)[1]
    n = 4
    shifts = np.array(list(np.ndindex(n, n, n))) @ small.cell_cc
    large = Structure(
        small.species * len(shifts),
        (shifts[:, None, :] + small.positions_nc).reshape(-1, 3),
        n * small.cell_cc,
        ALL,
    )
    assert len(large) > 256
    displacements_nc = np.random.default_rng(1).uniform(-1, 1, (len(small), 3))
    one, many = (BatchPass([structure], symbols, descriptors) for structure in (small, large))
    repeated_nc = np.tile(displacements_nc, (len(shifts), 1))
    for alone_ag, rates_ag in zip(
        one.directional(displacements_nc), many.directional(repeated_nc), strict=True
    ):
        expected_ag = np.tile(alone_ag, (len(shifts), 1))
        np.testing.assert_allclose(rates_ag, expected_ag, rtol=1e-9, atol=1e-10)
    forces_nc, virial_scc = one.adjoint([np.ones_like(f) for f in one.features_tag])
    found_nc, found_scc = many.adjoint([np.ones_like(f) for f in many.features_tag])
    expected_nc = np.tile(forces_nc, (len(shifts), 1))
    np.testing.assert_allclose(found_nc, expected_nc, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found_scc, len(shifts) * virial_scc, rtol=1e-9, atol=1e-8)
    assert total_cutoff(descriptors) == pytest.approx(4.001)
