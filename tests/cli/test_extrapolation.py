"""What predict says of structures unlike those of the training set."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.formats.network import read_network
from aenetpy.structures.xsf import read_xsf, write_xsf
from tests.conftest import ROOT
from tests.printed import remarks

LINE = re.compile(
    r"aenetpy: warning: (\d+) atoms in (\d+) of (\d+) structures outside of the training range;"
    r" worst: (\S+), (.*) of atom (\d+) \((\w+)\), by (\S+) standard deviations; --json lists all\n"
)


@pytest.fixture(params=["chebyshev", "behler"])
def folder(request, tmp_path, monkeypatch) -> Path:
    """A folder with the reference potential, and far.xsf, squeezed by a fifth."""
    shutil.copytree(ROOT / "tests" / "data" / "reference", tmp_path / "reference")
    work = tmp_path / "reference" / request.param
    for name in ("Ti.nn", "O.nn"):
        shutil.copy(work / "expected" / name, work)
    monkeypatch.chdir(work)
    structure = read_xsf("../anatase-07.xsf")
    squeezed = replace(
        structure, positions_nc=0.8 * structure.positions_nc, cell_cc=0.8 * structure.cell_cc
    )
    write_xsf("far.xsf", squeezed)
    return work


def test_inside_is_silent(folder, capsys):
    assert run(["predict", "predict.in", "../anatase-07.xsf", "../rutile-01.xsf"]) == 0
    assert remarks(capsys.readouterr().err) == ""


def test_one_line_names_the_worst(folder, capsys):
    assert run(["predict", "predict.in", "../rutile-01.xsf", "far.xsf"]) == 0
    text, notes = capsys.readouterr()
    assert text.count("Total energy") == 2
    match = LINE.fullmatch(remarks(notes))
    assert match is not None, notes
    n_atoms, n_outside, n_structures, name, component, atom, symbol, deviations = match.groups()
    assert (n_outside, n_structures, name) == ("1", "2", "far.xsf")

    assert run(["predict", "predict.in", "../rutile-01.xsf", "far.xsf", "--json"]) == 0
    out, notes = capsys.readouterr()
    content = json.loads(out)
    inside, far = content["structures"]
    assert inside["extrapolation"] == []
    assert inside["warnings"] == []
    assert len(far["warnings"]) == 1
    assert remarks(notes) == f"aenetpy: warning: {content['warnings'][0]}\n"
    listed = far["extrapolation"]
    assert len({entry["atom"] for entry in listed}) == int(n_atoms)
    assert listed[0]["component"] == component
    assert (listed[0]["atom"], listed[0]["species"]) == (int(atom), symbol)
    beyond = [entry["standard_deviations"] for entry in listed]
    assert f"{beyond[0]:.3g}" == deviations
    assert beyond == sorted(beyond, reverse=True)
    for entry in listed:
        assert not entry["minimum"] <= entry["value"] <= entry["maximum"]
        assert far["species"][entry["atom"] - 1] == entry["species"]
    first = list(listed[0])
    assert first[0] == "component"
    statistics = read_network(f"{symbol}.nn").setup.statistics
    assert listed[0]["minimum"] in statistics.minimum_g
    assert listed[0]["maximum"] in statistics.maximum_g


def test_json_holds_what_the_text_shows(folder, capsys):
    assert run(["predict", "predict.in", "../anatase-07.xsf", "--json", "--jobs", "2"]) == 0
    (structure,) = json.loads(capsys.readouterr().out)["structures"]
    assert run(["predict", "predict.in", "../anatase-07.xsf"]) == 0
    text = capsys.readouterr().out
    energy = float(re.search(r"Total energy +: +(\S+)", text)[1])
    assert structure["energy"] == pytest.approx(energy, abs=1e-8)
    rows = np.array(
        [row.split()[1:7] for row in re.findall(r"^ (?:Ti|O ) .*$", text, re.M)], dtype=float
    )
    np.testing.assert_allclose(structure["positions"], rows[:, :3], atol=1e-6)
    if structure["forces"] is not None:
        np.testing.assert_allclose(structure["forces"], rows[:, 3:], atol=1e-6)
        assert np.shape(structure["virial"]) == (3, 3)
    assert structure["periodic"] == [True, True, True]
    assert structure["name"] == "../anatase-07.xsf"


def test_names_that_are_not_utf8_are_escaped_in_json(folder, capsysbinary):
    name = os.fsdecode(b"\xff\xe9.xsf")
    shutil.copy("../rutile-01.xsf", name)
    assert run(["predict", "predict.in", name, "--json"]) == 0
    out = capsysbinary.readouterr().out
    assert b"\\udcff\\udce9.xsf" in out
    (structure,) = json.loads(out)["structures"]
    assert structure["name"] == name


def test_errors_leave_no_json(folder, capsys):
    assert run(["predict", "predict.in", "none.xsf", "--json"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
