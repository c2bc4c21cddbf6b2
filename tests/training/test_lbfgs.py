from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy
from scipy.optimize import fmin_l_bfgs_b, rosen, rosen_der

from aenetpy.cli.main import run
from aenetpy.errors import DataError, NumericalError
from aenetpy.formats.restart import BfgsRestart, encode_restart, read_restart
from aenetpy.formats.trainset import write_trainset
from aenetpy.training.methods import lbfgs
from aenetpy.training.methods.lbfgs import LBFGS
from tests.conftest import ROOT
from tests.training import small_trainset

START_W = np.linspace(-1.2, 1.5, 30)


def points(method: LBFGS, start_w: np.ndarray, limit: int) -> list[np.ndarray]:
    """Weights after every step until the method ends."""
    weights_w, visited = start_w, []
    while len(visited) < limit and not method.converged and method.note is None:
        weights_w = method.advance(weights_w, rosen(weights_w), rosen_der(weights_w))
        visited.append(weights_w)
    return visited


def test_the_first_step_only_initialises() -> None:
    method = LBFGS(30)
    weights_w = method.advance(START_W, rosen(START_W), rosen_der(START_W))
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
        method.advance(weights_w, rosen(START_W), gradient_w)
    assert (weights_w == before[0]).all()
    assert (gradient_w == before[1]).all()


def test_converges_at_once_where_there_is_no_slope() -> None:
    method = LBFGS(2)
    for _ in range(2):
        weights_w = method.advance(np.ones(2), 3.0, np.zeros(2))
    assert method.converged
    assert method.note is None
    assert weights_w.tolist() == [1.0, 1.0]


def test_ends_in_good_order_where_no_step_helps() -> None:
    method = LBFGS(2)
    weights_w = np.ones(2)
    for _ in range(30):
        # the gradient promises a descent that never comes
        weights_w = method.advance(weights_w, weights_w.sum(), -np.ones(2))
        if method.note is not None:
            break
    assert not method.converged
    assert method.note is not None
    assert method.note.startswith("L-BFGS found no better weights (abnormal")
    assert weights_w.tolist() == [1.0, 1.0]  # back at the best point


@pytest.mark.parametrize("k", [0, 1, 2, 3, 17, 33])
def test_continues_from_a_saved_state_as_if_nothing_had_happened(k: int, tmp_path) -> None:
    method = LBFGS(30)
    expected = points(LBFGS(30), START_W, 60)
    visited = points(method, START_W, k)
    (tmp_path / "train.restart").write_bytes(encode_restart(method.to_restart()))
    restored = read_restart(tmp_path / "train.restart")
    assert isinstance(restored, BfgsRestart)
    by_file, by_state = LBFGS(30), LBFGS(30)
    assert by_file.load(restored)
    assert by_state.restore(method.state())
    for again in (by_file, by_state):
        assert again.is_fresh == (k == 0)
        rest = points(again, visited[-1] if k else START_W, 60 - k)
        assert all((a == b).all() for a, b in zip(visited + rest, expected, strict=True))


def test_a_state_that_had_ended_starts_anew() -> None:
    method = LBFGS(2)
    for _ in range(2):
        method.advance(np.ones(2), 3.0, np.zeros(2))
    state = method.to_restart()
    assert state.task == "CONVERGENCE: NORM_OF_PROJECTED_GRADIENT_<=_PGTOL"
    again = LBFGS(2)
    assert again.load(state)
    assert again.is_fresh
    assert points(again, START_W[:2], 1)[0].tolist() == START_W[:2].tolist()


def test_a_state_with_other_settings_is_refused() -> None:
    with pytest.raises(DataError, match="keeps 5 corrections, not 20"):
        LBFGS(2).load(replace(LBFGS(2).to_restart(), m=5))


def test_a_state_of_other_size_changes_nothing() -> None:
    method = LBFGS(3)
    assert not method.load(LBFGS(2).to_restart())
    assert not method.restore(LBFGS(2).state())
    assert method.advance(np.ones(3), 3.0, np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def no_lbfgsb() -> None:
    """setulb(m,x,y)"""


@pytest.mark.parametrize("library", [None, SimpleNamespace(), SimpleNamespace(setulb=no_lbfgsb)])
def test_an_unknown_interface_of_scipy_is_told_before_anything_is_written(
    library, monkeypatch, tmp_path, capsys
) -> None:
    write_trainset(tmp_path / "TiO2.train", small_trainset())
    (tmp_path / "train.in").write_text(
        "TRAININGSET TiO2.train\nNETWORKS\nTi Ti.nn 1 2:tanh\nO O.nn 1 2:tanh\n"
    )
    monkeypatch.chdir(tmp_path)
    if library is None:
        monkeypatch.delattr(scipy.optimize, "_lbfgsb")
        monkeypatch.setitem(sys.modules, "scipy.optimize._lbfgsb", None)
    else:
        monkeypatch.setattr(scipy.optimize, "_lbfgsb", library)
    monkeypatch.delitem(sys.modules, lbfgs.__name__)
    assert run(["train", "train.in"]) == 5
    assert (
        f"the L-BFGS-B of SciPy {scipy.__version__} has an interface that aenetpy does not know; "
        f"pip install '{lbfgs.TESTED}'"
    ) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["TiO2.train", "train.in"]


def test_a_library_that_does_not_minimise_is_not_used(monkeypatch) -> None:
    monkeypatch.setattr(lbfgs, "TASKS", {})
    with pytest.raises(NumericalError, match="does not know"):
        lbfgs.choose_interface()


def test_the_versions_that_are_tested_are_those_that_are_required() -> None:
    assert f'"{lbfgs.TESTED}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("field", ["isave", "iwa", "wa", "dsave"])
def test_a_damaged_state_is_refused_before_compiled_code_sees_it(field):
    method = LBFGS(7)
    points(method, np.linspace(-1, 1, 7), 5)
    sound = method.to_restart()
    assert LBFGS(7).load(sound)
    damaged = getattr(sound, field).copy()
    damaged[:] = 2_000_000_000 if damaged.dtype.kind == "i" else np.nan
    with pytest.raises(DataError, match="the state of the optimiser is damaged"):
        LBFGS(7).load(replace(sound, **{field: damaged}))
