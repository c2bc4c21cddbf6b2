"""predict reports all structures that have a number, and the others in their place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

import aenetpy
from aenetpy.cli.main import run
from tests.cli.test_parity import REFERENCE, write_input

GOOD = Atoms("TiO", [[0, 0, 0], [0, 0, 2.0]])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for path in REFERENCE.glob("chebyshev/expected/*.nn"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_scan_of_distances_has_all_numbers(folder, capsys):
    distances = np.linspace(0.1, 6.0, 201)
    scan = [Atoms("TiO", [[0, 0, 0], [0, 0, d]]) for d in distances]
    ase.io.write("scan.xyz", scan)
    write_input("FORCES", ["scan.xyz@:"])
    assert run(["predict", "predict.in"]) == 0
    text, notes = capsys.readouterr()
    assert text.count("Total energy") == 201
    r_min = aenetpy.read_potential(".").setups[0].r_min
    assert notes.count("closer than RMIN = ") == 1
    assert f"{(distances < r_min).sum()} of 201 structures with atoms closer than RMIN" in notes
    assert "scan.xyz@0: atoms 1 and 2 are 0.100 Å apart" in notes
    assert run(["predict", "predict.in", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["structures"]
    assert [any("RMIN" in text for text in one["warnings"]) for one in found] == list(
        distances < r_min
    )
    calculator = aenetpy.Calculator(".")
    for one, atoms in zip(found[::20], scan[::20], strict=True):
        assert one["energy"] == pytest.approx(calculator.get_potential_energy(atoms), abs=1e-9)


def bad_frame() -> list[str]:
    """Four frames, of which the third has a letter for a coordinate."""
    ase.io.write("four.xyz", 4 * [GOOD])
    lines = Path("four.xyz").read_text().splitlines()
    lines[11] = lines[11].replace("2.0", "2.x")
    Path("four.xyz").write_text("\n".join(lines) + "\n")
    return ["four.xyz@:"]


def not_finite() -> list[str]:
    frames = [GOOD.copy() for _ in range(4)]
    frames[2].positions[1] = np.nan
    ase.io.write("four.xyz", frames)
    return ["four.xyz@:"]


def coincident() -> list[str]:
    frames = [GOOD.copy() for _ in range(4)]
    frames[2].positions[1] = 0.0
    ase.io.write("four.traj", frames)
    return ["four.traj@:"]


def alien() -> list[str]:
    ase.io.write("four.traj", [GOOD, GOOD, Atoms("Xe"), GOOD])
    return ["four.traj@:"]


def one_missing() -> list[str]:
    for name in "abd":
        ase.io.write(f"{name}.xsf", GOOD)
    return [f"{name}.xsf" for name in "abcd"]


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("write", [bad_frame, not_finite, coincident, alien, one_missing])
def test_what_has_no_number_is_reported_in_its_place(folder, write, jobs, capsys):
    names = write()
    write_input("FORCES", names)
    command = ["predict", "predict.in", "--jobs", jobs]
    assert run(command) == 5
    text, notes = capsys.readouterr()
    parts = text.split(f" {70 * '+'}\n\n")
    assert [part.count("Total energy") for part in parts] == [1, 1, 0, 1]
    assert [part.count(" Error: ") for part in parts] == [0, 0, 1, 0]
    assert " Structure number  : 3\n" in parts[2]
    name = names[2] if len(names) > 1 else names[0].replace("@:", "@2")
    assert f" File name         : {name}\n" in parts[2]
    assert "1 of 4 structures have no energy; the first: " in notes
    assert run([*command, "--json"]) == 5
    found = json.loads(capsys.readouterr().out)["structures"]
    assert [one.get("energy") is None for one in found] == [False, False, True, False]
    assert found[2]["name"] == name
    assert found[2]["error"]


def test_relax_refuses_below_rmin_and_goes_on(folder, capsys):
    ase.io.write("two.traj", [Atoms("TiO", [[0, 0, 0], [0, 0, 0.2]]), GOOD])
    write_input("RELAX\nsteps=2", ["two.traj@:"])
    assert run(["predict", "predict.in"]) == 5
    text, notes = capsys.readouterr()
    assert "two.traj@0: atoms 1 and 2 are 0.200 Å apart" in text
    assert text.count("Total energy") == 1
    assert "1 of 2 structures have no energy" in notes


def test_a_sole_structure_without_number(folder, capsys):
    ase.io.write("one.traj", Atoms("TiO", np.zeros((2, 3))))
    write_input("", ["one.traj"])
    assert run(["predict", "predict.in", "--json"]) == 5
    text, notes = capsys.readouterr()
    (one,) = json.loads(text)["structures"]
    assert "in one place" in one["error"]
    assert "one.traj: the closest atoms, 1 and 2, are 0.000 Å apart" in notes
