"""What training minimises, as far as methods, loop, table of epochs and checkpoint know it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.errors import InputError


@dataclass(frozen=True)
class Quantity:
    """What an objective compares with references, such as energies.

    Parameters
    ----------
    name, unit
        As the user is told, with the unit of its errors.
    """

    name: str
    unit: str


@dataclass(frozen=True, eq=False)
class Loss:
    """An objective at one point.

    Parameters
    ----------
    value
        L(w), what is minimised.
    gradient_w
        dL/dw, (w,) float64; empty if it was not asked for.
    errors
        Reference minus prediction: for each quantity of the objective an array, in its unit.
    """

    value: float
    gradient_w: Float
    errors: tuple[Float, ...]


@dataclass(frozen=True)
class MeanErrors:
    """The errors of one quantity over a set of structures, in its unit.

    Parameters
    ----------
    mae, rmse
        Mean absolute and root mean square error; of an empty set 0 and NaN.
    """

    mae: float
    rmse: float


@dataclass(frozen=True, eq=False)
class Residuals:
    """An objective that is a sum of squares, ``L = 1/2 sum_k r_k^2``, at one point.

    Parameters
    ----------
    residuals_k
        r, (k,) float64.
    jacobian_kw
        dr/dw, (k, w) float64.
    """

    residuals_k: Float
    jacobian_kw: Float


class Objective(Protocol):
    """A function of all weights, summed over structures."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What has errors."""
        ...

    @property
    def measure(self) -> Quantity:
        """By what networks are compared, see ``score``; its unit is empty if it has none."""
        ...

    @property
    def n_structures(self) -> int:
        """Number of structures summed over."""
        ...

    @property
    def identity(self) -> bytes:
        """The references: what a method remembers is of no use where they are others."""
        ...

    def batch(self, chosen_s: Index) -> Objective:
        """Return the objective over some of its structures, by position, repeats allowed."""
        ...

    def evaluate(self, weights_w: Float, gradient: bool = True) -> Loss:
        """Return value, gradient and errors at one point."""
        ...

    def score(self, loss: Loss) -> float:
        """Return the value of ``measure``, small is good; NaN without structures."""
        ...

    def sampling_key(self, sampling: str, loss: Loss) -> Float:
        """Return a number for each structure; SAMPLING prefers those with small ones, (s,).

        Parameters
        ----------
        sampling
            ``weighted`` or ``energy``.
        loss
            At the weights of now.
        """
        ...


@runtime_checkable
class LeastSquares(Objective, Protocol):
    """An objective that also offers its residuals."""

    def batch(self, chosen_s: Index) -> LeastSquares:
        """Return the objective over some of its structures, by position, repeats allowed."""
        ...

    def residuals(self, weights_w: Float) -> Residuals:
        """Return residuals and their derivatives by all weights."""
        ...


def least_squares(objective: Objective, method: str) -> LeastSquares:
    """Return an objective as one with residuals, for a method that needs them.

    Raises
    ------
    InputError
        If it has none.
    """
    if isinstance(objective, LeastSquares):
        return objective
    raise InputError(
        f"method {method} needs an objective with residuals, which this one has not",
        hint="use METHOD bfgs or adam",
    )


def mean_errors(errors_k: Float) -> MeanErrors:
    """Return ``mean |d|`` and ``sqrt(mean d^2)`` of errors d."""
    if not len(errors_k):
        return MeanErrors(0.0, math.nan)
    return MeanErrors(float(np.abs(errors_k).mean()), math.sqrt(float((errors_k**2).mean())))
