"""Methods of optimisation, all with the same one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aenetpy.training.methods.lbfgs import LBFGS

Float = NDArray[np.float64]


class Method(Protocol):
    """An optimiser that is told value and gradient and answers with new weights.

    Parameters
    ----------
    converged
        True once there is nothing left to gain.
    note
        Why no further step is possible, in one line; None while it goes on.
    """

    @property
    def converged(self) -> bool:
        """True once the method has converged."""
        ...

    @property
    def note(self) -> str | None:
        """Why the method cannot go on, although not converged; None while it can."""
        ...

    def step(self, weights_w: Float, value: float, gradient_w: Float) -> Float:
        """Return the weights at which the method wants to know the objective next."""
        ...


METHODS: dict[str, Callable[[int], Method]] = {"bfgs": LBFGS}
"""What METHOD can name: each makes a method for a number of weights."""


def make_method(name: str, n_weights: int) -> Method:
    """Return a fresh method by its name in ``METHODS``."""
    return METHODS[name](n_weights)
