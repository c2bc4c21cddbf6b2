"""How honest the spread of a committee is: errors of its mean on structures held out."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float
from aenetpy.errors import DataError
from aenetpy.io.files import read_text, write_text


@dataclass(frozen=True)
class Spread:
    """The spread of one quantity against its errors.

    Parameters
    ----------
    factor
        c, by which standard deviations are to be multiplied.
    rmse, std_rms
        Root mean squares of the errors and of the standard deviations, in the unit of the quantity.
    within
        Shares of errors within one and two standard deviations as they are.
    within_calibrated
        The same after multiplication by c.
    n
        How many errors.
    """

    factor: float
    rmse: float
    std_rms: float
    within: tuple[float, float]
    within_calibrated: tuple[float, float]
    n: int


def spread_of(errors_k: Float, stds_k: Float) -> Spread | None:
    """Return how errors and standard deviations compare; None if there are none, or all are 0.

    ``c = sqrt(Σ err^2 / Σ std^2)``: the mean square error then is the mean variance. The mean of
    err^2/std^2 would be ruled by the few values on which all members happen to agree.
    """
    std_rms = math.sqrt(float((stds_k**2).mean())) if len(stds_k) else 0.0
    if not std_rms > 0.0:
        return None
    rmse = math.sqrt(float((errors_k**2).mean()))
    factor = rmse / std_rms

    def shares(scale: float) -> tuple[float, float]:
        one, two = (float((abs(errors_k) <= k * scale * stds_k).mean()) for k in (1, 2))
        return one, two

    return Spread(factor, rmse, std_rms, shares(1.0), shares(factor), len(errors_k))


@dataclass(frozen=True)
class Calibration:
    """What the common test set says of the spread of a committee.

    Parameters
    ----------
    n_structures
        Structures that were held out.
    energy
        Energies per atom, eV.
    force
        Components of forces, eV/Å; None if there were none.
    """

    n_structures: int
    energy: Spread
    force: Spread | None = None


def write_calibration(path: str | Path, calibration: Calibration) -> None:
    """Write a calibration as JSON."""
    write_text(path, json.dumps(asdict(calibration), indent=1) + "\n")


def read_calibration(path: str | Path) -> Calibration:
    """Read what `write_calibration` has written.

    Raises
    ------
    DataError
        If it is something else.
    """
    try:
        found = json.loads(read_text(path))
        energy, force = found["energy"], found["force"]
        return Calibration(
            int(found["n_structures"]), _spread(energy), None if force is None else _spread(force)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"holds no calibration of a committee ({error})",
            file=path,
            hint="remove it, or train the committee again",
        ) from None


def _spread(found: dict[str, object]) -> Spread:
    values = {**found, "within": tuple(found["within"])}  # type: ignore[arg-type]
    values["within_calibrated"] = tuple(found["within_calibrated"])  # type: ignore[arg-type]
    return Spread(**values)  # type: ignore[arg-type]


def errors_and_stds(errors_mk: Float) -> tuple[Float, Float]:
    """Return the errors of the mean of the members, and the standard deviations (ddof = 0)."""
    return errors_mk.mean(axis=0), np.asarray(errors_mk.std(axis=0))
