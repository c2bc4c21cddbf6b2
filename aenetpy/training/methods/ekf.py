"""The extended Kalman filter, structure by structure (spec 3.3, method ekf)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aenetpy.arrays import Float, Index
from aenetpy.formats.restart import EkfRestart, Restart, check_ekf, damaged
from aenetpy.training.methods.base import State, fits
from aenetpy.training.objective import Loss, Objective


class EKF:
    """Weights as the state of a system, energies as its measurements.

    The weights are cut into groups with a covariance P each. Every structure, with
    ``h = -d(dE_s)/dw``, updates

        K = P h / (h^T P h + lambda),  w <- w + K dE_s,
        P <- (P - K h^T P) / lambda + pnoise,  lambda <- lambda0 (lambda - 1) + 1.

    Notes
    -----
    Spec 3.3. Groups run on over the border between two networks; the last one is
    filled up with zeros.
    """

    uses_gradient = False
    is_fresh = False
    converged = False
    note: str | None = None

    def __init__(self, n_weights: int, parameters: Mapping[str, float]) -> None:
        self._n_weights = n_weights
        self._forgetting = parameters["lambda"]
        self._approach = parameters["lambda0"]
        size = min(int(parameters["wgroup"]), n_weights)
        n_groups = -(-n_weights // size)
        self._real_kw = (np.arange(n_groups * size) < n_weights).reshape(n_groups, size)
        unit_kww = np.eye(size) * self._real_kw[:, np.newaxis]
        self._covariance_kww = unit_kww / parameters["state"]
        self._work_kww = np.empty_like(unit_kww)
        self._noise_kww = unit_kww * parameters["pnoise"] if parameters["pnoise"] else None

    def step(self, weights_w: Float, loss: Loss, objective: Objective, sample_v: Index) -> Float:
        """Return the weights after all visits."""
        for visit in sample_v[:, np.newaxis]:
            found = objective.batch(visit).residuals(weights_w)
            for residual, slope_w in zip(found.residuals_k, found.jacobian_kw, strict=True):
                weights_w = weights_w + self._gain(-slope_w) * residual
                self._forgetting = self._approach * (self._forgetting - 1.0) + 1.0
        return weights_w

    def _gain(self, slope_w: Float) -> Float:
        """Return K and update P."""
        h_kw = np.zeros(self._real_kw.shape)
        h_kw[self._real_kw] = slope_w
        ph_kw = np.matmul(self._covariance_kww, h_kw[:, :, np.newaxis])[:, :, 0]
        hp_kw = np.matmul(h_kw[:, np.newaxis], self._covariance_kww)[:, 0]
        gain_kw = ph_kw / ((h_kw * ph_kw).sum(axis=1, keepdims=True) + self._forgetting)
        np.multiply(gain_kw[:, :, np.newaxis], hp_kw[:, np.newaxis], out=self._work_kww)
        self._covariance_kww -= self._work_kww
        self._covariance_kww /= self._forgetting
        if self._noise_kww is not None:
            self._covariance_kww += self._noise_kww
        return gain_kw[self._real_kw]

    def state(self) -> State:
        """Return lambda and P."""
        return {
            "forgetting": np.array(self._forgetting),
            "covariance_kww": self._covariance_kww.copy(),
        }

    def restore(self, state: State) -> bool:
        """Go on with saved lambda and P; False if the groups are others."""
        if not fits(state, self.state()):
            return False
        if state["forgetting"] <= 0.0:
            raise damaged("its forgetting factor is not above 0")
        self._forgetting = float(state["forgetting"])
        self._covariance_kww = state["covariance_kww"].copy()
        return True

    def to_restart(self) -> EkfRestart:
        """Return the state as aenet saves it after every epoch; weights are not part of it.

        Notes
        -----
        Spec 7.5.
        """
        return EkfRestart(
            n_weights=self._n_weights,
            group_size=self._real_kw.shape[1],
            forgetting=self._forgetting,
            sizes_k=self._real_kw.sum(axis=1).astype(np.int32),
            covariance_kww=self._covariance_kww.copy(),
        )

    def accepts(self, restart: Restart) -> bool:
        """Return whether a saved state is one of this method."""
        return isinstance(restart, EkfRestart)

    def load(self, restart: EkfRestart) -> bool:
        """Go on from a state of aenet or of ``to_restart``; False if the groups are others.

        aenet gives every P the size WGROUP, although all weights together may be fewer.
        """
        check_ekf(restart)
        size = self._real_kw.shape[1]
        if restart.group_size < size or not np.array_equal(
            restart.sizes_k, self._real_kw.sum(axis=1)
        ):
            return False
        real_kww = self._real_kw[:, :, np.newaxis] & self._real_kw[:, np.newaxis]
        covariance_kww = np.where(real_kww, restart.covariance_kww[:, :size, :size], 0.0)
        return self.restore(
            {"forgetting": np.array(restart.forgetting), "covariance_kww": covariance_kww}
        )
