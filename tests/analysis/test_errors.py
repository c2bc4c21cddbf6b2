"""Statistics against closed forms, and intervals against known distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from aenetpy.analysis.errors import bootstrap, compare_variants, summarise


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
    # Whatever is drawn, a structure comes with all its components: 0, 1 2 or 3 4 5.
    found = bootstrap(np.arange(6.0)[None], [1, 2, 3], resamples=500)
    assert 0.0 <= found["mean"].low < 2.5 < found["mean"].high <= 4.0
    assert found["p95"].high == 5.0


def slow_bootstrap(errors_rc, counts_s, resamples):
    """Draw seeds and structures, write the errors out, and sort them."""
    stream = np.random.default_rng(0)
    ends = np.cumsum(counts_s)
    found = []
    for _ in range(resamples):
        drawn_r = stream.integers(len(errors_rc), size=len(errors_rc))
        drawn_s = stream.integers(len(counts_s), size=len(counts_s))
        columns = np.concatenate([np.arange(ends[s] - counts_s[s], ends[s]) for s in drawn_s])
        sizes = np.abs(errors_rc[drawn_r][:, columns])
        found.append(
            [
                np.percentile(sizes, 50, method="inverted_cdf"),
                sizes.mean(),
                np.sqrt((sizes**2).mean()),
                np.percentile(sizes, 95, method="inverted_cdf"),
            ]
        )
    return np.percentile(found, (2.5, 97.5), axis=0)


def test_resampling_by_weights_is_resampling():
    counts_s = [1, 5, 2, 7, 3, 4]
    errors_rc = np.random.default_rng(6).normal(size=(4, 22))
    low, high = slow_bootstrap(errors_rc, counts_s, 60)
    found = bootstrap(errors_rc, counts_s, resamples=60)
    for k, name in enumerate(("median", "mean", "rmse", "p95")):
        assert (found[name].low, found[name].high) == pytest.approx((low[k], high[k]), rel=1e-12)


def test_comparison_is_paired():
    stream = np.random.default_rng(7)
    reference_rc = stream.normal(size=(4, 60)) * stream.exponential(size=60) ** 2
    errors_rc = 0.9 * reference_rc
    counts_s = [2] * 30
    found = compare_variants(errors_rc, reference_rc, counts_s)
    mae_r, mae_reference_r = (np.abs(array).mean(axis=1) for array in (errors_rc, reference_rc))
    assert found.n == 4
    assert found.difference == pytest.approx((mae_r - mae_reference_r).mean())
    assert found.p_value == pytest.approx(ttest_rel(mae_r, mae_reference_r).pvalue)
    # The errors of both are those of the same structures: their difference is much surer.
    alone = bootstrap(reference_rc, counts_s)["mean"]
    assert found.interval.low < found.difference < found.interval.high < 0.0
    width = found.interval.high - found.interval.low
    assert width == pytest.approx(0.1 * (alone.high - alone.low), rel=0.1)


def test_interval_of_a_difference_holds_the_truth_as_often_as_it_says():
    stream = np.random.default_rng(8)
    hits = 0
    for _ in range(200):
        reference_c = 5.0 + stream.exponential(size=(1, 50))
        errors_c = reference_c + stream.normal(0.3, 0.2, (1, 50))
        found = compare_variants(errors_c, reference_c, [1] * 50, resamples=200).interval
        hits += found.low <= 0.3 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_one_seed_has_no_test():
    found = compare_variants(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), [1, 1])
    assert (found.n, found.difference, found.p_value) == (1, -2.0, None)
    assert (found.interval.low, found.interval.high) == (-2.0, -2.0)


@pytest.mark.parametrize(("shift", "p_value"), [(0.0, 1.0), (0.5, 0.0)])
def test_differences_that_are_all_equal(shift, p_value):
    reference_rc = np.array([[1.0], [2.0], [3.0]])
    found = compare_variants(reference_rc + shift, reference_rc, [1])
    assert found.difference == found.interval.low == found.interval.high == shift
    assert found.p_value == p_value
