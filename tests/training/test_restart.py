"""A run of train that ends early, in whatever way, and is continued."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.files import files
from aenetpy.formats.network import read_network, write_network
from aenetpy.formats.trainset import write_trainset
from aenetpy.models.network import Network
from aenetpy.models.scaling import feature_scaling
from aenetpy.training import checkpoint
from aenetpy.training.methods import lbfgs
from aenetpy.training.train_state import read_train_state
from tests.conftest import ROOT
from tests.training import small_trainset

METHODS = {
    "bfgs": "bfgs",
    "online_sd": "online_sd gamma=0.02 alpha=0.1",
    "adam": "adam mu=0.01 samplesize=12 batchsize=4",
    "adamw": "method=adamw lr=0.01 weight_decay=0.01 halflife=3 batchsize=8",
    "ekf": "ekf wgroup=17",
    "lm": "lm batchsize=7 adjust=3.0",
}
SAMPLING = {
    "adam": "",
    "adamw": "",
    "bfgs": "",
    "lm": "SAMPLING weighted",
    "ekf": "SAMPLING random",
}
SPECIES = ("Ti", "O")

RNG = np.random.default_rng(12)
WORDS = ["".join(RNG.choice(list("TO"), RNG.integers(1, 6))) for _ in range(24)]


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def state_of_every_epoch(monkeypatch):
    """Save train.state after every epoch, as if each took longer than saving."""
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_STATES", -1.0)


def folder(name: str) -> Path:
    path = Path(name).absolute()
    path.mkdir()
    write_trainset(path / "TiO2.train", small_trainset(WORDS, (4, 4)))
    return path


def write_input(path: Path, epochs: int, method: str = "bfgs", extra: str = "") -> None:
    (path / "train.in").write_text(
        f"TRAININGSET TiO2.train\nTESTPERCENT 20\nITERATIONS {epochs}\nSEED 3\n"
        f"{SAMPLING.get(method, '')}\n{extra}\nMETHOD\n{METHODS[method]}\n"
        "NETWORKS\nTi Ti.nn 2 4:tanh 3:twist\nO O.nn 1 4:tanh\n"
    )


def train(path: Path, epochs: int, method: str = "bfgs", extra: str = "", jobs: int = 1) -> int:
    write_input(path, epochs, method, extra)
    before = Path.cwd()
    os.chdir(path)
    try:
        return run(["train", "train.in", "--jobs", str(jobs)])
    finally:
        os.chdir(before)


def weights(path: Path, suffix: str = "") -> np.ndarray:
    return np.concatenate([read_network(path / f"{s}.nn{suffix}").weights_w for s in SPECIES])


def table(text: str) -> list[list[float]]:
    return [
        [float(word) for word in line.split()[:-1]]
        for line in text.splitlines()
        if line.endswith(" <")
    ]


@pytest.fixture
def whole():
    """A run of 20 epochs that nothing disturbs, by method."""

    def make(method: str) -> Path:
        path = folder(f"whole-{method}")
        assert train(path, 20, method) == 0
        return path

    return make


@pytest.mark.parametrize("method", METHODS)
def test_two_runs_are_as_one(method, whole, capsys) -> None:
    one = whole(method)
    rows = table(capsys.readouterr().out)
    two = folder("two")
    assert train(two, 8, method) == 0
    assert train(two, 12, method, jobs=2) == 0
    continued = table(capsys.readouterr().out)
    assert [row[1:] for row in continued[:9]] == [row[1:] for row in rows[:9]]
    assert [row[1:] for row in continued[9:]] == [row[1:] for row in rows[8:]]
    assert (weights(two) == weights(one)).all()
    for epoch in (9, 13, 20):
        assert (weights(two, f"-{epoch - 8:05d}") == weights(one, f"-{epoch:05d}")).all()
    for name in ("train.state", "train.restart", "Ti.nn-best", "O.nn-best"):
        assert (one / name).exists() == (name != "train.restart" or method in ("bfgs", "ekf"))
        if (one / name).exists():
            assert (one / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.parametrize("method", ["bfgs", "ekf"])
def test_continues_by_the_restart_file_of_aenet_alone(method, whole, capsys) -> None:
    two = folder("two")
    train(two, 8, method)
    (two / "train.state").unlink()
    assert train(two, 12, method) == 0
    assert "Restarting" in capsys.readouterr().out
    if method == "bfgs":  # the order of ekf is random, and not in the file of aenet
        assert (weights(two) == weights(whole(method))).all()


@pytest.mark.parametrize("method", ["bfgs", "adam"])
def test_until_counts_the_epochs_of_all_calls(method, monkeypatch, capsys) -> None:
    path = folder("until")
    assert train(path, 3, method) == 0
    monkeypatch.chdir(path)
    capsys.readouterr()
    assert run(["train", "train.in", "--until", "8"]) == 0
    out, err = capsys.readouterr()
    assert "--until 8: 5 epochs follow after 3" in err
    assert out.count(" <\n") == 6
    assert read_train_state("train.state").epochs == 8
    before = Path("Ti.nn").read_bytes()
    assert run(["train", "train.in", "--until", "8"]) == 0
    assert Path("Ti.nn").read_bytes() == before
    assert read_train_state("train.state").epochs == 8
    capsys.readouterr()
    assert run(["train", "train.in"]) == 0
    assert "ITERATIONS 3 counts the epochs of this call, as in aenet: up to 11" in (
        capsys.readouterr().err
    )
    assert read_train_state("train.state").epochs == 11


@pytest.mark.parametrize(
    "extra", ["MAXENERGY -1000", "PATIENCE 3\nTESTPERCENT 0", "FORCES", "FORCES alpha=2"]
)
def test_a_refused_run_leaves_nothing_behind(extra, monkeypatch) -> None:
    path = folder("refused")
    write_input(path, 3, extra=extra)
    if "PERCENT" in extra:
        text = (path / "train.in").read_text()
        (path / "train.in").write_text(text.replace("TESTPERCENT 20\n", ""))
    before = sorted(os.listdir(path))
    monkeypatch.chdir(path)
    assert run(["train", "train.in"]) in (3, 4)
    assert sorted(os.listdir(path)) == before


@pytest.mark.parametrize("removed", ["train.restart", "train.state"])
def test_a_method_that_had_ended_starts_anew(removed, monkeypatch, capsys, caplog) -> None:
    path = folder("ended")
    with monkeypatch.context() as patch:
        patch.setattr(lbfgs, "PGTOL", 1e9)
        train(path, 5)
    assert "converged" in capsys.readouterr().out
    (path / removed).unlink()
    assert train(path, 3) == 0
    assert "Restarting L-BFGS" not in capsys.readouterr().out
    assert "L-BFGS had come to its end: it starts anew" in caplog.text


class Killed(BaseException):
    """Ends everything, as a kill would."""


def die_at(k: int, monkeypatch) -> None:
    """Die before the k-th file from now on gets its name; no other will."""
    seen = []

    def replace(source, target, replace=os.replace) -> None:
        seen.append(target)
        if len(seen) >= k:
            raise Killed(target)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", replace)


# Seconds between two states, and between two sets of networks.
OFTEN, STATES_ALONE, SELDOM = (-1.0, -1.0), (-1.0, 1000.0), (1000.0, 1000.0)
# The files of the first epoch (k up to 6) are the same for all: each is met once. Then each kind of
# file is met where both are written, and one before and one after a state where they are not.
KILLS = {
    ("bfgs", OFTEN): [1, 4, *range(7, 15)],
    ("bfgs", STATES_ALONE): [2, 5, 7, 11],
    ("bfgs", SELDOM): [3, 6, 8, 15],
    ("adam", OFTEN): [7, 8, 11],
    ("adam", STATES_ALONE): [8, 9],
    ("adam", SELDOM): [8],
}


@pytest.mark.parametrize(
    ("method", "seconds", "k"), [(*case, k) for case, moments in KILLS.items() for k in moments]
)
def test_killed_between_any_two_files(method, seconds, k, monkeypatch, capsys) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_STATES", seconds[0])
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_FILES", seconds[1])
    one, two = folder("one"), folder("two")
    train(one, 12, method)
    train(two, 3, method)
    with monkeypatch.context() as patch:
        die_at(k, patch)
        with pytest.raises(Killed):
            train(two, 20, method)
    done = read_train_state(two / "train.state").epochs
    assert 3 <= done <= 8
    assert train(two, 12 - done, method) == 0
    assert (weights(two) == weights(one)).all()
    assert (weights(two, "-best") == weights(one, "-best")).all()


@pytest.mark.usefixtures("state_of_every_epoch")
@pytest.mark.parametrize("name", ["Ti.nn-00003", "train.state"])
def test_a_disk_that_fills_up_in_an_epoch(name, monkeypatch, capsys) -> None:
    one, two = folder("one"), folder("two")
    train(one, 12)

    def fail(source, target, replace=os.replace) -> None:
        if target.endswith(name) and Path(two / "Ti.nn-00003").exists() == (name == "train.state"):
            raise OSError(28, "No space left on device", source)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", fail)
        assert train(two, 9) == 4
    assert "No space left on device" in capsys.readouterr().err
    done = read_train_state(two / "train.state").epochs
    assert done == 2
    assert (weights(two) == weights(one, "-00002")).all()
    assert train(two, 10) == 0
    assert (weights(two) == weights(one)).all()


def start(path: Path) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "aenetpy", "train", "train.in", "--jobs", "1"],
        cwd=path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("how", "method", "code", "message"),
    [
        (signal.SIGTERM, "adam", 75, "terminated after epoch"),
        (signal.SIGHUP, "bfgs", 75, "terminated after epoch"),
        (signal.SIGTERM, "ekf", 75, "terminated after epoch"),
        (signal.SIGHUP, "lm", 75, "terminated after epoch"),
        (signal.SIGINT, "ekf", 130, "interrupted"),
        (signal.SIGKILL, "bfgs", -signal.SIGKILL, ""),
        (signal.SIGKILL, "lm", -signal.SIGKILL, ""),
        ("STOP", "bfgs", 75, "STOP: training halted after epoch"),
    ],
)
def test_ended_at_any_moment(how, method, code, message, capsys) -> None:
    path = folder("ended")
    write_input(path, 100_000, method)
    process = start(path)
    wait_for(path / "Ti.nn-00005")
    time.sleep(np.random.default_rng().uniform(0, 0.02))
    if how == "STOP":
        (path / "STOP").touch()
    else:
        process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert message in err
    assert "Traceback" not in err
    (path / "STOP").unlink(missing_ok=True)
    done = read_train_state(path / "train.state").epochs
    # The state of epoch 5 may not have been written yet, and that of a killed run is older.
    assert done >= (1 if how == signal.SIGKILL else 4)
    if code == 75:
        assert f"after epoch {done}" in err
        assert "Training finished." in out
        assert ("`STOP' detected" in out) == (how == "STOP")
    if code != -signal.SIGKILL:
        assert (weights(path) == weights(path, f"-{done:05d}")).all()
    one = folder("one")
    train(one, done + 6, method)
    assert train(path, 6, method) == 0
    assert (weights(path) == weights(one)).all()
    assert not list(path.glob(".Ti*")) or code == -signal.SIGKILL


def test_an_interrupt_while_saving_waits(monkeypatch, capsys) -> None:
    path = folder("interrupted")
    train(path, 2)
    die = []

    def interrupt(source, target, replace=os.replace) -> None:
        replace(source, target)
        if target.endswith("Ti.nn-00003"):
            die.append(target)
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", interrupt)
        assert train(path, 9) == 130
    assert die
    assert read_train_state(path / "train.state").epochs == 5
    assert (weights(path) == weights(path, "-00003")).all()


def test_other_networks_in_the_folder_are_trained_as_they_are(capsys, caplog) -> None:
    path = folder("other")
    train(path, 0)
    start_w = weights(path)
    initial = {s: (path / f"{s}.nn").read_bytes() for s in SPECIES}
    train(path, 9)
    for s in SPECIES:
        (path / f"{s}.nn").write_bytes(initial[s])
    capsys.readouterr()
    train(path, 9)
    rows = table(capsys.readouterr().out)
    assert rows[0][1:] == rows[1][1:]  # L-BFGS starts anew
    assert (weights(path, "-00001") == start_w).all()
    assert "train.restart is not used" in caplog.text


@pytest.mark.usefixtures("state_of_every_epoch")
@pytest.mark.parametrize(
    ("method", "seconds", "k"),
    [
        *(("bfgs", -1.0, k) for k in (4, 8, 10)),
        *(("ekf", -1.0, k) for k in (6, 8, 10)),
        ("bfgs", 1000.0, 12),
        ("ekf", 1000.0, 16),
    ],
)
def test_the_restart_file_of_a_killed_run_is_not_used_for_other_weights(
    method, seconds, k, monkeypatch, capsys, caplog
) -> None:
    path = folder("killed")
    train(path, 0, method)
    initial = {s: (path / f"{s}.nn").read_bytes() for s in SPECIES}
    train(path, 4, method)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SECONDS_BETWEEN_FILES", seconds)
        die_at(k, patch)
        with pytest.raises(Killed):
            train(path, 20, method)
    for s in SPECIES:
        (path / f"{s}.nn").write_bytes(initial[s])
    before_w = weights(path)
    capsys.readouterr()
    assert train(path, 0, method) == 0
    assert "train.restart is not used" in caplog.text
    assert "Restarting Extended" not in capsys.readouterr().out
    assert (weights(path) == before_w).all()


def test_a_network_that_was_removed_starts_anew(capsys, caplog) -> None:
    path = folder("removed")
    train(path, 5)
    (path / "O.nn").unlink()
    assert train(path, 5) == 0
    assert "train.restart is not used" in caplog.text
    assert read_train_state(path / "train.state").epochs == 5


@pytest.mark.parametrize(("one", "other"), [("bfgs", "adam"), ("adam", "bfgs"), ("bfgs", "ekf")])
def test_another_method_takes_over_the_weights(one, other, capsys) -> None:
    path = folder("changed")
    train(path, 6, one)
    before_w = weights(path)
    capsys.readouterr()
    assert train(path, 0, other) == 0
    assert (weights(path) == before_w).all()
    assert ("has changed" in capsys.readouterr().out) == (other != "adam")
    train(path, 3, other)
    assert read_train_state(path / "train.state").method == other


def test_the_best_networks_are_kept(capsys) -> None:
    path = folder("best")
    train(path, 20, "bfgs")
    rows = table(capsys.readouterr().out)
    best = min(rows, key=lambda row: row[4])
    assert 0 < best[0] < 20
    assert (weights(path, "-best") == weights(path, f"-{int(best[0]):05d}")).all()


@pytest.mark.parametrize("every", [0, 7])
def test_epoch_files_are_thinned_and_nothing_else_changes(every, whole, capsys) -> None:
    one, two = whole("bfgs"), folder("two")
    extra = f"ITERWRITE {every}"
    assert train(two, 12, extra=extra) == 0
    assert train(two, 8, extra=extra) == 0
    kept = sorted(path.name for path in two.glob("*.nn-0*"))
    assert kept == ([] if every == 0 else ["O.nn-00007", "Ti.nn-00007"])
    if every:
        assert (weights(two, "-00007") == weights(one, "-00019")).all()  # of the second call
    for name in ("Ti.nn", "O.nn", "Ti.nn-best", "O.nn-best", "train.state", "train.restart"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_files_are_replaced_seldom(monkeypatch, capsys) -> None:
    path = folder("seldom")
    seen = []
    replace = os.replace
    monkeypatch.setattr(files.os, "replace", lambda s, t: seen.append(t) or replace(s, t))
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_STATES", 1000.0)
    assert train(path, 50, extra="ITERWRITE 0") == 0
    # First and last state, and once more when the networks are in their files.
    assert sum(name.endswith("train.state") for name in seen) == 3
    assert sum(name.endswith("Ti.nn-best") for name in seen) <= 3
    assert read_train_state(path / "train.state").epochs == 50


def test_the_best_epoch_is_told(capsys) -> None:
    path = folder("told")
    assert train(path, 20) == 0
    captured = capsys.readouterr()
    rows = table(captured.out)
    best, last = min(rows, key=lambda row: row[4]), rows[-1]
    (line,) = [line for line in captured.err.splitlines() if "test RMSE" in line]
    assert line == (
        f"aenetpy: info: the test RMSE was smallest after epoch {best[0]:.0f}, {1e3 * best[4]:.4g}"
        f" meV/atom: Ti.nn-best, O.nn-best; Ti.nn, O.nn are of epoch 20, {1e3 * last[4]:.4g}"
        " meV/atom"
    )
    assert train(path, 0) == 0
    assert f"smallest in an earlier run, {1e3 * best[4]:.4g} meV" in capsys.readouterr().err


def test_without_test_set_there_are_no_best_networks(capsys) -> None:
    path = folder("all")
    write_trainset(path / "TiO2.train", small_trainset(WORDS, (4, 4)))
    write_input(path, 3)
    text = (path / "train.in").read_text().replace("TESTPERCENT 20", "TESTPERCENT 0")
    (path / "train.in").write_text(text)
    os.chdir(path)
    assert run(["train", "train.in"]) == 0
    assert not list(path.glob("*-best"))
    assert "test RMSE" not in capsys.readouterr().err


def test_a_damaged_state_is_told(capsys) -> None:
    path = folder("damaged")
    train(path, 2)
    (path / "train.state").write_bytes(b"PK\x03\x04 nonsense")
    assert train(path, 2) == 4
    assert "train.state: is damaged" in capsys.readouterr().err


def cut(content: bytes) -> bytes:
    return content[:-40]


def not_finite(content: bytes) -> bytes:
    if content[4:7] == b"ekf":  # lambda; the last number lies beyond the last group
        return content[:82] + np.array(np.nan).tobytes() + content[90:]
    return content[:-12] + np.array(np.nan).tobytes() + content[-4:]


@pytest.mark.parametrize(
    ("name", "method", "spoil"),
    [
        ("train.state", "bfgs", cut),
        ("train.restart", "bfgs", cut),
        ("train.restart", "bfgs", not_finite),
        ("train.restart", "ekf", cut),
        ("train.restart", "ekf", not_finite),
    ],
)
def test_damage_is_told_before_anything_is_written(name, method, spoil, capsys) -> None:
    path = folder("damaged")
    train(path, 2, method)
    (path / name).write_bytes(spoil((path / name).read_bytes()))
    write_input(path, 4, method)
    before = {file: file.stat().st_mtime_ns for file in path.iterdir() if file.suffix != ".in"}
    assert train(path, 4, method) == 4
    assert f"{name}: " in capsys.readouterr().err
    assert before == {
        file: file.stat().st_mtime_ns for file in path.iterdir() if file.suffix != ".in"
    }


def energies(path: Path) -> np.ndarray:
    """Energy of every atom of the training set by the potentials, eV."""
    trainset = small_trainset(WORDS, (4, 4))
    parts = []
    for t, s in enumerate(SPECIES):
        file = read_network(path / f"{s}.nn")
        mean_g, inverse_g = feature_scaling(file.setup.statistics)
        x_ng = (trainset.features_tng[t] - mean_g) * inverse_g
        y_n = Network(file.nodes_l, file.activations, file.weights_w).forward(x_ng)
        parts.append(y_n / file.scale + file.shift)
    return np.concatenate(parts)


def test_another_training_set_keeps_the_energies(capsys, caplog) -> None:
    path = folder("moved")
    train(path, 10)
    before = energies(path)
    capsys.readouterr()
    write_trainset(path / "TiO2.train", small_trainset(WORDS[5:], (4, 4), seed=8))
    assert train(path, 0) == 0
    assert np.abs(energies(path) - before).max() < 1e-10
    assert "energies stay as they were" in caplog.text
    train(path, 3)
    rows = table(capsys.readouterr().out)
    assert rows[-4][1:] == rows[-3][1:]  # L-BFGS starts anew
    assert read_train_state(path / "train.state").epochs == 3


def test_another_maxenergy_keeps_the_energies_of_known_networks(capsys, caplog) -> None:
    path = folder("limited")
    train(path, 10)
    before = energies(path)
    scale = read_network(path / "Ti.nn").scale
    assert train(path, 0, extra="MAXENERGY -7.5") == 0
    assert read_network(path / "Ti.nn").scale > 1.1 * scale
    assert np.abs(energies(path) - before).max() < 1e-10


@pytest.mark.usefixtures("state_of_every_epoch")
@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize("filed", [True, False])
def test_killed_while_rescaled_networks_are_saved(k, filed, monkeypatch, capsys, caplog) -> None:
    path = folder("rescaled")
    train(path, 3)
    if not filed:  # the state is ahead of the files
        monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_FILES", 1000.0)
        with monkeypatch.context() as patch:
            die_at(14, patch)
            with pytest.raises(Killed):
                train(path, 20)
        assert (weights(path) != read_train_state(path / "train.state").weights_w).any()
        old_w = read_train_state(path / "train.state").weights_w
        written = [read_network(path / f"{s}.nn") for s in SPECIES]
        parts = np.split(old_w, [written[0].weights_w.size])
        ahead = [replace(w, weights_w=p) for w, p in zip(written, parts, strict=True)]
        kept = {s: (path / f"{s}.nn").read_bytes() for s in SPECIES}
        for s, file in zip(SPECIES, ahead, strict=True):
            write_network(path / f"{s}.nn", file)
        before = energies(path)
        for s in SPECIES:
            (path / f"{s}.nn").write_bytes(kept[s])
    else:
        before = energies(path)
    scale = read_network(path / "Ti.nn").scale
    with monkeypatch.context() as patch:
        die_at(k, patch)
        with pytest.raises(Killed):
            train(path, 3, extra="MAXENERGY -7.5")
    assert train(path, 0, extra="MAXENERGY -7.5") == 0
    assert {read_network(path / f"{s}.nn").scale == scale for s in SPECIES} == {False}
    assert np.abs(energies(path) - before).max() < 1e-10
    assert train(path, 2, extra="MAXENERGY -7.5") == 0
    assert read_train_state(path / "train.state").epochs == 2


def test_unknown_networks_are_taken_over_by_maxenergy_as_by_aenet(capsys, caplog) -> None:
    path = folder("unknown")
    train(path, 10)
    before_w = weights(path)
    (path / "train.state").unlink()
    assert train(path, 0, extra="MAXENERGY -7.5") == 0
    assert (weights(path) == before_w).all()
    assert "MAXENERGY changes the scaling" in caplog.text


def test_a_network_that_cannot_be_rescaled_is_told(capsys) -> None:
    path = folder("curved")
    train(path, 0)
    file = read_network(path / "Ti.nn")
    write_network(path / "Ti.nn", replace(file, activations=("tanh", "tanh", "tanh")))
    write_trainset(path / "TiO2.train", small_trainset(WORDS, (4, 4), seed=8))
    assert train(path, 3) == 4
    assert "Ti.nn: this network cannot be carried over" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("lm adjust=1.0", "lm: adjust is 1; it must be larger than 1"),
        ("lm learnrate=0", "lm: learnrate is 0"),
        ("adam b1=1.0", "adam: b1 is 1; it must be 0 or more and less than 1"),
        ("ekf state=0", "ekf: state is 0"),
    ],
)
def test_parameters_that_lead_nowhere_are_told(method, message, monkeypatch, capsys) -> None:
    path = folder("wrong")
    monkeypatch.setitem(METHODS, "wrong", method)
    assert train(path, 3, "wrong") == 3
    err = capsys.readouterr().err
    assert message in err
    assert "train.in:8:" in err
    assert not (path / "Ti.nn").exists()


def test_the_default_rate_of_online_sd_is_one_line(monkeypatch, capsys) -> None:
    path = folder("diverges")
    monkeypatch.setitem(METHODS, "wrong", "online_sd gamma=50")
    assert train(path, 300, "wrong") == 5
    assert "training has diverged in epoch" in capsys.readouterr().err


def test_absurd_weights_are_not_saved(monkeypatch, capsys) -> None:
    path = folder("absurd")
    monkeypatch.setitem(METHODS, "wrong", "online_sd gamma=0.02 alpha=0.1")
    assert train(path, 3, "wrong") == 0
    kept = {file: file.read_bytes() for file in path.glob("*.nn*")}
    done_w = read_train_state(path / "train.state").weights_w
    monkeypatch.setitem(METHODS, "wrong", "adam mu=1e30 samplesize=12 batchsize=12")
    capsys.readouterr()
    assert train(path, 3, "wrong") == 5
    err = capsys.readouterr().err
    assert "are absurd; remove the network files and train.state" in err
    assert kept == {file: file.read_bytes() for file in path.glob("*.nn*")}
    assert (read_train_state(path / "train.state").weights_w == done_w).all()


def test_a_small_sample_in_sequence_is_told(monkeypatch, capsys, caplog) -> None:
    path = folder("sample")
    assert train(path, 2, "adam", extra="SAMPLING sequential") == 0
    assert "adam trains on the first 12 of 20 structures only" in caplog.text
    assert train(path, 2, "adam", extra="SAMPLING energy") == 0
    monkeypatch.setitem(METHODS, "rest", "lm batchsize=9")
    assert train(folder("rest"), 2, "rest") == 0
    assert "lm trains on the first 18 of 20 structures only; use another batch" in caplog.text


PATIENT = "bfgs", "PATIENCE 5"


@pytest.fixture
def impatient_run(capsys):
    """A run that ends by PATIENCE before its 40 epochs, and its table."""
    path = folder("impatient")
    assert train(path, 40, *PATIENT) == 0
    captured = capsys.readouterr()
    return path, table(captured.out), captured.err


def test_training_ends_when_the_test_error_has_not_become_smaller(impatient_run) -> None:
    path, rows, err = impatient_run
    errors = [row[4] for row in rows]
    best = errors.index(min(errors))
    assert best == 14
    assert len(rows) == best + 1 + 5
    assert min(errors[1:5]) >= errors[0] > errors[5]  # in time, although not at once
    *_, told, last = err.strip().splitlines()
    assert told == "aenetpy: info: the test error has not become smaller for 5 epochs (PATIENCE)"
    assert f"smallest after epoch {best}, " in last
    assert ": use Ti.nn-best, O.nn-best; Ti.nn, O.nn are of epoch" in last
    assert (weights(path, "-best") == weights(path, f"-{best:05d}")).all()
    assert (weights(path) == weights(path, f"-{best + 5:05d}")).all()


@pytest.mark.parametrize("before_the_end", [1, 2, 5, 8])
def test_patience_goes_on_where_it_was(before_the_end, impatient_run, capsys) -> None:
    one, rows, _ = impatient_run
    two = folder("two")
    assert train(two, len(rows) - 1 - before_the_end, *PATIENT) == 0
    capsys.readouterr()
    assert train(two, 40, *PATIENT, jobs=2) == 0
    continued = table(capsys.readouterr().out)
    assert [row[1:] for row in continued] == [row[1:] for row in rows[-1 - before_the_end :]]
    for name in ("train.state", "Ti.nn", "O.nn-best"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_run_that_has_waited_stays_as_it_is(impatient_run, capsys) -> None:
    path, rows, _ = impatient_run
    before = (path / "train.state").read_bytes()
    assert train(path, 40, *PATIENT) == 0
    captured = capsys.readouterr()
    assert [row[1:] for row in table(captured.out)] == [rows[-1][1:]]
    assert "has not become smaller for 5 epochs" in captured.err
    assert (path / "train.state").read_bytes() == before
    assert train(path, 5, "bfgs", "PATIENCE 30") == 0
    assert len(table(capsys.readouterr().out)) == 6
    assert train(path, 5, "adam", "PATIENCE 5") == 0  # another method has patience of its own
    assert len(table(capsys.readouterr().out)) > 1


def test_patience_needs_a_test_set(capsys) -> None:
    path = folder("untested")
    write_input(path, 5, extra="PATIENCE 3")
    text = (path / "train.in").read_text().replace("TESTPERCENT 20", "TESTPERCENT 0")
    (path / "train.in").write_text(text)
    os.chdir(path)
    assert run(["train", "train.in"]) == 3
    err = capsys.readouterr().err
    assert err == (
        "aenetpy: error: train.in:6: PATIENCE 3 needs test structures, of which there are none;"
        " raise TESTPERCENT, or remove PATIENCE\n"
    )
    assert not (path / "Ti.nn").exists()


@pytest.mark.parametrize("method", ["bfgs", "lm", "adam", "online_sd"])
def test_two_runs_with_regularisation_are_as_one(method, capsys) -> None:
    extra = "REGULARIZATION 0.001"
    one, two, plain = folder("one"), folder("two"), folder("plain")
    assert train(one, 20, method, extra) == 0
    assert [train(two, n, method, extra) for n in (7, 13)] == [0, 0]
    assert (one / "train.state").read_bytes() == (two / "train.state").read_bytes()
    assert train(plain, 20, method) == 0
    assert np.linalg.norm(weights(one)) < np.linalg.norm(weights(plain))


def test_regularisation_is_the_weight_decay_of_adamw(monkeypatch) -> None:
    one, two = folder("one"), folder("two")
    assert train(one, 5, "adamw") == 0
    monkeypatch.setitem(METHODS, "adamw", "adamw mu=0.01 halflife=3 batchsize=8")
    assert train(two, 5, "adamw", "REGULARIZATION 0.01") == 0
    assert (one / "train.state").read_bytes() == (two / "train.state").read_bytes()


def test_another_regularisation_does_not_use_the_state(capsys) -> None:
    path = folder("one")
    assert train(path, 8, "bfgs", "REGULARIZATION 1e-3") == 0
    capsys.readouterr()
    assert train(path, 8, "bfgs", "REGULARIZATION 2e-3") == 0
    err = capsys.readouterr().err
    assert "train.state is not used: it belongs to other training structures, or another" in err


def test_regularisation_leaves_errors_alone(capsys) -> None:
    first = []
    for name, extra in (("plain", ""), ("penalised", "REGULARIZATION 1.0")):
        train(folder(name), 1, "bfgs", extra)
        first.append(table(capsys.readouterr().out)[0])
    assert first[0] == first[1]


def test_keywords_without_effect_are_told(capsys) -> None:
    lines = "BATCHSIZE 4\nFORCESPERCENT 10\nMAXFORCES 3\nCACHE 10\nSAVE_FORCES"
    assert train(folder("one"), 1, "bfgs", lines) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "no effect" in line]
    assert told == [
        "aenetpy: warning: train.in:6: BATCHSIZE has no effect on method bfgs",
        "aenetpy: warning: train.in:7: FORCESPERCENT has no effect without FORCES",
        "aenetpy: warning: train.in:8: MAXFORCES has no effect without FORCES",
        "aenetpy: warning: train.in:9: CACHE has no effect without FORCES",
        "aenetpy: warning: train.in:10: SAVE_FORCES has no effect without FORCES",
    ]
    assert train(folder("two"), 1, "lm", "BATCHSIZE 7") == 0
    assert "no effect" not in capsys.readouterr().err


def test_seeds_of_aenet_pytorch(capsys) -> None:
    starts = {}
    for name, lines in {
        "both": "NPSEED 3\nPHSEED 4",
        "weights": "NPSEED 3\nPHSEED 5",
        "split": "NPSEED 6\nPHSEED 4",
        "one": "NPSEED 3",
        "seed": "SEED 3\nNPSEED 9\nPHSEED 9",
    }.items():
        path = folder(name)
        write_input(path, 0)
        text = (path / "train.in").read_text().replace("SEED 3", lines)
        (path / "train.in").write_text(text)
        os.chdir(path)
        assert run(["train", "train.in"]) == 0
        starts[name] = weights(path), (path / "train.rngstate").read_bytes()
    os.chdir(path.parent)

    def same(one: str, two: str) -> tuple[bool, bool]:
        return (starts[one][0] == starts[two][0]).all(), starts[one][1] == starts[two][1]

    assert same("both", "weights") == (False, True)
    assert same("both", "split") == (True, False)
    assert same("one", "seed") == (True, True)
    assert same("one", "both") == (False, True)


def test_a_training_set_as_text(capsys) -> None:
    binary, text = folder("binary"), folder("text")
    assert train(binary, 5) == 0
    os.chdir(text)
    assert run(["trainbin2ascii", "TiO2.train", "TiO2.train.ascii"]) == 0
    write_input(text, 5)
    content = (text / "train.in").read_text().replace("TiO2.train", "TiO2.train.ascii")
    (text / "train.in").write_text(content)
    assert run(["train", "train.in"]) == 0
    assert weights(text) == pytest.approx(weights(binary), rel=1e-6)
