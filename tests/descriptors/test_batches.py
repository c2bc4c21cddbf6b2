"""Structures go through generate and predict in batches, and nobody notices."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from tests.conftest import ROOT

REFERENCE = ROOT / "tests" / "data" / "reference"
NAMES = ("anatase-07", "brookite-03", "rutile-01", "columbite-05", "baddeleyite-09")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with five structures, of which the third has two atoms in one place."""
    monkeypatch.chdir(tmp_path)
    for path in (REFERENCE / "chebyshev").glob("*.stp"):
        shutil.copy(path, tmp_path)
    for name in NAMES:
        shutil.copy(REFERENCE / f"{name}.xsf", tmp_path)
    lines = Path("rutile-01.xsf").read_text().splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("PRIMCOORD")) + 2
    lines[first + 1] = lines[first]
    Path("rutile-01.xsf").write_text("\n".join(lines) + "\n")
    listing = "\n".join([f"FILES\n{len(NAMES)}", *(f"{name}.xsf" for name in NAMES), ""])
    Path("generate.in").write_text(
        "OUTPUT a.train\nTYPES\n2\nTi 0.0\nO 0.0\n"
        f"SETUPS\nTi Ti.fingerprint.stp\nO O.fingerprint.stp\n{listing}"
    )
    expected = REFERENCE / "chebyshev" / "expected"
    Path("predict.in").write_text(
        f"TYPES\n2\nTi\nO\nNETWORKS\nTi {expected / 'Ti.nn'}\nO {expected / 'O.nn'}\n{listing}"
    )
    return tmp_path


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("command", ["generate", "predict"])
def test_the_first_wrong_structure_is_named(folder, command, jobs, capsys):
    lines = Path("columbite-05.xsf").read_text().replace("Ti ", "Xx ")
    Path("columbite-05.xsf").write_text(lines)  # wrong, too, but later
    assert run([command, f"{command}.in", "--jobs", jobs]) == {"generate": 4, "predict": 5}[command]
    message = capsys.readouterr().err
    assert "rutile-01.xsf" in message
    assert "columbite" not in message


def test_predict_tells_of_all_others(folder, capsys):
    assert run(["predict", "predict.in"]) == 5
    printed = capsys.readouterr().out
    assert "anatase-07.xsf" in printed
    assert "brookite-03.xsf" in printed
    assert printed.count("Total energy") == 4


def test_predict_tells_of_all_but_one_that_cannot_be_read(folder, capsys):
    Path("rutile-01.xsf").write_text("nothing\n")
    assert run(["predict", "predict.in", "--jobs", "2"]) == 5
    assert capsys.readouterr().out.count("Total energy") == 4


def test_a_damaged_structure_leaves_no_training_set(folder):
    assert run(["generate", "generate.in"]) == 4
    assert not Path("a.train").exists()
