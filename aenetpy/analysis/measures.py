"""Measures of residuals: how large they are, and whether they are spread as by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float

FAR = 1.5
"""Standard deviations beyond which a residual is far out."""

GAUSSIAN_SHARE = math.erfc(FAR / math.sqrt(2.0))
"""Share of a normal distribution that is as far out: 13.4 %."""


@dataclass(frozen=True)
class Measures:
    """Summary of residuals e = predicted - reference."""

    n: int
    mae: float
    rmse: float
    r2: float
    maximum: float
    mean: float
    deviation: float
    beyond: float


def measure(errors: Float, reference: Float) -> Measures:
    """Return the measures of residuals of reference values, same shape and unit; not empty."""
    e, y = np.ravel(errors), np.ravel(reference)
    spread = float(((y - y.mean()) ** 2).sum())
    is_constant = spread <= len(y) * (1e-12 * float(np.abs(y).max())) ** 2
    deviation = float(e.std())
    return Measures(
        n=len(e),
        mae=float(np.abs(e).mean()),
        rmse=math.sqrt(float((e**2).mean())),
        r2=math.nan if is_constant else 1.0 - float((e**2).sum()) / spread,
        maximum=float(np.abs(e).max()),
        mean=float(e.mean()),
        deviation=deviation,
        beyond=float((np.abs(e - e.mean()) > FAR * deviation).mean()),
    )
