"""How raw fingerprints become network inputs (spec 3.5 and 9.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aenetpy.io.setup import FeatureStatistics

Float = NDArray[np.float64]

SMALLEST_DEVIATION = 1e-10
"""Components that deviate less from their mean are constant for aenet."""

ROUNDING = 1e-7
"""Components that deviate less, in parts of their mean, are constant: what looks like a
variation is the rounding of mean square - mean^2, from 1e-8 of the mean on."""


def deviations(statistics: FeatureStatistics) -> Float:
    """Return the standard deviation of each fingerprint component; 0 where it is constant.

    ``sigma_g = sqrt(mean_square_g - mean_g**2)``. Constant are components with sigma, or half
    the range between their extremes, of at most 1e-10 or 1e-7 of the mean.

    aenet knows the first limit only. A bond that never changes leaves a sigma of 1e-8 from
    rounding, weights that no structure has trained, and so forces of 1e7 eV/Å along
    it as soon as it does change. Here such a component has no effect, and no weights in networks
    that are trained, so that predict.x finds the same. All that is written of the
    statistics stays as aenet writes it. Networks of aenet that have weights there keep the
    energies of structures where the component is what it was in training; where it is not,
    what predict.x makes of it means nothing.

    Parameters
    ----------
    statistics
        Of the raw fingerprints of one species.

    Returns
    -------
    sigma_g
        (g,) float64.
    """
    sigma_g = raw_deviations(statistics)
    limit_g = np.maximum(SMALLEST_DEVIATION, ROUNDING * abs(statistics.mean_g))
    lowest_g, highest_g, mean_g = statistics.minimum_g, statistics.maximum_g, statistics.mean_g
    # Other programs leave the extremes empty, or write nominal ones.
    known_g = (lowest_g <= mean_g + limit_g) & (mean_g - limit_g <= highest_g)
    flat_g = known_g & (highest_g - lowest_g <= 2.0 * limit_g)
    return np.where((sigma_g > limit_g) & ~flat_g, sigma_g, 0.0)


def raw_deviations(statistics: FeatureStatistics) -> Float:
    """Return sqrt(mean square - mean^2), 0 where rounding made the argument negative."""
    return np.sqrt(np.maximum(statistics.mean_square_g - statistics.mean_g**2, 0.0))


def rounding_noise(statistics: FeatureStatistics) -> NDArray[np.bool_]:
    """Tell which components are constant, although aenet takes their rounding for variation."""
    return (deviations(statistics) == 0.0) & (raw_deviations(statistics) > SMALLEST_DEVIATION)


def feature_scaling(statistics: FeatureStatistics) -> tuple[Float, Float]:
    """Return mean and inverse standard deviation of each fingerprint component.

    The network input is ``x_g = (G_g - mean_g) * inverse_sigma_g`` with
    ``sigma_g = sqrt(mean_square_g - mean_g**2)``. Where the component is constant, see
    `deviations`, ``inverse_sigma_g`` is 0, and so is the input.

    Parameters
    ----------
    statistics
        Of the raw fingerprints of one species.

    Returns
    -------
    mean_g, inverse_sigma_g
        (g,) float64 each; multiply (as aenet does), not divide, to get its bits.

    Notes
    -----
    Spec 3.5 (items 2 and 3) and 9.3.
    """
    sigma_g = deviations(statistics)
    inverse_sigma_g = np.zeros_like(sigma_g)
    np.divide(1.0, sigma_g, out=inverse_sigma_g, where=sigma_g > 0.0)
    return statistics.mean_g, inverse_sigma_g
