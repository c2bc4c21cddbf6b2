"""The activations that a layer of a network can have: each is one entry here (spec 3.2, 9.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float, Mask


@dataclass(frozen=True)
class Activation:
    """What files, reports and networks have to know of an activation.

    Parameters
    ----------
    name, short_name
        Either stands behind the colon of ``15:tanh``; the name is in potentials and reports.
    code
        The integer that stands for it in potential files.
    title
        As ``train.x`` reports it.
    function
        Turns x into f(x) in place and writes f'(x) into its second argument.
    """

    name: str
    short_name: str
    code: int
    title: str
    function: Callable[[Float, Float], None]


A, B, C = 1.7159, 0.666666666666667, 0.1


def _linear(x: Float, slope: Float) -> None:
    """Linear: f = x, f' = 1."""
    slope.fill(1.0)


def _tanh(x: Float, slope: Float) -> None:
    """Hyperbolic tangent: f = tanh x, f' = 1 - f^2."""
    np.tanh(x, out=x)
    np.multiply(x, x, out=slope)
    np.subtract(1.0, slope, out=slope)


def _sigmoid(x: Float, slope: Float) -> None:
    """Logistic function: f = 1 / (1 + exp(-x)), f' = f (1 - f)."""
    np.negative(x, out=x)
    with np.errstate(over="ignore"):  # exp(-x) = inf gives f = 0, as it should
        np.exp(x, out=x)
    np.add(x, 1.0, out=x)
    np.reciprocal(x, out=x)
    np.subtract(1.0, x, out=slope)
    np.multiply(slope, x, out=slope)


def _mtanh(x: Float, slope: Float) -> None:
    """Scaled tanh: f = a tanh(b x), f' = a b (1 - tanh^2(b x))."""
    np.multiply(x, B, out=x)
    _tanh(x, slope)
    np.multiply(x, A, out=x)
    np.multiply(slope, A * B, out=slope)


def _twist(x: Float, slope: Float) -> None:
    """Scaled tanh plus a line: f = a tanh(b x) + c x, f' = a b (1 - tanh^2(b x)) + c."""
    line = C * x
    _mtanh(x, slope)
    np.add(x, line, out=x)
    np.add(slope, C, out=slope)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", "l", 0, "linear function", _linear),
        Activation("tanh", "t", 1, "hyperbolic tangent", _tanh),
        Activation("sigmoid", "s", 2, "logistic function", _sigmoid),
        Activation("mtanh", "m", 3, "scaled hyperbolic tangent", _mtanh),
        Activation("twist", "w", 4, "scaled hyperbolic tangent + linear twisting", _twist),
    )
}
"""By name, in the order in which they are listed to the user."""


def find_activation(name: str) -> Activation | None:
    """Return an activation by its name or short name; None if there is none."""
    return next((a for a in ACTIVATIONS.values() if name in (a.name, a.short_name)), None)


def decode_activations(codes: Iterable[int]) -> tuple[str, ...]:
    """Return the names that the codes of a potential file stand for."""
    names = {activation.code: activation.name for activation in ACTIVATIONS.values()}
    return tuple(names[code] for code in codes)


def is_activation(codes: NDArray[Any]) -> Mask:
    """Return which codes stand for an activation."""
    return np.isin(codes, [activation.code for activation in ACTIVATIONS.values()])
