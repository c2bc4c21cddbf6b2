"""Runs from Python, each in a folder that is not the current one."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ase.io
import pytest

import aenetpy
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "tio2"
NAMES = [f"{phase}-0{k}" for phase in ("rutile", "anatase") for k in range(4)]


def write_inputs(folder: Path) -> None:
    (folder / "generate.in").write_text(
        "OUTPUT a.train\nTYPES\n2\nTi 0.0\nO 0.0\nSETUPS\n"
        + "".join(f"{symbol} {EXAMPLE}/{symbol}.fingerprint.stp\n" for symbol in ("Ti", "O"))
        + f"FILES\n{len(NAMES)}\n"
        + "".join(f"{EXAMPLE}/xsf/{name}.xsf\n" for name in NAMES)
    )
    (folder / "train.in").write_text(
        "TRAININGSET a.train\nTESTPERCENT 25\nITERATIONS 3\nSEED 1\n"
        "NETWORKS\nTi Ti.nn 1 2:tanh\nO O.nn 1 2:tanh\n"
    )
    (folder / "predict.in").write_text(
        "TYPES\n2\nTi\nO\nNETWORKS\nTi Ti.nn\nO O.nn\nFORCES\n"
        f"FILES\n1\n{EXAMPLE}/xsf/{NAMES[0]}.xsf\n"
    )


def run_all(folder: Path) -> float:
    write_inputs(folder)
    info = aenetpy.generate(aenetpy.read_generate_in(folder / "generate.in"), folder)
    assert info.n_structures == len(NAMES)
    trained = aenetpy.train(aenetpy.read_train_in(folder / "train.in"), folder)
    assert [row.epoch for row in trained.rows] == [0, 1, 2, 3]
    assert trained.errors.train[0].rmse < trained.rows[0].train[0].rmse
    found = aenetpy.predict(aenetpy.read_predict_in(folder / "predict.in"), folder)
    [prediction] = found.predictions
    potential = aenetpy.read_potential(trained.networks)
    energy = potential.evaluate(prediction.structure).energy
    assert prediction.evaluation.energy == energy
    return energy


def test_two_folders_at_once(tmp_path, monkeypatch, capsys):
    folders = [tmp_path / name for name in ("here", "one", "two")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.chdir(folders[0])
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(run_all, folders[1:])
    assert one == two
    assert list(folders[0].iterdir()) == []
    assert capsys.readouterr().out == ""
    for name in ("a.train", "Ti.nn", "O.nn"):
        assert (folders[1] / name).read_bytes() == (folders[2] / name).read_bytes()


def test_what_the_readme_says(tmp_path, monkeypatch, capsys):
    potentials, run = tmp_path / "potentials" / "TiO2", tmp_path / "run"
    for folder in (potentials, run):
        folder.mkdir(parents=True)
    run_all(potentials)
    for name in ("Ti.nn", "O.nn"):
        shutil.copy(potentials / name, tmp_path)
    for symbol in ("Ti", "O"):
        shutil.copy(EXAMPLE / f"{symbol}.fingerprint.stp", tmp_path)
    shutil.copy(EXAMPLE / "xsf" / f"{NAMES[0]}.xsf", tmp_path / "a.xsf")
    write_inputs(run)
    (run / "study.yaml").write_text(
        "generate: generate.in\ntrain: train.in\ntest: 2\nsizes: 4\nseeds: [1]\n"
        "variants:\n  one: {}\n"
    )
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text()
    [code] = re.findall(r"```python\n(import aenetpy\n.*?)```", text, re.DOTALL)
    atoms = ase.io.read("a.xsf", format="xsf")
    values = {"atoms": atoms, "__name__": "__main__"}
    exec(code, values)
    assert capsys.readouterr().out == ""
    assert values["found"].stress_cc == pytest.approx(atoms.get_stress(voigt=False), rel=1e-9)
    assert aenetpy.read_stp("Ti.stp").n_features == values["setup"].n_features == 44
    assert len(list((run / "augmented").iterdir())) == 6 * len(NAMES)
    assert values["fit"].errors.test[0].rmse > 0
    assert (run / "study" / "report.md").exists()
