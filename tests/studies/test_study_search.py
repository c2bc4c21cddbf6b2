"""Points of a grid that are chosen by the errors of those before."""

from __future__ import annotations

import csv
import importlib.util
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.errors import InputError
from aenetpy.inputs.lines import Place
from aenetpy.inputs.study import Search, Variant, read_study
from aenetpy.inputs.study_grid import Choice
from aenetpy.studies.search import ROUND, ask, point_errors
from aenetpy.studies.trial_files import read_result
from tests.conftest import ROOT
from tests.studies.test_study import STUDY, make_project, wait_until

needs_optuna = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="optuna is not installed"
)
HEAD = STUDY.replace("[1, 2]", "[1]").replace("test: 3", "test: 3\napart: 2")
ALPHAS = "  a: {model: ridge, grid: {alpha: [1e-4, 0.01, 0.1, 1, 2, 4, 8, 16, 32, 1e4]}, search: "


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda variants, head=HEAD: make_project(tmp_path, variants, head)


def rows(folder: str = "study") -> list[dict[str, str]]:
    found = list(csv.DictReader(Path(folder, "trials.csv").read_text().splitlines()))
    for row in found:
        del row["train_seconds"]
    return found


def grid(n: int, n_points: int, seed: int, in_order: bool = True) -> Search:
    points = tuple(Variant(f"a-{k}-{m}") for k in range(n) for m in range(n))
    axes = ((n, in_order), (n, in_order))
    return Search("a", Place("study.yaml"), Choice("optuna", n_points, seed, axes), points)


def searched(search: Search, error) -> list[float]:
    """The errors of the points in the order in which they are asked for."""
    asked: list[int] = []
    errors: dict[int, float] = {}
    while more := ask(search, asked, errors):
        assert len(more) == min(ROUND, search.choice.n_points - len(asked))
        asked += more
        errors = {k: error(*divmod(k, 20)) for k in asked}
    assert len(set(asked)) == len(asked) == search.choice.n_points
    return [errors[k] for k in asked]


@needs_optuna
def test_the_errors_of_the_points_before_help():
    def error(k, m):
        return (k - 13) ** 2 + (m - 4) ** 2

    everywhere = fmean(error(k, m) for k in range(20) for m in range(20))
    best, late = [], []
    for seed in range(8):
        errors = searched(grid(20, 40, seed), error)
        late += errors[20:]
        best.append(min(errors))
    assert fmean(late) < everywhere / 2
    stream = np.random.default_rng(1)
    drawn = [min(error(*divmod(k, 20)) for k in stream.choice(400, 40, False)) for _ in range(800)]
    assert fmean(best) < fmean(drawn) / 2


@needs_optuna
def test_the_same_points_from_the_same_seed():
    told = {3: 1.0, 77: 0.5, 150: 2.0, 151: 0.1, 399: 3.0}
    first = ask(grid(20, 40, 1), [3, 77, 150, 151, 399], told)
    assert ask(grid(20, 40, 1), [3, 77, 150, 151, 399], told) == first
    assert ask(grid(20, 40, 2), [3, 77, 150, 151, 399], told) != first
    assert ask(grid(20, 40, 1), [3, 77, 150, 151, 399], {**told, 3: 0.01}) != first
    assert ask(grid(20, 40, 1), [3, 77, 150, 151, 399], {}) != first


@needs_optuna
@pytest.mark.parametrize("in_order", [True, False])
def test_all_points_are_found_once(in_order):
    errors = searched(grid(5, 25, 1, in_order), lambda k, m: float(k == 3) + m)
    assert len(errors) == 25


@needs_optuna
def test_values_that_are_numbers_in_order_have_neighbours(project):
    project("  a: {grid: {nodes: [2, 3, 9], train.method: [lm, bfgs], train.iterations: [4, 9, 5]},"
            " search: {points: 3, seed: 5, method: optuna}}\n")  # fmt: skip
    study = read_study("study.yaml")
    assert study.searches[0].choice == Choice("optuna", 3, 5, ((3, True), (2, False), (3, False)))
    assert [point.name for point in study.searches[0].points][:4:3] == ["a-2-lm-4", "a-2-bfgs-4"]
    assert (study.variants, study.n_trials) == ((), 3)


@needs_optuna
def test_a_search_goes_on_as_if_nothing_had_been(project, tmp_path, capsys):
    variants = "  plain: {model: mean}\n" + ALPHAS + "{points: 8, seed: 3, method: optuna}}\n"
    project(variants)
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith("to come  3, chosen by the results\n")
    command = [sys.executable, "-m", "aenetpy", "study", "study.yaml", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list(tmp_path.glob("study/trials/a-*/result.npz"))) == ROUND + 1, 120)
    process.send_signal(signal.SIGTERM)
    notes = process.communicate(timeout=20)[1]
    assert process.returncode == 143
    assert "of 9 trials are done; the same command goes on" in notes
    assert run(["study", "study.yaml", "--jobs", "2"]) == 0
    assert "a-" in capsys.readouterr().out
    Path("study.yaml").write_text(f"folder: whole\n{HEAD}{variants}")
    assert run(["study", "study.yaml", "--jobs", "2"]) == 0
    assert rows() == rows("whole")
    assert len(rows()) == len(list(tmp_path.glob("study/trials/*"))) == 9
    report = Path("study/report.md").read_text()
    assert "9 of 9 trials: 9 variants" in report
    assert "optimistic" in report
    capsys.readouterr()
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["done"] * 9


@needs_optuna
def test_the_error_is_that_of_own_test_sets_or_of_the_common_one(project):
    project(ALPHAS + "{points: 2, seed: 3, method: optuna}}\n")
    assert run(["study", "study.yaml"]) == 0
    names = list(dict.fromkeys(row["variant"] for row in rows()))
    assert len(names) == 2
    plain = [read_result(Path(f"study/trials/{name}-6-1/result.npz")) for name in names]
    study = read_study("study.yaml").with_points(names)
    common = {r.variant: math.sqrt(np.mean(r.energy_errors_s**2)) for r in plain}
    assert point_errors(study, names, plain) == pytest.approx(common)
    own = [replace(r, own_test_rmse=k + 7.0) for k, r in enumerate(plain)]
    assert point_errors(study, names, own) == dict(zip(names, (7.0, 8.0), strict=True))
    assert point_errors(study, names, own[1:]) == {names[1]: 8.0}  # the other has failed
    with_copies = [own[0], replace(own[1], copies=4)]
    assert point_errors(study, names, with_copies) == pytest.approx(common)


def test_a_missing_library_is_told_before_anything_runs(project, monkeypatch, capsys):
    project(ALPHAS + "{points: 2, method: optuna}}\n")
    monkeypatch.setitem(sys.modules, "optuna", None)
    for options in ([], ["--dry-run"]):
        assert run(["study", "study.yaml", *options]) == 3
        error = capsys.readouterr().err
        assert "study.yaml:8: a: search by optuna needs optuna, which is not installed" in error
        assert "pip install aenetpy[optuna]" in error
        assert not Path("study").exists()


def test_points_that_may_not_be_run_are_needed_by_nobody(project):
    grids = "  a: {grid: {nodes: [2, 3]}, search: {points: 1, method: optuna}}\n"
    project(grids + "  b: {taylor: {delta: 0.1, a: 1, order: 2, potential: a-1}}\n")
    with pytest.raises(InputError, match="b: potential 'a-1' is no variant"):
        read_study("study.yaml")
    Path("study.yaml").write_text(f"reference: a-1\n{HEAD}{grids}  b: {{}}\n")
    with pytest.raises(InputError, match="reference names no variant 'a-1'; there are b"):
        read_study("study.yaml")
