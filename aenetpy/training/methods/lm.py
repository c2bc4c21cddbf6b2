"""Levenberg-Marquardt over batches of structures (spec 3.3, method lm)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from aenetpy.arrays import Float, Index
from aenetpy.formats.restart import damaged
from aenetpy.training.methods.base import State, fits, whole_batches
from aenetpy.training.objective import Loss, Objective

TRIES = 5
"""Steps from the same weights, after which the last one is accepted although it is worse."""

SMALLEST_DAMPING, LARGEST_DAMPING = 1e-20, 1e20
"""Beyond them nothing changes any more: residuals and weights are of order one."""


class LM:
    """Damped Gauss-Newton steps, each judged by the batch that comes after it.

    A batch with residuals dE and rows ``J = d(dE)/dw`` makes the step

        w <- w - (J^T J + mu)^-1 J^T dE.

    The next batch tells whether its mean square error is lower than the error of the first
    one had been. If so, mu is divided by ``adjust`` and the batch after it makes
    the next step. If not, mu is multiplied by ``adjust``, the step is made again from the
    old weights, and the next batch judges again. The fifth step from the same weights
    (the sixth from the very first ones) is kept although it is worse, and mu as well.

    Notes
    -----
    Spec 3.3. A set of one batch leaves the weights unchanged in every other
    epoch, as in aenet, whose counter of tries starts at 0 in a run and at 1 after it.
    """

    uses_gradient = False
    converged = False
    note: str | None = None

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None:
        self._batch_size = int(parameters["batchsize"])
        self._adjust = parameters["adjust"]
        self._damping = parameters["learnrate"]
        self._tries = -1  # of the step that waits for its judgement; -1: none does
        self._start_w = np.zeros(n_weights)
        self._start_error = 0.0
        self._start_v = np.empty(0, dtype=np.intp)

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights after all batches."""
        for batch_v in whole_batches(sample_v, self._batch_size):
            if self._tries < 0:
                self._tries = 0 if self._start_v.size == 0 else 1
                self._start_w, self._start_v = weights_w, batch_v
                weights_w = self._try(objective)
            elif self._improved(weights_w, objective.batch(batch_v)):
                self._damping = max(self._damping / self._adjust, SMALLEST_DAMPING)
                self._tries = -1
            elif self._tries == TRIES:
                self._tries = -1
            else:
                self._raise_damping()
                self._tries += 1
                weights_w = self._try(objective)
        return weights_w

    def _improved(self, weights_w: Float, batch: Objective) -> bool:
        """Whether the mean square error is not above that before the step."""
        error = batch.evaluate(weights_w, gradient=False).value / batch.n_structures
        return error <= self._start_error

    def _try(self, objective: Objective) -> Float:
        """Return where the step leads from the old weights with the damping of now."""
        if self._start_v.max() >= objective.n_structures:  # only a restored state can say so
            raise damaged(f"structure {self._start_v.max() + 1} of {objective.n_structures}")
        found = objective.batch(self._start_v).residuals(self._start_w)
        residuals_k = found.residuals_k
        self._start_error = 0.5 * float(residuals_k @ residuals_k) / len(self._start_v)
        while True:
            try:
                step_w = damped_step(residuals_k, found.jacobian_kw, self._damping)
            except LinAlgError:  # too little damping for a matrix that is singular
                if self._damping >= LARGEST_DAMPING:
                    return np.full_like(self._start_w, np.nan)  # has diverged, see damped_step
                self._raise_damping()
            else:
                return self._start_w + step_w

    def _raise_damping(self) -> None:
        self._damping = min(self._damping * self._adjust, LARGEST_DAMPING)

    def state(self) -> State:
        """Return the damping and the step that waits for its judgement."""
        return {
            "damping": np.array(self._damping),
            "tries": np.array(self._tries),
            "start_w": self._start_w.copy(),
            "start_error": np.array(self._start_error),
            "start_v": self._start_v.copy(),
        }

    def restore(self, state: State) -> bool:
        """Go on from a saved state; False if it has another size."""
        if not fits(state, self.state(), free="start_v"):
            return False
        if state["damping"] <= 0.0:
            raise damaged(f"the damping {state['damping']:g} is not above 0")
        if state["tries"] >= 0 and not len(state["start_v"]):
            raise damaged("a step without structures waits for its judgement")
        if (state["start_v"] < 0).any():
            raise damaged("the number of a structure is negative")
        if state["tries"] > TRIES:
            raise damaged(f"{state['tries']} tries, of which there are {TRIES}")
        self._damping = float(state["damping"])
        self._tries = int(state["tries"])
        self._start_w = state["start_w"].copy()
        self._start_error = float(state["start_error"])
        self._start_v = state["start_v"].astype(np.intp)
        return True


def damped_step(residuals_k: Float, jacobian_kw: Float, damping: float) -> Float:
    """Return ``-(J^T J + mu)^-1 J^T dE``, by the smaller of ``J^T J`` and ``J J^T``."""
    n_residuals, n_weights = jacobian_kw.shape
    wide = n_residuals < n_weights
    matrix = jacobian_kw @ jacobian_kw.T if wide else jacobian_kw.T @ jacobian_kw
    if not np.isfinite(matrix).all():
        return np.full(n_weights, np.nan)  # has diverged, which the loop will tell
    matrix[np.diag_indices(len(matrix))] += damping
    factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    if wide:
        return -(cho_solve(factor, residuals_k, check_finite=False) @ jacobian_kw)
    step_w: Float = -cho_solve(factor, residuals_k @ jacobian_kw, check_finite=False)
    return step_w
