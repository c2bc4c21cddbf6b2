"""The training loop: epochs, errors, reasons to stop. It knows no method (spec 3.7, 10.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import NumericalError
from aenetpy.interruption import Terminated
from aenetpy.training.methods.base import Method
from aenetpy.training.objective import EnergyObjective, Evaluation
from aenetpy.training.order import Order

Float = NDArray[np.float64]

HOPELESS = 1e12
"""Growth of the objective beyond which no method comes back."""

Reason = Literal["epochs", "converged", "stopped", "exhausted"]


@dataclass(frozen=True)
class EpochRow:
    """One row of the epoch table: errors after the epoch, eV per atom.

    Parameters
    ----------
    epoch
        0 is before training.
    mae_train, rmse_train, mae_test, rmse_test
        Mean absolute and root mean square error of the energy per atom, eV; of an
        empty set 0 and NaN.
    """

    epoch: int
    mae_train: float
    rmse_train: float
    mae_test: float
    rmse_test: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """What training has come to.

    Parameters
    ----------
    weights_w
        All weights at the end, (w,) float64.
    row
        Errors with these weights.
    reason
        ``epochs``: all done; ``converged``: nothing left to gain; ``stopped``: asked to;
        ``exhausted``: the method cannot go on, see ``note``.
    note
        What the method says to that.
    """

    weights_w: Float
    row: EpochRow
    reason: Reason
    note: str | None = None


def never() -> bool:
    """Do not stop."""
    return False


def train(
    objective: EnergyObjective,
    objective_test: EnergyObjective,
    method: Method,
    weights_w: Float,
    epochs: int,
    on_epoch: Callable[[EpochRow, Float], None],
    stop: Callable[[], bool] = never,
    order: Order | None = None,
) -> Outcome:
    """Improve the weights, one step of the method per epoch.

    The evaluation at the weights of an epoch gives its row of the table, and the
    method its gradient and the order its errors.

    Parameters
    ----------
    objective, objective_test
        Over the training and the test structures.
    method
        What a step is.
    weights_w
        To start from, (w,) float64.
    epochs
        ITERATIONS; 0 or less only evaluates.
    on_epoch
        Called with the errors and the weights after every epoch, epoch 0 included.
    stop
        Asked after every epoch whether to end training.
    order
        In which the structures are visited; sequential by default.

    Returns
    -------
    Outcome
        Final weights and why training ended; SIGTERM and SIGHUP stop it, too.

    Raises
    ------
    NumericalError
        If weights or errors are no longer finite, or absurd.

    Notes
    -----
    Spec 3.3, 3.4, 3.7 (STOP) and 10.2 (table).
    """
    order = Order() if order is None else order
    evaluation = _evaluate(objective, method, weights_w, 0)
    limit = max(1.0, HOPELESS * evaluation.value)
    row = _measure(objective, objective_test, evaluation, weights_w, 0)
    on_epoch(row, weights_w)
    for epoch in range(1, epochs + 1):
        visits_v = order.draw(
            objective.errors(evaluation.energies_s), objective.energies_s / objective.n_atoms_s
        )
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # whether it diverged is asked below
                next_w = method.step(weights_w, evaluation, objective, visits_v)
            evaluation = _evaluate(objective, method, next_w, epoch, limit)
            next_row = _measure(objective, objective_test, evaluation, next_w, epoch)
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
    objective: EnergyObjective,
    method: Method,
    weights_w: Float,
    epoch: int,
    limit: float = math.inf,
) -> Evaluation:
    """Evaluate where the method has led, unless that is nowhere."""
    what = "not finite"
    if np.isfinite(weights_w).all():
        evaluation = objective.evaluate(weights_w, gradient=method.uses_gradient)
        if evaluation.value <= limit and math.isfinite(evaluation.value):
            return evaluation
        if math.isfinite(evaluation.value):
            what = "absurd"
    raise NumericalError(
        f"training has diverged in epoch {epoch}: weights or energies are {what}",
        hint="remove the network files and train.state, and use smaller steps or another SEED",
    )


def _measure(
    objective: EnergyObjective,
    objective_test: EnergyObjective,
    evaluation: Evaluation,
    weights_w: Float,
    epoch: int,
) -> EpochRow:
    """MAE = mean |d|, RMSE = sqrt(mean d^2) of d = (E_ref - E_nn) / N_atoms in eV."""
    train_s = objective.errors(evaluation.energies_s)
    test_s = objective_test.errors(objective_test.energies(weights_w))
    return EpochRow(epoch, *_mae_and_rmse(train_s), *_mae_and_rmse(test_s))


def _mae_and_rmse(errors_s: Float) -> tuple[float, float]:
    if not len(errors_s):
        return 0.0, math.nan
    return float(np.abs(errors_s).mean()), math.sqrt(float((errors_s**2).mean()))
