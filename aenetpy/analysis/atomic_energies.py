"""Atomic energies that explain the energies of structures best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float, Long

RANK_TOLERANCE = 1e-8
"""Directions of composition in which structures differ by less are no directions."""


@dataclass(frozen=True, eq=False)
class AtomicEnergies:
    """What composition alone says of the energies of structures.

    Parameters
    ----------
    energies_t
        Energy of an atom of each species, eV, (t,) float64.
    unique
        Whether the compositions tell the species apart. If not, other energies fit as
        well, and these are the smallest.
    rmse, rmse_of_mean
        What is left of the energy per atom with these energies, and with the same energy for
        all species, eV; both per degree of freedom, so that few structures prove nothing.
    """

    energies_t: Float
    unique: bool
    rmse: float
    rmse_of_mean: float


def fit_atomic_energies(counts_st: Long, energies_s: Float) -> AtomicEnergies:
    """Fit E_s = sum_t n_st e_t, each structure weighted by 1/N_s^2 (least squares).

    Parameters
    ----------
    counts_st
        Atoms of each species in each structure, (s, t); a species may be missing in all.
    energies_s
        Energies of the structures, eV, (s,); at least one.
    """
    sizes_s = counts_st.sum(axis=1)
    shares_st = counts_st / sizes_s[:, None]
    per_atom_s = energies_s / sizes_s
    energies_t, _, rank, _ = np.linalg.lstsq(shares_st, per_atom_s, rcond=RANK_TOLERANCE)
    return AtomicEnergies(
        energies_t=energies_t,
        unique=int(rank) == counts_st.shape[1],
        rmse=_per_freedom(per_atom_s - shares_st @ energies_t, int(rank)),
        rmse_of_mean=_per_freedom(per_atom_s - per_atom_s.mean(), 1),
    )


def _per_freedom(rest_s: Float, n_fitted: int) -> float:
    """Return the root mean square of what a fit leaves; infinite if nothing is left to judge by."""
    n_free = len(rest_s) - n_fitted
    return math.sqrt(float(rest_s @ rest_s) / n_free) if n_free > 0 else math.inf
