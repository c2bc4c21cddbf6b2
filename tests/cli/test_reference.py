"""The three commands against own reference files, which need no other data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.formats.network import read_network
from aenetpy.formats.rngstate import read_rngstate
from aenetpy.formats.trainset import read_trainset
from tests.conftest import ROOT
from tests.printed import assert_same_numbers, energy_rows, lines_of


@pytest.fixture(scope="module", params=["chebyshev", "behler"])
def done(request, tmp_path_factory) -> Path:
    """A folder in which the three commands have run; their output as ``<command>.out``."""
    folder = tmp_path_factory.mktemp("reference") / "reference"
    shutil.copytree(ROOT / "tests" / "data" / "reference", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / request.param)
        for command in ("generate", "train", "predict"):
            with Path(f"{command}.out").open("w") as out:
                patch.setattr("sys.stdout", out)
                assert run([command, f"{command}.in", "--jobs", "2"]) == 0
    return folder / request.param


def test_training_set(done):
    for name in ("TiO2.train", "TiO2.train.scaled"):
        ours, expected = read_trainset(done / name), read_trainset(done / "expected" / name)
        assert ours.names_s == expected.names_s
        np.testing.assert_allclose(ours.energies_s, expected.energies_s, rtol=1e-13, atol=1e-13)
        for one, other in zip(ours.features_tng, expected.features_tng, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    text = (done / "generate.out").read_text()
    assert lines_of(text) == lines_of((done / "expected" / "generate.out").read_text())


def test_training(done):
    np.testing.assert_array_equal(
        read_rngstate(done / "train.rngstate"), read_rngstate(done / "expected" / "train.rngstate")
    )
    for name in ("Ti.nn", "O.nn"):
        ours, expected = read_network(done / name), read_network(done / "expected" / name)
        assert ours.activations == expected.activations
        np.testing.assert_allclose(ours.weights_w, expected.weights_w, rtol=1e-7, atol=1e-7)
    for name in ("energies.train.0", "energies.test.0"):
        (ours_sk, names_s), (expected_sk, expected_names) = (
            energy_rows((folder / name).read_text()) for folder in (done, done / "expected")
        )
        assert names_s == expected_names
        np.testing.assert_allclose(ours_sk[:, 1], expected_sk[:, 1], rtol=2e-6)
    ours, expected = (
        [line for line in (folder / "train.out").read_text().split("\n") if line.endswith("<")]
        for folder in (done, done / "expected")
    )
    assert len(ours) == 9
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(
            [float(x) for x in one.split()[:-1]], [float(x) for x in other.split()[:-1]], rtol=1e-5
        )


def test_prediction(done, monkeypatch, capsys):
    """With the reference networks, not those just trained."""
    monkeypatch.chdir(done)
    for name in ("Ti.nn", "O.nn"):
        shutil.copy(Path("expected", name), name)
    assert run(["predict", "predict.in"]) == 0
    written = lines_of(capsys.readouterr().out)
    expected = lines_of(Path("expected", "predict.out").read_text())
    assert_same_numbers(written, expected)
