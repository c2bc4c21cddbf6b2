"""REGULARIZATION: the penalty on large weights."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.training.energy_objective import EnergyObjective
from aenetpy.training.loop import run_epochs
from aenetpy.training.methods import make_method
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import LeastSquares
from aenetpy.training.regularised import regularised
from tests.training import small_networks, small_trainset, weights_of
from tests.training.test_methods import GIVEN, METHODS, WORDS
from tests.training.test_objective import N_WEIGHTS, WANTED_W, TwoLines, WithResiduals

STRENGTH = 0.037
RNG = np.random.default_rng(8)


@pytest.fixture
def inner():
    return EnergyObjective(normalise(small_trainset(WORDS)).trainset, range(12), small_networks())


@pytest.fixture
def weights_w():
    return weights_of(small_networks())


def test_nothing_is_added_without(inner) -> None:
    assert regularised(inner, 0.0) is inner


def test_value_is_that_of_the_mean_and_all_squared_weights(inner, weights_w) -> None:
    loss = regularised(inner, STRENGTH).evaluate(weights_w)
    errors_s = (inner.energies_s - inner.energies(weights_w)) / inner.n_atoms_s
    mean = 0.5 * np.mean(errors_s**2) + STRENGTH * sum(w**2 for w in weights_w)
    assert loss.value == pytest.approx(12 * mean, rel=1e-13)
    assert (loss.errors[0] == inner.evaluate(weights_w).errors[0]).all()


def test_gradient_is_that_of_the_value(inner, weights_w) -> None:
    objective = regularised(inner, STRENGTH)
    gradient_w = objective.evaluate(weights_w).gradient_w
    direction_w = RNG.normal(size=len(weights_w))
    above, below = (
        objective.evaluate(weights_w + step * direction_w, gradient=False) for step in (1e-5, -1e-5)
    )
    assert below.gradient_w.size == 0
    slope = (above.value - below.value) / 2e-5
    assert gradient_w @ direction_w == pytest.approx(slope, rel=1e-8)


def test_the_batches_of_an_epoch_make_the_whole(inner, weights_w) -> None:
    objective = regularised(inner, STRENGTH)
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
    objective = regularised(inner, STRENGTH)
    assert isinstance(objective, LeastSquares)
    batch = objective.batch(np.array(chosen))
    found, loss = batch.residuals(weights_w), batch.evaluate(weights_w)
    assert found.jacobian_kw.shape == (len(chosen) + len(weights_w), len(weights_w))
    assert 0.5 * found.residuals_k @ found.residuals_k == pytest.approx(loss.value, rel=1e-13)
    gradient_w = found.residuals_k @ found.jacobian_kw
    assert gradient_w == pytest.approx(loss.gradient_w, rel=1e-11, abs=1e-13)


def test_has_residuals_only_where_the_objective_has() -> None:
    a_sw, b_sw = RNG.normal(size=(2, 5, N_WEIGHTS))
    plain, squares = (regularised(kind(a_sw, b_sw), 0.1) for kind in (TwoLines, WithResiduals))
    assert not isinstance(plain, LeastSquares)
    assert not isinstance(plain.batch(np.arange(2)), LeastSquares)
    assert isinstance(squares.batch(np.arange(2)), LeastSquares)
    assert plain.quantities is TwoLines.quantities


def test_what_is_remembered_of_another_strength_is_of_no_use(inner) -> None:
    found = {regularised(inner, strength).identity for strength in (0.0, 1e-6, 2e-6)}
    assert len(found) == 3


@pytest.mark.parametrize("name", ["bfgs", "lm", "adam", "online_sd"])
def test_methods_find_the_minimum_of_ridge_regression(name) -> None:
    """1/2 |A (w0 - w)|^2 + S lambda |w|^2 has the minimum (A^T A + 2 S lambda) w = A^T A w0."""
    rng = np.random.default_rng(4)
    a_sw, b_sw = rng.normal(size=(2, 20, N_WEIGHTS))
    rows_kw = np.concatenate([a_sw, b_sw])
    matrix = rows_kw.T @ rows_kw
    expected_w = np.linalg.solve(matrix + 2 * 20 * 0.3 * np.eye(N_WEIGHTS), matrix @ WANTED_W)
    objective = regularised(WithResiduals(a_sw, b_sw), 0.3)
    given = {"adam": {"mu": 0.02, "batchsize": 20}, "online_sd": {"gamma": 1e-3}}
    parameters = METHODS[name].defaults | GIVEN[name] | given.get(name, {})
    parameters |= {"batchsize": 20, "samplesize": 20} if name in ("adam", "lm") else {}
    method = make_method(name, N_WEIGHTS, parameters)
    outcome = run_epochs(
        objective, objective, method, np.zeros(N_WEIGHTS), 600, lambda row, w: None
    )
    near = 2e-2 if name in ("adam", "online_sd") else 1e-6  # they go round the minimum
    assert outcome.weights_w == pytest.approx(expected_w, abs=near)
    assert abs(expected_w - WANTED_W).max() > 0.1
