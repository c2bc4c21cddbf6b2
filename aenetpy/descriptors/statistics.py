"""Statistics of the fingerprints of one species, gathered atom by atom."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.setup import FeatureStatistics
from aenetpy.kernels.statistics import update


class RunningStatistics:
    """Minimum, maximum, mean and mean of squares, as aenet accumulates them.

    For the n-th atom a <- (n a + x)/(n + 1) (spec 7.1), so that the footer of a
    training set comes out the same to the last bit, however the atoms are
    portioned.
    """

    def __init__(self, n_features: int) -> None:
        self.count = 0
        self._minimum_g = np.full(n_features, np.inf)
        self._maximum_g = np.full(n_features, -np.inf)
        self._mean_g = np.zeros(n_features)
        self._mean_square_g = np.zeros(n_features)

    def update(self, features_ng: Float) -> None:
        """Take in the raw fingerprints (n, g) of more atoms, in file order."""
        update(
            self.count,
            np.ascontiguousarray(features_ng, np.float64),
            self._minimum_g,
            self._maximum_g,
            self._mean_g,
            self._mean_square_g,
        )
        self.count += len(features_ng)

    def result(self) -> FeatureStatistics:
        """Return the statistics of all atoms so far; zeros if there were none."""
        seen = self.count > 0
        return FeatureStatistics(
            count=self.count,
            minimum_g=self._minimum_g.copy() if seen else np.zeros_like(self._minimum_g),
            maximum_g=self._maximum_g.copy() if seen else np.zeros_like(self._maximum_g),
            mean_g=self._mean_g.copy(),
            mean_square_g=self._mean_square_g.copy(),
        )
