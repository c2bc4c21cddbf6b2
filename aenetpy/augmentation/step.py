"""How far to displace: the forces should show, the curvature should not (``delta auto``)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenetpy.augmentation.survey import Survey
from aenetpy.errors import DataError

Float = NDArray[np.float64]

SHARE = 0.25
"""Of the neglected second order (mean) in the first (root mean square)."""

LIMITS = (0.001, 0.1)
"""Å; beyond them the estimate is not to be trusted."""


@dataclass(frozen=True)
class Step:
    """A displacement, and what it rests on.

    Parameters
    ----------
    delta
        Å, two digits.
    signal, neglected
        Change of the energy by the forces (root mean square), and by the curvature (mean),
        for that displacement, eV per structure.
    stiffness
        Mean second derivative of the energy along the displacement of an atom, eV/Å^2.
    source
        Where it comes from.
    """

    delta: float
    signal: float
    neglected: float
    stiffness: float
    source: str

    def __str__(self) -> str:
        """Return the estimate in one line."""
        return (
            f"delta {self.delta:g} Å: the forces change the energy by "
            f"{1000 * self.signal:.3g} meV per structure (rms), the curvature that is neglected by "
            f"{1000 * self.neglected:.3g} meV; stiffness {self.stiffness:.3g} eV/Å^2 from "
            f"{self.source}"
        )


def choose_step(found: Survey) -> Step:
    """Return the displacement for which the neglected energy is a quarter of the first order.

    ``delta = rms(F . u) / <u . H u> / 2`` for displacements u of size one, as the strategy makes
    them. Without a potential ``u . H u = k u . u``, and k is the stiffness of harmonic
    motion in the structures themselves: among those of equal composition ``E = const +
    sum F^2 / (2 k)``. That k is rather too small, since structures of one composition
    also differ in what is not harmonic motion.

    Parameters
    ----------
    found
        With ``trials_s``.

    Raises
    ------
    DataError
        If there is nothing to conclude from.
    """
    slopes_s, squares_s, curvatures_s = np.array(found.trials_s).reshape(-1, 3).T
    if not np.any(slopes_s):
        raise DataError(
            "delta auto: no structure with forces can be displaced", hint="give delta a number"
        )
    signal = float(np.sqrt((slopes_s**2).mean()))
    square = float(squares_s.mean())
    if np.isfinite(curvatures_s).all():
        curvature, source = float(curvatures_s.mean()), "the potential"
    else:
        curvature, source = square * harmonic_stiffness(found), "energies and forces of equal atoms"
    if not curvature > 0:
        raise DataError(
            f"delta auto: {source} give a negative stiffness", hint="give delta a number"
        )
    delta = float(np.clip(SHARE * signal / (0.5 * curvature), *LIMITS))
    delta = float(f"{delta:.2g}")
    return Step(delta, delta * signal, 0.5 * delta**2 * curvature, curvature / square, source)


def harmonic_stiffness(found: Survey) -> float:
    """Return k of ``E = const + sum F^2 / (2 k)`` by least squares, eV/Å^2.

    Each composition has a constant of its own.

    Raises
    ------
    DataError
        If the energies do not rise with the forces.
    """
    members = defaultdict(list)
    for s, group in enumerate(found.groups_s):
        members[group].append(s)
    energies_s, half_squares_s = np.array(found.energies_s), 0.5 * np.array(found.square_forces_s)
    xx = xy = 0.0
    for chosen in members.values():
        x_s = half_squares_s[chosen] - half_squares_s[chosen].mean()
        xx += float(x_s @ x_s)
        xy += float(x_s @ energies_s[chosen])
    if not (xx > 0 and xy > 0):
        raise DataError(
            "delta auto: the structures do not tell a stiffness (too few of equal composition, "
            "or their energies do not rise with the forces)",
            hint="give delta a number, or name a potential",
        )
    return xx / xy
