"""What is about no energies at all goes through methods, loop and table of epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from aenetpy.data.training_methods import METHODS
from aenetpy.reports import train as report
from aenetpy.training.loop import run_epochs
from aenetpy.training.methods import make_method
from aenetpy.training.objective import Loss, Quantity, Residuals
from aenetpy.training.sampler import Sampler

RNG = np.random.default_rng(3)
N_WEIGHTS = 3
WANTED_W = RNG.normal(size=N_WEIGHTS)


@dataclass(frozen=True)
class TwoLines:
    """Each structure has a length a.w and, in other units, a time b.w, both with references."""

    a_sw: np.ndarray
    b_sw: np.ndarray
    quantities = (Quantity("length", "m"), Quantity("time", "ms"))

    @property
    def n_structures(self):
        return len(self.a_sw)

    @property
    def identity(self):
        return self.a_sw.tobytes() + self.b_sw.tobytes()

    def batch(self, chosen_s):
        return type(self)(self.a_sw[chosen_s], self.b_sw[chosen_s])

    def evaluate(self, weights_w, gradient=True):
        length_s, time_s = (x_sw @ (WANTED_W - weights_w) for x_sw in (self.a_sw, self.b_sw))
        gradient_w = -length_s @ self.a_sw - time_s @ self.b_sw
        value = 0.5 * float(length_s @ length_s + time_s @ time_s)
        return Loss(value, gradient_w, (length_s, 1000.0 * time_s))

    measure = Quantity("RMSE", "m")

    def score(self, loss):
        return float((loss.errors[0] ** 2).mean() ** 0.5)

    def sampling_key(self, sampling, loss):
        return loss.errors[1]

    def residuals(self, weights_w):
        rows_kw = np.concatenate([self.a_sw, self.b_sw])
        return Residuals(rows_kw @ (WANTED_W - weights_w), -rows_kw)


def made(n: int) -> TwoLines:
    return TwoLines(RNG.normal(size=(n, N_WEIGHTS)), RNG.normal(size=(n, N_WEIGHTS)))


GIVEN = {
    "online_sd": {"gamma": 0.02},
    "adam": {"mu": 0.1, "samplesize": 20},
    "adamw": {"lr": 0.1, "batchsize": 5},
    "ekf": {"state": 1e-3},
    "lm": {"batchsize": 4, "adjust": 3.0},
}


@pytest.mark.parametrize("name", ["bfgs", "online_sd", "adam", "ekf", "lm", "adamw"])
def test_every_method_finds_the_weights(name) -> None:
    objective, objective_test = made(20), made(5)
    method = make_method(name, N_WEIGHTS, METHODS[name].defaults | GIVEN.get(name, {}))
    sampler, rows = Sampler("weighted", 1), []
    start_w = np.zeros(N_WEIGHTS)
    outcome = run_epochs(
        objective, objective_test, method, start_w, 60, lambda r, w: rows.append(r), sampler=sampler
    )
    assert outcome.weights_w == pytest.approx(WANTED_W, abs=1e-3)
    length_s, time_s = objective_test.evaluate(start_w).errors
    expected = [abs(length_s).mean(), (length_s**2).mean() ** 0.5, abs(time_s).mean()]
    assert list(rows[0].columns[2:4]) == pytest.approx(expected[:2])
    assert rows[0].columns[6] == pytest.approx(expected[2])
    assert rows[0].score == rows[0].test[0].rmse


def test_a_further_quantity_has_columns_of_its_own() -> None:
    further = [f"{quantity.name} {quantity.unit}" for quantity in TwoLines.quantities[1:]]
    heading = report.process_opening("bfgs", {}, 5, "sequential", 20, further)
    row = report.epoch_row(3, *range(8))
    groups, names = heading.splitlines()[-2:]
    assert groups.endswith(
        "TEST------------|  |-------TRAIN time ms--------|  |--------TEST time ms--------|"
    )
    assert len(names) == len(groups) == len(row.removesuffix(" <\n"))
    assert names.split() == ["epoch", *4 * ["MAE", "<RMSE>"]]
