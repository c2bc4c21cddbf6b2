"""The cosine cutoff function, eight distances at a time."""

from __future__ import annotations

import math
from typing import Any

from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import positive_part

# Taylor series of sin(pi u / 2): the first term left out is 1.3e-18 at u = 1.
_C1, _C3, _C5, _C7, _C9, _C11, _C13, _C15, _C17, _C19, _C21 = (
    (-1) ** k * (math.pi / 2) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(11)
)


@kernel
def sine(u: Any) -> Any:
    """sin(pi u / 2) of lanes, absolute error below 3e-16 for 0 <= u <= 1."""
    v = u * u
    series = _C19 + _C21 * v
    series = _C15 + v * (_C17 + v * series)
    series = _C11 + v * (_C13 + v * series)
    series = _C7 + v * (_C9 + v * series)
    series = _C3 + v * (_C5 + v * series)
    return u * (_C1 + v * series)


@kernel
def cutoff_root(t: Any) -> Any:
    """sqrt(f_c) = cos(pi t / 2) of lanes t = d/R, and 0 for t >= 1; f_c = (cos(pi t) + 1) / 2."""
    return sine(positive_part(1.0 - t))


@kernel
def cutoff_slope(t: Any, root: Any) -> Any:
    """df_c/dt = -pi cos(pi t / 2) sin(pi t / 2) of lanes, ``root`` from `cutoff_root`."""
    return -math.pi * root * sine(t)
