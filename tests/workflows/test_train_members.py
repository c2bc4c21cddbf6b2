"""``train --members``: members against train alone, the common test set, kills, going on."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import aenetpy
from aenetpy.analysis.reliability import Reliability, reliability_bins, reliability_figure
from aenetpy.cli.main import run
from aenetpy.errors import DataError, Stopped
from aenetpy.io.network import read_network
from aenetpy.io.train_in import read_train_in
from aenetpy.io.train_state import read_train_state
from aenetpy.io.trainset import write_trainset
from aenetpy.models.calibration import read_calibration, spread_of
from aenetpy.models.network import Network
from aenetpy.reports.listener import SILENT
from aenetpy.workflows import checkpoint, train_members
from aenetpy.workflows.train import prepare
from aenetpy.workflows.train_members import member_seed
from tests.kill import killed_everywhere
from tests.training import small_trainset

COMMAND = ["train", "train.in", "--members", "3", "--jobs", "1"]


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_STATES", -1.0)
    write_trainset("s.train", small_trainset(["TOO", "TTOO", "OO", "TO", "TOOO", "TTO"] * 3))
    write_settings()
    return tmp_path


def write_settings(iterations: int = 3, test: int = 20) -> None:
    Path("train.in").write_text(
        f"TRAININGSET s.train\nTESTPERCENT {test}\nITERATIONS {iterations}\nITERWRITE 0\nSEED 5\n"
        "METHOD\nbfgs\nNETWORKS\nTi Ti.nn 1 3:tanh\nO O.nn 1 3:tanh\n"
    )


def weights(folder: str | Path) -> np.ndarray:
    return np.concatenate([read_network(Path(folder) / f"{s}.nn").weights_w for s in ("Ti", "O")])


def test_the_first_member_is_what_train_makes(capsys):
    assert run(COMMAND) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table[2:]] == [
        "member-1",
        "member-2",
        "member-3",
        "committee",
    ]
    Path("train.rngstate").unlink()
    assert run(["train", "train.in", "--jobs", "1"]) == 0
    alone, own = capsys.readouterr().out, Path("member-1/train.out").read_text()
    year = f"{datetime.now():%Y-}"
    assert [line for line in alone.splitlines() if year not in line] == [
        line for line in own.splitlines() if year not in line
    ]
    assert np.array_equal(weights("."), weights("member-1"))
    assert not np.array_equal(weights("member-2"), weights("member-3"))
    assert len({member_seed(5, k) for k in range(1, 50)}) == 49


def test_errors_of_the_mean_and_calibration():
    """Against a sum over atoms, with the networks in the folders."""
    settings = read_train_in(Path("train.in"))
    found = aenetpy.train_members(settings, members=3, jobs=2)
    prepared = prepare(settings)
    trainset = prepared.trainset
    errors = []
    for folder in found.folders:
        potential = [read_network(folder / f"{s}.nn") for s in trainset.species]
        sums_s = np.zeros(trainset.n_structures)
        for t, file in enumerate(potential):
            network = Network(file.nodes_l, file.activations, file.weights_w)
            y_n = network.forward(trainset.features_tng[t])
            owner_n = np.repeat(np.arange(trainset.n_structures), trainset.n_atoms_s)
            np.add.at(sums_s, owner_n[trainset.types_n == t], y_n)
        per_atom_s = (trainset.energies_s - sums_s) / trainset.n_atoms_s / trainset.scale
        errors.append(per_atom_s[prepared.test_s])
    mean_s, std_s = np.mean(errors, axis=0), np.std(errors, axis=0)
    assert found.committee_rmse[0] == pytest.approx(np.sqrt(np.mean(mean_s**2)), rel=1e-9)
    assert found.calibration.energy.factor == pytest.approx(
        np.sqrt((mean_s**2).sum() / (std_s**2).sum()), rel=1e-9
    )
    assert found.calibration == read_calibration("committee.json")
    for row, one in zip(found.rmse_mk, errors, strict=True):
        assert row[1] == pytest.approx(np.sqrt(np.mean(one**2)), rel=1e-9)


def test_the_figure_shows_the_errors_of_the_test_set(monkeypatch):
    drawn = []

    def figure(panels):
        drawn.extend(panels)
        return reliability_figure(panels)

    monkeypatch.setattr(train_members, "reliability_figure", figure)
    found = aenetpy.train_members(read_train_in(Path("train.in")), members=3)
    (panel,) = drawn
    assert panel.spread == found.calibration.energy == spread_of(panel.errors_k, panel.stds_k)
    assert np.sqrt(np.mean(panel.errors_k**2)) == pytest.approx(found.committee_rmse[0], rel=1e-12)
    assert Path("committee.png").read_bytes().startswith(b"\x89PNG")
    write_settings(test=0)
    aenetpy.train_members(read_train_in(Path("train.in")), members=2)
    assert not Path("committee.png").exists()


def test_bins_of_the_figure():
    """Errors twice the standard deviation: on a line of slope 2, after calibration on the diagonal.

    The standard deviations 1 ... 50 make ten bins of five, whose mean squares are in closed form.
    """
    stds_k = np.random.default_rng(3).permutation(50) + 1.0
    errors_k = 2.0 * stds_k * np.where(stds_k % 2, 1.0, -1.0)
    predicted_b, observed_b = reliability_bins(errors_k, stds_k)
    middle_b = 5.0 * np.arange(10) + 3.0
    np.testing.assert_allclose(predicted_b, np.sqrt(middle_b**2 + 2.0), rtol=1e-12)
    np.testing.assert_allclose(observed_b, 2.0 * predicted_b, rtol=1e-12)
    spread = spread_of(errors_k, stds_k)
    axes = reliability_figure([Reliability("force", "eV/Å", errors_k, stds_k, spread)]).axes[0]
    before, after, _ = axes.lines
    np.testing.assert_allclose(before.get_xdata(), predicted_b)
    np.testing.assert_allclose(after.get_xdata(), observed_b, rtol=1e-12)
    np.testing.assert_allclose(after.get_ydata(), observed_b)


def test_spread_in_closed_form():
    """Errors c times as large as drawn standard deviations: factor c, 68 and 95 per cent."""
    rng = np.random.default_rng(1)
    stds_k = rng.uniform(0.5, 2.0, 200_000)
    stds_k[:10] = 1e-12  # members that agree by chance do not matter
    found = spread_of(3.0 * stds_k.mean() * rng.standard_normal(200_000), np.full(200_000, 1.0))
    assert found.factor == pytest.approx(3.0 * stds_k.mean(), rel=0.01)
    found = spread_of(3.0 * stds_k * rng.standard_normal(200_000), stds_k)
    assert found.factor == pytest.approx(3.0, rel=0.01)
    assert found.within == pytest.approx((0.2611, 0.4950), abs=0.005)
    assert found.within_calibrated == pytest.approx((0.6827, 0.9545), abs=0.005)
    assert spread_of(np.ones(3), np.zeros(3)) is None
    assert spread_of(np.empty(0), np.empty(0)) is None


def test_killed_at_any_change_and_repeated(tmp_path):
    assert run(COMMAND) == 0
    expected = [weights(f"member-{k}") for k in (1, 2, 3)]
    calibration = Path("committee.json").read_text()
    remove_all_but_input()
    for k in killed_everywhere(lambda: run(COMMAND)):
        if k % 8 == 0:
            assert run(COMMAND) == 0
            assert all(np.array_equal(weights(f"member-{n}"), expected[n - 1]) for n in (1, 2, 3))
            assert Path("committee.json").read_text() == calibration
            assert not Path("train.members").exists()
        remove_all_but_input()


def remove_all_but_input() -> None:
    for path in Path().iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in ("s.train", "train.in"):
            path.unlink()


def test_the_same_command_after_the_end_trains_further():
    assert run(COMMAND) == 0
    assert run(COMMAND) == 0
    twice = [weights(f"member-{k}") for k in (1, 2, 3)]
    assert [read_train_state(f"member-{k}/train.state").epochs for k in (1, 2, 3)] == [6, 6, 6]
    for k in (1, 2, 3):
        shutil.rmtree(f"member-{k}")
    Path("train.rngstate").unlink()
    write_settings(iterations=6)
    assert run(COMMAND) == 0
    for one, k in zip(twice, (1, 2, 3), strict=True):
        np.testing.assert_array_equal(one, weights(f"member-{k}"))


def test_stop_and_go_on():
    Path("STOP").touch()
    settings = read_train_in(Path("train.in"))
    with pytest.raises(Stopped, match="STOP: training halted after epoch 1; remove this file"):
        aenetpy.train_members(settings, members=2)
    assert not Path("member-2").exists()
    Path("STOP").unlink()
    aenetpy.train_members(settings, members=2)
    assert [read_train_state(f"member-{k}/train.state").epochs for k in (1, 2)] == [3, 3]


def test_a_split_that_is_given():
    def split(names):
        assert len(names) == 18
        return np.arange(2, 18), np.arange(2)

    found = aenetpy.train_members(
        read_train_in(Path("train.in")), ".", SILENT, 1, members=2, split=split
    )
    assert found.calibration.n_structures == 2
    assert not Path("train.rngstate").exists()


def test_without_a_test_set():
    write_settings(test=0)
    found = aenetpy.train_members(read_train_in(Path("train.in")), members=2)
    assert found.committee_rmse == ()
    assert found.calibration is None
    assert not Path("committee.json").exists()


def test_a_damaged_calibration(tmp_path):
    (tmp_path / "committee.json").write_text("{}")
    with pytest.raises(DataError, match=r"committee\.json: holds no calibration"):
        read_calibration(tmp_path / "committee.json")
