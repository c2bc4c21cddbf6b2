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
    """An activation: its function, and its code and name in files and reports."""

    name: str
    short_name: str
    code: int
    title: str
    function: Callable[[Float, Float, Float | None], None]


A, B, C = 1.7159, 0.666666666666667, 0.1


def _linear(x: Float, slope: Float, bend: Float | None) -> None:
    """Linear: f = x, f' = 1, f'' = 0."""
    slope.fill(1.0)
    if bend is not None:
        bend.fill(0.0)


def _tanh(x: Float, slope: Float, bend: Float | None) -> None:
    """Hyperbolic tangent: f = tanh x, f' = 1 - f^2, f'' = -2 f f'."""
    np.tanh(x, out=x)
    np.multiply(x, x, out=slope)
    np.subtract(1.0, slope, out=slope)
    if bend is not None:
        np.multiply(x, slope, out=bend)
        bend *= -2.0


def _sigmoid(x: Float, slope: Float, bend: Float | None) -> None:
    """Logistic function: f = 1 / (1 + exp(-x)), f' = f (1 - f), f'' = f' (1 - 2 f)."""
    np.negative(x, out=x)
    with np.errstate(over="ignore"):  # exp(-x) = inf gives f = 0, as it should
        np.exp(x, out=x)
    np.add(x, 1.0, out=x)
    np.reciprocal(x, out=x)
    np.subtract(1.0, x, out=slope)
    if bend is not None:
        np.subtract(slope, x, out=bend)
    np.multiply(slope, x, out=slope)
    if bend is not None:
        bend *= slope


def _mtanh(x: Float, slope: Float, bend: Float | None) -> None:
    """Scaled tanh: f = a tanh(b x), f' = a b (1 - tanh^2(b x)), f'' = -2 b tanh(b x) f'."""
    np.multiply(x, B, out=x)
    _tanh(x, slope, bend)
    np.multiply(x, A, out=x)
    np.multiply(slope, A * B, out=slope)
    if bend is not None:
        bend *= A * B * B


def _twist(x: Float, slope: Float, bend: Float | None) -> None:
    """Scaled tanh plus a line: f = a tanh(b x) + c x; f' gains c, f'' is unchanged."""
    line = C * x
    _mtanh(x, slope, bend)
    np.add(x, line, out=x)
    np.add(slope, C, out=slope)


def _swish(x: Float, slope: Float, bend: Float | None) -> None:
    """Swish: f = x s with s = 1 / (1 + exp(-x)), f' = s + x s', f'' = s' (2 + x (1 - 2 s))."""
    s = x.copy()
    _sigmoid(s, slope, None)
    if bend is not None:
        np.multiply(x, 1.0 - 2.0 * s, out=bend)
        bend += 2.0
        bend *= slope
    slope *= x
    slope += s
    x *= s


def _mish(x: Float, slope: Float, bend: Float | None) -> None:
    """Mish: f = x t with t = tanh(log(1 + exp x)), t' = (1 - t^2) s and s of swish.

    f' = t + x t', f'' = t' (2 + x (1 - s - 2 t s)).
    """
    s = x.copy()
    _sigmoid(s, slope, None)
    t = np.tanh(np.logaddexp(0.0, x))
    np.multiply(1.0 - t * t, s, out=slope)
    if bend is not None:
        np.multiply(x, 1.0 - s - 2.0 * t * s, out=bend)
        bend += 2.0
        bend *= slope
    slope *= x
    slope += t
    x *= t


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", "l", 0, "linear function", _linear),
        Activation("tanh", "t", 1, "hyperbolic tangent", _tanh),
        Activation("sigmoid", "s", 2, "logistic function", _sigmoid),
        Activation("mtanh", "m", 3, "scaled hyperbolic tangent", _mtanh),
        Activation("twist", "w", 4, "scaled hyperbolic tangent + linear twisting", _twist),
        Activation("swish", "sw", 5, "swish", _swish),
        Activation("mish", "mi", 6, "mish", _mish),
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
