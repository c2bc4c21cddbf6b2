"""Predictions against what the files hold: predict on standard error and in JSON, parity."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units

from aenetpy import Calculator, CommitteeCalculator
from aenetpy.analysis.parity import Compared, ParityGroup, energy_panel, force_panel, parity_figure
from aenetpy.cli.main import run
from aenetpy.commands.parity import parity
from aenetpy.formats.network import read_network, write_network
from aenetpy.formats.tables import format_energies
from aenetpy.inputs.predict_in import read_predict_in
from aenetpy.structures.atoms import atoms_from_structure
from aenetpy.structures.xsf import read_xsf

REFERENCE = Path(__file__).resolve().parents[1] / "data" / "reference"
NAMES = sorted(path.name for path in REFERENCE.glob("*.xsf"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with networks, labelled structures, and a predict.in that names them all."""
    for path in [*REFERENCE.glob("*.xsf"), *REFERENCE.glob("chebyshev/expected/*.nn")]:
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    write_input("FORCES", NAMES)
    return tmp_path


def write_input(keywords: str, names: list[str]) -> None:
    files = "\n".join(names)
    Path("predict.in").write_text(
        f"TYPES\n2\nTi\nO\nNETWORKS\nTi Ti.nn\nO O.nn\n{keywords}\nFILES\n{len(names)}\n{files}\n"
    )


def expected_errors(capsys) -> tuple[np.ndarray, np.ndarray]:
    """Return errors of energy per atom and forces, from total energies and nothing else."""
    assert run(["predict", "predict.in", "--json"]) == 0
    energies, forces = [], []
    for found in json.loads(capsys.readouterr().out)["structures"]:
        given = read_xsf(found["name"])
        energies.append((found["energy"] - given.energy) / len(given))
        forces.append(np.array(found["forces"]) - given.forces_nc)
    return np.array(energies), np.concatenate(forces)


def test_predict_tells_the_errors(folder, capsys):
    energies, forces = expected_errors(capsys)
    assert run(["predict", "predict.in"]) == 0
    mae, rmse = 1000 * np.abs(energies).mean(), 1000 * np.sqrt((energies**2).mean())
    n = len(NAMES)
    assert (
        f"compared with the files, energies of {n} structures: MAE {mae:.4g}, RMSE {rmse:.4g} "
        f"meV/atom; forces of {n} structures: MAE {np.abs(forces).mean():.4g}, "
        f"RMSE {np.sqrt((forces**2).mean()):.4g} eV/Å per component" in capsys.readouterr().err
    )


def test_json_holds_errors_and_references(folder, capsys):
    energies, forces = expected_errors(capsys)
    assert run(["predict", "predict.in", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    errors = found["errors"]
    assert errors["energy_per_atom"]["count"] == len(NAMES)
    assert errors["energy_per_atom"]["mae"] == pytest.approx(np.abs(energies).mean())
    assert errors["force_component"]["rmse"] == pytest.approx(np.sqrt((forces**2).mean()))
    assert errors["force_component"]["unit"] == "eV/angstrom"
    first = found["structures"][0]
    given = read_xsf(NAMES[0])
    np.testing.assert_array_equal(first["reference"]["forces"], given.forces_nc)
    assert first["reference"]["cohesive_energy"] - first["cohesive_energy"] == pytest.approx(
        given.energy - first["energy"]
    )


def test_structures_without_labels_are_not_compared(folder, capsys):
    text = Path(NAMES[0]).read_text()
    bare = "\n".join(line for line in text.splitlines() if "energy" not in line)
    Path("bare.xsf").write_text(
        "\n".join(
            " ".join(w[:4]) if len(w := line.split()) == 7 else line for line in bare.splitlines()
        )
    )
    write_input("", ["bare.xsf"])
    assert run(["predict", "predict.in"]) == 0
    assert "compared" not in capsys.readouterr().err
    assert run(["predict", "predict.in", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["errors"] == {"energy_per_atom": None, "force_component": None}
    assert found["structures"][0]["reference"] == {"cohesive_energy": None, "forces": None}
    assert run(["parity", "predict.in"]) == 4
    assert "predict.in: no structure holds an energy or forces" in capsys.readouterr().err
    assert not Path("parity.png").exists()


def test_a_cohesive_energy_wins_and_copies_are_left_out(folder, capsys):
    text = Path(NAMES[0]).read_text()
    assert run(["predict", "predict.in", NAMES[0], "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["structures"]
    n = len(found["species"])
    Path("a.xsf").write_text(
        f"# cohesive energy = {found['cohesive_energy'] + n * 0.5} eV\n" + text
    )
    Path("b.xsf").write_text("# parent structure = a.xsf\n" + text)
    write_input("", ["a.xsf", "b.xsf"])
    assert run(["predict", "predict.in"]) == 0
    assert "energies of 1 structure: MAE 500, RMSE 500 meV/atom" in capsys.readouterr().err


def test_parity_reports_and_draws_what_was_compared(folder, capsys):
    energies, forces = expected_errors(capsys)
    assert run(["parity", "predict.in"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:3] for row in rows] == [
        ["energy", str(energies.size), "structures"],
        ["force", str(forces.size), "components"],
    ]
    assert float(rows[0][4]) == pytest.approx(1000 * np.abs(energies).mean(), rel=1e-3)
    assert float(rows[0][8]) == pytest.approx(1000 * np.abs(energies).max(), rel=1e-3)
    assert float(rows[1][6]) == pytest.approx(np.sqrt((forces**2).mean()), rel=1e-3)
    assert Path("parity.png").read_bytes().startswith(b"\x89PNG")
    panels = parity(read_predict_in(Path("predict.in")), "again.svg", io.StringIO())
    assert Path("again.svg").read_text().startswith("<?xml")
    (group,) = panels[0].groups
    np.testing.assert_allclose(group.predicted - group.reference, energies, atol=1e-9)
    given = np.concatenate([read_xsf(name).forces_nc for name in NAMES])
    np.testing.assert_array_equal(panels[1].groups[0].reference, given.ravel())


def test_parity_reads_any_format(folder, capsys):
    import ase.io

    frames = [atoms_from_structure(read_xsf(name)) for name in NAMES]
    ase.io.write("all.xyz", frames)
    results = []
    for files in ([], ["all.xyz@:"]):
        assert run(["parity", "predict.in", *files]) == 0
        results.append(
            [
                [float(w) for w in line.split()[4:9:2]]
                for line in capsys.readouterr().out.splitlines()
            ]
        )
    np.testing.assert_allclose(results[0], results[1], rtol=1e-3)


def test_unknown_figure_format(folder, capsys):
    assert run(["parity", "predict.in", "-o", "figure.doc"]) == 2
    assert "no figure format 'doc'" in capsys.readouterr().err


def test_the_figure_shows_the_values():
    groups = [
        ParityGroup("train", np.array([-1.0, -2.0]), np.array([-1.1, -2.0])),
        ParityGroup("test", np.array([-3.0]), np.array([-2.8])),
    ]
    forces = force_panel([ParityGroup("", np.zeros((2, 3)), np.ones((2, 3)))])
    figure = parity_figure([energy_panel(groups), forces])
    left, right = figure.axes
    np.testing.assert_array_equal(left.collections[0].get_offsets(), [[-1.0, -1.1], [-2.0, -2.0]])
    np.testing.assert_array_equal(left.collections[1].get_offsets(), [[-3.0, -2.8]])
    assert [text.get_text() for text in left.texts] == [
        "train (2): MAE 50, RMSE 70.7 meV/atom",
        "test (1): MAE 200, RMSE 200 meV/atom",
    ]
    assert [text.get_text() for text in right.texts] == ["6 components: MAE 1, RMSE 1 eV/Å"]
    low, high = left.get_xlim()
    assert low < -3.0
    assert high > -1.0
    assert left.get_ylim() == (low, high)
    assert left.get_xlabel() == "reference energy (eV/atom)"


def test_nothing_to_compare_gives_no_panels():
    assert Compared().panels() == []


def record(sets: dict[str, list[str]], where: str = ".") -> None:
    """Write the tables that train leaves behind, with names alone that mean something."""
    for part, names in sets.items():
        counts = np.array([[1, 2] for _ in names])
        energies = np.zeros(len(names))
        text = format_energies(("Ti", "O"), names, counts, energies, energies, 1.0)
        (Path(where) / f"energies.{part}.0").write_text(text)


def test_errors_are_reported_by_set_test_first(folder, capsys):
    energies, _ = expected_errors(capsys)
    sets = {"train": NAMES[:2], "test": NAMES[2:3]}
    record(sets)
    assert run(["predict", "predict.in"]) == 0
    rows = [line.split() for line in capsys.readouterr().err.splitlines()]
    start = next(k for k, row in enumerate(rows) if row[:2] == ["set", "quantity"])
    table = {tuple(row[:2]): row[2:] for row in rows[start + 1 :]}
    assert list(table) == [
        (which, quantity)
        for which in ("test", "training", "other")
        for quantity in ("energy", "force")
    ]
    parts = {"training": energies[:2], "test": energies[2:3], "other": energies[3:]}
    for which, of in parts.items():
        n, mae, rmse, unit = table[which, "energy"]
        assert (int(n), unit) == (of.size, "meV/atom")
        assert float(mae) == pytest.approx(1000 * np.abs(of).mean(), rel=1e-3)
        assert float(rmse) == pytest.approx(1000 * np.sqrt((of**2).mean()), rel=1e-3)
    assert run(["predict", "predict.in", "--json"]) == 0
    by_set = json.loads(capsys.readouterr().out)["errors"]["sets"]
    assert list(by_set) == ["test", "training", "other"]
    assert by_set["test"]["energy_per_atom"]["mae"] == pytest.approx(np.abs(energies[2:3]).mean())
    assert run(["parity", "predict.in"]) == 0
    rows = capsys.readouterr().out.splitlines()
    energy = [row for row in rows if row.startswith("energy")]
    assert [row.split()[-2:] for row in energy[:2]] == [["test", "set"], ["training", "set"]]
    assert float(energy[0].split()[4]) == pytest.approx(1000 * abs(energies[2]), rel=1e-3)


def test_the_set_is_known_from_another_folder(folder, capsys, monkeypatch):
    record({"train": NAMES[:2], "test": NAMES[2:]})
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    text = (folder / "predict.in").read_text().replace("Ti Ti.nn", "Ti ../Ti.nn")
    text = text.replace("O O.nn", "O ../O.nn")
    for name in NAMES:
        text = text.replace(f"\n{name}", f"\n../{name}")
    Path("predict.in").write_text(text)
    assert run(["predict", "predict.in", "--json"]) == 0
    by_set = json.loads(capsys.readouterr().out)["errors"]["sets"]
    assert {which: of["energy_per_atom"]["count"] for which, of in by_set.items()} == {
        "test": len(NAMES) - 2,
        "training": 2,
    }


def test_a_damaged_record_is_not_taken(folder, capsys):
    Path("energies.test.0").write_text("nothing\n")
    assert run(["predict", "predict.in"]) == 0
    notes = capsys.readouterr().err
    assert "energies.test.0: is no table of energies, or is cut" in notes
    assert f"compared with the files, energies of {len(NAMES)} structures" in notes


def test_forces_by_species(folder, capsys):
    assert run(["predict", "predict.in", "--json"]) == 0
    errors = {"Ti": [], "O": []}
    for found in json.loads(capsys.readouterr().out)["structures"]:
        given = read_xsf(found["name"])
        for symbol, error_c in zip(
            given.species, np.array(found["forces"]) - given.forces_nc, strict=True
        ):
            errors[symbol].append(error_c)
    assert run(["parity", "predict.in"]) == 0
    (row,) = [row for row in capsys.readouterr().out.splitlines() if row.startswith("force")]
    for symbol, of in errors.items():
        mae, rmse = np.abs(of).mean(), np.sqrt(np.square(of).mean())
        assert f"{symbol} {mae:.4g}/{rmse:.4g}" in row


def test_stress_is_compared(folder, capsys):
    import ase.io
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = atoms_from_structure(read_xsf(NAMES[0]))
    stress = Calculator(".").get_stress(atoms)
    results = {"energy": 0.0, "stress": stress + 0.01 * np.array([1, -2, 3, 0, 0, 0])}
    atoms.calc = SinglePointCalculator(atoms, **results)
    ase.io.write("stress.xyz", atoms)
    assert run(["parity", "predict.in", "stress.xyz"]) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[:3] == ["stress", "6", "components"]
    assert float(row[4]) == pytest.approx(0.01 / units.GPa, rel=1e-3)
    assert row[-1] == "GPa"
    write_input("FORCES", ["stress.xyz"])
    assert run(["predict", "predict.in"]) == 0
    assert f"stresses of 1 structure: MAE {0.01 / units.GPa:.4g}" in capsys.readouterr().err


def test_a_committee_has_error_bars(folder, capsys):
    for number, factor in ((1, 1.0), (2, 1.1)):
        where = folder / "com" / f"member-{number}"
        where.mkdir(parents=True)
        for name in ("Ti.nn", "O.nn"):
            one = read_network(name)
            write_network(where / name, replace(one, weights_w=factor * one.weights_w))
    record({"test": NAMES[:1], "train": NAMES[1:]}, "com/member-1")
    found = {}
    settings = read_predict_in(Path("predict.in"))
    for panel in parity(settings, "com.png", io.StringIO(), committee="com"):
        found[panel.quantity] = {group.name: group for group in panel.groups}
    committee = CommitteeCalculator("com")
    atoms = atoms_from_structure(read_xsf(NAMES[0]))
    committee.calculate(atoms, ["forces"])
    of_energy, of_force = found["energy"]["test set"], found["force"]["test set"]
    assert of_energy.deviation == pytest.approx([committee.results["energy_std"] / len(atoms)])
    np.testing.assert_allclose(of_force.deviation, committee.results["forces_std"].ravel())
    assert run(["parity", "predict.in", "--committee", "com", "-o", "again.png"]) == 0
    assert "test set" in capsys.readouterr().out


def test_parity_goes_on_after_a_structure_without_number(folder, capsys):
    Path("none.xsf").write_text("nothing\n")
    write_input("FORCES", [NAMES[0], "none.xsf", NAMES[1]])
    assert run(["parity", "predict.in"]) == 5
    text, notes = capsys.readouterr()
    assert text.split()[:3] == ["energy", "2", "structures"]
    assert "1 of 3 structures have no energy; the first: none.xsf" in notes
