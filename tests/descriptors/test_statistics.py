"""Running statistics: aenet's recursion, its footers, portions."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.descriptors.statistics import RunningStatistics
from aenetpy.formats.trainset import read_trainset


def test_definition():
    features = np.random.default_rng(0).normal(size=(50, 3))
    statistics = RunningStatistics(3)
    statistics.update(features)
    result = statistics.result()
    assert result.count == 50
    np.testing.assert_array_equal(result.minimum_g, features.min(axis=0))
    np.testing.assert_array_equal(result.maximum_g, features.max(axis=0))
    np.testing.assert_allclose(result.mean_g, features.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(result.mean_square_g, (features**2).mean(axis=0), rtol=1e-13)


def test_recursion_to_the_last_bit():
    features = np.random.default_rng(1).normal(size=(20, 2))
    statistics = RunningStatistics(2)
    statistics.update(features)
    mean, square = np.zeros(2), np.zeros(2)
    for n, x in enumerate(features):
        mean = (n * mean + x) / (n + 1)
        square = (n * square + x * x) / (n + 1)
    np.testing.assert_array_equal(statistics.result().mean_g, mean)
    np.testing.assert_array_equal(statistics.result().mean_square_g, square)


@pytest.mark.parametrize("portion", [1, 7, 50])
def test_portions_do_not_matter(portion):
    features = np.random.default_rng(2).normal(size=(50, 4))
    whole, parts = RunningStatistics(4), RunningStatistics(4)
    whole.update(features)
    for first in range(0, 50, portion):
        parts.update(features[first : first + portion])
    for name in ("minimum_g", "maximum_g", "mean_g", "mean_square_g", "count"):
        np.testing.assert_array_equal(getattr(parts.result(), name), getattr(whole.result(), name))


def test_no_atoms():
    statistics = RunningStatistics(2)
    statistics.update(np.zeros((0, 2)))
    result = statistics.result()
    assert result.count == 0
    for values in (result.minimum_g, result.maximum_g, result.mean_g, result.mean_square_g):
        assert values.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "case", ["01-generate-chebyshev", "03-generate-single-species", "04b-generate-isolated"]
)
def test_footers_of_aenet(golden, case):
    (path,) = (golden / case / "expected").glob("*.train")
    trainset = read_trainset(path)
    for setup, features in zip(trainset.setups_t, trainset.features_tng, strict=True):
        statistics = RunningStatistics(setup.n_features)
        statistics.update(features)
        result, expected = statistics.result(), setup.statistics
        assert result.count == expected.count
        for name in ("minimum_g", "maximum_g", "mean_g", "mean_square_g"):
            np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
