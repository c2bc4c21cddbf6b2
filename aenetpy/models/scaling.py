"""How raw fingerprints become network inputs (spec 3.5 and 9.3).

Some components are the same for all atoms of a training set: a bond that never changes, say.
Their values differ in the last digits of the coordinates, or of the sums, and so their
standard deviation is some 1e-8 of the mean. aenet takes them for constant below 1e-10 only; it
divides by less than that otherwise. Such an input is noise of order one, and a force of 1e7 eV/Å
as soon as the bond does change. Here it is constant from 1e-7 of the mean on, see `deviations`:

- The statistics in files and the scaled training set are as aenet writes them.
- Training does not see these inputs and leaves them no weights, so that they have no effect on
  energies and forces, neither here nor in predict.x.
- Potentials of aenet do have weights there. Within the training range their energies are those of
  predict.x; beyond it the input stays at its end, and nothing is added to forces (`Noise`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Long, Mask
from aenetpy.data.setup import FeatureStatistics

SMALLEST_DEVIATION = 1e-10
"""Components that deviate less from their mean are constant for aenet."""

ROUNDING = 1e-7
"""Components that deviate less, in parts of their mean, are constant for us."""


def raw_deviations(statistics: FeatureStatistics) -> Float:
    """Return the standard deviation of each fingerprint component as aenet finds it.

    ``sigma_g = sqrt(mean_square_g - mean_g**2)``; 0 where the root is at most 1e-10, or
    rounding has made its argument negative.

    Notes
    -----
    Spec 3.5 (items 2 and 3) and 9.3.
    """
    variance_g = statistics.mean_square_g - statistics.mean_g**2
    sigma_g = np.sqrt(np.maximum(variance_g, 0.0))
    return np.where(sigma_g > SMALLEST_DEVIATION, sigma_g, 0.0)


def deviations(statistics: FeatureStatistics) -> Float:
    """Return the standard deviation of each fingerprint component; 0 where it is constant.

    That is the one of aenet, unless it, or half the range between the extremes, is at most
    1e-7 of the mean: more digits than the difference in `raw_deviations` has.
    """
    sigma_g = raw_deviations(statistics)
    limit_g = ROUNDING * abs(statistics.mean_g)
    half_g = 0.5 * (statistics.maximum_g - statistics.minimum_g)
    flat_g = _has_range(statistics) & (half_g <= limit_g)
    return np.where((sigma_g > limit_g) & ~flat_g, sigma_g, 0.0)


def rounding_noise(statistics: FeatureStatistics) -> Mask:
    """Return which components are constant, although aenet takes their rounding for variation."""
    return (deviations(statistics) == 0.0) & (raw_deviations(statistics) > 0.0)


def feature_scaling(statistics: FeatureStatistics) -> tuple[Float, Float]:
    """Return mean and inverse standard deviation of each fingerprint component.

    The network input is ``x_g = (G_g - mean_g) * inverse_sigma_g``. Where the component is
    constant, see `deviations`, ``inverse_sigma_g`` is 0, and so is the input.

    Notes
    -----
    Spec 3.5 and 9.3.
    """
    return statistics.mean_g, inverse(deviations(statistics))


def inverse(sigma_g: Float) -> Float:
    """Return 1/sigma, and 0 where sigma is 0."""
    inverse_g = np.zeros_like(sigma_g)
    np.divide(1.0, sigma_g, out=inverse_g, where=sigma_g > 0.0)
    return inverse_g


@dataclass(frozen=True, eq=False)
class Noise:
    """Inputs that are nothing but rounding, in a network of aenet that has weights there.

    ``x_g = (G_g - mean_g) / sigma_g`` as in aenet, but with G_g kept within the training range.
    """

    components_k: Long
    mean_k: Float
    inverse_sigma_k: Float
    lowest_k: Float
    highest_k: Float

    @classmethod
    def of(cls, statistics: FeatureStatistics) -> Noise | None:
        """Return the noise that the statistics of a potential tell of; None without."""
        noise_g = rounding_noise(statistics)
        if not noise_g.any():
            return None
        lowest_g, highest_g, mean_g = statistics.minimum_g, statistics.maximum_g, statistics.mean_g
        known_g = _has_range(statistics)
        return cls(
            np.flatnonzero(noise_g),
            mean_g[noise_g],
            inverse(raw_deviations(statistics))[noise_g],
            np.where(known_g, lowest_g, mean_g)[noise_g],
            np.where(known_g, highest_g, mean_g)[noise_g],
        )

    def put(self, features_ng: Float, x_ng: Float) -> None:
        """Set these inputs (n, g) to the inputs of aenet, given the fingerprints (n, g)."""
        values_nk = np.clip(features_ng[:, self.components_k], self.lowest_k, self.highest_k)
        x_ng[:, self.components_k] = (values_nk - self.mean_k) * self.inverse_sigma_k


def _has_range(statistics: FeatureStatistics) -> Mask:
    """Return where the extremes are known: other programs leave them empty."""
    slack_g = np.maximum(SMALLEST_DEVIATION, ROUNDING * abs(statistics.mean_g))
    above_g = statistics.minimum_g <= statistics.mean_g + slack_g
    return above_g & (statistics.mean_g - slack_g <= statistics.maximum_g)
