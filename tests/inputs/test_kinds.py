"""An input file that is given to the wrong command, and files of aenet in each other's place."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from tests.conftest import ROOT

COMMANDS = {
    "generate.in": ["generate"],
    "train.in": ["train"],
    "predict.in": ["predict"],
    "study.yaml": ["study"],
    "learn.yaml": ["learn"],
    "md.json": ["md"],
}
REFERENCE = ROOT / "tests" / "data" / "reference" / "chebyshev"


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("generate.in").write_text(
        "OUTPUT a.train\nTYPES\n1\nTi 0\nSETUPS\nTi a.stp\nFILES\n1\nx\n"
    )
    Path("train.in").write_text("TRAININGSET a.train\nNETWORKS\nTi Ti.nn 1 5:tanh\n")
    Path("predict.in").write_text("TYPES\n1\nTi\nNETWORKS\nTi Ti.nn\nFILES\n1\nx.xsf\n")
    Path("study.yaml").write_text("generate: generate.in\nvariants:\n  a: {}\n")
    Path("learn.yaml").write_text("train: train.in\nexplore:\n  - kind: md\n")
    Path("md.json").write_text('{"potentials": {"Ti": "Ti.nn"}}\n')
    return tmp_path


@pytest.mark.parametrize(("given", "wanted"), list(permutations(COMMANDS, 2)))
def test_another_input_file_is_named_with_its_command(given, wanted, capsys):
    assert run([*COMMANDS[wanted], given]) == 3
    expected = (
        f"{given}: this is a {given}, not a {wanted}; 'aenetpy {COMMANDS[given][0]}' reads it"
    )
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("wanted", COMMANDS)
def test_a_setup_is_named(wanted, capsys):
    shutil.copy(next((REFERENCE).glob("*.stp")), "a.stp")
    assert run([*COMMANDS[wanted], "a.stp"]) == 3
    assert f"a.stp: this is a .stp, not a {wanted}; name it in SETUPS" in capsys.readouterr().err


def test_files_of_aenet_in_each_others_place(golden, capsys):
    start = golden / "05-train" / "start"
    shutil.copy(start / "TiO2.train", "Ti.nn")
    shutil.copy(start / "Ti.15t-15t.nn", "a.train")
    assert run(["predict", "predict.in"]) == 4
    assert "Ti.nn: this is a training set, not a potential" in capsys.readouterr().err
    Path("Ti.nn").unlink()
    assert run(["train", "train.in"]) == 4
    assert "a.train: this is a potential, not a training set" in capsys.readouterr().err
