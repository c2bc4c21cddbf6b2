"""The study of displaced copies that ships: what it takes minutes to run, at least begins."""

from __future__ import annotations

import shutil
from pathlib import Path

from aenetpy.cli.main import run
from aenetpy.inputs.study import read_study
from aenetpy.inputs.train_in import read_train_in
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "taylor"


def test_all_trials_are_planned(tmp_path, monkeypatch, capsys) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "taylor", ignore=shutil.ignore_patterns("work*"))
    (tmp_path / "tio2").symlink_to(ROOT / "examples" / "tio2")
    monkeypatch.chdir(tmp_path / "taylor")
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    rows = capsys.readouterr().out.splitlines()
    study = read_study("study.yaml")
    assert len(rows) == len(study.variants) * len(study.seeds) == 50
    assert all(row.startswith("to do") for row in rows)
    assert not Path("work").exists()


def test_both_studies_hold_the_procedure_of_the_paper() -> None:
    for name in ("study.yaml", "study-dft.yaml"):
        study = read_study(EXAMPLE / name)
        assert len(study.seeds) == 5
        paper = study.variant("paper")
        assert paper.mixed
        assert paper.taylor is not None
        assert (paper.taylor.strategy, paper.taylor.delta, paper.taylor.copies_per_structure) == (
            "pyita",
            0.03,
            6,
        )
        assert paper.train == {"iterations": 15}
        networks = read_train_in(EXAMPLE / study.train).networks
        assert [network.nodes for network in networks] == [(15, 15), (15, 15)]
