"""Ridge regression in closed form."""

from __future__ import annotations

import numpy as np

from aenetpy.analysis.atomic_energies import RANK_TOLERANCE
from aenetpy.arrays import Float
from aenetpy.baselines.base import CONSTANT, Model, Samples, fit_constants

ALPHAS = 10.0 ** np.arange(-12.0, 4.0, 0.25)
"""Penalties that are tried, in units of the largest eigenvalue."""


def choose_alpha(
    values_k: Float, parts_k: Float, n: int, rest: float, n_constants: int = 1
) -> float:
    """Return the penalty with the smallest error of generalised cross-validation.

    ``GCV(a) = n |y - H y|^2 / (n - c - tr H)^2`` with the eigenvalues ``l / (l + a)`` of H and
    c constants that are not penalised.

    Notes
    -----
    Golub, Heath and Wahba, Technometrics 21 (1979) 215.
    """
    if not values_k.size or values_k.max() <= 0.0:
        return 1.0  # nothing varies: every penalty gives the constants
    alphas = ALPHAS * values_k.max()
    kept_ak = values_k / (values_k + alphas[:, None])
    left = ((1.0 - kept_ak) ** 2) @ parts_k**2 + rest
    free = np.maximum(n - n_constants - kept_ak.sum(axis=1), 1e-3)
    return float(alphas[np.argmin(n * left / free**2)])


def column_space(columns_nc: Float, is_full: bool = False) -> tuple[Float, Float]:
    """Return an orthonormal basis of the span of columns, and of its complement on request."""
    left, singular, _ = np.linalg.svd(columns_nc, full_matrices=is_full)
    rank = int(np.count_nonzero(singular > RANK_TOLERANCE * singular.max(initial=0.0)))
    return left[:, :rank], left[:, rank:]


class Ridge(Model):
    """``min |y - C b - X c|^2 + alpha |c|^2``.

    X holds the fingerprints: of each species summed over the structure, or of each atom.
    C holds the number of atoms of each species, or a one; b is not penalised. Columns of X are
    brought to deviation 1 from their fit by C.

    Notes
    -----
    Hoerl and Kennard, Technometrics 12 (1970) 55.
    """

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Solve by singular values, which lose no digits to X^T X."""
        x_nk = samples.rows(self.labels)
        y_n = samples.labels(self.labels, energies_s)
        constants_nc = samples.constants(self.labels, self.parameters["constants"])
        basis_nc, _ = column_space(constants_nc)
        rest_nk, rest_n = (part - basis_nc @ (basis_nc.T @ part) for part in (x_nk, y_n))
        deviation_k = np.sqrt((rest_nk**2).mean(axis=0))
        varies_k = deviation_k > CONSTANT * np.abs(x_nk).max(axis=0, initial=0.0)
        self.factor_k = np.where(varies_k, 1.0, 0.0) / np.where(varies_k, deviation_k, 1.0)
        left, singular, right = np.linalg.svd(rest_nk * self.factor_k, full_matrices=False)
        parts_k = left.T @ rest_n
        beyond_n = rest_n - left @ parts_k
        alpha = self.parameters["alpha"]
        if alpha is None:
            square = float(beyond_n @ beyond_n)
            alpha = choose_alpha(singular**2, parts_k, len(y_n), square, basis_nc.shape[1])
        self.alpha = float(alpha)
        is_kept = singular > 1e-13 * singular.max(initial=0.0)
        shares_k = np.where(is_kept, singular, 0.0) / np.where(
            is_kept, singular**2 + self.alpha, 1.0
        )
        self.coefficients = right.T @ (shares_k * parts_k)
        linear_n = x_nk @ (self.factor_k * self.coefficients)
        self.constants_c = fit_constants(constants_nc, y_n - linear_n)

    def energies(self, samples: Samples) -> Float:
        """Return the columns of the constants, and of the fingerprints."""
        constants_nc = samples.constants(self.labels, self.parameters["constants"])
        linear_n = samples.rows(self.labels) @ (self.factor_k * self.coefficients)
        return samples.sums(self.labels, constants_nc @ self.constants_c + linear_n)

    def remark(self) -> str:
        """Return the penalty."""
        return f"alpha {self.alpha:.3g}"
