"""L-BFGS that never goes up, on functions whose minimum is known."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.models.descent import LONGEST_STEP, descend

WIDE = (10.0, 10.0, 10.0)


def rosenbrock(x_rc):
    """The curved valley, in each row, with its bottom at (1, 1, 1)."""
    x, y, z = x_rc.T
    energy = ((1 - x) ** 2 + 20 * (y - x**2) ** 2 + (z - y) ** 2).sum()
    gradient = [-2 * (1 - x) - 80 * x * (y - x**2), 40 * (y - x**2) - 2 * (z - y), 2 * (z - y)]
    return energy, -np.stack(gradient, axis=1)


def follow(evaluate, start_rc, n, dmax_c=WIDE, small=1e-7):
    points = []
    for point in descend(evaluate, start_rc, dmax_c):
        points.append(point)
        if len(points) > n or abs(point.forces_rc).max() <= small:
            break
    return points


@pytest.mark.parametrize("seed", range(5))
def test_down_a_curved_valley(seed):
    start_rc = np.random.default_rng(seed).uniform(-2, 2, (3, 3))
    points = follow(rosenbrock, start_rc, 400)
    np.testing.assert_allclose(points[-1].x_rc, 1.0, atol=1e-6)
    energies = [point.energy for point in points]
    assert (np.diff(energies) < 1e-12).all()
    assert points[0].x_rc is start_rc
    x_krc = np.array([point.x_rc for point in points])
    assert np.linalg.norm(np.diff(x_krc, axis=0), axis=2).max() <= LONGEST_STEP * (1 + 1e-12)


def test_quadratic_form_takes_few_steps():
    rng = np.random.default_rng(1)
    q, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    hessian = q @ np.diag(np.geomspace(0.5, 100, 12)) @ q.T

    def evaluate(x_rc):
        x = x_rc.ravel()
        return 0.5 * x @ hessian @ x - 7.0, -(hessian @ x).reshape(-1, 3)

    points = follow(evaluate, 0.1 * rng.standard_normal((4, 3)), 100, small=1e-6)
    assert abs(points[-1].x_rc).max() < 1e-5
    assert len(points) < 60


def test_ends_where_nothing_leads_down():
    def wrong(x_rc):
        energy, forces_rc = rosenbrock(x_rc)
        return energy, -forces_rc

    assert len(follow(wrong, np.zeros((1, 3)), 50)) == 1
    flat = follow(lambda x_rc: (1.0, np.zeros_like(x_rc)), np.zeros((2, 3)), 50, small=-1.0)
    assert len(flat) == 1


def test_limits_per_direction():
    dmax_c = (0.01, 0.05, 0.1)
    points = follow(rosenbrock, np.full((2, 3), -1.0), 30, dmax_c)
    x_krc = np.array([point.x_rc for point in points])
    assert (abs(np.diff(x_krc, axis=0)) <= np.array(dmax_c) * (1 + 1e-12)).all()
