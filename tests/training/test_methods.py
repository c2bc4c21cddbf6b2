from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import LinAlgError

from aenetpy.data.training_methods import METHODS
from aenetpy.errors import DataError, NumericalError
from aenetpy.formats.restart import EkfRestart, encode_restart, read_restart
from aenetpy.training.loop import run_epochs
from aenetpy.training.methods import Restarted, make_method
from aenetpy.training.methods.lm import LM, damped_step
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import Objective
from aenetpy.training.sampler import Sampler
from tests.training import small_networks, small_trainset, weights_of

RNG = np.random.default_rng(6)
WORDS = ["".join(RNG.choice(list("TO"), RNG.integers(1, 7))) for _ in range(14)]
N_WEIGHTS = weights_of(small_networks()).size
GIVEN = {
    "bfgs": {},
    "online_sd": {"gamma": 0.02, "alpha": 0.1},
    "online_gd": {"gamma": 0.02, "alpha": 0.1},
    "adam": {"mu": 0.01, "batchsize": 3, "samplesize": 10},
    "adamw": {"lr": 0.01, "batchsize": 5, "weight_decay": 0.5},
    "ekf": {"wgroup": 17, "pnoise": 1e-4},
    "lm": {"batchsize": 6, "adjust": 3.0},
}


def method_of(name: str, **given):
    return make_method(name, N_WEIGHTS, {**METHODS[name].defaults, **GIVEN[name], **given})


@pytest.fixture
def objective():
    trainset = normalise(small_trainset(WORDS)).trainset
    return Objective(trainset, range(12), small_networks())


@pytest.fixture
def start_w():
    return weights_of(small_networks())


def steps(method, objective, weights_w, n: int, sampler: Sampler) -> list[np.ndarray]:
    """Weights after each of n epochs."""
    visited = []
    nothing = objective.batch(np.empty(0, dtype=np.intp))
    run_epochs(
        objective,
        nothing,
        method,
        weights_w,
        n,
        lambda row, w: visited.append(w),
        sampler=sampler,
    )
    return visited[1:]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_can_be_named_is_there(name) -> None:
    entry = METHODS[name]
    assert name in entry.names
    assert isinstance(method_of(name), Restarted) == bool(entry.restart_title)
    assert all(p.allows(p.default) for p in entry.parameters.values())


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("sampling", ["sequential", "random"])
def test_lowers_the_error(name, sampling, objective, start_w) -> None:
    before = objective.evaluate(start_w).value
    last_w = steps(method_of(name), objective, start_w, 12, Sampler(sampling, 1))[-1]
    assert objective.evaluate(last_w).value < 0.5 * before


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("k", [0, 1, 2, 3, 6])
def test_continues_bit_for_bit(name, k, objective, start_w) -> None:
    whole = steps(method_of(name), objective, start_w, 9, Sampler("random", 1))
    first = method_of(name)
    sampler = Sampler("random", 1)
    done = steps(first, objective, start_w, k, sampler)
    second = method_of(name)
    assert second.restore(first.state())
    middle_w = done[-1] if k else start_w
    done += steps(second, objective, middle_w, 9 - k, Sampler("random", 1, sampler.epoch))
    assert all((a == b).all() for a, b in zip(done, whole, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_what_was_saved_does_not_change_later(name, objective, start_w) -> None:
    method = method_of(name)
    steps(method, objective, start_w, 1, Sampler())
    state = method.state()
    before = {key: value.copy() for key, value in state.items()}
    steps(method, objective, start_w, 2, Sampler())
    assert all((state[key] == before[key]).all() for key in before)


@pytest.mark.parametrize("name", METHODS)
def test_a_state_of_other_size_is_refused(name, objective, start_w) -> None:
    method = make_method(name, 30, METHODS[name].defaults)
    before = method.state()
    assert not method.restore(method_of(name).state())
    assert all((value == before[key]).all() for key, value in method.state().items())


@pytest.mark.parametrize("name", METHODS)
def test_inputs_are_left_alone(name, objective, start_w) -> None:
    before = start_w.copy()
    steps(method_of(name), objective, start_w, 2, Sampler())
    assert (start_w == before).all()


def naive_rows(objective, weights_w) -> tuple[np.ndarray, np.ndarray]:
    """Errors and rows of the Jacobian, one structure after the other: row = gradient / error."""
    parts = [objective.batch(np.array([s])).evaluate(weights_w) for s in range(12)]
    energies = [objective.batch(np.array([s])).energies(weights_w) for s in range(12)]
    errors_s = (objective.energies_s - np.concatenate(energies)) / objective.n_atoms_s
    return errors_s, np.array([p.gradient_w for p in parts]) / errors_s[:, None]


def test_jacobian_rows_are_those_of_single_structures(objective, start_w) -> None:
    errors_s, jacobian_kw = naive_rows(objective, start_w)
    linear = objective.residuals(start_w)
    assert linear.residuals_k == pytest.approx(errors_s, rel=1e-12)
    assert linear.jacobian_kw == pytest.approx(jacobian_kw, rel=1e-10, abs=1e-12)


def test_a_batch_is_the_objective_of_its_structures(objective, start_w) -> None:
    chosen = np.array([7, 3, 3, 0])
    linear, batch = objective.residuals(start_w), objective.batch(chosen)
    part = batch.residuals(start_w)
    assert part.residuals_k == pytest.approx(linear.residuals_k[chosen], rel=1e-13)
    assert part.jacobian_kw == pytest.approx(linear.jacobian_kw[chosen], rel=1e-12, abs=1e-14)
    loss = batch.evaluate(start_w)
    assert loss.gradient_w == pytest.approx(part.residuals_k @ part.jacobian_kw, abs=1e-13)
    assert batch.evaluate(start_w, gradient=False).value == pytest.approx(loss.value)
    assert (batch.batch(np.array([0, 2])).energies_s == objective.energies_s[[7, 3]]).all()


def test_online_sd_follows_its_formula(objective, start_w) -> None:
    order_s, weights_w, update_w = [2, 2, 5], start_w, np.zeros(N_WEIGHTS)
    for s in order_s:
        gradient_w = objective.batch(np.array([s])).evaluate(weights_w).gradient_w
        update_w = 0.1 * update_w - 0.02 * gradient_w
        weights_w = weights_w + update_w
    stepped_w = method_of("online_sd").step(start_w, None, objective, np.array(order_s))
    assert stepped_w == pytest.approx(weights_w, rel=1e-13)


def test_adam_takes_whole_batches_of_a_part_of_the_set(objective, start_w, monkeypatch) -> None:
    batches = []
    monkeypatch.setattr(
        Objective,
        "batch",
        lambda self, chosen, batch=Objective.batch: (
            batches.append(chosen.tolist()) or batch(self, chosen)
        ),
    )
    method_of("adam").step(start_w, None, objective, np.arange(12)[::-1])
    assert batches == [[11, 10, 9], [8, 7, 6], [5, 4, 3]]
    batches.clear()
    method = method_of("adam", batchsize=7, samplesize=100)  # 12 / 7 = 1.7: 2 batches
    method.step(start_w, None, objective, np.arange(12)[::-1])
    assert batches == [[11, 10, 9, 8, 7, 6, 5], [4, 3, 2, 1, 0, 11, 10]]


def test_the_first_step_of_adam_has_the_same_length_everywhere(objective, start_w) -> None:
    method = method_of("adam", batchsize=100, samplesize=100)
    gradient_w = objective.evaluate(start_w).gradient_w
    step_w = method.step(start_w, None, objective, np.arange(12)) - start_w
    assert step_w == pytest.approx(-0.01 * gradient_w / (abs(gradient_w) + 1e-8), rel=1e-9)


def test_adamw_follows_its_formula_to_the_last_small_batch(objective, start_w) -> None:
    mean_w = square_w = np.zeros(N_WEIGHTS)
    weights_w = start_w
    for t, batch in enumerate(([0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]), start=1):
        gradient_w = objective.batch(np.array(batch)).evaluate(weights_w).gradient_w
        mean_w = 0.8 * mean_w + 0.2 * gradient_w
        square_w = 0.99 * square_w + 0.01 * gradient_w**2
        step_w = (mean_w / (1 - 0.8**t)) / (np.sqrt(square_w / (1 - 0.99**t)) + 1e-3)
        weights_w = weights_w - 0.01 * (step_w + 0.5 * weights_w)
    method = method_of("adamw", b1=0.8, b2=0.99, eps=1e-3)
    stepped_w = method.step(start_w, None, objective, np.arange(12))
    assert stepped_w == pytest.approx(weights_w, rel=1e-12)


def test_the_rate_of_adamw_is_halved(objective, start_w) -> None:
    order = np.arange(12)
    halved = method_of("adamw", lr=0.02, halflife=2.0, weight_decay=0.3)
    weights_w = halved.step(start_w, None, objective, order)
    assert halved.rate == pytest.approx(0.02 / 2**0.5)
    constant = method_of("adamw", lr=halved.rate, weight_decay=0.3)
    assert constant.restore(halved.state())
    expected_w = constant.step(weights_w, None, objective, order)
    assert halved.step(weights_w, None, objective, order) == pytest.approx(expected_w, rel=1e-13)
    assert halved.rate == pytest.approx(0.01)


def test_adamw_without_decay_is_adam(objective, start_w) -> None:
    order = RNG.permutation(12)
    adam = method_of("adam", mu=0.02, batchsize=4, samplesize=12)
    adamw = method_of("adamw", lr=0.02, batchsize=4, weight_decay=0.0)
    expected_w = adam.step(start_w, None, objective, order)
    assert (adamw.step(start_w, None, objective, order) == expected_w).all()


def naive_ekf(objective, weights_w, groups, p) -> np.ndarray:
    forgetting = p["lambda"]
    covariances = [np.eye(len(g)) / p["state"] for g in groups]
    for s in range(12):
        linear = objective.batch(np.array([s])).residuals(weights_w)
        weights_w = weights_w.copy()
        for k, group in enumerate(groups):
            h = -linear.jacobian_kw[0, group]
            gain = covariances[k] @ h / (h @ covariances[k] @ h + forgetting)
            weights_w[group] += gain * linear.residuals_k[0]
            covariances[k] = (covariances[k] - np.outer(gain, h @ covariances[k])) / forgetting
            covariances[k] += p["pnoise"] * np.eye(len(group))
        forgetting = p["lambda0"] * (forgetting - 1) + 1
    return weights_w


@pytest.mark.parametrize("size", [17, 19, 49, 100])
def test_ekf_follows_its_formulas_group_by_group(size, objective, start_w) -> None:
    groups = np.split(np.arange(N_WEIGHTS), range(size, N_WEIGHTS, size))
    parameters = {**METHODS["ekf"].defaults, "pnoise": 1e-4}
    expected_w = naive_ekf(objective, start_w, groups, parameters)
    stepped_w = method_of("ekf", wgroup=size).step(start_w, None, objective, np.arange(12))
    assert stepped_w == pytest.approx(expected_w, rel=1e-10, abs=1e-12)


def test_ekf_continues_from_the_file_of_aenet(objective, start_w, tmp_path) -> None:
    method = method_of("ekf")
    whole = steps(method_of("ekf"), objective, start_w, 5, Sampler())
    done = steps(method, objective, start_w, 2, Sampler())
    (tmp_path / "train.restart").write_bytes(encode_restart(method.to_restart()))
    restart = read_restart(tmp_path / "train.restart")
    assert isinstance(restart, EkfRestart)
    assert restart.sizes_k.tolist() == [17, 17, 15]
    again = method_of("ekf")
    assert again.load(restart)
    done += steps(again, objective, done[-1], 3, Sampler())
    assert all((a == b).all() for a, b in zip(done, whole, strict=True))
    assert not method_of("ekf", wgroup=19).load(restart)


def test_ekf_continues_from_a_covariance_with_room_for_more_weights() -> None:
    restart = method_of("ekf", wgroup=100).to_restart()
    n = N_WEIGHTS
    covariance_kww = np.pad(
        restart.covariance_kww, ((0, 0), (0, 51), (0, 51)), constant_values=math.nan
    )
    covariance_kww[0, :n, :n] = RNG.normal(size=(n, n))
    again = method_of("ekf", wgroup=100)
    assert again.load(replace(restart, group_size=n + 51, covariance_kww=covariance_kww))
    assert (again.state()["covariance_kww"] == covariance_kww[:, :n, :n]).all()
    few = replace(restart, group_size=n - 1, covariance_kww=covariance_kww[:, : n - 1, : n - 1])
    assert not again.load(few)


WRONG_KINDS = {"f": ["U9", "c16", "f4", "i8"], "i": ["U9", "f8"], "U": ["S60"]}


def spoiled(name: str, array: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Return an item as no method can have saved it."""
    changed = [array.astype(kind) for kind in WRONG_KINDS[array.dtype.kind]]
    changed.append(array[np.newaxis])
    if array.dtype.kind == "f":
        changed += [np.full_like(array, value) for value in (np.nan, np.inf)]
    return [{name: item} for item in changed]


@pytest.mark.parametrize("name", METHODS)
def test_a_damaged_memory_is_told_and_changes_nothing(name, objective, start_w) -> None:
    first = method_of(name)
    steps(first, objective, start_w, 2, Sampler())
    state = first.state()
    changes = [change for key, array in state.items() for change in spoiled(key, array)]
    again = method_of(name)
    before = again.state()
    for change in (*changes, {"surplus": np.zeros(1)}):
        with pytest.raises(DataError, match=r"state of the optimiser is damaged .*; remove it"):
            again.restore({**state, **change})
    for key in state:
        with pytest.raises(DataError, match="damaged"):
            again.restore({other: array for other, array in state.items() if other != key})
    assert all((value == before[key]).all() for key, value in again.state().items())


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("adam", {"n_batches": np.array(-1)}),
        ("adam", {"mean_square_w": np.full(N_WEIGHTS, -1.0)}),
        ("adamw", {"n_batches": np.array(-1)}),
        ("ekf", {"forgetting": np.array(0.0)}),
        ("lm", {"damping": np.array(0.0)}),
        ("lm", {"start_v": np.zeros(0, np.intp), "tries": np.array(1)}),
        ("lm", {"start_v": np.array([-1])}),
        ("lm", {"start_v": np.array([1]), "tries": np.array(6)}),
    ],
)
def test_numbers_that_a_method_cannot_remember(name, change) -> None:
    method = method_of(name)
    with pytest.raises(DataError, match="damaged"):
        method.restore(method.state() | change)


def test_lm_does_not_know_structures_of_others(objective, start_w) -> None:
    method = method_of("lm")
    waiting = {"tries": np.array(0), "start_v": np.array([objective.n_structures])}
    assert method.restore(method.state() | waiting | {"start_error": np.array(-1.0)})
    with pytest.raises(DataError, match=r"damaged \(structure 13 of 12\)"):
        steps(method, objective, start_w, 1, Sampler())


@pytest.mark.parametrize("field", ["forgetting", "covariance_kww"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_ekf_refuses_numbers_that_are_not_finite(field, value) -> None:
    restart = method_of("ekf").to_restart()
    again = method_of("ekf")
    with pytest.raises(DataError, match="the state of the optimiser is damaged"):
        again.load(replace(restart, **{field: getattr(restart, field) + value}))
    before = method_of("ekf").state()
    assert all((array == before[key]).all() for key, array in again.state().items())


@pytest.mark.parametrize(("n_errors", "n_weights"), [(7, 5), (5, 7), (6, 6)])
def test_damped_step_solves_the_normal_equations(n_errors, n_weights) -> None:
    jacobian_kw = RNG.normal(size=(n_errors, n_weights))
    errors_s = RNG.normal(size=n_errors)
    matrix = jacobian_kw.T @ jacobian_kw + 0.3 * np.eye(n_weights)
    expected_w = -np.linalg.solve(matrix, jacobian_kw.T @ errors_s)
    assert damped_step(errors_s, jacobian_kw, 0.3) == pytest.approx(expected_w, rel=1e-12)


def test_damped_step_tells_what_it_cannot_solve() -> None:
    with pytest.raises(LinAlgError):
        damped_step(np.ones(2), np.ones((2, 3)), 0.0)
    assert np.isnan(damped_step(np.ones(2), np.full((2, 3), np.inf), 0.1)).all()


def test_lm_with_one_batch_moves_every_other_epoch(objective, start_w) -> None:
    visited = [
        start_w,
        *steps(method_of("lm", batchsize=100, learnrate=10.0), objective, start_w, 6, Sampler()),
    ]
    moved = [(a != b).any() for a, b in pairwise(visited)]
    assert moved == [True, False, True, False, True, False]


def test_lm_damps_more_where_two_structures_are_the_same(objective, start_w) -> None:
    method = method_of("lm", batchsize=4, learnrate=1e-18)
    weights_w = method.step(start_w, None, objective, np.array([1, 1, 1, 2]))
    assert np.isfinite(weights_w).all()
    assert method.state()["damping"] > 1e-18


def test_lm_gives_up_where_no_damping_is_enough(objective, start_w, monkeypatch) -> None:
    linear = SimpleNamespace(residuals_k=np.ones(5), jacobian_kw=np.full((5, 3), 1e20))
    with pytest.raises(LinAlgError):
        damped_step(linear.residuals_k, linear.jacobian_kw, 1e20)
    monkeypatch.setattr(Objective, "residuals", lambda self, weights_w: linear)
    assert np.isnan(method_of("lm").step(np.zeros(3), None, objective, np.arange(5))).all()
    with pytest.raises(NumericalError, match="diverged in epoch 1"):
        steps(method_of("lm"), objective, start_w, 1, Sampler())


def test_lm_keeps_the_last_of_five_tries(objective, start_w, monkeypatch) -> None:
    method = method_of("lm", batchsize=2)
    monkeypatch.setattr(LM, "_improved", lambda self, weights_w, batch: False)
    damping, weights_w = 0.1, start_w
    for first, n_tries in ((0, 6), (4, 5), (8, 5)):  # aenet counts the first of a run from 0
        linear = objective.batch(np.arange(first, first + 2)).residuals(weights_w)
        from_w = weights_w
        for k in range(n_tries):
            damping *= 3.0 if k > 0 else 1.0
            here_v = np.arange(first, first + 2) if k == 0 else np.array([2, 3])
            weights_w = method.step(weights_w, None, objective, here_v)
            step_w = damped_step(linear.residuals_k, linear.jacobian_kw, damping)
            np.testing.assert_allclose(weights_w, from_w + step_w, rtol=1e-12, atol=1e-14)
        kept_w = method.step(weights_w, None, objective, np.array([2, 3]))
        np.testing.assert_array_equal(kept_w, weights_w)
        assert method.state()["damping"] == pytest.approx(damping)


def test_the_default_rate_of_online_sd_diverges_in_good_order() -> None:
    trainset = normalise(small_trainset(WORDS, n_features=(40, 40))).trainset
    networks = small_networks((40, 40))
    objective = Objective(trainset, range(12), networks)
    weights_w = weights_of(networks)
    method = make_method("online_sd", weights_w.size, {"gamma": 900.0, "alpha": 0.01})
    with pytest.raises(NumericalError, match="diverged"):
        steps(method, objective, weights_w, 500, Sampler())


@pytest.mark.parametrize("name", ["adam", "ekf", "lm", "online_sd"])
def test_numbers_that_are_not_finite_end_the_run(name, objective, start_w) -> None:
    start_w[0] = math.inf
    with pytest.raises(NumericalError, match="diverged"):
        steps(method_of(name), objective, start_w, 3, Sampler())
