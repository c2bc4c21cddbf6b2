"""How raw fingerprints become network inputs (spec 3.5 and 9.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aenetpy.io.setup import FeatureStatistics

Float = NDArray[np.float64]

SMALLEST_DEVIATION = 1e-10
"""Components that deviate less from their mean are constant for aenet."""


def feature_scaling(statistics: FeatureStatistics) -> tuple[Float, Float]:
    """Return mean and inverse standard deviation of each fingerprint component.

    The network input is ``x_g = (G_g - mean_g) * inverse_sigma_g`` with
    ``sigma_g = sqrt(mean_square_g - mean_g**2)``. Where the root is at most
    1e-10, or rounding has made its argument negative, the component is constant:
    ``inverse_sigma_g`` is 0, and so is the input.

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
    variance_g = statistics.mean_square_g - statistics.mean_g**2
    sigma_g = np.sqrt(np.maximum(variance_g, 0.0))
    varies_g = sigma_g > SMALLEST_DEVIATION
    inverse_sigma_g = np.zeros_like(sigma_g)
    np.divide(1.0, sigma_g, out=inverse_sigma_g, where=varies_g)
    return statistics.mean_g, inverse_sigma_g
