"""The training loop: epochs, errors, reasons to stop (spec 3.7, 10.2).

It knows neither the method nor the meaning of the objective.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aenetpy.arrays import Float
from aenetpy.errors import NumericalError
from aenetpy.interruption import Terminated
from aenetpy.training.methods.base import Method
from aenetpy.training.objective import Loss, MeanErrors, Objective, mean_errors
from aenetpy.training.sampler import Sampler

HOPELESS = 1e12
"""Growth of the objective beyond which no method comes back."""

Reason = Literal["epochs", "converged", "stopped", "exhausted", "patience"]


@dataclass(frozen=True)
class EpochRow:
    """One row of the epoch table: errors after the epoch."""

    epoch: int
    train: tuple[MeanErrors, ...]
    test: tuple[MeanErrors, ...]
    score: float

    @property
    def columns(self) -> tuple[float, ...]:
        """Quantity by quantity MAE and RMSE of training, MAE and RMSE of testing."""
        pairs = zip(self.train, self.test, strict=True)
        return tuple(x for one, two in pairs for x in (one.mae, one.rmse, two.mae, two.rmse))


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of a training run."""

    weights_w: Float
    row: EpochRow
    reason: Reason
    note: str | None = None


def never() -> bool:
    """Do not stop."""
    return False


def run_epochs(
    objective: Objective,
    objective_test: Objective,
    method: Method,
    weights_w: Float,
    epochs: int,
    on_epoch: Callable[[EpochRow, Float], None],
    stop: Callable[[], bool] = never,
    sampler: Sampler | None = None,
    has_waited: Callable[[], bool] = never,
) -> Outcome:
    """Improve the weights, one step of the method per epoch.

    The evaluation at the weights of an epoch gives its row of the table, and the
    method its gradient and the sampler its errors.

    Notes
    -----
    Spec 3.3, 3.4, 3.7 (STOP) and 10.2 (table).
    """
    sampler = Sampler() if sampler is None else sampler
    loss = _evaluate(objective, method, weights_w, 0)
    limit = max(1.0, HOPELESS * loss.value)
    row = _measure(loss, objective_test, weights_w, 0)
    on_epoch(row, weights_w)
    for epoch in range(1, epochs + 1):
        if has_waited():
            return Outcome(weights_w, row, "patience")
        sample_v = sampler.draw(objective, loss)
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # whether it diverged is asked below
                next_w = method.step(weights_w, loss, objective, sample_v)
            loss = _evaluate(objective, method, next_w, epoch, limit)
            next_row = _measure(loss, objective_test, next_w, epoch)
        except Terminated:
            return Outcome(weights_w, row, "stopped")  # with the last whole epoch
        weights_w, row = next_w, next_row
        on_epoch(row, weights_w)
        if method.converged:
            return Outcome(weights_w, row, "converged")
        if method.note is not None:
            return Outcome(weights_w, row, "exhausted", method.note)
        if stop():
            return Outcome(weights_w, row, "stopped")
    return Outcome(weights_w, row, "epochs")


def _evaluate(
    objective: Objective,
    method: Method,
    weights_w: Float,
    epoch: int,
    limit: float = math.inf,
) -> Loss:
    """Evaluate at the weights of an epoch; refuse a loss that is not finite or too large."""
    what = "not finite"
    if np.isfinite(weights_w).all():
        loss = objective.evaluate(weights_w, gradient=method.uses_gradient)
        if loss.value <= limit and math.isfinite(loss.value):
            return loss
        if math.isfinite(loss.value):
            what = "absurd"
    raise NumericalError(
        f"training has diverged in epoch {epoch}: weights or errors are {what}",
        hint="remove the network files and train.state, and use smaller steps or another SEED",
    )


def _measure(loss: Loss, objective_test: Objective, weights_w: Float, epoch: int) -> EpochRow:
    """Return the row of an epoch: errors of training as evaluated, errors of testing."""
    loss_test = objective_test.evaluate(weights_w, gradient=False)
    train = tuple(map(mean_errors, loss.errors))
    test = tuple(map(mean_errors, loss_test.errors))
    return EpochRow(epoch, train, test, objective_test.score(loss_test))
