"""The studies of models and grids that ship: what takes minutes to run, at least begins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from aenetpy.data.study_models import MODELS
from aenetpy.inputs.stp import read_stp
from aenetpy.inputs.study import read_study
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize(("name", "n_trials"), [("baselines", 30), ("grid", 110)])
def test_all_trials_are_planned(name, n_trials, tmp_path, monkeypatch, capsys) -> None:
    for folder in ("baselines", "grid"):
        ignored = shutil.ignore_patterns("work*")
        shutil.copytree(EXAMPLES / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "tio2").symlink_to(EXAMPLES / "tio2")
    monkeypatch.chdir(tmp_path / name)
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == n_trials
    assert all(row.startswith("to do") for row in rows)
    assert not Path("work").exists()


def test_both_studies_compare_the_same() -> None:
    ships, dft = (read_study(EXAMPLES / "baselines" / f"study{k}.yaml") for k in ("", "-dft"))
    assert [one.name for one in ships.variants] == [one.name for one in dft.variants]
    assert {one.model for one in ships.variants} == set(MODELS)
    for one, other in zip(ships.variants, dft.variants, strict=True):
        if one.name != "forces":  # fewer epochs for what ships
            assert one == other


@pytest.mark.parametrize("symbol", ["Ti", "O"])
def test_the_fingerprints_are_as_large_as_they_say(symbol) -> None:
    folder = EXAMPLES / "baselines" / "stp"
    few = read_stp(folder / f"{symbol}.8-4.stp")
    assert few.functions_g.tolist() == [2] * 8 + [4] * 4
    acsf = read_stp(folder / f"{symbol}.acsf.stp")
    assert acsf.functions_g.tolist() == [1, 2, 2, 2] * 2 + [4] * 12


def test_the_grid_is_that_of_the_study() -> None:
    variants = read_study(EXAMPLES / "grid" / "study.yaml").variants[1:]
    points = {tuple(one.parameters[key] for key in ("layers", "nodes")) for one in variants}
    assert points == {(a, b) for a in (4, 5, 6) for b in (16, 32, 64)}
    assert len(variants) == 9 * 3 * 2
    assert {one.targets for one in variants} == {"raw"}
