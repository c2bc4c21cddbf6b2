"""Energies of two kinds, on energies of which all is known."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.analysis.mixed_energies import UNITS, find_mixed_energies
from aenetpy.analysis.slopes import slope_ratios
from tests.analysis.test_outliers import COUNTS, ENERGIES, FEATURES, NOISE, SIZES, N

COHESIVE = ENERGIES - COUNTS @ [-900.0, -400.0]
"""Of both signs, and near zero."""


@pytest.mark.parametrize("energies_s", [ENERGIES, COHESIVE], ids=["total", "cohesive"])
def test_one_kind(energies_s):
    assert find_mixed_energies(energies_s, COUNTS, FEATURES) is None


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("energies_s", [ENERGIES, COHESIVE], ids=["total", "cohesive"])
@pytest.mark.parametrize("every", [2, 10])
def test_two_units(energies_s, unit, every):
    others_s = np.arange(N) % every == 1
    mixed_s = np.where(others_s, energies_s / UNITS[unit], energies_s)
    found = find_mixed_energies(mixed_s, COUNTS, FEATURES)
    assert found is not None
    assert found.unit == unit
    clear_s = np.abs(mixed_s - energies_s) > 10 * NOISE * SIZES
    np.testing.assert_array_equal(found.others_s[clear_s], others_s[clear_s])


def test_with_and_without_atomic_energies():
    others_s = np.arange(N) % 2 == 1
    energies_s = np.where(others_s, COHESIVE, ENERGIES)
    found = find_mixed_energies(energies_s, COUNTS, FEATURES)
    assert found is not None
    assert found.unit is None
    sign = 1 if found.others_s[1] else -1
    np.testing.assert_array_equal(found.others_s, others_s if sign == 1 else ~others_s)
    np.testing.assert_allclose(sign * found.steps_t, [900.0, 400.0], atol=0.1)


def test_slopes():
    """Of a linear energy, whose fall along the forces is known; half of them have another sign."""
    weights_g = np.arange(1.0, 9.0)
    changes_sg = np.random.default_rng(4).normal(size=FEATURES.shape)
    falls_s = -changes_sg @ weights_g
    works_s = np.abs(falls_s)
    found_s = slope_ratios(FEATURES @ weights_g, FEATURES, changes_sg, works_s)
    np.testing.assert_allclose(found_s, np.sign(falls_s), atol=1e-6)
    few_s = slope_ratios((FEATURES @ weights_g)[:20], FEATURES[:20], changes_sg[:20], works_s[:20])
    assert np.isnan(few_s).all()
