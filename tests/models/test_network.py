from __future__ import annotations

import math

import numpy as np
import pytest

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.errors import DataError
from aenetpy.models.network import Network, NetworkMemory, n_weights
from tests.naive_network import ACTIVATION, difference, output

LAYOUTS = [
    ((4, 1), ("linear",)),
    ((3, 5, 1), ("tanh", "linear")),
    ((4, 5, 3, 1), ("sigmoid", "mtanh", "linear")),
    ((4, 3, 6, 2, 1), ("twist", "tanh", "linear", "linear")),
]


def make(nodes: tuple[int, ...], names: tuple[str, ...], seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    return Network(nodes, names, rng.normal(size=n_weights(nodes)))


def activate(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value, slope = np.array(x, dtype=float), np.empty(np.shape(x))
    ACTIVATIONS[name].function(value, slope, None)
    return value, slope


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_follows_the_formula_of_the_spec(name: str) -> None:
    x = np.linspace(-6, 6, 41)
    value, _ = activate(name, x)
    assert value == pytest.approx([ACTIVATION[name](v) for v in x], rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative(name: str) -> None:
    x, h = np.linspace(-4, 4, 33), 1e-5
    numerical = (activate(name, x + h)[0] - activate(name, x - h)[0]) / (2 * h)
    assert activate(name, x)[1] == pytest.approx(numerical, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_silent_and_finite_far_out(name: str) -> None:
    value, slope = activate(name, np.array([-1e4, -800.0, 800.0, 1e4]))
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bend_is_the_derivative_of_the_slope(name: str) -> None:
    x, h = np.linspace(-4, 4, 33), 1e-5
    bend = np.empty_like(x)
    ACTIVATIONS[name].function(x.copy(), np.empty_like(x), bend)
    numerical = (activate(name, x + h)[1] - activate(name, x - h)[1]) / (2 * h)
    assert bend == pytest.approx(numerical, rel=1e-8, abs=1e-9)


def test_sigmoid_saturates() -> None:
    value, slope = activate("sigmoid", np.array([-1e4, 0.0, 1e4]))
    assert value.tolist() == [0.0, 0.5, 1.0]
    assert slope.tolist() == [0.0, 0.25, 0.0]


@pytest.mark.parametrize(("nodes", "names"), LAYOUTS)
def test_forward_agrees_with_loops_over_nodes(nodes, names) -> None:
    network = make(nodes, names)
    x_ng = np.random.default_rng(1).normal(size=(7, nodes[0]))
    expected = [output(nodes, names, network.weights_w, x_g) for x_g in x_ng]
    assert network.forward(x_ng) == pytest.approx(expected, rel=1e-13, abs=1e-14)


@pytest.mark.parametrize(("nodes", "names"), LAYOUTS)
def test_gradient_agrees_with_differences(nodes, names) -> None:
    network = make(nodes, names)
    x_ng = np.random.default_rng(2).normal(size=(5, nodes[0]))
    y_n, dy_dx_ng = network.gradient(x_ng)
    assert (y_n == network.forward(x_ng)).all()
    for x_g, dy_dx_g in zip(x_ng, dy_dx_ng, strict=True):
        numerical = difference(lambda x: output(nodes, names, network.weights_w, x), x_g)
        assert dy_dx_g == pytest.approx(numerical, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(("nodes", "names"), LAYOUTS)
def test_backward_agrees_with_differences(nodes, names) -> None:
    network = make(nodes, names)
    rng = np.random.default_rng(3)
    x_ng, weight_n = rng.normal(size=(6, nodes[0])), rng.normal(size=6)
    memory = NetworkMemory(nodes, 9)
    gradient_w = np.full(network.weights_w.size, np.nan)
    network.run(np.vstack([x_ng.T, np.ones(6)]), memory)
    network.backward(weight_n, memory, gradient_w)

    def loss(weights_w: np.ndarray) -> float:
        return float(weight_n @ network.with_weights(weights_w).forward(x_ng))

    numerical = difference(loss, network.weights_w)
    assert gradient_w == pytest.approx(numerical, rel=1e-7, abs=1e-8)


def test_one_memory_serves_batches_of_any_size() -> None:
    network = make(*LAYOUTS[2])
    memory = NetworkMemory(network.nodes_l, 8)
    rng = np.random.default_rng(4)
    for n_atoms in (8, 3, 0, 5):
        x_ng = rng.normal(size=(n_atoms, 4))
        y_n = network.run(np.vstack([x_ng.T, np.ones(n_atoms)]), memory)
        assert (y_n == network.forward(x_ng)).all()


def test_matrices_are_the_column_major_segments() -> None:
    network = make((3, 2, 1), ("tanh", "linear"))
    first, last = network.matrices_l
    assert (first == network.weights_w[:8].reshape((2, 4), order="F")).all()
    assert (last == network.weights_w[8:].reshape((1, 3), order="F")).all()


def test_linear_network_in_closed_form() -> None:
    network = Network((2, 1), ("linear",), np.array([2.0, -3.0, 0.5]))
    y_n, dy_dx_ng = network.gradient(np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert y_n.tolist() == [-0.5, -5.5]
    assert dy_dx_ng.tolist() == [[2.0, -3.0], [2.0, -3.0]]


def test_no_atoms_no_outputs() -> None:
    network = make((3, 2, 1), ("tanh", "linear"))
    y_n, dy_dx_ng = network.gradient(np.empty((0, 3)))
    assert y_n.shape == (0,)
    assert dy_dx_ng.shape == (0, 3)


def test_wrong_number_of_inputs_is_refused() -> None:
    with pytest.raises(DataError, match=r"5 components.*3 input nodes"):
        make((3, 2, 1), ("tanh", "linear")).forward(np.zeros((2, 5)))


@pytest.mark.parametrize(
    ("nodes", "names", "size", "message"),
    [
        ((3, 2, 1), ("tanj", "linear"), 11, "unknown activation 'tanj'; use linear, tanh"),
        ((3, 2, 1), ("tanh",), 11, "1 activations given for 2 layers"),
        ((3, 2, 1), ("tanh", "linear"), 10, "10 weights given where .* need 11"),
        ((3, 2), ("linear",), 8, "cannot have the layers"),
        ((3, 0, 1), ("tanh", "linear"), 1, "cannot have the layers"),
        ((3,), (), 0, "cannot have the layers"),
    ],
)
def test_parts_that_do_not_fit_are_refused(nodes, names, size, message) -> None:
    with pytest.raises(DataError, match=message):
        Network(nodes, names, np.zeros(size))


def test_number_of_weights() -> None:
    assert n_weights((44, 15, 15, 1)) == 931
    assert math.prod((44 + 1, 1)) == n_weights((44, 1))
