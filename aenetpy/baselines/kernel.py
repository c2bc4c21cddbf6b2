"""Kernel ridge regression in closed form."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float
from aenetpy.baselines.base import Model, Samples, Scaling, fit_constants
from aenetpy.baselines.linear import choose_alpha, column_space
from aenetpy.interruption import interruptible

ROWS = 500
"""Atoms whose kernels with all others are in memory at a time."""


class KernelRidge(Model):
    """``E_S = sum_t n_St b_t + sum_R c_R K_SR``: ``(K + alpha 1) c = E - n b``, ``n^T c = 0``.

    The constants b of the species are not penalised; with one in all, n is 1.
    ``K_SR = sum_{i in S, j in R, same species} exp(-gamma |G_i - G_j|^2)``, the
    fingerprints brought to mean 0 and deviation 1.

    Notes
    -----
    Bartók, Payne, Kondor and Csányi, Phys. Rev. Lett. 104 (2010) 136403.
    """

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Solve by eigenvectors of the kernel."""
        self.scaling_t = [Scaling.of(x_ng) for x_ng in samples.features_tng]
        self.samples = samples
        constants_sc = samples.constants("structure", self.parameters["constants"])
        basis_sc, rest_sk = column_space(constants_sc, is_full=True)
        kernel_ss = self._kernel(samples)
        values_k, vectors_kk = np.linalg.eigh(rest_sk.T @ kernel_ss @ rest_sk)
        values_k, vectors_sk = np.maximum(values_k, 0.0), rest_sk @ vectors_kk
        parts_k = vectors_sk.T @ energies_s
        alpha = self.parameters["alpha"]
        if alpha is None:
            alpha = choose_alpha(values_k, parts_k, len(energies_s), 0.0, basis_sc.shape[1])
        self.alpha = float(alpha)
        floor = 1e-13 * values_k.max(initial=1.0)
        self.coefficients_s = vectors_sk @ (parts_k / (values_k + max(self.alpha, floor)))
        self.constants_c = fit_constants(constants_sc, energies_s - kernel_ss @ self.coefficients_s)

    def energies(self, samples: Samples) -> Float:
        """Return the constants, and the sum over the structures of the fit."""
        constants_sc = samples.constants("structure", self.parameters["constants"])
        energies_s: Float = constants_sc @ self.constants_c
        return energies_s + self._kernel(samples) @ self.coefficients_s

    def remark(self) -> str:
        """Return the penalty."""
        return f"alpha {self.alpha:.3g}"

    def _kernel(self, samples: Samples) -> Float:
        """Return the kernel of structures with the structures of the fit, (s, r)."""
        n_fitted = len(self.samples.counts_st)
        kernel_sr = np.zeros((len(samples.counts_st), n_fitted))
        for t, scaling in enumerate(self.scaling_t):
            ours_ng = scaling.scaled(samples.features_tng[t])
            theirs_mg = scaling.scaled(self.samples.features_tng[t])
            starts_r = np.searchsorted(self.samples.structures_tn[t], np.arange(n_fitted))
            present_r = np.flatnonzero(self.samples.counts_st[:, t])
            if not present_r.size:
                continue
            gamma = self.parameters["gamma"]
            if gamma is None:
                gamma = 0.5 / max(int(np.count_nonzero(scaling.factor)), 1)
            squares_m = (theirs_mg**2).sum(axis=1)
            for first in interruptible(range(0, len(ours_ng), ROWS)):
                part_ng = ours_ng[first : first + ROWS]
                apart_nm = (part_ng**2).sum(axis=1)[:, None] + squares_m - 2 * part_ng @ theirs_mg.T
                values_nm = np.exp(-gamma * np.maximum(apart_nm, 0.0))
                sums_nr = np.add.reduceat(values_nm, starts_r[present_r], axis=1)
                structures_n = samples.structures_tn[t][first : first + ROWS]
                np.add.at(kernel_sr, (structures_n[:, None], present_r), sums_nr)
        return kernel_sr
