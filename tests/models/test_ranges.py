"""Values outside of the training range: which, by how much, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.setup import FeatureStatistics
from aenetpy.descriptors.featurise import structure_fingerprints
from aenetpy.inputs.stp import read_stp
from aenetpy.models.ranges import OutOfRange, Ranges
from tests.conftest import ROOT
from tests.models.test_potential import random_structure, supercell
from tests.potentials import random_potential

SAMPLES = [random_structure(seed, "periodic") for seed in range(6)]


def ranges(minimum, maximum, mean, sigma) -> Ranges:
    arrays = [np.array(values, dtype=float) for values in (minimum, maximum, mean, sigma)]
    return Ranges.of(FeatureStatistics(5, *arrays[:3], arrays[2] ** 2 + arrays[3] ** 2))


def test_deviations_count_from_the_end_of_the_range():
    box = ranges([-1, 0, 2], [1, 10, 2], [0.5, 5, 2], [0.5, 2, 0])
    features_ag = np.array([[1.0, 10.0, 2.0], [2.0, -3.0, 2.0], [0.0, 16.0, 2.1]])
    found = OutOfRange.worst_first([box.out_of_range(np.array([4, 7, 9]), features_ag)])
    assert found.atoms_k.tolist() == [9, 9, 7, 7]
    assert found.components_k.tolist() == [2, 1, 0, 1]
    assert found.values_k.tolist() == [2.1, 16.0, 2.0, -3.0]
    np.testing.assert_allclose(found.deviations_k, [np.inf, 3.0, 2.0, 1.5])
    assert found.n_atoms == 2
    assert box.out_of_range(np.array([4]), features_ag[:1]) is None
    assert len(OutOfRange.worst_first([])) == 0


def test_rounding_is_not_out_of_range():
    box = ranges([-1e3, 5], [1e3, 5], [0, 5], [10, 0])
    assert box.out_of_range(np.array([0]), np.array([[1e3 + 1e-7, 5 + 1e-10]])) is None
    assert len(box.out_of_range(np.array([0]), np.array([[1e3 + 1e-3, 5 + 1e-6]]))) == 2


def test_ranges_that_do_not_hold_their_mean_are_unknown():
    box = ranges([0, 0], [0, 3], [5, 1], [1, 1])
    found = box.out_of_range(np.array([0]), np.array([[1e9, 4.0]]))
    assert found.components_k.tolist() == [1]


@pytest.fixture(scope="module", params=["tio2-chebyshev", "tio2-behler2011"])
def potential(request):
    setups = [
        read_stp(ROOT / "inputs" / request.param / f"{s}.fingerprint.stp") for s in ("Ti", "O")
    ]
    return random_potential(setups, SAMPLES, hidden=(3,))


def test_the_training_set_is_inside(potential):
    for structure in SAMPLES:
        assert len(potential.evaluate(structure, out_of_range=True).out_of_range) == 0
    assert potential.evaluate(SAMPLES[0]).out_of_range is None


def test_every_value_outside_is_found(potential):
    structure = supercell(random_structure(30, "periodic"), (3, 3, 3))  # several chunks
    rng = np.random.default_rng(1)
    noise_nc = 0.1 * rng.standard_normal(structure.positions_nc.shape)
    structure = replace(structure, positions_nc=structure.positions_nc + noise_nc)
    found = potential.evaluate(structure, forces=False, out_of_range=True).out_of_range
    descriptors = [atomic.descriptor for atomic in potential.atomic_potentials]
    features = structure_fingerprints(structure, potential.species, descriptors)
    expected = {}
    for t, atomic in enumerate(potential.atomic_potentials):
        statistics = atomic.descriptor.setup, potential.files[potential.species[t]].setup.statistics
        low_g, high_g = statistics[1].minimum_g, statistics[1].maximum_g
        sigma_g = np.sqrt(statistics[1].mean_square_g - statistics[1].mean_g ** 2)
        for atom, row_g in zip(
            np.flatnonzero(features.types_n == t), features.features_tng[t], strict=True
        ):
            for g, value in enumerate(row_g):
                beyond = max(low_g[g] - value, value - high_g[g])
                if beyond > 1e-5 * sigma_g[g]:
                    expected[int(atom), g] = beyond / sigma_g[g]
    ours = dict(
        zip(
            zip(found.atoms_k.tolist(), found.components_k.tolist(), strict=True),
            found.deviations_k.tolist(),
            strict=True,
        )
    )
    assert len(expected) > 100
    assert expected.keys() <= ours.keys()
    assert all(ours[key] <= 1e-5 for key in ours.keys() - expected.keys())
    for key, deviations in expected.items():
        assert ours[key] == pytest.approx(deviations, rel=1e-9)
    assert (np.diff(found.deviations_k) <= 0).all()
    assert found.n_atoms == len({atom for atom, _ in ours})
    again = potential.evaluate(structure, jobs=3, out_of_range=True).out_of_range
    np.testing.assert_array_equal(again.atoms_k, found.atoms_k)
    np.testing.assert_array_equal(again.deviations_k, found.deviations_k)
