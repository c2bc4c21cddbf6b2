"""How far to displace: the forces should show, the curvature should not (``delta auto``)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from aenetpy.augmentation.dataset_summary import DatasetSummary
from aenetpy.errors import DataError

SHARE = 0.25
"""Of the neglected second order (mean) in the first (root mean square)."""

LIMITS = (0.001, 0.1)
"""Å; beyond them the estimate is not to be trusted."""

FEWEST = 10
"""Structures, besides one of each composition, that a stiffness can be concluded from."""


@dataclass(frozen=True)
class DeltaEstimate:
    """A displacement, and the data behind it.

    Parameters
    ----------
    delta
        Å, two digits.
    signal, neglected
        Change of the energy by the forces (root mean square), and by the curvature (mean),
        for that displacement, eV per structure.
    stiffness
        Mean second derivative of the energy by a coordinate, eV/Å^2.
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
        limited = " (the limit)" if self.delta in LIMITS else ""
        return (
            f"delta {self.delta:g} Å{limited}: the forces change the energy by "
            f"{1000 * self.signal:.3g} meV per structure (rms), the curvature that is neglected by "
            f"{1000 * self.neglected:.3g} meV; stiffness {self.stiffness:.3g} eV/Å^2 from "
            f"{self.source}"
        )


def estimate_delta(found: DatasetSummary) -> DeltaEstimate:
    """Return the displacement for which the neglected energy is a quarter of the first order.

    For a displacement v without preferred directions ``<(F . v)^2> = <F_c^2> v . v`` and
    ``<v . H v> = k v . v``, with the mean square of the force components and the mean k of the
    second derivatives. Hence ``delta = rms(F . u) / <u . H u> / 2`` for displacements u by
    ``delta = 1``. Without a potential k is the stiffness of harmonic motion in the
    structures themselves, see `harmonic_stiffness`.
    """
    squares_p = np.array(found.squares_p)
    signal = float(np.sqrt((np.array(found.square_forces_p) * squares_p).mean()))
    if not signal > 0:
        raise DataError(
            "delta auto: no structure with forces can be displaced", hint="give delta a number"
        )
    if found.stiffness_p:
        stiffness, source = float(np.mean(found.stiffness_p)), "the potential"
    else:
        stiffness = harmonic_stiffness(found)
        source = f"energies and forces of {len(found.energies_p)} structures"
    curvature = stiffness * float(squares_p.mean())
    if not curvature > 0:
        raise DataError(
            f"delta auto: the stiffness from {source} is negative ({stiffness:.3g} eV/Å^2)",
            hint="give delta a number",
        )
    delta = float(np.clip(SHARE * signal / (0.5 * curvature), *LIMITS))
    delta = float(f"{delta:.2g}")
    return DeltaEstimate(delta, delta * signal, 0.5 * delta**2 * curvature, stiffness, source)


def harmonic_stiffness(found: DatasetSummary) -> float:
    """Return k of ``E = const + sum F^2 / (2 k)`` by least squares, eV/Å^2.

    Each composition has a constant of its own. That k is rather too small, since structures of
    one composition also differ by more than harmonic motion.
    """
    members = defaultdict(list)
    for p, group in enumerate(found.groups_p):
        members[group].append(p)
    energies_p = np.array(found.energies_p)
    half_squares_p = 1.5 * np.array(found.sizes_p) * np.array(found.square_forces_p)
    xx = xy = 0.0
    for chosen in members.values():
        x_p = half_squares_p[chosen] - half_squares_p[chosen].mean()
        xx += float(x_p @ x_p)
        xy += float(x_p @ energies_p[chosen])
    if not (xx > 0 and xy > 0 and len(energies_p) - len(members) >= FEWEST):
        raise DataError(
            "delta auto: the structures do not tell a stiffness (too few of equal composition, "
            "or their energies do not rise with the forces)",
            hint="give delta a number, or name a potential",
        )
    return xx / xy
