"""``aenetpy explore`` on the gold that ships with the project, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.units import GPa

import aenetpy
from aenetpy.analysis.survey_figures import distance_figure, energy_figure, force_figure
from aenetpy.cli.main import run
from tests.conftest import ROOT
from tests.pages import Page, as_opened
from tests.vasp_runs import vasprun

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
        turned.positions[:] = frames[10].get_forces()  # turned like the atoms
        turned.rotate(50, (1, 2, 3))
        forces = turned.positions.copy()
        turned.positions[:] = frames[10].positions
        turned.rotate(50, (1, 2, 3), rotate_cell=True)
        turned.calc = SinglePointCalculator(
            turned, energy=frames[10].get_potential_energy(), forces=forces
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


def in_hartree(k, atoms, results):
    results["energy"] /= 27.211386 if k % 2 else 1.0


def in_hartree_everywhere(k, atoms, results):
    results["forces"] /= 27.211386 / 0.52917721


def without_atoms(k, atoms, results):
    results["energy"] -= -0.7 * len(atoms) * (k % 2)


def gradients(k, atoms, results):
    results["forces"] *= -1


def some_gradients(k, atoms, results):
    results["forces"] *= (-1) ** k


def one_long(k, atoms, results):
    results["forces"][:2] += (k == 5) * np.array([[58.0, 0, 0], [-58.0, 0, 0]])


def no_forces(k, atoms, results):
    results["forces"] *= 0


def no_forces_in_two(k, atoms, results):
    results["forces"] *= k not in (3, 7)


@pytest.mark.parametrize(
    ("damage", "kind", "least", "most"),
    [
        (in_hartree, "two_units", 33, 34),
        (in_hartree_everywhere, "force_units", 0, 0),
        (without_atoms, "two_references", 33, 34),
        (gradients, "wrong_sign", 60, 67),
        (some_gradients, "wrong_sign", 30, 33),
        (one_long, "long_forces", 1, 1),
        (no_forces, "zero_forces", 65, 65),  # symmetry demands two of them
        (no_forces_in_two, "zero_forces", 2, 2),
    ],
)
def test_damaged_labels(gold, damage, kind, least, most):
    def change(frames):
        for k, atoms in enumerate(frames):
            damage(k, atoms, atoms.calc.results)

    (finding,) = gold(change).findings
    assert finding.kind == kind
    assert least <= len(finding.names) <= most


def test_a_species_in_one_file(gold):
    def change(frames):
        results = frames[4].calc.results
        frames[4].symbols[0] = "Cu"
        frames[4].calc = SinglePointCalculator(frames[4], **results)

    found = {one.kind: one.names for one in gold(change).findings}
    assert found["rare_species"] == ("gold.traj@4",)


def test_near_frames_of_which_there_are_few(tmp_path, monkeypatch):
    """Ten dimers on a spring, too few for a fit; forces from energies or against them."""
    monkeypatch.chdir(tmp_path)
    for sign, kinds_found in ((1, []), (-1, [("wrong_sign", 8)])):
        frames = [Atoms("H2", [(0, 0, 0), (0, 0, 0.75 + 0.05 * k)]) for k in range(8)]
        for k, atoms in enumerate(frames):
            pull = [0, 0, sign * 0.05 * (k + 1)]
            atoms.calc = SinglePointCalculator(
                atoms,
                energy=0.5 * (0.05 * (k + 1)) ** 2,
                forces=np.array([pull, np.negative(pull)]),
            )
        write("h2.traj", frames)
        assert kinds(aenetpy.explore(["h2.traj@:"])) == kinds_found


def test_stress(gold, capsys):
    def change(frames):
        for k, atoms in enumerate(frames[:10]):
            atoms.calc.results["stress"] = np.array([-1, -2, -3, 0.5, 0, 0]) * k * GPa

    gold(change)
    assert run(["explore", "gold.traj@:", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["structures_with_stress"] == 10
    assert found["pressure_GPa"] == pytest.approx({"minimum": 0, "median": 9, "maximum": 18})
    assert found["largest_stress_GPa"]["maximum"] == pytest.approx(27)
    assert run(["explore", "gold.traj@:"]) == 0
    assert "pressure of 10 (GPa)" in capsys.readouterr().out


def test_steps_that_did_not_converge(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vasprun.xml").write_text(vasprun([3, 5, 2, 5]))
    found = {one.kind: one.names for one in aenetpy.explore(["vasprun.xml@:"]).findings}
    assert found["unconverged"] == ("vasprun.xml@1", "vasprun.xml@3")


def test_isolated_atoms(gold, capsys):
    """Two of gold, one in a box: no outliers, no other periodicity, and the lower wins."""

    def change(frames):
        alone = [Atoms("Au"), Atoms("Au", cell=[12, 12, 12], pbc=True, info={})]
        alone[1].info["config_type"] = "isolatedATOM"
        for atoms, energy in zip(alone, (-0.7, -0.6), strict=True):
            atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=np.zeros((1, 3)))
        write("gold.xyz", [*alone, *frames])
        return [*alone, *frames]

    gold(change)
    found = aenetpy.explore(["gold.xyz@:"])
    assert kinds(found) == [("isolated_atoms_differ", 2)]
    assert found.types_block == "TYPES\n1\nAu -0.700000"
    assert run(["explore", "gold.xyz@:"]) == 0
    assert "atomic energies of isolated atoms: Au" in capsys.readouterr().out
    assert run(["init", "gold.xyz@:"]) == 0
    assert "\nAu -0.700000\n" in Path("generate.in").read_text()


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
