"""What is told of setups in files, once per command, by whatever reads them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import aenetpy
from aenetpy.cli.main import run
from tests.conftest import ROOT

Project = Callable[..., Path]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """A folder with training set and networks, from the reference inputs with changes."""

    def make(kind: str, *changes: tuple[str, str]) -> Path:
        shutil.copytree(ROOT / "tests" / "data" / "reference", tmp_path / "reference")
        folder = tmp_path / "reference" / kind
        monkeypatch.chdir(folder)
        for setup in folder.glob("*.stp"):
            text = setup.read_text()
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            setup.write_text(text)
        train = Path("train.in").read_text().replace("ITERATIONS", "ITERATIONS 0 !")
        Path("train.in").write_text(train)
        return folder

    return make


def told(capsys, *arguments: str) -> list[str]:
    """Run a command and return its warnings."""
    capsys.readouterr()
    assert run(list(arguments)) == 0
    return [line for line in capsys.readouterr().err.splitlines() if "warning: " in line]


def count(lines: list[str], text: str) -> int:
    return sum(text in line for line in lines)


def every_command(capsys) -> dict[str, list[str]]:
    """Return the warnings of all commands that read setups, training sets or potentials."""
    files = ["predict.in", "../rutile-01.xsf"]
    Path("in.json").write_text('{"potentials": {"Ti": "Ti.nn", "O": "O.nn"}}')
    return {
        "generate": told(capsys, "generate", "generate.in"),
        "train": told(capsys, "train", "train.in"),
        "predict": told(capsys, "predict", *files),
        "evaluate": told(capsys, "evaluate", "in.json", files[1]),
        "inspect set": told(capsys, "inspect", "TiO2.train"),
        "inspect potential": told(capsys, "inspect", "Ti.nn"),
    }


STALE = "angular_Rc 6 exceeds radial_Rc 5: between the two aenet 2.0.4 uses a wrong species weight"


def test_stale_weights(project, capsys, caplog):
    project("chebyshev", ("angular_Rc = 4.0", "angular_Rc = 6.0"))
    lines = every_command(capsys)
    assert count(lines.pop("generate"), STALE) == 2  # each setup file, with its name
    for command, warnings in lines.items():
        assert count(warnings, STALE) == 1, command
    assert count(lines["predict"], "setup of Ti, O: ") == 1
    caplog.clear()
    aenetpy.Calculator(".")
    assert count(caplog.messages, STALE) == 1


def test_one_species_has_no_weights(project, capsys):
    only_ti = ("ENV 2", "ENV 1"), ("\nTi\nO\n", "\nTi\n"), ("angular_Rc = 4.0", "angular_Rc = 6.0")
    project("chebyshev", *only_ti)
    assert count(told(capsys, "inspect", "Ti.fingerprint.stp"), "angular_Rc") == 0


def test_the_order_of_env(project, capsys, caplog):
    folder = project("behler", ("\nTi\nO\n", "\nO\nTi\n"))
    lines = every_command(capsys)
    text = "the functions of O describe atoms of Ti, the functions of Ti describe atoms of O"
    alone = (
        "atoms of Ti are described by the functions of O (ENV O Ti is ordered unlike TYPES Ti O)"
    )
    assert count(lines.pop("inspect potential"), alone) == 1
    for command, warnings in lines.items():
        assert count(warnings, text) == 1, command
    caplog.clear()
    calculator = aenetpy.Calculator(folder)
    assert count(caplog.messages, "ENV ordered unlike TYPES") == 1
    assert calculator.potential.species == ("O", "Ti")  # by name; the files tell TYPES
    # a network that was fitted in another order of TYPES sees other functions
    text = Path("generate.in").read_text().replace("Ti -1.5\nO -0.25", "O -0.25\nTi -1.5")
    Path("generate.in").write_text(text)
    Path("TiO2.train").unlink()
    assert not count(told(capsys, "generate", "generate.in"), "unlike TYPES")
    assert run(["train", "train.in"]) == 4
    error = capsys.readouterr().err
    assert "Ti.nn: this network was fitted with TYPES Ti O to the functions of O for Ti" in error


def test_no_answer_in_one_line(project, capsys):
    project("behler", ("\nTi\nO\n", "\nO\nTi\n"))
    text = Path("O.fingerprint.stp").read_text().splitlines()
    start = next(k for k, line in enumerate(text) if line.startswith("FUNCTIONS")) + 1
    text[start] = str(int(text[start]) + 1)
    Path("O.fingerprint.stp").write_text("\n".join([*text, "G=1 type2=O Rc=3.0", ""]))
    assert run(["generate", "generate.in"]) == 4
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert len(errors) == 1
    assert "generate.in: atoms of Ti would be described by the " in errors[0]
    assert "number of symmetry functions exceeded; write ENV" in errors[0]
    assert not Path("TiO2.train").exists()
