"""Energies that do not go with the others, on energies of which all is known."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.analysis.outliers import check_energies, gap, least_absolute, spread

N, G = 300, 8
STREAM = np.random.default_rng(2)
COUNTS = STREAM.integers(1, 9, (N, 2))
SIZES = COUNTS.sum(axis=1)
FEATURES = STREAM.normal(1.0, 0.3, (N, G))
NOISE = 0.004
GEOMETRY = 0.5 * FEATURES @ STREAM.normal(size=G)
ENERGIES = COUNTS @ [-900.0, -400.0] + SIZES * (GEOMETRY + STREAM.normal(0.0, NOISE, N))


def test_good_energies_are_left_alone():
    found = check_energies(ENERGIES, COUNTS, FEATURES)
    assert found.of_geometry
    assert not found.outliers_s.any()
    assert found.upper_s is None
    assert found.deviation == pytest.approx(NOISE, rel=0.15)
    np.testing.assert_allclose(found.rest_s.std(), NOISE, rtol=0.15)


@pytest.mark.parametrize("error", [0.08, -0.08, 1e4])
def test_one_wrong_energy(error):
    """Twenty standard deviations, far less than what geometry does; and an absurd number."""
    energies_s = ENERGIES.copy()
    energies_s[17] += error * SIZES[17]
    found = check_energies(energies_s, COUNTS, FEATURES)
    assert np.flatnonzero(found.outliers_s).tolist() == [17]
    assert found.rest_s[17] == pytest.approx(error, abs=5 * NOISE, rel=0.03)  # less by its leverage
    assert found.upper_s is None


@pytest.mark.parametrize("step", [0.1, 1.0, 300.0])
def test_two_kinds_of_energies(step):
    upper_s = np.arange(N) % 2 == 1
    found = check_energies(ENERGIES + step * SIZES * upper_s, COUNTS, FEATURES)
    np.testing.assert_array_equal(found.upper_s, upper_s)
    assert found.step == pytest.approx(step, abs=0.02 if step < 10 else 1.5)
    assert not found.outliers_s.any()


def test_few_structures_are_judged_by_composition():
    """Only what chemistry cannot do is an error then."""
    few = slice(0, 20)
    found = check_energies(ENERGIES[few], COUNTS[few], FEATURES[few])
    assert not found.of_geometry
    assert not found.outliers_s.any()
    wrong_s = ENERGIES[few].copy()
    wrong_s[3] = 0.0
    found = check_energies(wrong_s, COUNTS[few], FEATURES[few])
    assert np.flatnonzero(found.outliers_s).tolist() == [3]


def test_unknown_energies_and_single_atoms_have_no_part():
    energies_s, features_sg = ENERGIES.copy(), FEATURES.copy()
    energies_s[5] = np.nan
    features_sg[6] = 0.0  # no neighbours: an atom alone
    energies_s[6] += 8.0 * SIZES[6]
    found = check_energies(energies_s, COUNTS, features_sg)
    assert np.isnan(found.rest_s[[5, 6]]).all()
    assert not found.outliers_s.any()
    nothing = check_energies(np.full(3, np.nan), COUNTS[:3], FEATURES[:3])
    assert np.isnan(nothing.rest_s).all()
    assert not nothing.outliers_s.any()


def test_least_absolute_deviations_ignore_what_is_far():
    shares_st = COUNTS / SIZES[:, None]
    per_atom_s = shares_st @ [-3.0, -5.0]
    per_atom_s[:40] += 100.0
    np.testing.assert_allclose(least_absolute(shares_st, per_atom_s), [-3.0, -5.0], atol=1e-3)


def test_gaps_and_spreads():
    normal_s = np.random.default_rng(1).normal(0.0, 0.02, 4000)
    assert spread(normal_s) == pytest.approx(0.02, rel=0.05)
    assert gap(normal_s, 0.02) is None
    assert gap(np.append(normal_s, [5.0, 5.0]), 0.02) is None  # two are outliers, no group
    both_s = np.concatenate([normal_s, normal_s[:500] + 0.4])
    assert 0.07 < gap(both_s, 0.02) < 0.33
    assert gap(both_s, 0.5) is None
