"""What the few numbers of a Chebyshev setup mean (spec 6.2)."""

from __future__ import annotations

from collections.abc import Sequence

from aenetpy.data.setup import Setup


def parameters(setup: Setup) -> tuple[float, int, float, int]:
    """Return R_r, N_r, R_a, N_a of a setup."""
    radial_cutoff, radial_order, angular_cutoff, angular_order = setup.parameters_gp[0].tolist()
    return radial_cutoff, int(radial_order), angular_cutoff, int(angular_order)


def angular_blocks(setup: Setup) -> list[slice]:
    """Return where the angular values stand: plain, then weighted if there are two parts."""
    _, radial_order, _, angular_order = parameters(setup)
    first, size = radial_order + 1, angular_order + 1
    return [slice(k, k + size) for k in range(first, setup.n_features, first + size)]


def typespins(environment: Sequence[str]) -> dict[str, float]:
    """Return the weight of each species by its place in ENV.

    -[n/2] ... [n/2] in steps of one, without 0 if n is even (spec 6.2).
    """
    half = len(environment) // 2
    values = [s for s in range(-half, half + 1) if s != 0 or len(environment) % 2 == 1]
    return {symbol: float(s) for symbol, s in zip(environment, values, strict=True)}
