"""Atomic energies: of isolated atoms where there are some, and fitted to structures otherwise."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from aenetpy.arrays import Float, Long, Mask
from aenetpy.data.structure import Structure

RANK_TOLERANCE = 1e-8
"""Directions of composition in which structures differ by less are no directions."""


@dataclass(frozen=True, eq=False)
class AtomicEnergies:
    """A fit of the energies of structures by composition alone.

    Parameters
    ----------
    energies_t
        Energy of an atom of each species, eV, (t,) float64.
    isolated_t
        Whether it is the energy of an isolated atom, and not fitted, (t,).
    unique
        Whether the compositions tell the species apart. If not, other energies fit as
        well, and these are the smallest.
    rmse, rmse_of_mean
        Residual of the energy per atom with these energies, and with the same energy for
        all species, eV; both per degree of freedom, so that few structures prove nothing.
    """

    energies_t: Float
    isolated_t: Mask
    unique: bool
    rmse: float
    rmse_of_mean: float


class EnergiesOfCompositions:
    """Compositions and total energies of structures, of those whose energy depends on TYPES.

    Left out are displaced copies, whose energies are estimates, and cohesive energies.
    """

    def __init__(self) -> None:
        self._counts: list[Counter[str]] = []
        self._energies: list[float] = []
        self._isolated: list[bool] = []

    def __len__(self) -> int:
        return len(self._energies)

    def add(self, structure: Structure) -> None:
        """Take a structure into account."""
        known = structure.energy is not None and not structure.cohesive_energy
        if known and structure.parent is None:
            self._counts.append(Counter(structure.species))
            self._energies.append(float(structure.energy or 0.0))
            self._isolated.append(structure.is_free_atom)

    def fit(self, species: Sequence[str], given_t: Sequence[float] = ()) -> AtomicEnergies:
        """Return the atomic energies that fit best."""
        given = np.array(given_t or [0.0] * len(species))
        counts_st = np.array([[count[symbol] for symbol in species] for count in self._counts])
        fit = fit_atomic_energies(
            counts_st, np.array(self._energies) - counts_st @ given, np.array(self._isolated)
        )
        return replace(fit, energies_t=fit.energies_t + given)


def fit_atomic_energies(
    counts_st: Long, energies_s: Float, isolated_s: Mask | None = None
) -> AtomicEnergies:
    """Fit E_s = sum_t n_st e_t, each structure weighted by 1/N_s^2 (least squares)."""
    isolated_s = np.zeros(len(counts_st), bool) if isolated_s is None else isolated_s
    known_t = np.full(counts_st.shape[1], np.inf)
    np.minimum.at(known_t, counts_st[isolated_s].argmax(axis=1), energies_s[isolated_s])
    isolated_t = np.isfinite(known_t)
    known_t[~isolated_t] = 0.0
    sizes_s = counts_st.sum(axis=1)
    shares_st = (counts_st / sizes_s[:, None])[~isolated_s]
    per_atom_s = (energies_s / sizes_s)[~isolated_s]
    rest_s = per_atom_s - shares_st @ known_t
    open_st = shares_st[:, ~isolated_t]
    fitted_t, _, rank, _ = np.linalg.lstsq(open_st, rest_s, rcond=RANK_TOLERANCE)
    energies_t = known_t.copy()
    energies_t[~isolated_t] = fitted_t
    return AtomicEnergies(
        energies_t=energies_t,
        isolated_t=isolated_t,
        unique=int(rank) == open_st.shape[1],
        rmse=_per_freedom(rest_s - open_st @ fitted_t, int(rank)),
        rmse_of_mean=_per_freedom(per_atom_s - per_atom_s.sum() / max(len(per_atom_s), 1), 1),
    )


def _per_freedom(rest_s: Float, n_fitted: int) -> float:
    """Return the root mean square residual of a fit; infinite without degrees of freedom."""
    n_free = len(rest_s) - n_fitted
    return math.sqrt(float(rest_s @ rest_s) / n_free) if n_free > 0 else math.inf
