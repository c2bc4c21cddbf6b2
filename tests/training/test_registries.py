"""A method and an activation that only this file knows go through the commands."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import aenetpy
from aenetpy.cli.main import run
from aenetpy.data.activations import ACTIVATIONS, Activation
from aenetpy.data.structure import Structure
from aenetpy.data.training_methods import (
    ABOVE_ZERO,
    AT_LEAST_ONE,
    METHODS,
    MethodEntry,
    MethodParameter,
)
from aenetpy.formats.network import read_network, write_network, write_network_ascii
from aenetpy.formats.trainset import write_trainset
from aenetpy.structures.xsf import write_xsf
from aenetpy.training.methods.base import fits
from aenetpy.training.train_state import read_train_state
from tests import naive_network
from tests.formats.make import make_network
from tests.training import small_trainset
from tests.training.test_restart import WORDS


class HeavyBall:
    """Steepest descent with momentum on the whole set: a toy."""

    uses_gradient = True
    converged = False
    note = None

    def __init__(self, n_weights, parameters):
        self.rate, self.momentum = parameters["rate"], parameters["momentum"]
        self.delay = parameters["delay"]
        self.update_w, self.n_steps = np.zeros(n_weights), 0

    def step(self, weights_w, loss, objective, sample_v):
        self.n_steps += 1
        momentum = self.momentum if self.n_steps > self.delay else 0.0
        self.update_w = momentum * self.update_w - self.rate * loss.gradient_w
        return weights_w + self.update_w

    def state(self):
        return {"update_w": self.update_w.copy(), "n_steps": np.array(self.n_steps)}

    def restore(self, state):
        if not fits(state, self.state()):
            return False
        self.update_w, self.n_steps = state["update_w"].copy(), int(state["n_steps"])
        return True


TOY = MethodEntry(
    names=("heavy_ball", "hb"),
    title="Heavy Ball",
    implementation=f"{__name__}:HeavyBall",
    parameters={
        "rate": MethodParameter(0.01, ABOVE_ZERO, "Step length"),
        "momentum": MethodParameter(0.5, label="Momentum", form="fixed"),
        "delay": MethodParameter(3, AT_LEAST_ONE, "Steps without momentum"),
    },
)


@pytest.fixture
def toy_method(monkeypatch):
    for name in TOY.names:
        monkeypatch.setitem(METHODS, name, TOY)


def train(folder: Path, monkeypatch, epochs: int, method: str) -> int:
    folder.mkdir(exist_ok=True)
    write_trainset(folder / "TiO2.train", small_trainset(WORDS, (4, 4)))
    (folder / "train.in").write_text(
        f"TRAININGSET TiO2.train\nTESTPERCENT 20\nITERATIONS {epochs}\nSEED 3\n"
        f"METHOD\n{method}\nNETWORKS\nTi Ti.nn 1 4:tanh\nO O.nn 1 4:tanh\n"
    )
    monkeypatch.chdir(folder)
    return run(["train", "train.in"])


def weights(folder: Path) -> np.ndarray:
    return np.concatenate([read_network(folder / f"{s}.nn").weights_w for s in ("Ti", "O")])


def test_a_toy_method_trains_and_goes_on(toy_method, tmp_path, monkeypatch, capsys) -> None:
    method = "heavy_ball rate=0.02 momentum=0.8"
    assert train(tmp_path / "one", monkeypatch, 20, method) == 0
    out = capsys.readouterr().out
    assert " Training method         : Heavy Ball\n" in out
    assert "   Step length           :    2.0000000000000000E-002\n" in out
    assert "   Steps without momentum:            3\n" in out
    assert " epochs using the Heavy Ball method.\n" in out
    assert (
        " Sampling type               : sequential\n Momentum                    : 0.8000\n" in out
    )
    rmse = [float(row.split()[2]) for row in re.findall(r"^ +\d+ .*<$", out, re.MULTILINE)]
    assert len(rmse) == 21
    assert rmse[-1] < 0.9 * rmse[0]
    two = tmp_path / "two"
    assert [train(two, monkeypatch, n, method) for n in (8, 12)] == [0, 0]
    assert (weights(two) == weights(tmp_path / "one")).all()
    assert read_train_state(two / "train.state").memory["n_steps"] == 20
    assert not (two / "train.restart").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hb rate=0", "train.in:6: hb: rate is 0; it must be larger than 0"),
        ("hb delay=0", "train.in:6: hb: delay is 0; it must be at least 1"),
        ("hb delay=1.5", "train.in:6: hb: delay: '1.5' is not an integer"),
        ("hp", "train.in:6: unknown training method 'hp'; known are bfgs, online_sd, online_gd,"),
    ],
)
def test_parameters_of_a_toy_method_are_checked(
    toy_method, line, message, tmp_path, monkeypatch, capsys
) -> None:
    assert train(tmp_path, monkeypatch, 1, line) == 3
    assert message in capsys.readouterr().err
    assert not (tmp_path / "Ti.nn").exists()


def softsign(x, slope, bend):
    """f = x / (1 + |x|), f' = 1 / (1 + |x|)^2; f'' is for forces only."""
    assert bend is None
    np.abs(x, out=slope)
    slope += 1.0
    x /= slope
    np.power(slope, -2.0, out=slope)


@pytest.fixture
def toy_activation(monkeypatch):
    entry = Activation("softsign", "q", 17, "soft sign", softsign)
    monkeypatch.setitem(ACTIVATIONS, entry.name, entry)
    monkeypatch.setitem(naive_network.ACTIVATION, entry.name, lambda x: x / (1 + abs(x)))


def molecule(rng: np.random.Generator) -> Structure:
    positions_nc = np.array([[0.0, 0, 0], [1.0, 0, 0], [0, 1.2, 0]])
    positions_nc += rng.uniform(-0.2, 0.2, (3, 3))
    energy = float(np.linalg.norm(positions_nc[0] - positions_nc[1]))
    return Structure(("H",) * 3, positions_nc, energy=energy, forces_nc=np.zeros((3, 3)))


def test_a_toy_activation_trains_and_predicts(
    toy_activation, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(4)
    names = [f"{k:02d}.xsf" for k in range(12)]
    for name in names:
        write_xsf(name, molecule(rng))
    functions = [f"G=2 type2=H eta={eta} Rs=0.0 Rc=4.0" for eta in (0.1, 0.5, 2.0)]
    head = ["ATOM H", "ENV 1", "H", "RMIN 0.3", "FUNCTIONS type=Behler2011", "3"]
    Path("H.stp").write_text("\n".join([*head, *functions]))
    files = ["FILES", "12", *names]
    Path("generate.in").write_text(
        "\n".join(["OUTPUT H.train", "TYPES", "1", "H 0.0", "SETUPS", "H H.stp", *files])
    )
    Path("train.in").write_text(
        "TRAININGSET H.train\nTESTPERCENT 0\nITERATIONS 20\nSEED 1\n"
        "NETWORKS\nH H.nn 2 3:softsign 2:q\n"
    )
    Path("predict.in").write_text(
        "\n".join(["TYPES", "1", "H", "NETWORKS", "H H.nn", "FORCES", "FILES", "1", names[0]])
    )
    assert run(["generate", "generate.in"]) == 0
    capsys.readouterr()
    assert run(["train", "train.in"]) == 0
    out = capsys.readouterr().out
    assert "       2 :     3  soft sign (softsign)\n       3 :     2  soft sign (softsign)\n" in out
    file = read_network("H.nn")
    assert file.activations == ("softsign", "softsign", "linear")
    assert run(["predict", "predict.in"]) == 0
    total = re.search(r"Total energy +: +(\S+) eV", capsys.readouterr().out)
    assert total is not None

    potential, structure = aenetpy.read_potential("."), molecule(np.random.default_rng(4))
    found = potential.evaluate(structure)
    assert float(total[1]) == pytest.approx(found.energy, abs=1e-6)
    features_ag = aenetpy.fingerprints(structure, ["H.stp"])["H"].features_ag
    statistics = file.setup.statistics
    assert statistics is not None
    sigma_g = np.sqrt(statistics.mean_square_g - statistics.mean_g**2)
    y = [
        naive_network.output(file.nodes_l, file.activations, file.weights_w, list(x_g))
        for x_g in (features_ag - statistics.mean_g) / sigma_g
    ]
    assert sum(y) / file.scale + 3 * file.shift == pytest.approx(found.energy, rel=1e-9)
    for atom, c in ((0, 0), (1, 2), (2, 1)):
        energies = []
        for move in (-1e-4, 1e-4):
            positions_nc = structure.positions_nc.copy()
            positions_nc[atom, c] += move
            moved = replace(structure, positions_nc=positions_nc)
            energies.append(potential.evaluate(moved, forces=False).energy)
        slope = (energies[0] - energies[1]) / 2e-4
        assert found.forces_nc[atom, c] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_text_and_binary_files_know_the_toy_activation(
    toy_activation, tmp_path, monkeypatch
) -> None:
    network = make_network(np.random.default_rng(1), (4, 3, 2, 1), 2)
    chosen = replace(network, activations=("softsign",) * 3)
    write_network(tmp_path / "again.nn", chosen)
    write_network_ascii(tmp_path / "again.ascii", chosen)
    assert read_network(tmp_path / "again.nn").activations == chosen.activations
    assert read_network(tmp_path / "again.ascii").activations == chosen.activations
