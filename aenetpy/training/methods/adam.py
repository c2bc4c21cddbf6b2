"""Adaptive moment estimation over mini-batches (spec 3.3, method adam)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.data.training_methods import used_sizes
from aenetpy.formats.restart import damaged
from aenetpy.training.methods.base import State, batches, fits, whole_batches
from aenetpy.training.objective import Loss, Objective


class Adam:
    """Steps of about the same length in every direction, from running means of the gradient.

    With g the gradient of a mini-batch, summed over its structures, and t the
    number of batches so far,

        m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
        w <- w - mu m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps).

    Notes
    -----
    Spec 3.3. The batches after the first ``samplesize`` visits are left out, also
    where aenet stops with "invalid schedule".
    """

    uses_gradient = False
    converged = False
    note: str | None = None

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None:
        self._parameters = parameters
        self._mean_w = np.zeros(n_weights)
        self._mean_square_w = np.zeros(n_weights)
        self._n_batches = 0

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights after the mini-batches of one sample."""
        used = used_sizes(self._parameters, len(sample_v))
        if "samplesize" in used:
            visits = whole_batches(sample_v[: used["samplesize"]], used["batchsize"])
        else:
            visits = batches(sample_v, used["batchsize"])
        for batch in visits:
            weights_w = self._update(weights_w, objective.batch(batch).evaluate(weights_w))
        return weights_w

    @property
    def rate(self) -> float:
        """Learning rate."""
        return self._parameters["mu"]

    def _update(self, weights_w: Float, loss: Loss) -> Float:
        b1, b2, eps = (self._parameters[key] for key in ("b1", "b2", "eps"))
        self._n_batches += 1
        self._mean_w += (1.0 - b1) * (loss.gradient_w - self._mean_w)
        self._mean_square_w += (1.0 - b2) * (loss.gradient_w**2 - self._mean_square_w)
        mean_w = self._mean_w / (1.0 - b1**self._n_batches)
        root_w = np.sqrt(self._mean_square_w / (1.0 - b2**self._n_batches))
        return weights_w - self.rate * mean_w / (root_w + eps)

    def state(self) -> State:
        """Return both running means and the number of batches."""
        return {
            "mean_w": self._mean_w.copy(),
            "mean_square_w": self._mean_square_w.copy(),
            "n_batches": np.array(self._n_batches),
        }

    def restore(self, state: State) -> bool:
        """Go on with saved means; False if they have another size."""
        if not fits(state, self.state()):
            return False
        if state["n_batches"] < 0 or (state["mean_square_w"] < 0.0).any():
            raise damaged("a number is negative")
        self._mean_w = state["mean_w"].copy()
        self._mean_square_w = state["mean_square_w"].copy()
        self._n_batches = int(state["n_batches"])
        return True
