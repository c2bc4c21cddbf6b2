"""A family of fingerprints defined here alone goes through generate, train and predict."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.data.fingerprint_families import family_of, known_families
from aenetpy.descriptors.base import Descriptor, make_descriptor
from aenetpy.inputs.stp import format_stp, read_stp
from aenetpy.models.reading import read_potential
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.descriptors.bumps import FAMILY, bump_setup, use_bumps

REFERENCE = ROOT / "tests" / "data" / "reference"
SPECIES = ("Ti", "O")


@pytest.fixture
def bumps(monkeypatch):
    use_bumps(monkeypatch)
    return FAMILY


def write_setup(symbol, basis="Rc = 4.0"):
    path = Path(f"{symbol}.fingerprint.stp")
    path.write_text(f"ATOM {symbol}\nENV 2\nTi\nO\nRMIN 0.5\nBASIS type=Bumps\n{basis}\n")
    return path


def test_through_generate_train_and_predict(bumps, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for symbol in SPECIES:
        write_setup(symbol)
    files = sorted(REFERENCE.glob("*.xsf"))
    for path in files:
        shutil.copy(path, tmp_path)
    listing = "\n".join([f"FILES\n{len(files)}", *(path.name for path in files), ""])
    Path("generate.in").write_text(
        "OUTPUT a.train\nTYPES\n2\nTi -1604.604515075\nO -432.503149303\n"
        f"SETUPS\nTi Ti.fingerprint.stp\nO O.fingerprint.stp\n{listing}"
    )
    assert run(["generate", "generate.in"]) == 0
    printed = capsys.readouterr().out
    assert " Basis function type Bumps\n [a test]\n\n Cutoff : 4.00\n Order  : 2\n" in printed
    Path("train.in").write_text(
        "TRAININGSET a.train\nTESTPERCENT 20\nITERATIONS 5\nMETHOD\nbfgs\n"
        "NETWORKS\nTi Ti.nn 1 4:tanh\nO O.nn 1 4:tanh\n"
    )
    assert run(["train", "train.in"]) == 0
    Path("predict.in").write_text(f"TYPES\n2\nTi\nO\nNETWORKS\nTi Ti.nn\nO O.nn\nFORCES\n{listing}")
    capsys.readouterr()
    assert run(["predict", "predict.in"]) == 0
    printed = capsys.readouterr().out

    potential = read_potential({symbol: f"{symbol}.nn" for symbol in SPECIES})
    energies = [potential.evaluate(read_xsf(path)).energy for path in files]
    told = [float(line.split()[-2]) for line in printed.splitlines() if "Total energy" in line]
    assert told == pytest.approx(energies, abs=1e-7)
    structure = read_xsf(files[0])
    found = potential.evaluate(structure)
    step = 1e-4
    ends = []
    for sign in (1.0, -1.0):
        moved = read_xsf(files[0])
        moved.positions_nc[1, 2] += sign * step
        ends.append(potential.evaluate(moved, forces=False).energy)
    assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(found.forces_nc[1, 2], abs=1e-6)
    assert run(["inspect", "Ti.nn", "--verbose"]) == 0
    assert "bump 2 O" in capsys.readouterr().out


def test_setups_of_a_family_are_read_and_written(bumps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setup = read_stp(write_setup("Ti", "Rc = 4.5  N = 3"))
    assert setup.family is bumps
    assert setup.n_features == 8
    assert setup.r_max == 4.5
    assert setup.named_parameters(0) == {"Rc": 4.5, "N": 3.0}
    Path("again.stp").write_text(format_stp(setup))
    np.testing.assert_array_equal(read_stp("again.stp").parameters_gp, setup.parameters_gp)
    assert known_families() == "Chebyshev, Behler2011 and Bumps"


def test_components_without_names_are_numbered(bumps):
    descriptor = make_descriptor(bump_setup("Ti", SPECIES, 4.0, 0), SPECIES)
    assert Descriptor.names(descriptor) == ["component 1", "component 2"]
    assert descriptor.cutoff == 4.0


def test_without_the_entry_the_family_is_unknown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["inspect", str(write_setup("Ti"))]) == 3
    message = capsys.readouterr().err
    assert "unknown basis type 'Bumps'" in message
    assert "known are Chebyshev and Behler2011" in message
    assert family_of("CHEBYSHEV").name == "Chebyshev"
    assert family_of("behler2011").name == "unknown"
