"""Elementary functions in a form that the compiler turns into vector code."""

# Numba intrinsics are called with one argument less than they declare.
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

import math

import numpy as np

from aenetpy.arrays import Float
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import WIDTH, load, splat, total


@kernel
def cosine(u: float) -> float:
    """cos(sqrt(u)) for 0 <= u <= pi^2/4 by its Taylor series, absolute error 1e-16."""
    p = -1.0 / 1124000727777607680000.0
    p = p * u + 1.0 / 2432902008176640000.0
    p = p * u - 1.0 / 6402373705728000.0
    p = p * u + 1.0 / 20922789888000.0
    p = p * u - 1.0 / 87178291200.0
    p = p * u + 1.0 / 479001600.0
    p = p * u - 1.0 / 3628800.0
    p = p * u + 1.0 / 40320.0
    p = p * u - 1.0 / 720.0
    p = p * u + 1.0 / 24.0
    p = p * u - 0.5
    return p * u + 1.0


@kernel
def sine_quotient(u: float) -> float:
    """sin(sqrt(u))/sqrt(u) for 0 <= u <= pi^2/4 by its Taylor series, absolute error 1e-16."""
    p = 1.0 / 51090942171709440000.0
    p = p * u - 1.0 / 121645100408832000.0
    p = p * u + 1.0 / 355687428096000.0
    p = p * u - 1.0 / 1307674368000.0
    p = p * u + 1.0 / 6227020800.0
    p = p * u - 1.0 / 39916800.0
    p = p * u + 1.0 / 362880.0
    p = p * u - 1.0 / 5040.0
    p = p * u + 1.0 / 120.0
    p = p * u - 1.0 / 6.0
    return p * u + 1.0


@kernel
def exponential(x: float) -> float:
    """exp(x) = 2^n exp(r), |r| <= ln(2)/2, for loops that the compiler turns into vector code.

    Adding 1.5 * 2^52 rounds to an integer n and leaves n in the low bits.
    """
    x = min(max(x, -708.0), 709.0)
    shifted = np.float64(x * 1.4426950408889634 + 6755399441055744.0)
    n = shifted - 6755399441055744.0
    r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * np.int64((shifted.view(np.int64) + 1023) << 52).view(np.float64)


@kernel
def dot(x_t: Float, y_t: Float) -> float:
    """sum_t x_t y_t in eight lanes: a fixed order of summation that vector registers can follow."""
    whole = x_t.size - x_t.size % WIDTH
    sums = splat(0.0)
    for t in range(0, whole, WIDTH):
        sums = sums + load(x_t, t) * load(y_t, t)
    rest = 0.0
    for t in range(whole, x_t.size):
        rest += x_t[t] * y_t[t]
    return total(sums) + rest


@kernel
def power(base_t: Float, exponent: float, square_t: Float, power_t: Float) -> None:
    """power_t = base_t^exponent; whole exponents by repeated squaring; 0^negative counts as 0.

    The last rule drops the infinite slope of (1 + lambda cos)^zeta, zeta < 1, at zero.
    """
    n = base_t.size
    if exponent < 0.0 or exponent != math.floor(exponent):
        for t in range(n):
            power_t[t] = base_t[t] ** exponent if base_t[t] > 0.0 else 0.0
        return
    for t in range(n):
        power_t[t] = 1.0
        square_t[t] = base_t[t]
    left = int(exponent)
    while left > 0:
        if left % 2 == 1:
            for t in range(n):
                power_t[t] *= square_t[t]
        left //= 2
        if left > 0:
            for t in range(n):
                square_t[t] *= square_t[t]
