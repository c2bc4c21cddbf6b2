"""The building blocks of the Chebyshev kernels, one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aenetpy.descriptors.chebyshev import harmonics, legendre_coefficients
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._lanes import load, positive_part, splat, square_root, store, total
from aenetpy.kernels.cutoff import cutoff_root, cutoff_slope
from tests.naive_chebyshev import polynomial


@kernel
def _cutoff(t_s, value_s, slope_s):
    for s in range(0, len(t_s), 8):
        t = load(t_s, s)
        root = cutoff_root(t)
        store(value_s, s, root * root)
        store(slope_s, s, cutoff_slope(t, root))


@kernel
def _arithmetic(a_s, out_s):
    a = load(a_s, 3)
    store(out_s, 0, a + a * splat(0.5))
    store(out_s, 8, 1.0 / (3.0 - a))
    store(out_s, 16, square_root(a) - positive_part(2.0 + a))
    return total(a)


def test_lanes_do_ieee_arithmetic():
    a = np.random.default_rng(0).normal(size=11) * 3.0
    out = np.empty(24)
    with np.errstate(invalid="ignore"):
        sum_of_lanes = _arithmetic(a, out)
        b = a[3:]
        expected = [b + b * 0.5, 1.0 / (3.0 - b), np.sqrt(b) - np.where(2.0 + b > 0, 2.0 + b, 0.0)]
    np.testing.assert_array_equal(out, np.concatenate(expected))
    pairs = (b[0] + b[4]) + (b[2] + b[6]), (b[1] + b[5]) + (b[3] + b[7])
    assert sum_of_lanes == pairs[0] + pairs[1]


def test_cutoff_function_and_its_slope():
    t = np.linspace(0.0, 1.2, 8 * 400)
    value, slope = np.empty_like(t), np.empty_like(t)
    _cutoff(t, value, slope)
    inside = t < 1.0
    np.testing.assert_allclose(
        value, np.where(inside, 0.5 * (np.cos(np.pi * t) + 1.0), 0.0), atol=1e-15, rtol=0
    )
    np.testing.assert_allclose(
        slope, np.where(inside, -0.5 * np.pi * np.sin(np.pi * t), 0.0), atol=3e-15, rtol=0
    )
    assert value[0] == pytest.approx(1.0, abs=2e-16)
    assert not value[t >= 1.0].any()


def legendre(degree, x):
    return np.polynomial.legendre.Legendre.basis(degree)(x)


@pytest.mark.parametrize("order", [0, 1, 2, 7])
def test_harmonics_obey_the_addition_theorem(order):
    recursion, norm = harmonics(order)
    u, v = np.random.default_rng(order).normal(size=(2, 3))
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)

    def values(x, y, z):
        """Y^c and Y^s by (l, m), from the recursion as the kernel uses it."""
        result, k = {}, 0
        for m in range(order + 1):
            power = (x + 1j * y) ** m
            before, now = 0.0, 1.0
            for degree in range(m, order + 1):
                result[degree, m] = (now * power.real, now * power.imag, norm[k])
                k += 1
                before, now = now, z * now - recursion[k] * before
        return result

    y_u, y_v = values(*u), values(*v)
    for degree in range(order + 1):
        total_ = 0.0
        for m in range(degree + 1):
            (cosine_u, sine_u, n), (cosine_v, sine_v, _) = y_u[degree, m], y_v[degree, m]
            total_ += n * (cosine_u * cosine_v + sine_u * sine_v)
        assert total_ == pytest.approx(legendre(degree, u @ v), abs=1e-13)


@pytest.mark.parametrize("order", [0, 1, 4, 12])
@pytest.mark.parametrize("domain", ["new", "old"])
def test_legendre_coefficients(order, domain):
    coefficients = legendre_coefficients(order, domain)
    x = np.linspace(-1.0, 1.0, 21)
    argument = x if domain == "new" else (2.0 * x - math.pi) / math.pi
    for n in range(order + 1):
        series = sum(coefficients[n, degree] * legendre(degree, x) for degree in range(n + 1))
        expected = [polynomial(n, value) for value in argument]
        scale = np.abs(expected).max()
        np.testing.assert_allclose(series, expected, rtol=0, atol=1e-13 * scale)
        assert not coefficients[n, n + 1 :].any()


def test_second_chebyshev_polynomial():
    # T_2 = 2 x^2 - 1 = 4/3 P_2 - 1/3
    np.testing.assert_allclose(legendre_coefficients(2)[2], [-1 / 3, 0.0, 4 / 3], atol=1e-15)
