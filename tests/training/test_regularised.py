"""REGULARIZATION: the penalty on large weights."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.models.network import Network
from aenetpy.training.loop import run_epochs
from aenetpy.training.methods import make_method
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import Objective
from tests.training import small_networks, small_trainset, weights_of
from tests.training.test_methods import GIVEN, METHODS, WORDS

STRENGTH = 0.037
RNG = np.random.default_rng(8)


def regularised(penalty: float, networks=None) -> Objective:
    trainset = normalise(small_trainset(WORDS)).trainset
    return Objective(trainset, range(12), networks or small_networks(), penalty=penalty)


@pytest.fixture
def inner():
    return regularised(0.0)


@pytest.fixture
def weights_w():
    return weights_of(small_networks())


def test_value_is_that_of_the_mean_and_all_squared_weights(inner, weights_w) -> None:
    loss = regularised(STRENGTH).evaluate(weights_w)
    errors_s = (inner.energies_s - inner.energies(weights_w)) / inner.n_atoms_s
    mean = 0.5 * np.mean(errors_s**2) + STRENGTH * sum(w**2 for w in weights_w)
    assert loss.value == pytest.approx(12 * mean, rel=1e-13)
    assert (loss.errors[0] == inner.evaluate(weights_w).errors[0]).all()


def test_gradient_is_that_of_the_value(inner, weights_w) -> None:
    objective = regularised(STRENGTH)
    gradient_w = objective.evaluate(weights_w).gradient_w
    direction_w = RNG.normal(size=len(weights_w))
    above, below = (
        objective.evaluate(weights_w + step * direction_w, gradient=False) for step in (1e-5, -1e-5)
    )
    assert below.gradient_w.size == 0
    slope = (above.value - below.value) / 2e-5
    assert gradient_w @ direction_w == pytest.approx(slope, rel=1e-8)


def test_the_batches_of_an_epoch_make_the_whole(inner, weights_w) -> None:
    objective = regularised(STRENGTH)
    whole = objective.evaluate(weights_w)
    parts = [
        objective.batch(np.array(part)).evaluate(weights_w)
        for part in ([11, 3, 5], [0], [1, 2, 4, 6, 7, 8, 9, 10])
    ]
    assert sum(part.value for part in parts) == pytest.approx(whole.value, rel=1e-13)
    gradient_w = sum(part.gradient_w for part in parts)
    assert gradient_w == pytest.approx(whole.gradient_w, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("chosen", [range(12), [4, 4, 7]])
def test_residuals_are_those_of_value_and_gradient(inner, weights_w, chosen) -> None:
    objective = regularised(STRENGTH)
    batch = objective.batch(np.array(chosen))
    found, loss = batch.residuals(weights_w), batch.evaluate(weights_w)
    assert found.jacobian_kw.shape == (len(chosen) + len(weights_w), len(weights_w))
    assert 0.5 * found.residuals_k @ found.residuals_k == pytest.approx(loss.value, rel=1e-13)
    gradient_w = found.residuals_k @ found.jacobian_kw
    assert gradient_w == pytest.approx(loss.gradient_w, rel=1e-11, abs=1e-13)


def test_what_is_remembered_of_another_strength_is_of_no_use(inner) -> None:
    found = {regularised(strength).identity for strength in (0.0, 1e-6, 2e-6)}
    assert len(found) == 3


@pytest.mark.parametrize("name", ["bfgs", "lm", "adam", "online_sd"])
def test_methods_find_the_minimum_of_ridge_regression(name) -> None:
    """Without hidden layers r = r0 + J w, and (J^T J + 2 S lambda) w = -J^T r0 at the minimum."""
    networks = [
        Network((one.nodes_l[0], 1), ("linear",), np.zeros(one.nodes_l[0] + 1))
        for one in small_networks()
    ]
    start_w = weights_of(networks)
    plain = regularised(0.0, networks).residuals(start_w)
    matrix = plain.jacobian_kw.T @ plain.jacobian_kw + 2 * 12 * 0.3 * np.eye(len(start_w))
    expected_w = np.linalg.solve(matrix, -plain.residuals_k @ plain.jacobian_kw)
    objective = regularised(0.3, networks)
    given = {"adam": {"mu": 0.02, "batchsize": 12}, "online_sd": {"gamma": 1e-3}}
    parameters = METHODS[name].defaults | GIVEN[name] | given.get(name, {})
    parameters |= {"batchsize": 12, "samplesize": 12} if name in ("adam", "lm") else {}
    method = make_method(name, len(start_w), parameters)
    outcome = run_epochs(objective, objective, method, start_w, 600, lambda row, w: None)
    near = 2e-2 if name in ("adam", "online_sd") else 1e-6  # they go round the minimum
    assert outcome.weights_w == pytest.approx(expected_w, abs=near)
    assert np.abs(expected_w).max() > 0.1
