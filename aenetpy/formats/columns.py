"""Numbers in columns, as the edit descriptors of Fortran print them."""

from __future__ import annotations

import math


def integer(value: int, width: int) -> str:
    """Return ``value`` as Fortran's ``Iw``: right-justified, stars where it does not fit."""
    text = str(value).rjust(width)
    return text if len(text) <= width else "*" * width


def fixed(value: float, width: int, digits: int) -> str:
    """Return ``value`` as Fortran's ``Fw.d``: stars where it does not fit."""
    if not math.isfinite(value):
        return _not_finite(value, width)
    text = f"{value:{width}.{digits}f}"
    return text if len(text) <= width else "*" * width


def scientific(value: float, width: int, digits: int) -> str:
    """Return ``value`` as Fortran's ``ESw.d``, which writes 1E-100 as ``1.0-100``."""
    if not math.isfinite(value):
        return _not_finite(value, width)
    mantissa, exponent = f"{value:.{digits}E}".split("E")
    text = f"{mantissa}{'E' if len(exponent) == 3 else ''}{exponent}".rjust(width)
    return text if len(text) <= width else "*" * width


def _not_finite(value: float, width: int) -> str:
    """NaN or Infinity, right-justified."""
    if math.isnan(value):
        return "NaN".rjust(width)
    name = "Infinity" if width > len("Infinity") else "Inf"
    return f"{'-' if value < 0.0 else ''}{name}".rjust(width)
