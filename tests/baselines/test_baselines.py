"""Baselines against closed forms, differences, and what they must not depend on."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from aenetpy.analysis.measures import GAUSSIAN_SHARE, measure
from aenetpy.baselines import make_model
from aenetpy.baselines.base import Samples, Scaling
from aenetpy.baselines.general import scikit_learn
from aenetpy.baselines.kernel import KernelRidge
from aenetpy.baselines.linear import ALPHAS, choose_alpha
from aenetpy.data.study_models import MODELS, NETWORK
from aenetpy.errors import InputError, NumericalError

BASELINES = [name for name in MODELS if name != NETWORK]
FAST = {
    "sklearn-mlp": {"epochs": 5, "nodes": 4},
    "gradient-boosting": {"trees": 5},
    "plain-network": {"epochs": 4, "nodes": 5, "dropout": 0.2, "batchsize": 3},
}


def some(n: int = 12, seed: int = 0) -> Samples:
    stream = np.random.default_rng(seed)
    counts_st = stream.integers(1, 5, (n, 2))
    return Samples.of([stream.normal(1.0, 2.0, (k, 3)) for k in counts_st.sum(axis=0)], counts_st)


def linear_energies(samples: Samples) -> np.ndarray:
    return samples.structure_rows() @ np.array([0.3, -1, 2, 0.5, 0.1, -0.4]) + 3.0


def fitted(name: str, samples: Samples, energies_s, labels=None, seed=1, **parameters):
    if MODELS[name].extra:
        pytest.importorskip("sklearn")
    labels = labels or MODELS[name].labels[0]
    model = make_model(name, {**FAST.get(name, {}), **parameters}, labels, seed)
    model.fit(samples, energies_s)
    return model


CASES = [(name, labels) for name in BASELINES for labels in MODELS[name].labels]


@pytest.mark.parametrize(("name", "labels"), CASES)
def test_the_same_seed_gives_the_same_model(name, labels):
    samples, energies = some(), linear_energies(some())
    one, two = (fitted(name, samples, energies, labels).energies(samples) for _ in "12")
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("name", "labels"), CASES)
@pytest.mark.parametrize("case", ["one structure", "one species", "constant", "absent species"])
def test_little_data(name, labels, case):
    samples = some(1 if case == "one structure" else 6)
    if case == "constant":
        features = [np.full_like(x_ng, 0.1) for x_ng in samples.features_tng]
        samples = Samples.of(features, samples.counts_st)
    if case == "one species":
        samples = Samples.of(samples.features_tng[:1], samples.counts_st[:, :1])
    if case == "absent species":
        counts_st = samples.counts_st * [1, 0]
        samples = Samples.of([samples.features_tng[0], np.empty((0, 3))], counts_st)
    energies_s = -3.0 * samples.n_atoms_s
    if name == "gradient-boosting" and case == "one structure":
        pytest.skip("scikit-learn wants two samples")
    found = fitted(name, samples, energies_s, labels).energies(samples)
    assert np.isfinite(found).all()
    if name in ("mean", "composition", "ridge") and labels == "atom":
        np.testing.assert_allclose(found, energies_s, rtol=1e-10)


@pytest.mark.parametrize("name", BASELINES)
def test_atoms_of_a_structure_in_any_order(name):
    samples = some()
    energies = linear_energies(samples)
    model = fitted(name, samples, energies)
    order_t = [
        np.lexsort((np.random.default_rng(3).random(len(s_n)), s_n))
        for s_n in samples.structures_tn
    ]
    mixed = [x_ng[order] for x_ng, order in zip(samples.features_tng, order_t, strict=True)]
    again = model.energies(Samples.of(mixed, samples.counts_st))
    np.testing.assert_allclose(again, model.energies(samples), rtol=1e-9)


def test_mean_and_composition_are_what_they_say():
    samples = some()
    counts_st = samples.counts_st
    energies = counts_st @ np.array([-4.0, -2.5])
    assert fitted("mean", samples, energies).energies(samples)[0] == pytest.approx(energies.mean())
    np.testing.assert_allclose(
        fitted("composition", samples, energies).energies(samples), energies, rtol=1e-12
    )
    shares = energies / counts_st.sum(axis=1)
    model = fitted("composition", samples, energies, "atom")
    expected = [np.average(shares, weights=counts_st[:, t]) for t in (0, 1)]
    np.testing.assert_allclose(model.energies_t, expected, rtol=1e-12)


@pytest.mark.parametrize("constants", ["species", "one"])
@pytest.mark.parametrize("labels", ["structure", "atom"])
@pytest.mark.parametrize("alpha", [0.3, 20.0])
def test_ridge_solves_the_normal_equations(labels, alpha, constants):
    samples, others = some(), some(5, seed=4)
    energies = np.random.default_rng(5).normal(size=12)
    model = fitted("ridge", samples, energies, labels, alpha=alpha, constants=constants)
    free, y = samples.constants(labels, constants), samples.labels(labels, energies)
    rows = samples.rows(labels)
    # columns are measured by what the constants leave of them
    deviation = (rows - free @ np.linalg.lstsq(free, rows)[0]).std(axis=0, mean=0.0)
    both = np.hstack([free, rows / deviation])
    penalty = np.diag([0.0] * free.shape[1] + [alpha] * 6)
    solution = np.linalg.solve(both.T @ both + penalty, both.T @ y)
    new = np.hstack([others.constants(labels, constants), others.rows(labels) / deviation])
    expected = others.sums(labels, new @ solution)
    np.testing.assert_allclose(model.energies(others), expected, rtol=1e-9)


EXTENSIVE = [("ridge", "structure"), ("ridge", "atom"), ("kernel-ridge", "structure")]


@pytest.mark.parametrize(("name", "labels"), EXTENSIVE)
def test_energies_are_extensive(name, labels):
    """Twice a structure has twice the energy; with one constant for all it has not."""
    samples, others = some(30), some(5, seed=7)
    twice = Samples.of(
        [
            np.concatenate([x_ng[s_n == s] for s in range(5) for _ in "12"])
            for x_ng, s_n in zip(others.features_tng, others.structures_tn, strict=True)
        ],
        2 * others.counts_st,
    )
    model = fitted(name, samples, linear_energies(samples), labels)
    np.testing.assert_allclose(model.energies(twice), 2.0 * model.energies(others), rtol=1e-9)
    if labels == "structure":
        model = fitted(name, samples, linear_energies(samples), labels, constants="one")
        assert np.abs(model.energies(twice) - 2.0 * model.energies(others)).min() > 1.0


@pytest.mark.parametrize(("name", "labels"), EXTENSIVE[::2])
def test_atomic_energies_do_not_matter(name, labels):
    """A constant of each species takes them up; one for all cannot."""
    samples, others = some(30), some(5, seed=7)
    energies, atomic_t = linear_energies(samples), np.array([-1604.6, -432.5])

    def errors(constants):
        one, other = (
            fitted(name, samples, energies_s, labels, constants=constants).energies(others)
            for energies_s in (energies, energies + samples.counts_st @ atomic_t)
        )
        return np.abs(other - others.counts_st @ atomic_t - one)

    assert errors("species").max() < 1e-6
    assert errors("one").max() > 1.0


def test_ridge_finds_what_is_linear():
    samples, others = some(40), some(9, seed=7)
    model = fitted("ridge", samples, linear_energies(samples), constants="one")
    np.testing.assert_allclose(model.energies(others), linear_energies(others), rtol=1e-4)


def test_generalised_cross_validation_against_its_definition():
    stream = np.random.default_rng(2)
    x, y = stream.normal(size=(20, 4)), stream.normal(size=20)
    x, y = x - x.mean(axis=0), y - y.mean()
    left, singular, _ = np.linalg.svd(x, full_matrices=False)
    parts = left.T @ y
    rest = y - left @ parts

    def gcv(alpha):
        hat = x @ np.linalg.solve(x.T @ x + alpha * np.eye(4), x.T)
        return 20 * np.sum((y - hat @ y) ** 2) / (19 - np.trace(hat)) ** 2

    alphas = ALPHAS * singular.max() ** 2
    best = min(alphas, key=gcv)
    assert choose_alpha(singular**2, parts, 20, rest @ rest) == pytest.approx(best)


@pytest.mark.parametrize("constants", ["species", "one"])
def test_kernel_ridge_against_sums_over_pairs(monkeypatch, constants):
    monkeypatch.setattr("aenetpy.baselines.kernel.ROWS", 4)
    samples = some(5)
    energies = linear_energies(samples)
    model = fitted("kernel-ridge", samples, energies, alpha=0.1, gamma=0.2, constants=constants)
    assert isinstance(model, KernelRidge)
    kernel = np.zeros((5, 5))
    for x_ng, s_n in zip(samples.features_tng, samples.structures_tn, strict=True):
        z = Scaling.of(x_ng).scaled(x_ng)
        for i, a in enumerate(s_n):
            for j, b in enumerate(s_n):
                kernel[a, b] += np.exp(-0.2 * np.sum((z[i] - z[j]) ** 2))
    free = samples.counts_st if constants == "species" else np.ones((5, 1))
    n_free = free.shape[1]
    system = np.block([[kernel + 0.1 * np.eye(5), free], [free.T, np.zeros((n_free, n_free))]])
    solution = np.linalg.solve(system, np.append(energies, np.zeros(n_free)))
    expected = np.hstack([kernel, free]) @ solution
    np.testing.assert_allclose(model.energies(samples), expected, rtol=1e-9)


@pytest.mark.parametrize("labels", ["structure", "atom"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradient_of_the_plain_network_against_differences(labels, activation):
    samples, share = some(4), 0.3
    energies = linear_energies(samples)
    model = fitted(
        "plain-network",
        samples,
        energies,
        labels,
        layers=3,
        nodes=12,
        activation=activation,
        dropout=share,
    )
    inputs, chosen = model._scaled(samples), np.array([2, 0, 3])

    def value():  # the same nodes are left out each time
        stream = np.random.default_rng(11)
        gradients, square, n = model._gradient(samples, inputs, energies, chosen, stream)
        return gradients, square / n

    gradients = value()[0]
    flat = [weights for weights_l in model.weights_tl for weights in weights_l]
    for weights, gradient in zip(flat, gradients, strict=True):
        for index in [(0, 0), (-1, 0), (1, weights.shape[1] - 1)]:
            before = weights[index]
            ends = []
            for step in (1e-6, -1e-6):
                weights[index] = before + step
                ends.append(value()[1])
            weights[index] = before
            assert gradient[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-6)


def test_a_plain_network_learns_and_tells_of_each_epoch():
    samples = some(60)
    energies = linear_energies(samples)
    model = fitted(
        "plain-network",
        samples,
        energies,
        epochs=200,
        nodes=16,
        dropout=0.0,
        rate=0.01,
        scale="yes",
    )
    assert len(model.history) == 200
    assert model.history[-1] < 0.2 * model.history[0]
    errors = model.energies(samples) - energies
    assert np.sqrt(np.mean(errors**2)) < 0.15 * energies.std()


def test_a_plain_network_that_diverges_says_so():
    samples = some()
    with np.errstate(all="ignore"), pytest.raises(NumericalError, match="smaller rate"):
        fitted("plain-network", samples, linear_energies(samples), rate=1e200, epochs=20)


def test_scikit_learn_is_asked_for_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"sklearn-mlp needs scikit-learn.*aenetpy\[ml\]"):
        scikit_learn("sklearn-mlp")


def test_measures():
    reference = np.array([1.0, 2.0, 3.0, 4.0])
    found = measure(np.array([0.1, -0.1, 0.1, 0.3]), reference)
    assert found.mae == pytest.approx(0.15)
    assert found.rmse == pytest.approx(np.sqrt(0.12 / 4))
    assert found.r2 == pytest.approx(1 - 0.12 / 5)
    assert (found.maximum, found.mean) == pytest.approx((0.3, 0.1))
    assert found.deviation == pytest.approx(np.sqrt(0.02))
    assert (found.n, found.beyond) == (4, 0.0)
    normal = measure(np.random.default_rng(0).normal(3.0, 2.0, 100_000), np.arange(100_000.0))
    assert normal.beyond == pytest.approx(GAUSSIAN_SHARE, abs=0.003)
    assert pytest.approx(0.1336, abs=1e-4) == GAUSSIAN_SHARE
    assert np.isnan(measure(np.ones(3), np.full(3, 0.1)).r2)
