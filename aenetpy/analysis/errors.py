"""Errors of several kinds of training on the same structures, and how sure one can be of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

PERCENTILES = (50.0, 90.0, 95.0, 99.0)
LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True)
class Summary:
    """What is told of errors e = predicted - reference; all but the bias of their size |e|.

    Parameters
    ----------
    bias
        Mean of e.
    mean
        Mean of |e| (MAE).
    rmse
        Root of the mean of e^2.
    median, p90, p95, p99
        Percentiles of |e|, linear between the values.
    maximum
        Largest |e|.
    """

    bias: float
    mean: float
    rmse: float
    median: float
    p90: float
    p95: float
    p99: float
    maximum: float


STATISTICS = tuple(field.name for field in fields(Summary))


@dataclass(frozen=True)
class Interval:
    """Ends of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A variant against the reference, paired by seed.

    Parameters
    ----------
    n
        Number of seeds that both have.
    difference
        Mean over the seeds of the MAE less that of the reference.
    interval
        Of the difference, 95 %, by Student's t; None with a single seed.
    p_value
        Of the two-sided t test for no difference; None with a single seed.
    """

    n: int
    difference: float
    interval: Interval | None = None
    p_value: float | None = None


def summarise(errors: Float) -> Summary:
    """Return the statistics of errors in the unit of the errors.

    Parameters
    ----------
    errors
        Predicted less reference values, any shape, float64; not empty.
    """
    return Summary(*_statistics(np.asarray(errors, np.float64).reshape(-1)).tolist())


def _statistics(errors: Float) -> Float:
    """Return the statistics in the order of ``STATISTICS``, (8,)."""
    sizes = np.abs(errors)
    return np.array(
        [
            errors.mean(),
            sizes.mean(),
            math.sqrt(float(np.mean(sizes**2))),
            *np.percentile(sizes, PERCENTILES),
            sizes.max(),
        ]
    )


def bootstrap(
    errors_rc: Float,
    counts_s: Sequence[int] | NDArray[np.int64],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """Return 95 % intervals of the statistics over seeds and structures.

    Each resample draws as many seeds and as many structures as there are, with
    replacement and independently; all components of a structure come together, since the
    errors within a structure are alike. The ends are percentiles of the statistics.

    Parameters
    ----------
    errors_rc
        Errors of each seed (r) and component (c), (r, c) float64.
    counts_s
        Components of each structure, in order; they add up to c.
    seed
        Of the resampling.
    resamples
        How many.

    Notes
    -----
    With very few seeds the intervals are too narrow by about sqrt((r - 1) / r) where
    seeds differ more than structures; a single seed is taken as if it were all.
    """
    errors_rc = np.atleast_2d(np.asarray(errors_rc, np.float64))
    counts = np.asarray(counts_s, np.int64)
    assert counts.sum() == errors_rc.shape[1], "each component belongs to one structure"
    n_seeds, n_structures = len(errors_rc), len(counts)
    ends = np.cumsum(counts)
    members = [np.arange(end - count, end) for end, count in zip(ends, counts, strict=True)]
    stream = np.random.default_rng(seed)
    found = np.empty((resamples, len(STATISTICS)))
    for k in range(resamples):
        drawn_r = stream.integers(n_seeds, size=n_seeds)
        drawn_s = stream.integers(n_structures, size=n_structures)
        columns = np.concatenate([members[s] for s in drawn_s])
        found[k] = _statistics(errors_rc[drawn_r][:, columns].reshape(-1))
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(found, (tail, 100.0 - tail), axis=0)
    return {
        name: Interval(float(a), float(b)) for name, a, b in zip(STATISTICS, low, high, strict=True)
    }


def compare(mae_r: Float, reference_r: Float) -> Comparison:
    """Compare the mean absolute errors of two variants, seed by seed.

    Parameters
    ----------
    mae_r, reference_r
        MAE of both for the same seeds in the same order, (r,) float64.
    """
    difference_r = np.asarray(mae_r, np.float64) - np.asarray(reference_r, np.float64)
    n, mean = len(difference_r), float(difference_r.mean())
    if n < 2:
        return Comparison(n, mean)
    if np.ptp(difference_r) <= 1e-12 * np.abs(reference_r).max():  # t is 0/0, or infinite
        p_value = 1.0 if math.isclose(mean, 0.0, abs_tol=1e-300) else 0.0
        return Comparison(n, mean, Interval(mean, mean), p_value)
    from scipy.stats import ttest_rel

    test = ttest_rel(mae_r, reference_r)
    interval = test.confidence_interval(LEVEL)
    return Comparison(
        n, mean, Interval(float(interval.low), float(interval.high)), float(test.pvalue)
    )
