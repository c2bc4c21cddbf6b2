"""The table of errors by set that train, predict and parity share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Errors:
    """Errors of one quantity over a set of structures.

    Parameters
    ----------
    n
        Number of values.
    mae, rmse
        Mean absolute and root mean square error, in eV/atom, eV/Å or GPa.
    """

    n: int
    mae: float
    rmse: float

    def as_json(self, unit: str) -> dict[str, Any]:
        """Return them for ``predict --json``."""
        return {"count": self.n, "mae": self.mae, "rmse": self.rmse, "unit": unit}


UNITS = {"energy": ("meV/atom", 1000.0), "force": ("eV/Å", 1.0), "stress": ("GPa", 1.0)}
"""In which errors are printed, and how many of it make the unit of `Errors`."""

ByQuantity = Mapping[str, Errors]


def errors_table(by_set: Mapping[str, ByQuantity]) -> str:
    """Return a row per set and quantity: set, quantity, number of values, MAE, RMSE, unit."""
    text = f"  {'set':14}{'quantity':10}{'values':>9}{'MAE':>12}{'RMSE':>12}\n"
    for name, found in by_set.items():
        for quantity, errors in found.items():
            if errors.n and math.isfinite(errors.rmse):
                unit, per_unit = UNITS[quantity]
                mae, rmse = per_unit * errors.mae, per_unit * errors.rmse
                text += f"  {name:14}{quantity:10}{errors.n:9d}{mae:12.4g}{rmse:12.4g}  {unit}\n"
    return text.rstrip("\n")
