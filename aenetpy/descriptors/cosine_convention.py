"""Which variable the angular Chebyshev polynomials of a setup were made with (spec 6.2).

aenet up to 2.0.3 took cos(theta) for a number between 0 and pi: it summed T_n(y) with
y = (2 cos(theta) - pi)/pi where later versions sum T_n(cos(theta)). No file tells the
version, but the statistics stored in it do.
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

CosineConvention = Literal["new", "old"]
"""That of aenet 2.0.4 (and aenetpy), and that of 2.0.3 and before."""

ConventionChoice = Literal["auto", "new", "old"]

ROUNDING = 1e-4
"""What averages may exceed a bound by: some files were fitted in single precision."""

NEAREST_OLD = 1.0 - 2.0 / np.pi
"""The variable of the old convention lies between -1 - 2/pi and -(1 - 2/pi)."""

log = logging.getLogger("aenetpy")


def angular_variable(x: Float, convention: CosineConvention) -> Float:
    """Return the argument of the polynomials: x = cos(theta), or "old", (2 x - pi)/pi."""
    return x if convention == "new" else (2.0 * x - np.pi) / np.pi


def proven_convention(setup: Setup) -> CosineConvention | None:
    """Return the convention that the statistics of a setup prove, None if they prove none.

    With cutoff weights that are not negative, for every atom and thus every average::

        new: -G_0 <= G_n <= G_0              old: G_1 <= -(1 - 2/pi) G_0

    One violation excludes the convention. Only the part without species weights counts.

    Parameters
    ----------
    setup
        With the statistics of the training set.

    Returns
    -------
    "new", "old" or None
        None without statistics, without angles, or if the angles were all wide.

    Notes
    -----
    Spec 6.2, versions up to 2.0.3.
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
    # Other programs leave the extremes empty.
    if (lowest_n <= mean_n).all() and (mean_n <= highest_n).all():
        sizes.append((np.maximum(abs(lowest_n), abs(highest_n)), highest_n[0]))
    if any((size_n > bound * (1.0 + ROUNDING)).any() for size_n, bound in sizes):
        return "old"
    if mean_n.size > 1 and mean_n[1] > -(NEAREST_OLD - ROUNDING) * mean_n[0]:
        return "new"
    return None


def choose_conventions(
    setups: Mapping[str, Setup], choice: ConventionChoice = "auto"
) -> dict[str, CosineConvention]:
    """Return the convention in which to evaluate each Chebyshev setup of a potential.

    A setup that proves none follows the others, which the same program has made.

    Parameters
    ----------
    setups
        Setup of each species, with statistics.
    choice
        "new" or "old" for all setups, or "auto": as the statistics prove.

    Raises
    ------
    UsageError
        Another choice.
    DataError
        A setup that contradicts itself.
    """
    if choice not in get_args(ConventionChoice):
        raise UsageError(f"chebyshev domain '{choice}' is not known", hint="use auto, new or old")
    if choice != "auto":
        return dict.fromkeys(setups, choice)
    proven = {symbol: proven_convention(setup) for symbol, setup in setups.items()}
    others = _unanimous(proven.values())
    for symbol, setup in setups.items():
        if proven[symbol] is None and others is None and _has_angles(setup):
            log.warning(
                "the potential of %s does not tell whether it is older than aenet 2.0.4;"
                " taken for a new one, --chebyshev-domain old takes it for an old one",
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


def old_from_new(order: int) -> Float:
    """Return a_nk of T_n((2 x - pi)/pi) = sum_k a_nk T_k(x), (order + 1, order + 1).

    Lower triangular, since the left side is a polynomial of degree n in x; from its
    values at the Chebyshev nodes, where the T_k are orthogonal.
    """
    nodes = np.cos(np.pi * (np.arange(order + 1) + 0.5) / (order + 1))
    weights_k = np.where(np.arange(order + 1) == 0, 1.0, 2.0) / (order + 1)
    values_xn = chebvander(angular_variable(nodes, "old"), order)
    return np.tril(values_xn.T @ (chebvander(nodes, order) * weights_k))
