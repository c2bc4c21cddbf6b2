"""Any objective with a penalty on large weights: REGULARIZATION."""

from __future__ import annotations

import math

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.training.objective import LeastSquares, Loss, Objective, Quantity, Residuals


class Regularised:
    """An objective plus ``lambda |w|^2`` for each of its structures.

    ``L(w) = L_0(w) + S lambda |w|^2``, S structures, so that a batch has its share of the
    penalty and lambda means the same for a set of any size. All weights count, those of the
    constants (biases), too. Errors are those of the objective alone.

    Parameters
    ----------
    objective
        L_0.
    strength
        lambda, not negative.

    Notes
    -----
    Design 3.5.
    """

    def __init__(self, objective: Objective, strength: float) -> None:
        self._objective = objective
        self._strength = strength

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of the objective."""
        return self._objective.quantities

    @property
    def measure(self) -> Quantity:
        """That of the objective."""
        return self._objective.measure

    @property
    def n_structures(self) -> int:
        """Number of structures summed over."""
        return self._objective.n_structures

    @property
    def identity(self) -> bytes:
        """The references, and lambda: what a method remembers is of no use for another."""
        return self._objective.identity + f"REGULARIZATION {self._strength!r}".encode()

    def batch(self, chosen_s: Index) -> Regularised:
        """Return the objective over some of its structures, with their share of the penalty."""
        return type(self)(self._objective.batch(chosen_s), self._strength)

    def evaluate(self, weights_w: Float, gradient: bool = True) -> Loss:
        """Return value and gradient with the penalty, errors without."""
        loss = self._objective.evaluate(weights_w, gradient)
        factor = self._factor
        with np.errstate(over="ignore", invalid="ignore"):  # whoever asked looks
            value = loss.value + factor * float(weights_w @ weights_w)
            gradient_w = loss.gradient_w + 2.0 * factor * weights_w if gradient else loss.gradient_w
        return Loss(value, gradient_w, loss.errors)

    def score(self, loss: Loss) -> float:
        """Return that of the objective."""
        return self._objective.score(loss)

    def sampling_key(self, sampling: str, loss: Loss) -> Float:
        """Return that of the objective, (s,)."""
        return self._objective.sampling_key(sampling, loss)

    @property
    def _factor(self) -> float:
        """S lambda."""
        return self._strength * self.n_structures


class RegularisedSquares(Regularised):
    """The same for a sum of squares: the weights are residuals, too.

    ``1/2 sum_w r_w^2 = S lambda |w|^2`` with ``r_w = sqrt(2 S lambda) w``.
    """

    def __init__(self, objective: LeastSquares, strength: float) -> None:
        super().__init__(objective, strength)
        self._squares = objective

    def batch(self, chosen_s: Index) -> RegularisedSquares:
        """Return the objective over some of its structures, with their share of the penalty."""
        return type(self)(self._squares.batch(chosen_s), self._strength)

    def residuals(self, weights_w: Float) -> Residuals:
        """Return the residuals of the objective, and one more for each weight, (k + w,)."""
        found, root = self._squares.residuals(weights_w), math.sqrt(2.0 * self._factor)
        return Residuals(
            np.concatenate([found.residuals_k, root * weights_w]),
            np.concatenate([found.jacobian_kw, root * np.eye(len(weights_w))]),
        )


def regularised(objective: Objective, strength: float) -> Objective:
    """Return an objective with a penalty; with residuals if it has some, itself for lambda = 0."""
    if strength == 0.0:
        return objective
    if isinstance(objective, LeastSquares):
        return RegularisedSquares(objective, strength)
    return Regularised(objective, strength)
