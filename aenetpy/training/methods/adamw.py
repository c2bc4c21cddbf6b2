"""Adam with decoupled weight decay, as of aenet-PyTorch (method adamw)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.formats.restart import damaged
from aenetpy.training.methods.adam import Adam
from aenetpy.training.methods.base import State
from aenetpy.training.objective import Loss, Objective


class AdamW(Adam):
    """Steps of `Adam` that also shorten the weights.

    ``w <- w - lr weight_decay w - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)``:
    the decay is not part of the gradient g, of which m and v are running means. After
    e epochs, ``lr`` is the given one times ``2^(-e / halflife)``.

    Notes
    -----
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None:
        super().__init__(n_weights, parameters)
        self._n_epochs = 0

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights after the mini-batches of one epoch."""
        weights_w = super().step(weights_w, loss, objective, sample_v)
        self._n_epochs += 1
        return weights_w

    @property
    def rate(self) -> float:
        """Learning rate of this epoch."""
        rate, halflife = self._parameters["lr"], self._parameters["halflife"]
        return rate * 2.0 ** (-self._n_epochs / halflife) if halflife > 0.0 else rate

    def _update(self, weights_w: Float, loss: Loss) -> Float:
        decay = self.rate * self._parameters["weight_decay"]
        return super()._update(weights_w, loss) - decay * weights_w

    def state(self) -> State:
        """Return the memory of `Adam`, and the number of epochs."""
        return {**super().state(), "n_epochs": np.array(self._n_epochs)}

    def restore(self, state: State) -> bool:
        """Go on with saved means; False if they have another size."""
        if not super().restore(state):
            return False
        if state["n_epochs"] < 0:
            raise damaged("a number is negative")
        self._n_epochs = int(state["n_epochs"])
        return True
