"""Which variable the angular Chebyshev polynomials of a setup were made with (spec 6.2).

aenet up to 2.0.3 took cos(theta) for a number between 0 and pi: it summed T_n(y) with
y = (2 cos(theta) - pi)/pi where later versions sum T_n(cos(theta)). A fork sums T_n(y) with
y = (1 + cos(theta))/2. No file names the variable, but the statistics stored in it show it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.descriptors.chebyshev_setup import angular_blocks
from aenetpy.errors import UsageError

CosineConvention = Literal["new", "old", "half"]
"""Of aenet 2.0.4 (and aenetpy), of 2.0.3 and before, of a fork on half of the domain."""

ConventionChoice = Literal["auto", "new", "old", "half"]

ORIGINS: dict[CosineConvention, str] = {
    "new": "aenet 2.0.4",
    "old": "aenet 2.0.3 or before, which took cos(theta) for an angle",
    "half": "a fork of aenet that takes (1 + cos(theta))/2 for cos(theta)",
}
"""What fits potentials in each convention."""

ROUNDING = 1e-4
"""What averages may exceed a bound by: some files were fitted in single precision."""

NEAREST_OLD = 1.0 - 2.0 / np.pi
"""The variable of the old convention lies between -1 - 2/pi and -(1 - 2/pi)."""

HALF_ORDERS = 5
"""Averages that are carried from "half" to T_n(cos theta): more would magnify rounding."""

CROWDED = 10.0
"""Average of G_0 from which an atom has so many neighbours that they surround it."""

ONE_SIDED = 0.35
"""G_1/G_0 of "new", the mean cosine, is 0 in bulk and 1/4 at a surface; of "half" 1/2 in bulk."""

log = logging.getLogger("aenetpy")


def angular_variable(x: Float, convention: CosineConvention) -> Float:
    """Return the argument of the polynomials for x = cos(theta)."""
    match convention:
        case "new":
            return x
        case "old":
            return (2.0 * x - np.pi) / np.pi
        case "half":
            return (1.0 + x) / 2.0


def proven_convention(setup: Setup) -> CosineConvention | None:
    """Return the convention that the statistics of a setup prove, None if they prove none.

    With cutoff weights that are not negative, for every atom and thus every average::

        new: -G_0 <= G_n <= G_0
        old: G_1 <= -(1 - 2/pi) G_0
        half: 0 <= G_1, and |sum_j T_k(2 y_j - 1)| <= G_0, which has T_k(cos theta)

    One violation excludes the convention. Only the part without species weights counts. What
    "half" allows, "new" allows for atoms that have all their neighbours on one side; they are
    taken for "half" if the neighbours are many.

    Notes
    -----
    Spec 6.2, other variables.
    """
    statistics = setup.statistics
    if statistics is None or not setup.family.has_cosine_convention:
        return None
    block = angular_blocks(setup)[0]
    mean_n, lowest_n = statistics.mean_g[block], statistics.minimum_g[block]
    highest_n, square_n = statistics.maximum_g[block], statistics.mean_square_g[block]
    if not mean_n[0] > 0.0:
        return None
    sizes = [(abs(mean_n), mean_n[0]), (square_n, square_n[0])]
    smallest_n = mean_n
    # Other programs leave the extremes empty.
    if (lowest_n <= mean_n).all() and (mean_n <= highest_n).all():
        sizes.append((np.maximum(abs(lowest_n), abs(highest_n)), highest_n[0]))
        smallest_n = lowest_n
    if any((size_n > bound * (1.0 + ROUNDING)).any() for size_n, bound in sizes):
        return "old"
    if mean_n.size < 2 or mean_n[1] <= -(NEAREST_OLD - ROUNDING) * mean_n[0]:
        return None
    if _excludes_half(mean_n, smallest_n[1]) or mean_n[1] < ONE_SIDED * mean_n[0]:
        return "new"
    return "half" if mean_n[0] > CROWDED else None


def _excludes_half(mean_n: Float, smallest: float) -> bool:
    """Return whether averages, and the smallest G_1 of all atoms, cannot be of "half"."""
    half_n = mean_n[:HALF_ORDERS]
    new_n = np.linalg.solve(polynomials_from_new(len(half_n) - 1, "half"), half_n)
    return bool(
        smallest < -ROUNDING * mean_n[0] or (abs(new_n) > mean_n[0] * (1.0 + ROUNDING)).any()
    )


def choose_conventions(
    setups: Mapping[str, Setup], choice: ConventionChoice = "auto"
) -> dict[str, CosineConvention]:
    """Return the convention in which to evaluate each Chebyshev setup of a potential.

    A setup that proves none follows the others, which the same program has made; so does
    one that looks like "half" beside a proof of something else.
    """
    if choice not in get_args(ConventionChoice):
        raise UsageError(
            f"chebyshev domain '{choice}' is not known", hint="use auto, new, old or half"
        )
    if choice != "auto":
        return dict.fromkeys(setups, choice)
    proven = {symbol: proven_convention(setup) for symbol, setup in setups.items()}
    certain = [convention for convention in proven.values() if convention in ("new", "old")]
    if certain:
        proven = {s: None if found == "half" else found for s, found in proven.items()}
    others = _unanimous(proven.values())
    for symbol, setup in setups.items():
        if proven[symbol] is None and others is None and _has_angles(setup):
            log.warning(
                "the potential of %s does not show whether it is older than aenet 2.0.4 or of a"
                " fork; evaluated as one of 2.0.4, --chebyshev-domain old or half otherwise",
                symbol,
            )
    return {symbol: convention or others or "new" for symbol, convention in proven.items()}


def _unanimous(conventions: Iterable[CosineConvention | None]) -> CosineConvention | None:
    known = {convention for convention in conventions if convention is not None}
    return known.pop() if len(known) == 1 else None


def _has_angles(setup: Setup) -> bool:
    """Return whether the convention makes a difference: angles were seen, and more than counted."""
    if setup.statistics is None or not setup.family.has_cosine_convention:
        return False
    mean_n = setup.statistics.mean_g[angular_blocks(setup)[0]]
    return bool(mean_n.size > 1 and mean_n[0] > 0.0)


def polynomials_from_new(order: int, convention: CosineConvention) -> Float:
    """Return a_nk of T_n(y) = sum_k a_nk T_k(x), (order + 1, order + 1).

    Lower triangular, since y is linear in x = cos(theta); from its
    values at the Chebyshev nodes, where the T_k are orthogonal.
    """
    nodes = np.cos(np.pi * (np.arange(order + 1) + 0.5) / (order + 1))
    weights_k = np.where(np.arange(order + 1) == 0, 1.0, 2.0) / (order + 1)
    values_xn = chebvander(angular_variable(nodes, convention), order)
    return np.tril(values_xn.T @ (chebvander(nodes, order) * weights_k))
