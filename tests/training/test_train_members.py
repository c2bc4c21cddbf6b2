"""``train --members``: members against train alone, the common test set, kills, going on."""

from __future__ import annotations

import json
import math
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import aenetpy
from aenetpy.analysis.reliability import Reliability, reliability_bins, reliability_figure
from aenetpy.cli.main import run
from aenetpy.commands import train_members
from aenetpy.commands.train import prepare
from aenetpy.commands.train_members import member_seed
from aenetpy.errors import DataError, Stopped
from aenetpy.formats.network import read_network
from aenetpy.formats.trainset import write_trainset
from aenetpy.inputs.train_in import read_train_in
from aenetpy.models.calibration import spread_of
from aenetpy.models.committee import read_committee
from aenetpy.models.committee_file import committee_members
from aenetpy.models.network import Network
from aenetpy.reports.listener import SILENT
from aenetpy.training import checkpoint
from aenetpy.training.train_state import read_train_state
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
    ratios_s = np.sort(abs(mean_s) / std_s)
    assert len(ratios_s) == 3  # of 3 + 1, the third has 68 % below it
    assert found.calibration.energy.factor == pytest.approx(ratios_s[2], rel=1e-9)
    sources, calibration = committee_members(".")
    assert found.calibration == calibration
    assert [len(networks) for networks in sources] == [2, 2, 2]
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

    The standard deviations 1 ... 50 make ten bins of five, whose quantiles are in closed form.
    """
    stds_k = np.random.default_rng(3).permutation(50) + 1.0
    errors_k = 2.0 * stds_k * np.where(stds_k % 2, 1.0, -1.0)
    predicted_b, observed_b, half_b = reliability_bins(errors_k, stds_k)
    np.testing.assert_allclose(predicted_b, 5.0 * np.arange(10) + 3.0, rtol=1e-12)
    np.testing.assert_allclose(observed_b, 2.0 * (predicted_b - 2.0 + 4 * 0.6827), rtol=1e-12)
    np.testing.assert_allclose(half_b, predicted_b - 2.0 + 4 * 0.9545, rtol=1e-12)
    spread = spread_of(errors_k, stds_k)
    assert spread.factor == pytest.approx(2.0, rel=1e-12)
    axes = reliability_figure([Reliability("force", "eV/Å", errors_k, stds_k, spread)]).axes[0]
    before, after, tail, _ = axes.lines
    np.testing.assert_allclose(before.get_xdata(), 1000.0 * predicted_b)
    np.testing.assert_allclose(after.get_xdata(), 2000.0 * predicted_b)
    np.testing.assert_allclose(after.get_ydata(), 1000.0 * observed_b)
    np.testing.assert_allclose(tail.get_ydata(), 1000.0 * half_b)


def test_spread_in_closed_form():
    """Errors c times as large as drawn standard deviations: factor c, 68 and 95 per cent."""
    rng = np.random.default_rng(1)
    stds_k = rng.uniform(0.5, 2.0, 200_000)
    errors_k = 3.0 * stds_k * rng.standard_normal(200_000)
    stds_k[:10], errors_k[10:100] = 1e-12, 1e3  # symmetry, and outliers, do not change the factor
    found = spread_of(errors_k, stds_k)
    assert found.n == 199_990
    assert found.factor == pytest.approx(3.0, rel=0.01)
    assert found.factor_95 == pytest.approx(6.0, rel=0.01)
    low, high = found.interval
    assert 2.95 < low < found.factor < high < 3.05
    assert found.within == pytest.approx((0.2611, 0.4950), abs=0.005)
    assert found.within_calibrated == pytest.approx((0.6827, 0.9545), abs=0.005)
    assert found.beyond_three == pytest.approx(0.0027 + 90 / 200_000, abs=0.0005)
    assert found.largest[0] == 1e3
    assert spread_of(np.ones(3), np.zeros(3)) is None
    assert spread_of(np.empty(0), np.empty(0)) is None


def test_the_factor_holds_for_structures_that_it_has_not_seen():
    """Errors with heavy tails, alike within a structure: coverage outside, and an honest interval.

    Of Student's t with 3 degrees of freedom 68 % are within 1.197; the ratio of root mean squares
    would be 1.7.
    """
    rng = np.random.default_rng(2)
    owners_k = np.repeat(np.arange(60), 50)

    def drawn() -> np.ndarray:
        return (rng.standard_t(3, 60)[:, None] * np.ones(50)).ravel()

    stds_k = np.ones(3000)
    intervals = [spread_of(drawn(), stds_k, owners_k).interval for _ in range(40)]
    covered = [low <= 1.197 <= high for low, high in intervals]
    assert np.mean(covered) > 0.8
    low, high = spread_of(drawn(), stds_k).interval  # as if all were independent
    assert high - low < 0.5 * np.median(np.diff(intervals))
    few = [spread_of(rng.standard_t(3, 20), np.ones(20)).factor for _ in range(150)]
    inside = [(abs(rng.standard_t(3, 50)) <= factor).mean() for factor in few]
    assert np.mean(inside) == pytest.approx(15 / 21, abs=0.03)


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
    assert committee_members(".")[1] is None


def test_patience_does_not_see_what_calibrates():
    write_settings(test=40)
    text = Path("train.in").read_text()
    Path("train.in").write_text(text.replace("METHOD", "PATIENCE 50\nSAVE_ENERGIES\nMETHOD"))
    found = aenetpy.train_members(read_train_in(Path("train.in")), members=2)
    test_s = set(prepare(read_train_in(Path("train.in"))).test_s + 1)
    seen = len(Path("member-1/energies.test.0").read_text().splitlines()) - 1
    assert (len(test_s), seen, found.calibration.n_structures) == (7, 4, 3)


def test_fewer_members_than_before(capsys):
    """Those of the earlier training stay where they are, and do not count."""
    assert run(COMMAND) == 0
    assert run([*COMMAND[:3], "2", "--jobs", "1"]) == 0
    capsys.readouterr()
    assert len(read_committee(".")) == 2
    Path("committee.json").unlink()
    assert len(read_committee(".")) == 3


def changed(folder: Path) -> None:
    content = (folder / "Ti.nn").read_bytes()
    (folder / "Ti.nn").write_bytes(content.replace(content[200:201], b"~", 1))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda: shutil.rmtree("member-2"), r"member-2/O\.nn: is gone|member-2/Ti\.nn: is gone"),
        (lambda: changed(Path("member-3")), r"member-3/Ti\.nn: has changed"),
        (lambda: shutil.copytree("member-1", "member-01"), r"member-01: members are called"),
        (
            lambda: (
                Path("committee.json").unlink(),
                shutil.copytree("member-1", "member-4"),
            ),
            r"member-4: this member of a committee is the same as member-1",
        ),
        (
            lambda: (Path("committee.json").unlink(), Path("train.members").touch()),
            r"train\.members: the members of this committee are not trained to the end",
        ),
    ],
)
def test_members_that_do_not_count(damage, message):
    assert run(COMMAND) == 0
    damage()
    with pytest.raises(DataError, match=message):
        read_committee(".")


def stopped_after_one_member() -> None:
    """Leave a call that has one member behind it."""
    Path("STOP").touch()
    assert run(COMMAND) == 75
    Path("STOP").unlink()


@pytest.mark.parametrize(
    ("old", "new", "status", "message"),
    [
        ("ITERATIONS 3", "ITERATIONS 4", 3, "'ITERATIONS 4' stands where it was 'ITERATIONS 3'"),
        ("Ti.nn 1 3:tanh", "Ti.nn 1 4:tanh", 3, "Ti.nn 1 4:tanh"),
        ("SEED 5", "SEED 5\nREGULARIZATION 0.1", 3, "REGULARIZATION"),
        ("bfgs", "lm batchsize=20", 3, "lm batchsize=20"),
        ("TESTPERCENT 20", "TESTPERCENT 30", 3, "TESTPERCENT 30"),
        ("ITERWRITE 0", "ITERWRITE 2\nTIMING", 0, ""),
    ],
)
def test_other_settings_do_not_mix_members(old, new, status, message, capsys):
    stopped_after_one_member()
    text = Path("train.in").read_text()
    Path("train.in").write_text(text.replace(old, new))
    before = Path("member-1/Ti.nn").read_bytes()
    capsys.readouterr()
    assert run(COMMAND) == status
    error = capsys.readouterr().err
    assert message in error
    if status:
        assert error.splitlines()[-1].startswith("aenetpy: error: train.in")
        assert Path("member-1/Ti.nn").read_bytes() == before
        Path("train.in").write_text(text)
        assert run(COMMAND) == 0
    assert [read_train_state(f"member-{k}/train.state").epochs for k in (1, 2, 3)] == [3, 3, 3]


def with_value(text: str, path: list, value: object) -> str:
    content = json.loads(text)
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(content)


BAD = ["x", math.nan, -5, None, True, [1, 2, 3], {}, 1e999, 10**400, KeyError]


def paths_in(content: object, path: tuple = ()) -> list[list]:
    """Return the way to each value of a JSON document."""
    found = [list(path)] if path else []
    items = content.items() if isinstance(content, dict) else ()
    items = enumerate(content) if isinstance(content, list) else items
    return found + [one for key, value in items for one in paths_in(value, (*path, key))]


def assert_refused(name: str, command: list[str], text: str, capsys) -> None:
    Path(name).write_text(text)
    capsys.readouterr()
    status = run(command)
    error = capsys.readouterr().err.splitlines()[-1]
    assert status in (3, 4), (error, text)
    assert name in error or "begun" in error, (error, text)


def test_every_damage_of_committee_json_is_refused(capsys):
    assert run(COMMAND) == 0
    good = Path("committee.json").read_text()
    Path("predict.in").write_text("TYPES\n2\nTi\nO\nFILES\n1\nnone.xsf\n")
    command = ["predict", "predict.in", "--committee", "."]
    for path in paths_in(json.loads(good)):
        for bad in BAD:
            text = with_value(good, path, bad)
            if json.loads(text) != json.loads(good):
                assert_refused("committee.json", command, text, capsys)
    for text in ("", "{", "[]", "null", good[:-20], "[" * 100_000, "\0" * 20):
        assert_refused("committee.json", command, text, capsys)


def test_every_damage_of_train_members_is_refused(capsys):
    stopped_after_one_member()
    Path("STOP").touch()
    good = Path("train.members").read_text()
    for path in paths_in(json.loads(good)):
        for bad in (*BAD[:3], KeyError):
            text = with_value(good, path, bad)
            if json.loads(text) != json.loads(good):
                assert_refused("train.members", COMMAND, text, capsys)
    for text in ("", "{", "[]", "null", good[:-20], "[" * 100_000):
        assert_refused("train.members", COMMAND, text, capsys)
