"""How honest the spread of a committee is: errors of its mean on structures held out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Index

ONE_SIGMA, TWO_SIGMA = 0.6827, 0.9545
"""Shares of normal errors within one and two standard deviations."""

NO_SPREAD = 1e-6
"""Of the usual standard deviation: below this, symmetry and not the fit makes the members agree."""

RESAMPLINGS = 200
"""Of the structures, by which the interval of a factor is found."""


@dataclass(frozen=True)
class Spread:
    """The spread of one quantity against its errors."""

    factor: float
    rmse: float
    std_rms: float
    within: tuple[float, float]
    within_calibrated: tuple[float, float]
    n: int
    interval: tuple[float, float]
    factor_95: float
    beyond_three: float
    largest: tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """Scale of the spread of a committee, by structures that are held out.

    Parameters
    ----------
    n_structures
        Structures that were held out.
    energy
        Energies per atom, eV.
    force
        Components of forces, eV/Å; None if there were none.
    """

    n_structures: int
    energy: Spread
    force: Spread | None = None


def spread_of(errors_k: Float, stds_k: Float, structures_k: Index | None = None) -> Spread | None:
    """Return how errors and standard deviations compare; None if there are none, or all are 0.

    With r = abs(err) / std, c is the ceil(0.6827 (n + 1))-th smallest r, so that a further
    structure has an error within c std with a probability of 68 % at least, however errors are
    distributed. A few outliers do not change c, as they would the ratio of mean squares.
    """
    structures_k = np.arange(len(errors_k)) if structures_k is None else structures_k
    has_spread_k = stds_k > NO_SPREAD * _root_mean_square(stds_k)
    if not has_spread_k.any():
        return None
    sizes_k, stds_k = abs(errors_k[has_spread_k]), stds_k[has_spread_k]
    ratios_k = sizes_k / stds_k
    order_k = np.argsort(ratios_k, kind="stable")
    factor, factor_95 = (_rank(ratios_k[order_k], share) for share in (ONE_SIGMA, TWO_SIGMA))
    largest = int(np.argmax(sizes_k))

    def share(limit: float) -> float:
        return float((ratios_k <= limit).mean())

    return Spread(
        factor=factor,
        rmse=_root_mean_square(sizes_k),
        std_rms=_root_mean_square(stds_k),
        within=(share(1.0), share(2.0)),
        within_calibrated=(share(factor), share(2.0 * factor)),
        n=len(sizes_k),
        interval=_interval(ratios_k[order_k], structures_k[has_spread_k][order_k]),
        factor_95=factor_95,
        beyond_three=1.0 - share(3.0 * factor),
        largest=(float(sizes_k[largest]), factor * float(stds_k[largest])),
    )


def errors_and_stds(errors_mk: Float) -> tuple[Float, Float]:
    """Return the errors of the mean of the members, and the standard deviations (ddof = 0)."""
    return errors_mk.mean(axis=0), np.asarray(errors_mk.std(axis=0))


def _rank(ascending_k: Float, share: float) -> float:
    """Return the number that a share of further ones will not exceed, as far as these tell."""
    n = len(ascending_k)
    return float(ascending_k[min(math.ceil(share * (n + 1)), n) - 1])


def _interval(ascending_k: Float, structures_k: Index) -> tuple[float, float]:
    """Return the 95 % interval of the 68 % quantile when structures are drawn with replacement."""
    _, own_k = np.unique(structures_k, return_inverse=True)
    n_structures = int(own_k.max()) + 1
    rng = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLINGS):
        drawn_s = np.bincount(rng.integers(n_structures, size=n_structures), minlength=n_structures)
        so_far_k = np.cumsum(drawn_s[own_k])
        found.append(ascending_k[np.searchsorted(so_far_k, ONE_SIGMA * so_far_k[-1])])
    low, high = np.quantile(found, (0.025, 0.975), method="nearest")
    return float(low), float(high)


def _root_mean_square(values_k: Float) -> float:
    return math.sqrt(float((values_k**2).mean())) if len(values_k) else 0.0
