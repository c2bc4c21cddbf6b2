"""RELAX through the command line, against the original's layout and proper minima."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.models.reading import read_potential
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.printed import assert_same_numbers, lines_of

RULE = " " + 60 * "-"


@pytest.fixture
def reference(tmp_path, monkeypatch) -> Path:
    """A folder with our own reference potential and structures beside it."""
    shutil.copytree(ROOT / "tests" / "data" / "reference", tmp_path / "reference")
    folder = tmp_path / "reference" / "chebyshev"
    for name in ("Ti.nn", "O.nn"):
        shutil.copy(folder / "expected" / name, folder)
    monkeypatch.chdir(folder)
    return folder


def predict_in(*lines: str) -> str:
    text = "\n".join(["TYPES", "2", "Ti", "O", "NETWORKS", "Ti Ti.nn", "O O.nn", *lines, ""])
    Path("relax.in").write_text(text)
    return "relax.in"


def parts_of(block: str) -> tuple[list[str], list[str], list[str]]:
    """Return what comes before the first row of the table, its rows, and what follows."""
    lines = block.split("\n")
    first = lines.index(RULE) + 1
    last = first + lines[first:].index("")
    return lines[:first], lines[first:last], lines[last:]


def pattern(line: str) -> str:
    return re.sub(r"-?\d+\.\d+", "#", re.sub(r" +", " ", line))


def test_golden_layout_and_energies(golden, monkeypatch, capsys):
    monkeypatch.chdir(golden / "07-relax")
    assert run(["predict", "predict.in", "--jobs", "2"]) == 0
    out, notes = capsys.readouterr()
    expected = Path("expected", "predict.out").read_text()
    table = Path("expected", "minimised-reference.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    separator = f" {70 * '+'}\n\n"
    ours_s, theirs_s = ("\n".join(lines_of(text)).split(separator) for text in (out, expected))
    assert len(ours_s) == len(theirs_s) == len(rows)
    for ours, theirs, row in zip(ours_s, theirs_s, rows, strict=True):
        (before, table, after), (their_before, their_table, their_after) = map(
            parts_of, (ours, theirs)
        )
        assert_same_numbers(before, their_before)
        assert table[0] == their_table[0]
        assert [pattern(line) for line in after[:7]] == [pattern(line) for line in their_after[:7]]
        kinds = [re.sub(r"atom \d+", "atom", pattern(line)) for line in after]
        assert kinds == [re.sub(r"atom \d+", "atom", pattern(line)) for line in their_after]
        energy = float(re.search(r"Cohesive energy +: +(\S+)", ours)[1])
        reached = float(row["minimised_energy_eV"]) + 0.005 * int(row["natoms"])
        assert energy <= reached
        change = float(
            table[-1].split()[1] if "converged" not in table[-1] else table[-2].split()[1]
        )
        assert energy == pytest.approx(float(row["initial_energy_eV"]) + change, abs=3e-8)
        assert (f"{row['structure']}: not converged" in notes) == ("converged" not in table[-1])


def test_without_golden_data(reference, capsys):
    relax = ("RELAX", "F_conv=0.3 E_conv=1 steps=60", "PRINT_ATOMIC_ENERGIES")
    assert run(["predict", predict_in(*relax), "../anatase-07.xsf"]) == 0
    out, notes = capsys.readouterr()
    tables = out.split(" Cartesian atomic coordinates ")
    assert [table.split(" ", 1)[0] for table in tables[1:]] == ["(input)", "(optimized)"]
    assert "converged after" in tables[1]
    assert "not converged" not in notes
    largest = max(abs(float(x)) for x in re.search(r"Maximum force +:(.*)", out)[1].split())
    assert largest <= 0.3
    assert run(["predict", predict_in(*relax, "VERBOSITY low"), "../anatase-07.xsf"]) == 0
    low = capsys.readouterr().out
    assert "Geometry optimization" not in low
    assert low.count("Cartesian atomic coordinates") == 2


def test_zero_steps_print_the_input_twice(reference, capsys):
    assert run(["predict", predict_in("RELAX", "steps=0"), "../anatase-07.xsf"]) == 0
    out, notes = capsys.readouterr()
    assert out.count("coordinates (input)") == 2
    assert "../anatase-07.xsf: not converged after 0 steps of RELAX" in notes


def test_the_lattice_is_printed(reference, capsys):
    relaxed = predict_in("RELAX", "F_conv=0.05 steps=40 cell=yes")
    assert run(["predict", relaxed, "../rutile-01.xsf"]) == 0
    out = capsys.readouterr().out
    given, optimized = (
        np.array([line.split()[3:6] for line in re.findall(r"   [abc] = .*", part)], float)
        for part in out.split("Lattice vectors (optimized, Angstrom)")
    )
    np.testing.assert_allclose(given, read_xsf("../rutile-01.xsf").cell_cc, atol=1e-8)
    assert 1e-3 < abs(given - optimized).max() < 1.5
    assert run(["predict", relaxed, "../rutile-01.xsf", "--json"]) == 0
    (structure,) = json.loads(capsys.readouterr().out)["structures"]
    np.testing.assert_allclose(structure["cell"], optimized, atol=1e-8)
    relaxation = structure["relaxation"]
    assert relaxation["cohesive_energies"][-1] == structure["cohesive_energy"]
    assert len(relaxation["rms_forces"]) == relaxation["steps"] + 1


def test_an_isolated_structure(reference, capsys):
    rutile = read_xsf("../rutile-01.xsf")
    rows = "".join(
        f"{symbol} {x} {y} {z} 0 0 0\n"
        for symbol, (x, y, z) in zip(rutile.species, rutile.positions_nc.tolist(), strict=True)
    )
    Path("cluster.xsf").write_text(f"# total energy = 0.0 eV\nATOMS\n{rows}")
    assert run(["predict", predict_in("RELAX", "steps=5"), "cluster.xsf"]) == 0
    assert "(optimized)" in capsys.readouterr().out
    assert run(["predict", predict_in("RELAX", "cell=yes"), "cluster.xsf"]) == 4
    assert "cluster.xsf: has no periodic lattice that RELAX could change" in capsys.readouterr().err


def test_below_rmin_the_rest_is_done_and_the_status_is_5(reference, capsys):
    named = ["../anatase-07.xsf", "../brookite-03.xsf"]
    deep = predict_in("RELAX", "F_conv=0.001 E_conv=0.00001 steps=400")
    assert run(["predict", deep, *named]) == 5
    out, notes = capsys.readouterr()
    first, second = out.split(f" {70 * '+'}\n\n")
    assert "converged after" not in first
    assert "converged after" in second
    assert notes.count("aenetpy: error: ") == 1
    told = (
        r"error: \.\./anatase-07\.xsf: atoms \d+ and \d+ are 0.\d+ Å apart, closer than RMIN = 1 Å"
    )
    steps = int(re.search(told + r" after (\d+) steps of RELAX; the geometry before", notes)[1])
    _, table, _ = parts_of(first)
    assert len(table) == steps
    # what is printed is a geometry that the same command accepts
    found = re.findall(
        r"^ (Ti|O)  +(\S+) +(\S+) +(\S+) +\S+ +\S+ +\S+", first.split("(optimized)")[1], re.M
    )
    start = read_xsf("../anatase-07.xsf")
    kept = replace(start, positions_nc=np.array([row[1:] for row in found], float))
    potential = read_potential(".")
    assert potential.evaluate(kept).closest.distance >= 1.0
    assert run(["predict", deep, *named, "--json"]) == 5
    first, second = json.loads(capsys.readouterr().out)["structures"]
    assert not first["relaxation"]["converged"]
    assert "closer than RMIN" in first["warnings"][0]
    assert second["relaxation"]["converged"]


def test_evaluate_keeps_the_last_good_geometry(reference, capsys):
    Path("in.json").write_text('{"potentials": {"Ti": "Ti.nn", "O": "O.nn"}}')
    shutil.copy("../anatase-07.xsf", "a.xsf")
    assert run(["evaluate", "in.json", "a.xsf", "--relax", "0.001"]) == 5
    assert "closer than RMIN = 1 Å after" in (notes := capsys.readouterr().err)
    assert "the last good geometry is in a-last.xsf" in notes
    assert not Path("a-relaxed.xsf").exists()
    kept, potential = read_xsf("a-last.xsf"), read_potential(".")
    found = potential.evaluate(kept)
    assert found.closest.distance >= 1.0
    assert found.energy < potential.evaluate(read_xsf("a.xsf")).energy
    assert kept.energy == pytest.approx(found.energy, abs=1e-7)
    Path("a-last.xsf").unlink()
    assert run(["evaluate", "in.json", "a.xsf", "--relax", "0.001", "--steps", "2"]) == 5
    assert "a.xsf: not relaxed to 0.001" in capsys.readouterr().err
    assert potential.evaluate(read_xsf("a-last.xsf")).energy > found.energy
