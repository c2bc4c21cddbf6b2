"""Adam with decoupled weight decay, as of aenet-PyTorch (method adamw)."""

from __future__ import annotations

from collections.abc import Mapping

from aenetpy.arrays import Float
from aenetpy.training.methods.adam import Adam
from aenetpy.training.objective import Loss


class AdamW(Adam):
    """Steps of `Adam` that also shorten the weights.

    ``w <- w - lr weight_decay w - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)``:
    the decay is not part of the gradient g, of which m and v are running means.

    Parameters
    ----------
    n_weights
        Number of weights of all networks together.
    parameters
        ``lr``, ``weight_decay``, ``b1``, ``b2``, ``eps``; ``batchsize``. An epoch visits as
        many structures as there are; its last mini-batch may be smaller.

    Notes
    -----
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None:
        super().__init__(n_weights, {**parameters, "mu": parameters["lr"]})
        self._decay = parameters["lr"] * parameters["weight_decay"]

    def _update(self, weights_w: Float, loss: Loss) -> Float:
        return super()._update(weights_w, loss) - self._decay * weights_w
