"""Models of scikit-learn, which is an extra of the package."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.baselines.base import Model, Samples, Scaling
from aenetpy.lazy import require_library


def scikit_learn(model: str) -> None:
    """Refuse to go on without scikit-learn."""
    require_library("sklearn", "scikit-learn", "ml", f"model {model}")


class _Regressor(Model):
    """A regressor of scikit-learn over the fingerprints of structures, or of atoms."""

    def regressor(self) -> Any:
        """Return the regressor, not yet fitted."""
        raise NotImplementedError

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Fit the labels."""
        x_nk = samples.rows(self.labels)
        y_n = samples.labels(self.labels, energies_s)
        self.scaling = Scaling.of(x_nk)
        self.mean, self.deviation = 0.0, 1.0
        if self.parameters.get("scale") == "yes":
            self.mean, self.deviation = float(y_n.mean()), float(y_n.std()) or 1.0
        self.fitted = self.regressor()
        with warnings.catch_warnings():  # that the epochs are over is no news
            warnings.simplefilter("ignore")
            self.fitted.fit(self.scaling.scaled(x_nk), (y_n - self.mean) / self.deviation)
        curve = np.asarray(getattr(self.fitted, "loss_curve_", []), np.float64)
        self.history = (np.sqrt(2.0 * curve) * self.deviation).tolist()

    def energies(self, samples: Samples) -> Float:
        """Return the predictions of the regressor."""
        found = self.fitted.predict(self.scaling.scaled(samples.rows(self.labels)))
        return samples.sums(self.labels, self.mean + self.deviation * found)


class MLP(_Regressor):
    """A network over the fingerprints of all species; half the squared error of the labels."""

    def regressor(self) -> Any:
        """Return it."""
        from sklearn.neural_network import MLPRegressor

        parameters = self.parameters
        return MLPRegressor(
            hidden_layer_sizes=(parameters["nodes"],) * parameters["layers"],
            activation=parameters["activation"],
            alpha=parameters["weight_decay"],
            learning_rate_init=parameters["rate"],
            max_iter=parameters["epochs"],
            random_state=self.seed % 2**32,
        )


class Boosting(_Regressor):
    """Trees, each fitted to the residuals of the trees before it."""

    def regressor(self) -> Any:
        """Return it."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            max_iter=self.parameters["trees"],
            learning_rate=self.parameters["rate"],
            max_leaf_nodes=self.parameters["leaves"],
            early_stopping=False,
            random_state=self.seed % 2**32,
        )
