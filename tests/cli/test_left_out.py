"""What generate, augment and train do with calculations that went wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from aenetpy.cli.main import run
from aenetpy.formats.trainset import read_trainset
from tests.vasp_runs import vasprun


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def replace_in(name: str, old: str, new: str) -> None:
    path = Path(name)
    path.write_text(path.read_text().replace(old, new))


def test_unconverged_steps(capsys):
    Path("vasprun.xml").write_text(vasprun([3, 5, 2, 5, 1]))
    assert run(["init", "vasprun.xml@:"]) == 0
    capsys.readouterr()
    assert run(["generate", "generate.in"]) == 0
    assert (
        "2 structures whose electronic steps did not converge left out" in capsys.readouterr().err
    )
    names = read_trainset("H.train").names_s
    assert names == ("vasprun.xml@0", "vasprun.xml@2", "vasprun.xml@4")
    Path("H.train").unlink()
    replace_in("generate.in", "\nFILES", "\nUNCONVERGED keep\nFILES")
    assert run(["generate", "generate.in"]) == 0
    assert "converge" not in capsys.readouterr().err
    assert len(read_trainset("H.train").names_s) == 5


def test_nothing_converged(capsys):
    Path("vasprun.xml").write_text(vasprun([5, 5]))
    assert run(["init", "vasprun.xml@:"]) == 0
    assert run(["generate", "generate.in"]) == 4
    assert "UNCONVERGED keep" in capsys.readouterr().err.splitlines()[-1]
    assert not Path("H.train").exists()


@pytest.mark.parametrize("known", [0, 1])
def test_placeholder_forces(known, capsys):
    """Twelve dimers: all without forces, or one with."""
    frames = [Atoms("H2", [(0, 0, 0), (0, 0, 0.75 + 0.02 * k)]) for k in range(12)]
    for k, atoms in enumerate(frames):
        pull = 0.3 * (k < known)
        atoms.calc = SinglePointCalculator(
            atoms, energy=-6.0 + 0.1 * k, forces=np.array([[0, 0, pull], [0, 0, -pull]])
        )
    write("h2.xyz", frames)
    assert run(["init", "--forces", "h2.xyz@:"]) == 0
    assert run(["generate", "generate.in"]) == 0
    whose = "of 11" if known else "of all 12"
    assert f"the forces {whose} structures ('h2.xyz@{known}'" in capsys.readouterr().err
    replace_in("train.in", "ITERATIONS 800", "ITERATIONS 2")
    assert run(["train", "train.in"]) == (0 if known else 3)
    assert ("exactly zero" in capsys.readouterr().err) == (not known)
    assert run(["augment", "generate.in", "--delta", "0.02", "-a", "2"]) == (0 if known else 4)
    replace_in("generate.in", "\nFILES", "\nTAYLOR\ndelta=0.02 a=2\nFILES")
    replace_in("generate.in", "OUTPUT H.train", "OUTPUT copies.train")
    assert run(["generate", "generate.in"]) == (0 if known else 4)
