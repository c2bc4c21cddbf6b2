from __future__ import annotations

import lzma
import math
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from aenetpy.errors import NumericalError
from aenetpy.formats.network import read_network
from aenetpy.formats.restart import BfgsRestart, read_restart
from aenetpy.formats.rngstate import read_rngstate
from aenetpy.formats.trainset import read_trainset
from aenetpy.inputs.train_in import read_train_in
from aenetpy.interruption import Terminated, signals_noted
from aenetpy.models.network import Network
from aenetpy.parallel import Workers, one_blas_thread
from aenetpy.seeds import GfortranRandom
from aenetpy.training.loop import EpochRow, run_epochs
from aenetpy.training.methods import make_method
from aenetpy.training.methods.lbfgs import LBFGS
from aenetpy.training.methods.online_sd import OnlineSD
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import Objective
from aenetpy.training.sampler import Sampler
from aenetpy.training.split import split
from tests.training import small_networks, small_trainset, weights_of


class Descent:
    """Steepest descent with a fixed step; can be told to end."""

    def __init__(self, rate: float = 0.01, converge_at: int = 0, fail_at: int = 0) -> None:
        self.rate, self.converge_at, self.fail_at = rate, converge_at, fail_at
        self.steps, self.converged, self.note = 0, False, None

    uses_gradient = True

    def step(self, weights_w, loss, objective, sample_v):
        self.steps += 1
        self.converged = self.steps == self.converge_at
        if self.steps == self.fail_at:
            self.note = "cannot go on"
        return weights_w - self.rate * loss.gradient_w


class Record:
    """What ``on_epoch`` is told."""

    def __init__(self) -> None:
        self.rows: list[EpochRow] = []
        self.weights: list[np.ndarray] = []

    def __call__(self, row: EpochRow, weights_w: np.ndarray) -> None:
        self.rows.append(row)
        self.weights.append(weights_w)


@pytest.fixture
def objectives():
    trainset = normalise(small_trainset()).trainset
    networks = small_networks()
    return (
        Objective(trainset, [0, 1, 3], networks),
        Objective(trainset, [2, 4], networks),
        weights_of(networks),
    )


class Signalled(Descent):
    """Receives a signal in the middle of a step."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__()
        self.number, self.last = number, step

    def step(self, weights_w, loss, objective, sample_v):
        weights_w = super().step(weights_w, loss, objective, sample_v)
        if self.steps == self.last:
            signal.raise_signal(self.number)
            objective.evaluate(weights_w)
            pytest.fail("the objective answers signals")
        return weights_w


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_within_an_epoch_returns_the_last_whole_one(number, jobs) -> None:
    trainset, networks = normalise(small_trainset()).trainset, small_networks()
    record = Record()
    with one_blas_thread(), Workers(jobs) as workers, signals_noted():
        training = Objective(trainset, [0, 1, 3], networks, workers)
        testing = Objective(trainset, [2, 4], networks, workers)
        outcome = run_epochs(
            training, testing, Signalled(number, 3), weights_of(networks), 9, record
        )
        energies_s = training.energies(outcome.weights_w)  # this is not interrupted
    assert outcome.reason == "stopped"
    assert outcome.row == record.rows[-1]
    assert outcome.row.epoch == 2
    assert outcome.weights_w is record.weights[-1]
    errors_s = (training.energies_s - energies_s) / training.n_atoms_s / trainset.scale
    assert outcome.row.train[0].rmse == pytest.approx(np.sqrt(np.mean(errors_s**2)))


def test_an_interrupt_within_an_epoch_ends_training(objectives) -> None:
    training, testing, start_w = objectives
    record = Record()
    with signals_noted(), pytest.raises(KeyboardInterrupt) as caught:
        run_epochs(training, testing, Signalled(signal.SIGINT, 3), start_w, 9, record)
    assert not isinstance(caught.value, Terminated)
    assert [row.epoch for row in record.rows] == [0, 1, 2]


def test_rows_hold_the_errors_at_the_weights_of_the_epoch(objectives) -> None:
    training, testing, start_w = objectives
    record = Record()
    outcome = run_epochs(training, testing, Descent(), start_w, 4, record)
    assert [row.epoch for row in record.rows] == [0, 1, 2, 3, 4]
    assert (record.weights[0] == start_w).all()
    for row, weights_w in zip(record.rows, record.weights, strict=True):
        train_s = training.evaluate(weights_w).errors[0]
        test_s = testing.evaluate(weights_w).errors[0]
        assert row.train[0].mae == pytest.approx(np.mean(np.abs(train_s)))
        assert row.train[0].rmse == pytest.approx(np.sqrt(np.mean(train_s**2)))
        assert row.test[0].mae == pytest.approx(np.mean(np.abs(test_s)))
        assert row.test[0].rmse == pytest.approx(np.sqrt(np.mean(test_s**2)))
    assert record.rows[4].train[0].rmse < record.rows[0].train[0].rmse
    assert outcome.reason == "epochs"
    assert outcome.row is record.rows[-1]
    assert outcome.weights_w is record.weights[-1]


def test_one_evaluation_per_epoch(objectives, monkeypatch) -> None:
    training, testing, start_w = objectives
    calls = []
    evaluate = training.evaluate
    monkeypatch.setattr(
        training, "evaluate", lambda w, **options: calls.append(w) or evaluate(w, **options)
    )
    run_epochs(training, testing, Descent(), start_w, 5, Record())
    assert len(calls) == 6


@pytest.mark.parametrize("epochs", [0, -3])
def test_no_epochs_only_evaluate(objectives, epochs: int) -> None:
    record = Record()
    outcome = run_epochs(*objectives[:2], Descent(), objectives[2], epochs, record)
    assert [row.epoch for row in record.rows] == [0]
    assert outcome.reason == "epochs"
    assert outcome.weights_w is objectives[2]


def test_empty_test_set_has_no_root_mean_square(objectives) -> None:
    trainset = normalise(small_trainset()).trainset
    nothing = Objective(trainset, [], small_networks())
    row = run_epochs(objectives[0], nothing, Descent(), objectives[2], 0, Record()).row
    assert row.test[0].mae == 0.0
    assert math.isnan(row.test[0].rmse)


def test_ends_after_the_epoch_in_which_it_is_asked_to_stop(objectives) -> None:
    record = Record()
    outcome = run_epochs(
        *objectives[:2], Descent(), objectives[2], 9, record, stop=lambda: len(record.rows) > 2
    )
    assert outcome.reason == "stopped"
    assert record.rows[-1].epoch == 2


def test_ends_when_the_method_has_converged(objectives) -> None:
    record = Record()
    outcome = run_epochs(*objectives[:2], Descent(converge_at=3), objectives[2], 9, record)
    assert outcome.reason == "converged"
    assert record.rows[-1].epoch == 3


def test_ends_when_the_method_cannot_go_on(objectives) -> None:
    outcome = run_epochs(*objectives[:2], Descent(fail_at=2), objectives[2], 9, Record())
    assert outcome.reason == "exhausted"
    assert outcome.note == "cannot go on"
    assert outcome.row.epoch == 2


@pytest.mark.parametrize("n", [0, 2])
def test_ends_before_an_epoch_when_it_has_waited(objectives, n) -> None:
    record = Record()
    outcome = run_epochs(
        *objectives[:2],
        Descent(),
        objectives[2],
        9,
        record,
        has_waited=lambda: len(record.rows) > n,
    )
    assert outcome.reason == "patience"
    assert outcome.row is record.rows[-1]
    assert outcome.weights_w is record.weights[-1]
    assert record.rows[-1].epoch == n


@pytest.mark.parametrize("rate", [math.nan, 1e200])
def test_divergence_is_told_before_anything_is_saved(objectives, rate: float) -> None:
    record = Record()
    with pytest.raises(NumericalError, match="diverged in epoch 1"):
        run_epochs(*objectives[:2], Descent(rate), objectives[2], 3, record)
    assert len(record.rows) == 1


def test_absurd_weights_are_told_before_anything_is_saved(objectives) -> None:
    record = Record()
    with pytest.raises(NumericalError, match=r"diverged in epoch 1: .* are absurd; remove the net"):
        run_epochs(*objectives[:2], Descent(1e30), objectives[2], 3, record)
    assert len(record.rows) == 1


def test_large_errors_that_are_not_hopeless_are_left_to_the_method(objectives) -> None:
    record = Record()
    run_epochs(*objectives[:2], Descent(100.0), objectives[2], 1, record)
    assert record.rows[1].train[0].rmse > 30 * record.rows[0].train[0].rmse


def run_golden(
    start: Path, data: Path, name: str, epochs: int, limit=None, jobs=1, method=None, sampler=None
):
    """Train as the case ``05-train`` did, from its weights with its test set."""
    trainset = normalise(read_trainset(data), limit).trainset
    stream = GfortranRandom(read_rngstate(start / "train.rngstate"))
    train_s, test_s = split(trainset.n_structures, 20.0, stream)
    files = [read_network(start / f"{species}.{name}.nn") for species in trainset.species]
    networks = [Network(f.nodes_l, f.activations, f.weights_w) for f in files]
    record = Record()
    with one_blas_thread(), Workers(jobs) as workers:
        outcome = run_epochs(
            Objective(trainset, train_s, networks, workers),
            Objective(trainset, test_s, networks, workers),
            method or LBFGS(weights_of(networks).size),
            weights_of(networks),
            epochs,
            record,
            sampler=sampler,
        )
    return outcome, record


def table(text: str) -> list[str]:
    return re.findall(r"^ *[0-9].*<$", text, flags=re.MULTILINE)


def as_printed(row: EpochRow) -> str:
    return f" {row.epoch:5d}" + "".join(f"  {number:14.6E}" for number in row.columns) + " <"


CASES = [
    ("bfgs", "15t-15t", 20, None, 1),
    ("bfgs", "15t-15t", 20, None, 2),
    ("bfgs-maxenergy", "15t-15t", 3, -8.0, 1),
    ("act-linear", "5-4-linear", 5, None, 1),
    ("act-tanh", "5-4-tanh", 5, None, 1),
    ("act-sigmoid", "5-4-sigmoid", 5, None, 1),
    ("act-mtanh", "5-4-mtanh", 5, None, 1),
    ("act-twist", "5-4-twist", 5, None, 1),
]


@pytest.mark.parametrize(("case", "name", "epochs", "limit", "jobs"), CASES)
def test_every_digit_of_every_epoch_and_the_weights(
    golden, case, name, epochs, limit, jobs
) -> None:
    folder = golden / "05-train"
    own_start = folder / case / "start"
    start = own_start if own_start.is_dir() else folder / "start"
    data = folder / "start" / "TiO2.train"
    outcome, record = run_golden(start, data, name, epochs, limit, jobs)
    expected = folder / case / "expected"
    assert [as_printed(row) for row in record.rows] == table((expected / "train.out").read_text())
    checkpoints = {int(path.suffix[-5:]) for path in expected.glob("*.nn-*")}
    for epoch in checkpoints:
        saved = [read_network(expected / f"{s}.{name}.nn-{epoch:05d}") for s in ("Ti", "O")]
        weights_w = np.concatenate([file.weights_w for file in saved])
        assert record.weights[epoch] == pytest.approx(weights_w, rel=1e-9, abs=1e-12)
    final = [read_network(expected / f"{s}.{name}.nn").weights_w for s in ("Ti", "O")]
    assert outcome.weights_w == pytest.approx(np.concatenate(final), rel=1e-9, abs=1e-12)


def unpacked(path: Path, folder: Path) -> BfgsRestart:
    (folder / "train.restart").write_bytes(lzma.decompress(path.read_bytes()))
    restart = read_restart(folder / "train.restart")
    assert isinstance(restart, BfgsRestart)
    return restart


def test_continues_from_the_state_that_aenet_saved(golden, tmp_path) -> None:
    folder = golden / "05-train"
    half, data = folder / "bfgs-second-half", folder / "start" / "TiO2.train"
    (tmp_path / "train.rngstate").write_bytes((data.parent / "train.rngstate").read_bytes())
    for species in ("Ti", "O"):
        name = f"{species}.15t-15t.nn"
        (tmp_path / name).write_bytes((half / "start" / name).read_bytes())
    method = LBFGS(1862)
    assert method.load(unpacked(half / "start" / "train.restart.xz", tmp_path))
    outcome, record = run_golden(tmp_path, data, "15t-15t", 10, method=method)
    expected = half / "expected"
    assert [as_printed(row) for row in record.rows] == table((expected / "train.out").read_text())
    final = [read_network(expected / f"{s}.15t-15t.nn").weights_w for s in ("Ti", "O")]
    assert outcome.weights_w == pytest.approx(np.concatenate(final), rel=1e-9, abs=1e-12)


def test_saves_the_state_that_aenet_saves(golden, tmp_path) -> None:
    start = golden / "05-train" / "start"
    method = LBFGS(1862)
    run_golden(start, start / "TiO2.train", "15t-15t", 20, method=method)
    saved = method.to_restart()
    expected = unpacked(golden / "05-train" / "bfgs" / "expected" / "train.restart.xz", tmp_path)
    for name in ("m", "n", "factr", "pgtol", "task", "iprint", "csave"):
        assert getattr(saved, name) == getattr(expected, name), name
    for name in ("nbd", "iwa", "lsave"):
        assert (getattr(saved, name) == getattr(expected, name)).all(), name
    file_unit, times = 23, np.s_[5:10]  # of no meaning to the method
    assert (np.delete(saved.isave, file_unit) == np.delete(expected.isave, file_unit)).all()
    dsave = np.delete(saved.dsave, times)
    assert dsave == pytest.approx(np.delete(expected.dsave, times), rel=1e-9, abs=1e-12)
    assert saved.wa == pytest.approx(expected.wa, rel=1e-9, abs=1e-9)


METHOD_CASES = ["online_sd", "lm", "lm-batches", "adam", "ekf"]


def method_and_input(folder: Path):
    settings = read_train_in(folder / "train.in")
    return make_method(settings.method.name, 1862, settings.method.parameters), settings


@pytest.mark.parametrize("case", METHOD_CASES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_every_digit_of_the_other_methods(golden, case, jobs) -> None:
    folder = golden / "05-train"
    start, expected = folder / "start", folder / case / "expected"
    method, settings = method_and_input(folder / case)
    outcome, record = run_golden(
        start, start / "TiO2.train", "15t-15t", settings.iterations, jobs=jobs, method=method
    )
    assert [as_printed(row) for row in record.rows] == table((expected / "train.out").read_text())
    for path in expected.glob("Ti.15t-15t.nn*"):
        other = path.with_name(path.name.replace("Ti", "O", 1))
        weights_w = np.concatenate([read_network(p).weights_w for p in (path, other)])
        ours_w = record.weights[int(path.name[-5:])] if "nn-" in path.name else outcome.weights_w
        assert ours_w == pytest.approx(weights_w, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("case", ["online_sd", "adam"])
def test_random_order_reaches_about_what_aenet_reaches(golden, case) -> None:
    folder = golden / "05-train"
    start = folder / "start"
    errors = []
    for seed in range(5):
        method, settings = method_and_input(folder / case)
        outcome, _ = run_golden(
            start,
            start / "TiO2.train",
            "15t-15t",
            settings.iterations,
            method=method,
            sampler=Sampler("random", seed),
        )
        errors.append(outcome.row.train[0].rmse)
    golden_error = float(
        table((folder / case / "expected" / "train.out").read_text())[-1].split()[2]
    )
    assert len(set(errors)) == 5
    spread = max(errors) - min(errors)
    assert min(errors) - spread < golden_error < max(errors) + spread, errors


def test_the_other_name_of_online_sd(golden) -> None:
    method, settings = method_and_input(golden / "05-train" / "online_gd")
    assert settings.method.name == "online_gd"
    assert type(method) is OnlineSD
