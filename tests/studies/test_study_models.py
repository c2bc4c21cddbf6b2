"""Studies of other models than our networks, and of grids."""

from __future__ import annotations

import csv
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.errors import DataError, InputError
from aenetpy.inputs.study import read_study
from aenetpy.processes import Processes
from aenetpy.structures.xsf import read_xsf
from aenetpy.studies import energy_figures
from aenetpy.studies.cells import sort_into_cells
from aenetpy.studies.measures import cell_measures, importances, residuals
from aenetpy.studies.plan import make_study_plan
from aenetpy.studies.trial_files import read_result
from tests.studies.test_study import EXAMPLE, STUDY, make_project

HEAD = STUDY.replace("[1, 2]", "[1]").replace("test: 3", "test: 3\napart: 2")
ALL = """\
  net: {}
  layers: {grid: {layers: [1, 2], nodes: [3]}}
  raw: {targets: raw}
  fitted: {targets: least-squares}
  mean: {model: mean, targets: raw}
  composition: {model: composition, labels: atom}
  ridge: {model: ridge, alpha: 0.5, targets: least-squares}
  plain: {model: plain-network, epochs: 3, grid: {dropout: [0, 0.5], nodes: [4]}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda variants, head=HEAD: make_project(tmp_path, variants, head)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_project(folder, ALL, HEAD)
        assert run(["study", "study.yaml", "--jobs", "2"]) == 0
    return folder


def result_of(folder: Path, name: str):
    return read_result(folder / "study" / "trials" / f"{name}-6-1" / "result.npz")


def structures_of(folder: Path):
    names = (folder / "study" / "test-set.txt").read_text().split()
    return [read_xsf(folder / name) for name in names]


def parents_of(folder: Path, name: str):
    trial = folder / "study" / "trials" / f"{name}-6-1"
    lines = (trial / "generate.in").read_text().splitlines()
    return [read_xsf(trial / line) for line in lines if line.endswith(".xsf")]


def cells_of(folder: Path):
    study = read_study(folder / "study.yaml")
    names = [variant.name for variant in study.variants]
    return {
        c.variant.name: c
        for c in sort_into_cells(study, [result_of(folder, name) for name in names])
    }


def test_one_row_for_each_variant(done):
    rows = list(csv.DictReader((done / "study" / "trials.csv").read_text().splitlines()))
    assert [row["variant"] for row in rows] == [
        *("net", "layers-1-3", "layers-2-3", "raw", "fitted", "mean", "composition", "ridge"),
        *("plain-0-4", "plain-0.5-4"),
    ]
    assert rows[0]["force_mean_eV_per_A"] != "nan"
    assert rows[7]["force_mean_eV_per_A"] == "nan"


def test_the_mean_of_total_energies(done):
    mean = np.mean([structure.energy for structure in parents_of(done, "mean")])
    structures = structures_of(done)
    expected = [1000 * (mean - one.energy) / len(one) for one in structures]
    result = result_of(done, "mean")
    np.testing.assert_allclose(result.energy_errors_s, expected, rtol=1e-9)
    assert result.force_errors_nc.shape == (0, 3)
    atomic = [1.5 * one.species.count("Ti") + 0.5 * one.species.count("O") for one in structures]
    energies = [one.energy for one in structures]
    np.testing.assert_allclose(result.energies_s, np.subtract(energies, atomic), rtol=1e-12)


def test_least_squares_references_are_those_of_the_training_structures(done):
    parents = parents_of(done, "ridge")
    counts = np.array([[p.species.count(s) for s in ("Ti", "O")] for p in parents])
    energies, sizes = np.array([p.energy for p in parents]), counts.sum(axis=1)
    weighted = counts / sizes[:, None]
    expected = np.linalg.lstsq(weighted, energies / sizes, rcond=1e-8)[0]
    for name in ("ridge", "fitted"):
        lines = (done / "study" / "trials" / f"{name}-6-1" / "generate.in").read_text().split("\n")
        where = lines.index("TYPES") + 2
        found = [float(line.split()[1]) for line in lines[where : where + 2]]
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_networks_learn_from_raw_energies_too(done):
    # TYPES is a constant per atom here (one composition), which the shift of the scaling takes.
    raw, net = (result_of(done, name).energy_errors_s for name in ("raw", "net"))
    np.testing.assert_allclose(raw, net, atol=1e-3)


def test_a_grid_changes_the_networks(done):
    lines = (done / "study" / "trials" / "layers-2-3-6-1" / "train.in").read_text()
    assert "3:tanh 3:tanh" in lines
    assert result_of(done, "layers-2-3").history.size == 4


def test_measures_are_of_what_they_say(done):
    cell = cells_of(done)["ridge"]
    result = result_of(done, "ridge")
    found = cell_measures(cell, "train", whole=True)
    errors = result.train_errors_s * result.train_n_atoms_s / 1000
    assert (found.n, found.mae) == (6, pytest.approx(np.abs(errors).mean()))
    per_atom = result.energies_s / result.n_atoms_s
    spread = np.sum((per_atom - per_atom.mean()) ** 2)
    r2 = 1 - np.sum((result.energy_errors_s / 1000) ** 2) / spread
    assert cell_measures(cell, "test", whole=False).r2 == pytest.approx(r2)


def test_the_report_tells_of_models(done):
    report = (done / "study" / "report.md").read_text()
    for text in (
        "| variant | size | set | energies | MAE (meV/atom) | RMSE (meV/atom) | maximum (meV/atom)",
        "MAE (eV/structure)",
        "beyond 1.5 SD (%), Gaussian 13.4",
        "| 1 | ",
        "is optimistic",
        "RMSE on 2 structures kept apart (meV/atom)",
        "growth of RMSE when permuted (meV/atom)",
        "![",
    ):
        assert text in report
    figures = {path.stem for path in (done / "study").glob("*.png")}
    assert {"parity", "residuals", "epochs", "importance", "energies"} <= figures


def test_the_best_is_measured_again_on_structures_kept_apart(done):
    cells = cells_of(done)
    best = min(cells.values(), key=lambda c: float(np.mean(c.results[0].energy_errors_s ** 2)))
    errors = best.results[0].apart_errors_s
    assert len(errors) == 2
    lines = (done / "study" / "report.md").read_text().splitlines()
    row = next(line for line in lines if line.startswith("| 1 |")).split(" | ")
    assert row[1] == best.variant.name
    assert float(row[-1].strip(" |")) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=6e-3)
    names = (done / "study" / "test-set.txt").read_text()
    plan = make_study_plan(read_study(done / "study.yaml"), done)
    assert len(plan.apart) == 2
    for trial in plan.trials:
        assert not any(name in trial.inputs["generate.in"] for name in plan.apart)
    assert not any(name in names for name in plan.apart)


def test_data_of_the_figures(done):
    cells = cells_of(done)
    given, found = energy_figures.parity_data(cells["ridge"], "test")
    structures = structures_of(done)
    atomic = [1.5 * s.species.count("Ti") + 0.5 * s.species.count("O") for s in structures]
    energies = np.array([s.energy for s in structures]) - atomic
    sizes = np.array([len(s) for s in structures])
    np.testing.assert_allclose(given, energies / sizes)
    np.testing.assert_allclose(
        1000 * (found - given), residuals(cells["ridge"].results[0], "test")[0]
    )
    edges = np.linspace(-4, 4, 9)
    density = energy_figures.residual_density(cells["ridge"], edges)
    assert np.sum(density * np.diff(edges)) == pytest.approx(1.0)
    result = result_of(done, "net")
    (axes,) = energy_figures.epochs([cells["net"]]).axes
    assert [len(line.get_ydata()) for line in axes.lines] == [len(result.history)]  # no test set
    tested = replace(result, test_history=2.0 * result.history)
    (axes,) = energy_figures.epochs([replace(cells["net"], results=(tested,))]).axes
    train, test = (line.get_ydata() for line in axes.lines)
    np.testing.assert_array_equal(train, result.history)
    np.testing.assert_array_equal(test, 2.0 * result.history)
    for whole in (False, True):
        (axes,) = energy_figures.parity([cells["net"]], whole).axes
        assert axes.get_xlim() == axes.get_ylim() == tuple(axes.lines[0].get_ydata())
        assert axes.get_box_aspect() == 1
    names, means = importances(cells["ridge"])
    (axes,) = energy_figures.importance([cells["ridge"]]).axes
    widths = [bar.get_width() for bar in axes.patches]
    np.testing.assert_allclose(widths[::-1], np.sort(means)[::-1][: len(widths)])
    assert axes.get_yticklabels()[-1].get_text() == names[int(np.argmax(means))]


def test_distributions_of_energies():
    energies, sizes = np.array([-10.0, -20.0, -40.0]), np.array([2, 4, 8])
    figure = energy_figures.distributions(energies, sizes, ["a", "b", "a"])
    total, per_atom = figure.axes
    assert [patch.get_label() for patch in total.patches] == ["a", "b"]
    heights = total.patches[-1].get_data()
    assert heights.values.sum() == 3
    assert heights.edges[[0, -1]].tolist() == [-40.0, -10.0]
    assert per_atom.get_xlabel() == "energy less atomic energies (eV/atom)"
    assert energy_figures.groups(["x/rutile-01.xsf", "anatase-2.xsf"], ["a", "b"]) == [
        *("rutile", "anatase")
    ]
    assert energy_figures.groups(["s1.xsf", "s2.xsf"], ["TiO2", "Ti2O3"]) == ["TiO2", "Ti2O3"]


def test_importance_is_nothing_where_positions_are_not_asked_for(done):
    assert not result_of(done, "mean").importances.any()
    result = result_of(done, "ridge")
    assert result.components[0] == "Ti radial 0"
    assert len(result.components) == len(result.importances) == 2 * 2 * (11 + 7)


def test_nothing_is_done_twice(done, monkeypatch):
    monkeypatch.chdir(done)
    monkeypatch.setattr(Processes, "run", None)
    assert run(["study", "study.yaml"]) == 0


def test_the_same_from_the_same_seed(done, project):
    project("  ridge: {model: ridge, alpha: 0.5, targets: least-squares}\n")
    assert run(["study", "study.yaml"]) == 0
    again, before = result_of(Path(), "ridge"), result_of(done, "ridge")
    np.testing.assert_array_equal(again.energy_errors_s, before.energy_errors_s)


def test_other_fingerprints(project):
    project("  short: {model: ridge, setups: {Ti: Ti.short.stp, O: O.short.stp}}\n")
    for symbol in ("Ti", "O"):
        text = (EXAMPLE / f"{symbol}.fingerprint.stp").read_text()
        Path(f"{symbol}.short.stp").write_text(text.replace("radial_N = 10", "radial_N = 2"))
    assert run(["study", "study.yaml"]) == 0
    assert len(result_of(Path(), "short").components) == 2 * 2 * (3 + 7)
    Path("Ti.short.stp").write_text(text)
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    assert run(["study", "study.yaml"]) == 3  # a setup of O for Ti


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ("{model: mean, alpha: 1}", "study.yaml:8: variants.a.alpha: model mean has no parameter"),
        ("{model: ridge, train: {iterations: 3}}", "variants.a.train: 'train' belongs to model"),
        ("{model: ridge, taylor: {delta: 0.1, a: 1}}", "'taylor' belongs to model network"),
        ("{alpha: 1}", "model network has no parameter 'alpha', it belongs to model ridge"),
        ("{model: rigde}", "variants.a.model is 'rigde'; known are .*; did you mean ridge?"),
        ("{model: ridge, alpha: -1}", "variants.a.alpha is -1, and must be finite and not"),
        ("{model: ridge, alpha: big}", "variants.a.alpha is wrong: 'big' is not a number"),
        ("{model: plain-network, layers: auto}", "variants.a.layers is auto, which it cannot be"),
        ("{model: plain-network, scale: maybe}", "variants.a.scale is no no or yes"),
        ("{model: kernel-ridge, labels: atom}", "variants.a.labels is 'atom'; model kernel-ridge"),
        ("{labels: atom}", "variants.a.labels is 'atom'; model network"),
        ("{targets: total}", "variants.a.targets is 'total'; known are atomic, raw"),
        ("{model: ridge, beta: 1}", "unknown key 'variants.a.beta'"),
        ("{nodes: 3, train: {networks: ['Ti a 1 2:tanh']}}", "has networks, but the variant has"),
        ("{search: {points: 2}}", "variants.a.search needs a grid"),
        ("{grid: {nodes: []}}", "variants.a.grid.nodes is empty"),
        ("{nodes: 3, grid: {nodes: [2]}}", "variants.a.grid.nodes stands in the variant, too"),
        ("{grid: {nodes: [2]}, search: {points: 2}}", "points is 2, but the grid has 1 point"),
        (
            "{grid: {nodes: [2]}, search: {points: 1, method: bayes}}",
            "unknown key 'variants.a.search.method'; known",
        ),
        ("{setups: {Xx: x.stp}}", "a: setup of Xx, but generate.in has Ti O"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(project, variants, message, capsys):
    project(f"  a: {variants}\n")
    assert run(["study", "study.yaml", "--dry-run"]) == 3
    assert re.search(message.replace("(", r"\("), capsys.readouterr().err)


def test_a_missing_library_is_told_before_anything_runs(project, monkeypatch, capsys):
    project("  a: {model: sklearn-mlp}\n")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert run(["study", "study.yaml"]) == 3
    error = capsys.readouterr().err
    assert "study.yaml:8: a: model sklearn-mlp needs scikit-learn" in error
    assert "pip install aenetpy[ml]" in error
    assert not Path("study").exists()


def test_cohesive_energies_have_no_raw_targets(project):
    project("  a: {model: mean, targets: raw}\n", HEAD.replace("sizes: 6", "sizes: 7"))
    for line in Path("generate.in").read_text().splitlines():
        if line.endswith(".xsf"):
            shutil.copy(line, ".")
            name = Path(line).name
            text = Path(name).read_text().replace("total energy", "cohesive energy")
            Path(name).write_text(text)
            Path("generate.in").write_text(Path("generate.in").read_text().replace(line, name))
    with pytest.raises(InputError, match="a: targets raw need total energies"):
        make_study_plan(read_study("study.yaml"))


def test_a_search_draws_points_of_the_grid(project):
    project(
        "  a: {grid: {nodes: [2, 3, 4], train.iterations: [5, 6], train.method: [lm, adam mu=0.1]},"
        " search: {points: 4, seed: 7}}\n"
    )
    variants = read_study("study.yaml").variants
    assert len({variant.name for variant in variants}) == 4
    for variant in variants:
        _, nodes, iterations, method = variant.name.split("-")
        assert variant.parameters == {"nodes": int(nodes)}
        assert variant.train["iterations"] == int(iterations)
        assert variant.train["method"].name == {"lm": "lm", "2": "adam"}[method]
    assert read_study("study.yaml").variants == variants


def test_a_setup_that_is_missing(project):
    project("  a: {model: ridge, setups: {Ti: none.stp}}\n")
    with pytest.raises((InputError, DataError), match=r"none.stp"):
        make_study_plan(read_study("study.yaml"))
