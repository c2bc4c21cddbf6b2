"""What the examples of gold begin with."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.calculators.emt import EMT

import aenetpy
from tests.conftest import ROOT


def loaded(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / "gold" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def start():
    return loaded("start")


def test_structures_to_begin_with_are_labelled_by_emt(start, tmp_path):
    start.write_start(tmp_path / "a")
    start.write_start(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    frames = ase.io.read(tmp_path / "a" / "initial.xyz", index=":")
    assert [len(atoms) for atoms in frames] == [32] * 20
    for atoms in frames[::6]:
        energy, forces_nc = atoms.get_potential_energy(), atoms.get_forces()
        again = atoms.copy()
        again.calc = EMT()
        assert energy == pytest.approx(again.get_potential_energy(), abs=1e-5)
        np.testing.assert_allclose(forces_nc, again.get_forces(), atol=1e-5)
    assert max(np.abs(atoms.get_forces()).max() for atoms in frames) < 8.0
    sizes = {name: len(atoms) for name, atoms in start.start_structures().items()}
    assert sizes == {"100": 45, "111": 45, "bcc": 54}


def test_structures_to_begin_with_can_be_trained_on(start, tmp_path):
    start.write_start(tmp_path)
    train_in = (tmp_path / "train.in").read_text()
    (tmp_path / "train.in").write_text(train_in.replace("ITERATIONS 600", "ITERATIONS 60"))
    aenetpy.generate(aenetpy.read_generate_in(tmp_path / "generate.in", tmp_path), tmp_path)
    fit = aenetpy.train(aenetpy.read_train_in(tmp_path / "train.in"), tmp_path)
    energy, force = fit.errors.train[:2]
    frames = start.initial_structures()
    spread = np.std([atoms.get_potential_energy() / 32 for atoms in frames])
    forces = np.concatenate([atoms.get_forces().ravel() for atoms in frames])
    assert energy.rmse < 0.5 * spread
    assert force.rmse < 0.3 * np.std(forces)


def test_a_fifth_of_each_class_is_held_out():
    dft = loaded("dft")
    numbers = {"Au_BULK": 14, "Au-bcc": 18, "Au100-a0": 10, "More_Au100": 12, "Au111-a0": 21}
    files = [Path(f"{name}-{k:02d}.xsf") for name, n in numbers.items() for k in range(n)]
    training, testing = dft.divide(files, 1)
    assert sorted(training + testing) == sorted(files)
    assert Counter(map(dft.class_of, testing)) == {"FCC": 3, "BCC": 4, "Au100": 4, "Au111": 4}
    assert dft.divide(files, 1) == (training, testing)
    assert dft.divide(files, 2)[1] != testing


def test_learning_goes_on_and_tells_errors_after_each_fit(tmp_path):
    example = loaded("run")
    text = example.LEARN.replace("members: 5", "members: 2").replace("labels: 16", "labels: 2")
    text = text.replace("iterations: 150", "iterations: 10").replace("0.15", "0.05")
    path = example.write_once(tmp_path, text + example.PROPERTIES)
    train_in = (tmp_path / "train.in").read_text()
    (tmp_path / "train.in").write_text(train_in.replace("ITERATIONS 600", "ITERATIONS 20"))
    state = example.run(tmp_path)
    assert state.n_labels == 2
    assert path.read_text() == text + example.PROPERTIES
    assert example.run(tmp_path) == state
    rows = example.table(state).splitlines()
    assert len(rows) == 3 + len(state.cycles)
    assert [cell.strip() for cell in rows[-1].split("|")[3:-1]] == [
        "173.868",
        "173.371",
        "174.401",
        "168.637",
        "0.640",
        "0.537",
    ]
    labels = [int(row.split("|")[2]) for row in rows[2:-1]]
    assert labels[0] == 0
    assert labels[-1] == 2
