"""Steepest descent with momentum, structure by structure (spec 3.3, method online_sd)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.training.methods.base import State, fits
from aenetpy.training.objective import Loss, Objective


class OnlineSD:
    """One small step downhill after every structure.

    ``u <- alpha u - gamma dE_s d(dE_s)/dw``, ``w <- w + u``.

    Notes
    -----
    Spec 3.3. With the default rate of 0.9 it diverges.
    """

    uses_gradient = False
    converged = False
    note: str | None = None

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None:
        self._momentum = parameters["alpha"]
        self._rate = parameters["gamma"]
        self._update_w = np.zeros(n_weights)

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights after all visits."""
        weights_w = weights_w.copy()
        for visit in sample_v[:, np.newaxis]:
            self._update_w *= self._momentum
            self._update_w -= self._rate * objective.batch(visit).evaluate(weights_w).gradient_w
            weights_w += self._update_w
        return weights_w

    def state(self) -> State:
        """Return the last update u."""
        return {"update_w": self._update_w.copy()}

    def restore(self, state: State) -> bool:
        """Go on with a saved update; False if it has another size."""
        if not fits(state, self.state()):
            return False
        self._update_w = state["update_w"].copy()
        return True
