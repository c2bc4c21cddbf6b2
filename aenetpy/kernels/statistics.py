"""Running statistics in aenet's order of operations (spec 7.1)."""

from __future__ import annotations

from aenetpy.arrays import Float
from aenetpy.kernels._jit import kernel


@kernel
def update(
    count: int,
    features_ng: Float,
    minimum_g: Float,
    maximum_g: Float,
    mean_g: Float,
    mean_square_g: Float,
) -> None:
    """Take in (n, g) features after ``count`` others: a <- (count a + x)/(count + 1), in place."""
    for x_g in features_ng:
        for g in range(len(x_g)):
            x = x_g[g]
            minimum_g[g] = min(minimum_g[g], x)
            maximum_g[g] = max(maximum_g[g], x)
            mean_g[g] = (count * mean_g[g] + x) / (count + 1.0)
            mean_square_g[g] = (count * mean_square_g[g] + x * x) / (count + 1.0)
        count += 1
