"""Statistics against closed forms, and intervals against known distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t, ttest_rel

from aenetpy.analysis.errors import bootstrap, compare, summarise


def test_summary_of_a_few_numbers():
    found = summarise(np.array([[-4.0, 1.0], [2.0, -3.0]]))
    assert found.bias == -1.0
    assert found.mean == 2.5
    assert found.rmse == math.sqrt(30 / 4)
    assert found.median == 2.5
    assert found.p90 == pytest.approx(3.7)
    assert found.maximum == 4.0


def test_summary_of_a_normal_distribution():
    errors = np.random.default_rng(1).normal(0.0, 2.0, 400_000)
    found = summarise(errors)
    assert found.bias == pytest.approx(0.0, abs=0.02)
    assert found.mean == pytest.approx(2.0 * math.sqrt(2 / math.pi), rel=0.01)
    assert found.rmse == pytest.approx(2.0, rel=0.01)
    assert found.median == pytest.approx(2.0 * 0.67449, rel=0.01)
    assert found.p95 == pytest.approx(2.0 * 1.95996, rel=0.01)
    assert found.p99 == pytest.approx(2.0 * 2.57583, rel=0.01)


def test_the_same_seed_gives_the_same_intervals():
    errors_rc = np.random.default_rng(2).normal(size=(3, 30))
    first, again, other = (bootstrap(errors_rc, [3] * 10, seed, 50) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_an_interval_holds_the_truth_as_often_as_it_says():
    stream = np.random.default_rng(3)
    truth = math.sqrt(2 / math.pi)
    hits = 0
    for _ in range(200):
        found = bootstrap(stream.normal(size=(1, 60)), [1] * 60, resamples=200)["mean"]
        hits += found.low <= truth <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_components_of_a_structure_count_once():
    # 20 structures of 50 components each that are all alike within a structure.
    stream = np.random.default_rng(4)
    errors_s = stream.exponential(size=20)
    whole = bootstrap(np.repeat(errors_s, 50)[None], [50] * 20)["mean"]
    one_each = bootstrap(errors_s[None], [1] * 20)["mean"]
    careless = bootstrap(np.repeat(errors_s, 50)[None], [1] * 1000)["mean"]
    assert (whole.low, whole.high) == pytest.approx((one_each.low, one_each.high))
    assert careless.high - careless.low < 0.3 * (whole.high - whole.low)


def test_seeds_that_differ_widen_the_interval():
    errors_s = np.random.default_rng(5).normal(size=40)
    alike = bootstrap(np.array([errors_s] * 3), [1] * 40)["mean"]
    apart = bootstrap(np.array([errors_s, 2 * errors_s, 3 * errors_s]), [1] * 40)["mean"]
    assert (apart.high - apart.low) / 2 > alike.high - alike.low


def test_structures_of_all_sizes():
    found = bootstrap(np.arange(6.0)[None], [1, 2, 3], resamples=20)
    assert found["maximum"].high == 5.0


def test_comparison_is_the_paired_t_test():
    mae_r, reference_r = np.array([1.0, 2.0, 4.0, 3.5]), np.array([1.5, 2.1, 5.0, 4.5])
    found = compare(mae_r, reference_r)
    difference_r = mae_r - reference_r
    half = t.ppf(0.975, 3) * difference_r.std(ddof=1) / 2.0
    assert found.n == 4
    assert found.difference == pytest.approx(-0.65)
    assert found.p_value == pytest.approx(ttest_rel(mae_r, reference_r).pvalue)
    assert found.interval.low == pytest.approx(-0.65 - half)
    assert found.interval.high == pytest.approx(-0.65 + half)


def test_one_seed_has_no_test():
    found = compare(np.array([1.0]), np.array([3.0]))
    assert (found.n, found.difference, found.interval, found.p_value) == (1, -2.0, None, None)


@pytest.mark.parametrize(("shift", "p_value"), [(0.0, 1.0), (0.5, 0.0)])
def test_differences_that_are_all_equal(shift, p_value):
    reference_r = np.array([1.0, 2.0, 3.0])
    found = compare(reference_r + shift, reference_r)
    assert found.difference == found.interval.low == found.interval.high == shift
    assert found.p_value == p_value
