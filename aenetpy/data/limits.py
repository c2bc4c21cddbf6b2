"""Limits of the numbers in files: each number that a reader returns has been checked here, once.

A reader names the limit of each quantity that it reads; without one, numbers are finite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenetpy.arrays import Mask

LARGEST = 1e150
"""Largest number of any sign: the squares of larger numbers overflow."""

LARGEST_ORDER = 200
"""Of Chebyshev polynomials: T_200 has a node every 0.1 Å of a cutoff of 20 Å, finer than atoms
move, and its values are still right to 1e-10. The moments of the angular part grow as the square
of the order; with this one they take 0.6 MB per atom."""


@dataclass(frozen=True)
class Limit:
    """A condition on numbers."""

    text: str
    allows: Callable[[NDArray[Any]], Mask]

    def objection(self, values: ArrayLike) -> str | None:
        """Return the objection to the first number that is not allowed; None if all are."""
        values = np.asarray(values)
        if values.dtype.kind == "O":  # an integer of Python that is none of NumPy
            return f"is too large, and must be {self.text}"
        with np.errstate(invalid="ignore"):
            allowed = np.asarray(self.allows(values))
        if allowed.all():
            return None
        k, values_k = int(np.argmin(allowed)), values.ravel()
        which = "" if values_k.size == 1 else f"number {k + 1} of {values_k.size} "
        return f"{which}is {values_k[k]:g}, and must be {self.text}"


ANY = Limit("a number", lambda x: np.ones(x.shape, np.bool_))
FINITE = Limit(f"finite, up to {LARGEST:g}", lambda x: abs(x) <= LARGEST)
FINITE_OR_NAN = Limit("finite, or unknown (NaN)", lambda x: ~(abs(x) > LARGEST))
POSITIVE = Limit(
    f"finite and above 0 ({1 / LARGEST:g} or more)",
    lambda x: (x >= 1 / LARGEST) & (x <= LARGEST),
)
NOT_NEGATIVE = Limit("finite and not negative", lambda x: (x >= 0) & (x <= LARGEST))
NOT_NEGATIVE_OR_NAN = Limit(
    "finite and not negative, or unknown (NaN)", lambda x: ~((x < 0) | (x > LARGEST))
)
COUNT = Limit("0 or more", lambda x: x >= 0)
N_SPECIES = Limit("0 to 200, as there are 118 elements", lambda x: (x >= 0) & (x <= 200))
ORDER = Limit(
    f"a whole number from 0 to {LARGEST_ORDER}",
    lambda x: (x >= 0) & (x <= LARGEST_ORDER) & (x == np.floor(x)),
)


@dataclass(frozen=True)
class Form:
    """The form of one item of an archive of NumPy, or of a JSON object.

    Parameters
    ----------
    kinds
        Of its ``dtype``: ``U`` text, ``iu`` whole numbers, ``iuf`` numbers.
    n_axes
        0 for a single value.
    limit
        Of the numbers.
    """

    kinds: str
    n_axes: int = 0
    limit: Limit = ANY


TEXT = Form("U")
TEXTS = Form("U", 1)
WHOLE = Form("iu", 0, COUNT)


def taken(items: Mapping[str, Any], forms: Mapping[str, Form]) -> dict[str, Any]:
    """Return the items that have a form, as plain values, or as arrays where they have axes.

    Whole numbers become int64, others float64.
    """
    return {name: _taken(name, items, form) for name, form in forms.items()}


def _taken(name: str, items: Mapping[str, Any], form: Form) -> Any:
    if name not in items:
        raise ValueError(f"{name} is missing")
    array = np.asarray(items[name])
    if array.size == 0 and array.ndim == form.n_axes == 1:  # an empty list has no kind
        array = array.astype("U" if form.kinds == "U" else np.float64)
    elif array.dtype.kind not in form.kinds or array.ndim != form.n_axes:
        raise ValueError(f"{name} is {array.dtype} with {array.ndim} axes")
    if form.kinds != "U":
        array = array.astype(np.float64 if "f" in form.kinds else np.int64)
        reason = form.limit.objection(array)
        if reason is not None:
            raise ValueError(f"{name} {reason}")
    return array if form.n_axes else array.item()
