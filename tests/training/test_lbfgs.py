from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import fmin_l_bfgs_b, rosen, rosen_der

from aenetpy.errors import NumericalError
from aenetpy.training.methods import lbfgs
from aenetpy.training.methods.lbfgs import LBFGS

START_W = np.linspace(-1.2, 1.5, 30)


def points(method: LBFGS, start_w: np.ndarray, limit: int) -> list[np.ndarray]:
    """Weights after every step until the method ends."""
    weights_w, visited = start_w, []
    while len(visited) < limit and not method.converged and method.note is None:
        weights_w = method.step(weights_w, rosen(weights_w), rosen_der(weights_w))
        visited.append(weights_w)
    return visited


def test_the_first_step_only_initialises() -> None:
    method = LBFGS(30)
    weights_w = method.step(START_W, rosen(START_W), rosen_der(START_W))
    assert (weights_w == START_W).all()
    assert weights_w is not START_W
    assert not method.converged


def test_visits_the_points_of_the_public_function_of_scipy() -> None:
    public: list[np.ndarray] = []

    def record(weights_w: np.ndarray) -> tuple[float, np.ndarray]:
        public.append(weights_w.copy())
        return rosen(weights_w), rosen_der(weights_w)

    result, _, _ = fmin_l_bfgs_b(record, START_W, m=20, factr=0.0, pgtol=1e-6, maxls=20)
    method = LBFGS(30)
    visited = points(method, START_W, 500)
    assert method.converged
    assert len(visited) == len(public) + 1  # the last step finds that it has converged
    assert all((a == b).all() for a, b in zip(visited, public, strict=False))
    assert (visited[-1] == result).all()
    assert np.abs(rosen_der(visited[-1])).max() <= 1e-6


def test_inputs_are_left_alone() -> None:
    method = LBFGS(30)
    weights_w, gradient_w = START_W.copy(), rosen_der(START_W)
    before = weights_w.copy(), gradient_w.copy()
    for _ in range(3):
        method.step(weights_w, rosen(START_W), gradient_w)
    assert (weights_w == before[0]).all()
    assert (gradient_w == before[1]).all()


def test_converges_at_once_where_there_is_no_slope() -> None:
    method = LBFGS(2)
    for _ in range(2):
        weights_w = method.step(np.ones(2), 3.0, np.zeros(2))
    assert method.converged
    assert method.note is None
    assert weights_w.tolist() == [1.0, 1.0]


def test_ends_in_good_order_where_no_step_helps() -> None:
    method = LBFGS(2)
    weights_w, value = np.ones(2), 1.0
    for _ in range(100):
        # the gradient promises a descent that never comes
        weights_w = method.step(weights_w, value, np.ones(2))
        value += 1.0
        if method.note is not None:
            break
    assert not method.converged
    assert method.note is not None
    assert method.note.startswith("L-BFGS cannot improve the weights any further (abnormal")
    assert weights_w == pytest.approx([1.0, 1.0])  # back to the best point


def test_an_unknown_interface_of_scipy_is_told(monkeypatch) -> None:
    def setulb() -> None:
        """setulb(m,x,y)"""

    monkeypatch.setattr(lbfgs, "_lbfgsb", SimpleNamespace(setulb=setulb))
    with pytest.raises(NumericalError, match="SciPy .* interface that aenetpy does not know"):
        LBFGS(3)
