"""``predict --committee``: mean and spread against the members, with and without calibration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from aenetpy.cli.main import run
from aenetpy.models.calibration import Calibration, Spread
from aenetpy.models.committee import read_committee
from aenetpy.models.committee_file import write_committee
from aenetpy.models.reading import read_potential
from aenetpy.structures.xsf import read_xsf, write_xsf
from tests.models.test_committee import members, write
from tests.models.test_potential import random_structure
from tests.reports.golden_text import comparable

COMMAND = ["predict", "predict.in", "--jobs", "1", "--committee", "com"]
HEAD = "TYPES\n2\nTi\nO\nNETWORKS\nTi Ti.nn\nO O.nn\n"
FILES = "FILES\n2\na.xsf\nb.xsf\n"


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, potential in enumerate(members("tio2-chebyshev"), start=1):
        write(potential, tmp_path / "com" / f"member-{number}")
    for name, seed in (("a.xsf", 3), ("b.xsf", 4)):
        write_xsf(name, random_structure(seed, "periodic"))
    Path("predict.in").write_text(f"{HEAD}FORCES\n{FILES}")


def values(text: str, label: str) -> list[float]:
    lines = [line for line in text.splitlines() if line.startswith(f" {label}")]
    return [float(line.split(":")[1].split()[0]) for line in lines]


@pytest.mark.parametrize("factors", [None, (2.0, None), (2.0, 3.0)])
def test_mean_and_spread(factors, capsys):
    of_energy, of_force = factors or (None, None)
    if factors:
        one, two = (
            None
            if factor is None
            else Spread(
                factor, 1.0, 1.0, (0.5, 0.9), (0.6, 0.9), 5, (1.0, 4.0), 4.0, 0.1, (2.0, 1.0)
            )
            for factor in factors
        )
        networks = [f"member-{k}/{symbol}.nn" for k in (1, 2, 3) for symbol in ("Ti", "O")]
        write_committee("com", networks, Calibration(5, one, two))
    energies, forces = [], []
    for number in (1, 2, 3):
        potential = read_potential(f"com/member-{number}")
        found = [potential.evaluate(read_xsf(name)) for name in ("a.xsf", "b.xsf")]
        energies.append([one.energy for one in found])
        forces.append([one.forces_nc for one in found])
    std_s = np.std(energies, axis=0) * (of_energy or 1.0)
    forces_std_snc = np.std(forces, axis=0) * (of_force or 1.0)

    assert run(COMMAND) == 0
    text = capsys.readouterr().out
    assert values(text, "Total energy") == pytest.approx(np.mean(energies, axis=0), abs=1e-7)
    assert values(text, "Std. deviation of energy") == pytest.approx(std_s, abs=1e-7)
    largest = forces_std_snc.max(axis=(1, 2))
    assert values(text, "Largest std. dev. of forces") == pytest.approx(largest, abs=1e-7)
    assert text.count("eV (calibrated)") == 2 * (of_energy is not None)
    assert text.count("eV/Angstrom (calibrated)") == 2 * (of_force is not None)
    assert text.count("(not calibrated)") == 2 * ((of_energy is None) + (of_force is None))
    assert all(f"com/member-{k}/Ti.nn" in text for k in (1, 2, 3))

    assert run([*COMMAND, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["Ti"]["file"] for one in found["members"]] == [
        f"com/member-{k}/Ti.nn" for k in (1, 2, 3)
    ]
    for s, one in enumerate(found["structures"]):
        said = one["uncertainty"]
        assert said["energy"] == pytest.approx(std_s[s], rel=1e-6)
        np.testing.assert_allclose(said["forces"], forces_std_snc[s], rtol=1e-6)
        assert said["energy_is_calibrated"] == (of_energy is not None)
        assert said["forces_are_calibrated"] == (of_force is not None)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_networks_need_not_be_named(options, capsys):
    assert run([*COMMAND, *options]) == 0
    expected = capsys.readouterr().out
    Path("predict.in").write_text(f"TYPES\n2\nTi\nO\nFORCES\n{FILES}")
    assert run([*COMMAND, *options]) == 0
    found = capsys.readouterr().out
    assert comparable(found) == comparable(expected)
    assert run(COMMAND[:4]) == 3
    assert "predict.in: keyword NETWORKS is missing" in capsys.readouterr().err


def test_without_forces(capsys):
    Path("predict.in").write_text(HEAD + FILES)
    assert run(COMMAND) == 0
    text = capsys.readouterr().out
    assert text.count("Std. deviation of energy") == 2
    assert "Largest std. dev." not in text


def test_what_cannot_be(capsys):
    assert run([*COMMAND[:-1], "nowhere"]) == 4
    assert "nowhere: no folders member-1, member-2" in capsys.readouterr().err


def test_a_committee_relaxes_on_its_mean(capsys):
    Path("predict.in").write_text(f"{HEAD}RELAX\nsteps=5\n{FILES}")
    assert run([*COMMAND, "--json"]) == 0
    for one in json.loads(capsys.readouterr().out)["structures"]:
        energies = one["relaxation"]["cohesive_energies"]
        assert len(energies) > 1
        assert energies == sorted(energies, reverse=True)
        assert energies[-1] == pytest.approx(one["cohesive_energy"], rel=1e-12)
        atoms = Atoms(one["species"], one["positions"], cell=one["cell"], pbc=one["periodic"])
        found = read_committee("com").evaluate(atoms)
        assert found.mean.energy == pytest.approx(one["energy"], rel=1e-9)
        assert found.energy_std == pytest.approx(one["uncertainty"]["energy"], rel=1e-6)
