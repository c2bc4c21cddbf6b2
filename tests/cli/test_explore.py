"""``aenetpy explore`` on the gold that ships with the project, whole and damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

import aenetpy
from aenetpy.analysis.survey_figures import distance_figure, energy_figure, force_figure
from aenetpy.cli.main import run
from tests.conftest import ROOT
from tests.pages import Page, as_opened

GOLD = f"{ROOT}/inputs/gold/gold.xyz"


@pytest.fixture
def gold(tmp_path, monkeypatch):
    """Return a function that writes gold with energies and forces changed, and explores it."""
    monkeypatch.chdir(tmp_path)

    def look(change=lambda frames: None):
        frames = read(GOLD, ":")
        for atoms in frames:
            atoms.calc = SinglePointCalculator(
                atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces().copy()
            )
        frames = change(frames) or frames
        write("gold.traj", frames)
        return aenetpy.explore(["gold.traj@:"])

    return look


def kinds(found):
    return [(one.kind, len(one.names)) for one in found.findings]


def test_nothing_is_wrong_with_the_gold(gold):
    assert kinds(gold()) == []


def test_one_energy(gold):
    def change(frames):
        frames[5].calc.results["energy"] += 1.0  # of 12 atoms

    found = gold(change)
    assert kinds(found) == [("energy_outliers", 1)]
    assert found.findings[0].names == ("gold.traj@5",)
    assert "gold.traj@5, by +0.0" in found.findings[0].text


def test_two_references(gold):
    def change(frames):
        for atoms in frames[::2]:
            atoms.calc.results["energy"] += 0.5 * len(atoms)

    (finding,) = gold(change).findings
    assert finding.kind == "two_references"
    text = finding.text.split("eV/atom")[0].split()
    assert float(text[-1]) == pytest.approx(0.5, abs=0.03)


def test_frames_again(gold):
    def change(frames):
        again, turned, other = (frames[k].copy() for k in (3, 10, 20))
        again.calc, other.calc = frames[3].calc, None
        turned.rotate(50, (1, 2, 3), rotate_cell=True)
        turned.calc = SinglePointCalculator(
            turned, energy=frames[10].get_potential_energy(), forces=0 * turned.positions
        )
        other.calc = SinglePointCalculator(
            other,
            energy=frames[20].get_potential_energy() + 5.0,
            forces=frames[20].get_forces(),
        )
        return [*frames, again, turned, other]

    found = {one.kind: one.names for one in gold(change).findings}
    assert found.pop("energy_outliers") == ("gold.traj@69",)
    assert found == {
        "equal": ("gold.traj@67",),
        "nearly_equal": ("gold.traj@68",),
        "contradictory": ("gold.traj@69",),
    }


def test_forces(gold):
    def change(frames):
        del frames[1].calc.results["forces"]
        frames[2].calc.results["forces"][0, 0] += 1.0
        del frames[3].calc.results["energy"]

    found = {one.kind: one.names for one in gold(change).findings}
    assert found == {
        "without_energy": ("gold.traj@3",),
        "without_forces": ("gold.traj@1",),
        "net_forces": ("gold.traj@2",),
    }


def test_text_json_and_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["explore", f"{GOLD}@:", "nothing.xsf", "--cutoff", "4", "--html", "g.html"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("67 structures\n")
    assert "structure file 'nothing.xsf' not found" in text
    assert "\n  TYPES\n  1\n  Au 0." in text
    assert run(["explore", f"{GOLD}@:", "--json", "--cutoff", "4", "--cutoff", "9"]) == 0
    found = json.loads(capsys.readouterr().out)
    frames = read(GOLD, ":")
    assert found["structures"] == len(frames) == sum(found["compositions"].values())
    energies = [atoms.get_potential_energy() / len(atoms) for atoms in frames]
    assert found["energy_per_atom_eV"]["maximum"] == pytest.approx(max(energies))
    assert found["longest_force_eV_per_A"]["median"] == pytest.approx(
        np.median([np.linalg.norm(atoms.get_forces(), axis=1).max() for atoms in frames])
    )
    assert found["atomic_energies_eV"]["Au"] == pytest.approx(np.mean(energies))
    error = np.std(energies, ddof=1) / np.sqrt(len(energies))
    assert found["atomic_energy_errors_eV"]["Au"] == pytest.approx(error)
    low = [
        atoms.cell.volume / np.linalg.norm(np.cross(*np.delete(atoms.cell, k, axis=0)))
        for atoms in frames
        for k in range(3)
    ]
    lower = (np.array(low).reshape(-1, 3).min(axis=1) < 4).sum()
    assert [row["cells_lower"] for row in found["cutoffs"]] == [lower, len(frames)]
    assert found["cutoffs"][1]["neighbours"] is None
    assert found["findings"] == []
    page = Page((tmp_path / "g.html").read_text())
    assert len(page.figures) == 3
    assert ["Au-Au", *text.split("Au-Au")[1].split()[:3]] in page.tables[3]


@pytest.mark.external
def test_the_page_opens_in_a_browser(tmp_path):
    assert run(["explore", f"{GOLD}@:", "--html", str(tmp_path / "g.html")]) == 0
    seen = as_opened(tmp_path / "g.html")
    assert (seen["images"], seen["requests"]) == ("3/3", "0")


def highest(figure) -> int:
    """Return the height of the highest bar; stacked ones count from the axis."""
    return round(max(patch.get_xy()[:, 1].max() for patch in figure.axes[0].patches))


def test_figures_hold_all_structures(gold):
    found = gold()

    def most(values) -> int:
        margin = 0.01 * np.ptp(values)
        edges = np.linspace(values.min() - margin, values.max() + margin, 41)
        return np.histogram(values, edges)[0].max()

    energies = energy_figure(found.survey, found.rest_s)
    assert highest(energies) == most(found.rest_s)
    names = [text.get_text() for text in energies.axes[0].get_legend().get_texts()]
    assert {"Au16 (18)", "Au4 (9)", "others (1)"} <= set(names)
    assert sum(int(name.split("(")[1][:-1]) for name in names) == len(found.survey.names_s)
    distances = distance_figure(found.survey)
    assert highest(distances) == most(found.survey.shortest_sp)
    assert [text.get_text() for text in distances.axes[0].get_legend().get_texts()] == [
        "Au-Au (67)"
    ]
    assert highest(force_figure(found.survey)) == most(found.survey.longest_s)


@pytest.mark.parametrize(
    "frames",
    [
        [Atoms("H")],
        [Atoms("H2", [(0, 0, 0), (0, 0, 0.74)])] * 2,
        [Atoms("H2", [(0, 0, 0), (0, 0, 0)]), Atoms("Au", cell=[4.1] * 3, pbc=True)],
        [Atoms("TiO2", [(0, 0, 0), (0, 0, 2), (0, 2, 0)])],
    ],
    ids=["one atom", "twice", "atoms in one place, mixed", "no energies"],
)
def test_little_data(frames, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write("some.traj", frames)
    assert run(["explore", "some.traj@:", "--html", "some.html"]) == 0
    assert "without energy" in capsys.readouterr().out
    assert Page((tmp_path / "some.html").read_text()).title.startswith(f"{len(frames)} structures")
    assert run(["explore", "some.traj@:", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["types_block"] is None
    assert {one["kind"] for one in found["findings"]} >= {"without_energy", "without_forces"}


def test_compositions_that_do_not_tell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frames = [Atoms("TiO2", [(0, 0, 0), (0, 0, z), (0, 2, 0)]) for z in (2.0, 2.1, 2.2)]
    for k, atoms in enumerate(frames):
        atoms.calc = SinglePointCalculator(atoms, energy=-30.0 + k, forces=np.zeros((3, 3)))
    write("some.traj", frames)
    assert run(["explore", "some.traj@:"]) == 0
    out = capsys.readouterr().out
    assert "they tell 1 of 2 apart" in out
    assert "standard errors" not in out


def test_nothing_to_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["explore", "nothing.xsf"]) == 4
    assert capsys.readouterr().err.count("\n") == 1
