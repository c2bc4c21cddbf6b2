"""Ridge regression in closed form."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float
from aenetpy.baselines.base import Model, Samples, Scaling

ALPHAS = 10.0 ** np.arange(-12.0, 4.0, 0.25)
"""Penalties that are tried, in units of the largest eigenvalue."""


def choose_alpha(values_k: Float, parts_k: Float, n: int, rest: float) -> float:
    """Return the penalty with the smallest error of generalised cross-validation.

    ``GCV(a) = n |y - H y|^2 / (n - 1 - tr H)^2`` with the eigenvalues ``l / (l + a)`` of H; one
    degree of freedom is that of the mean.

    Parameters
    ----------
    values_k
        Eigenvalues l of X X^T, or of the kernel.
    parts_k
        Parts of y along their eigenvectors.
    n
        Number of labels.
    rest
        Square of what of y no eigenvector has.

    Notes
    -----
    Golub, Heath and Wahba, Technometrics 21 (1979) 215.
    """
    if not values_k.size or values_k.max() <= 0.0:
        return 1.0  # nothing varies: every penalty gives the mean
    alphas = ALPHAS * values_k.max()
    kept_ak = values_k / (values_k + alphas[:, None])
    left = ((1.0 - kept_ak) ** 2) @ parts_k**2 + rest
    free = np.maximum(n - 1 - kept_ak.sum(axis=1), 1e-3)
    return float(alphas[np.argmin(n * left / free**2)])


class Ridge(Model):
    """``min |y - b - X c|^2 + alpha |c|^2``.

    X holds the fingerprints, columns brought to mean 0 and deviation 1: those of each
    species summed over the structure, or of each atom; b is not penalised.

    Notes
    -----
    Hoerl and Kennard, Technometrics 12 (1970) 55.
    """

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Solve by singular values, which lose no digits to X^T X."""
        x_nk = samples.rows(self.labels)
        y_n = samples.labels(self.labels, energies_s)
        self.scaling, self.mean = Scaling.of(x_nk), float(y_n.mean())
        left, singular, right = np.linalg.svd(self.scaling.scaled(x_nk), full_matrices=False)
        y_n = y_n - self.mean
        parts_k = left.T @ y_n
        beyond_n = y_n - left @ parts_k
        alpha = self.parameters["alpha"]
        if alpha is None:
            alpha = choose_alpha(singular**2, parts_k, len(y_n), float(beyond_n @ beyond_n))
        self.alpha = float(alpha)
        is_kept = singular > 1e-13 * singular.max(initial=0.0)
        shares_k = np.where(is_kept, singular, 0.0) / np.where(
            is_kept, singular**2 + self.alpha, 1.0
        )
        self.coefficients = right.T @ (shares_k * parts_k)

    def energies(self, samples: Samples) -> Float:
        """Return what is linear in the fingerprints."""
        x_nk = self.scaling.scaled(samples.rows(self.labels))
        return samples.sums(self.labels, self.mean + x_nk @ self.coefficients)

    def remark(self) -> str:
        """Return the penalty."""
        return f"alpha {self.alpha:.3g}"
