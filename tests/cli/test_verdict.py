"""What train says in the end: errors by set of the networks to use, and what carries them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.commands.verdict import log_verdict
from aenetpy.formats.tables import names_in_energies
from aenetpy.training.objective import Loss, Quantity
from tests.cli.inputs import generate_in
from tests.cli.test_parity import NAMES, REFERENCE


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    for path in [*REFERENCE.glob("*.xsf"), *REFERENCE.glob("chebyshev/*.stp")]:
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("generate.in").write_text(generate_in(*NAMES))
    Path("train.in").write_text(
        "TRAININGSET t.train\nTESTPERCENT 40\nITERATIONS 4\nSEED 3\nSAVE_ENERGIES\n"
        "METHOD\nbfgs\nNETWORKS\nTi Ti.nn 1 4:tanh\nO O.nn 1 4:tanh\n"
    )
    assert run(["generate", "generate.in"]) == 0
    return tmp_path


def test_train_ends_with_the_errors_of_the_networks_to_use(folder, capsys):
    capsys.readouterr()
    assert run(["train", "train.in"]) == 0
    text, notes = capsys.readouterr()
    assert "errors of" not in text
    files = "Ti.nn, O.nn" if "errors of Ti.nn, O.nn\n" in notes else "Ti.nn-best, O.nn-best"
    assert f"errors of {files}\n" in notes
    rows = [line.split() for line in notes.splitlines() if "  energy  " in line]
    assert [row[0] for row in rows] == ["test", "training"]
    epochs = [line.split() for line in text.splitlines() if line.endswith(" <")]
    columns = np.array([row[1:5] for row in epochs], float)
    best = columns[np.argmin(columns[:, 3])]  # of the smallest test error
    if files == "Ti.nn, O.nn":
        np.testing.assert_allclose(best, columns[-1])
    found = [float(x) for row in (rows[1], rows[0]) for x in row[3:5]]
    np.testing.assert_allclose(found, 1000 * best, rtol=1e-3)
    assert "info: next: " in notes
    assert len(names_in_energies("energies.test.0")) == int(rows[0][2])


def test_the_structures_that_carry_the_error_are_named(caplog):
    caplog.set_level("INFO", "aenetpy")
    errors_s = np.full(40, 0.001)
    errors_s[7] = 0.05

    class Given:
        quantities = (Quantity("energy", "eV/atom"),)

        def __init__(self, errors_s):
            self.errors_s = errors_s

        def evaluate(self, weights_w, gradient):
            return Loss(0.0, np.empty(0), (self.errors_s,))

    parts = {
        "test": (Given(errors_s), np.arange(40)),
        "training": (Given(np.full(40, 0.001)), np.arange(40)),
    }
    log_verdict({"Ti": "Ti.nn"}, np.empty(0), None, parts, [f"{k}.xsf" for k in range(40)])
    part = 100 * 0.05**2 / (0.05**2 + 39e-6)
    assert (
        f"test set: 1 structure of 40 carries {part:.0f} % of the squared error of the energies: "
        "7.xsf (-50 meV/atom)" in caplog.messages
    )
    assert not any(text.startswith("training set") for text in caplog.messages)
    assert "look at these structures" in caplog.messages[-1]
