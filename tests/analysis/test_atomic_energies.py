"""Least-squares atomic energies, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.analysis.atomic_energies import fit_atomic_energies


def test_exact_references_are_found():
    counts_st = np.array([[4, 0], [0, 4], [2, 6], [1, 3], [5, 2]])
    fit = fit_atomic_energies(counts_st, counts_st @ [-3.71, -4.93])
    np.testing.assert_allclose(fit.energies_t, [-3.71, -4.93], rtol=1e-12)
    assert fit.unique
    assert fit.rmse < 1e-12


def test_structures_count_by_their_energy_per_atom():
    """For one species the best energy is the mean energy per atom, whatever the sizes."""
    fit = fit_atomic_energies(np.array([[1], [10], [100]]), np.array([-1.0, -20.0, -600.0]))
    np.testing.assert_allclose(fit.energies_t, [-3.0])
    assert fit.rmse == pytest.approx(fit.rmse_of_mean)
    assert fit.rmse == pytest.approx(np.std([-1.0, -2.0, -6.0], ddof=1))


def test_one_composition_determines_only_the_sum():
    counts_st = np.array([[1, 2], [2, 4], [8, 16]])
    fit = fit_atomic_energies(counts_st, 3.0 * counts_st[:, 0])
    assert not fit.unique
    np.testing.assert_allclose(fit.energies_t @ [1, 2], 3.0)
    np.testing.assert_allclose(fit.energies_t, [0.6, 1.2])  # the smallest of those with this sum


def test_a_species_that_is_missing_has_no_energy():
    fit = fit_atomic_energies(np.array([[2, 0], [3, 0]]), np.array([-2.0, -3.0]))
    assert not fit.unique
    np.testing.assert_allclose(fit.energies_t, [-1.0, 0.0], atol=1e-15)


def test_as_many_structures_as_species_prove_nothing():
    fit = fit_atomic_energies(np.array([[1, 0], [0, 1]]), np.array([1.0, 5.0]))
    assert fit.rmse == np.inf


def test_isolated_atoms_are_not_fitted():
    """A mixture would be near -1.1 for the first; the second follows from what is left."""
    counts_st = np.array([[1, 0], [1, 0], [2, 2], [1, 3], [4, 2]])
    energies_s = counts_st @ [-3.0, -5.0]
    isolated_s = np.array([True, True, False, False, False])
    energies_s[:2] = -0.7, -0.6
    fit = fit_atomic_energies(counts_st, energies_s, isolated_s)
    assert fit.isolated_t.tolist() == [True, False]
    assert fit.energies_t[0] == -0.7  # the ground state
    shares_s = counts_st[2:, 1] / counts_st[2:].sum(axis=1)
    rest_s = (energies_s[2:] + 0.7 * counts_st[2:, 0]) / counts_st[2:].sum(axis=1)
    np.testing.assert_allclose(fit.energies_t[1], shares_s @ rest_s / (shares_s @ shares_s))
    assert fit.unique
    only = fit_atomic_energies(counts_st[:1], energies_s[:1], isolated_s[:1])
    assert only.energies_t[0] == -0.7
    assert not only.unique
