"""The elementary functions and the index tables under the Behler2011 kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aenetpy.kernels.behler import cutoff_rows
from aenetpy.kernels.behler_layout import D2, FC, SHELL_ROWS, SLOPE
from aenetpy.kernels.elementary import cosine, dot, exponential, power, sine_quotient


@pytest.mark.parametrize("x", [0.0, -1e-300, -0.3, -1.0, -20.5, -300.0, -700.0, 1.0, 5.5, 700.0])
def test_exponential_is_exact_to_rounding(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=5e-16, abs=0.0)


def test_exponential_stays_finite_and_next_to_zero_far_out() -> None:
    assert 0.0 <= exponential(-1e6) < 1e-300
    assert math.isfinite(exponential(1e6))


def test_series_of_the_cutoff_function() -> None:
    for u in np.linspace(0.0, 0.25 * math.pi**2, 1001):
        assert cosine(u) == pytest.approx(math.cos(math.sqrt(u)), rel=0.0, abs=3e-16)
        expected = math.sin(math.sqrt(u)) / math.sqrt(u) if u > 0 else 1.0
        assert sine_quotient(u) == pytest.approx(expected, rel=0.0, abs=3e-16)


def test_cutoff_rows_hold_the_cutoff_function_and_its_slope() -> None:
    cutoff, step = 4.0, 1e-5
    d_p = np.array([0.0, 0.7, 2.0, 3.999, 4.0, 4.1, 60.0])

    def fc(d: np.ndarray) -> np.ndarray:
        return np.where(d < cutoff, 0.5 * (np.cos(np.pi * d / cutoff) + 1.0), 0.0)

    shell = np.zeros((SHELL_ROWS, d_p.size))
    shell[D2] = d_p**2
    cutoff_rows(shell, d_p.size, cutoff)
    np.testing.assert_allclose(shell[FC], fc(d_p), rtol=0.0, atol=1e-15)
    slope = (fc(d_p + step) - fc(d_p - step)) / (2.0 * step)
    np.testing.assert_allclose(shell[SLOPE] * d_p, slope, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 64, 101])
def test_dot_sums_every_element(n: int) -> None:
    x, y = np.random.default_rng(n).normal(size=(2, n))
    assert dot(x, y) == pytest.approx(math.fsum(x * y), rel=0.0, abs=1e-14)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 16.0, 64.0, 0.5, 1.5, 12.25])
def test_power_of_whole_and_other_exponents(exponent: float) -> None:
    base = np.linspace(0.0, 1.0, 41)
    result = np.empty_like(base)
    power(base, exponent, np.empty_like(base), result)
    np.testing.assert_allclose(result, base**exponent, rtol=2e-14, atol=0.0)


def test_power_drops_the_infinite_slope_at_zero() -> None:
    base, result = np.array([0.0, 0.25]), np.empty(2)
    power(base, -0.5, np.empty(2), result)
    np.testing.assert_allclose(result, [0.0, 2.0])
