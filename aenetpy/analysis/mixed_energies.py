"""Energies of two kinds in one set: in two units, or with and without atomic energies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aenetpy.analysis.atomic_energies import RANK_TOLERANCE
from aenetpy.analysis.outliers import CHEMISTRY, LEAST, MEMBERS, SHARE, independent, least_absolute
from aenetpy.arrays import Float, Long, Mask

UNITS = {"Hartree": 27.211386, "Rydberg": 13.605693, "kcal/mol": 0.0433641, "kJ/mol": 0.0103643}
"""Other units that energies are in, eV."""

BETTER = 0.25
"""Two kinds leave at most this share of what one kind leaves, in units of all differences ..."""

CLEAR = 5.0
"""... and half of each kind would be so many times further off as the other kind."""


@dataclass(frozen=True, eq=False)
class MixedEnergies:
    """Two kinds of energies.

    Parameters
    ----------
    others_s
        The structures whose energies are in the other unit, or have the other atomic energies.
    unit
        That unit; None if atomic energies differ.
    steps_t
        What the energy of these structures is higher by for each atom of a species, eV, (t,).
    left
        Mean absolute deviation of the energies that is left, by the standard deviation of the
        energies per atom, as they stand or as the fit expects them, whichever is smaller.
    """

    others_s: Mask
    unit: str | None
    steps_t: Float
    left: float


def find_mixed_energies(
    energies_s: Float, counts_st: Long, features_sg: Float
) -> MixedEnergies | None:
    """Return the two kinds of energies that explain all far better than one kind does.

    Who belongs to which kind is decided by turns with a linear fit, from several beginnings, until
    nothing changes.
    """
    known_s = np.isfinite(energies_s) & np.isfinite(features_sg).all(axis=1)
    sizes_s = counts_st.sum(axis=1)
    if known_s.sum() < 2 * MEMBERS:
        return None
    per_atom_u = energies_s[known_s] / sizes_s[known_s]
    shares_ut = counts_st[known_s] / sizes_s[known_s, None]
    columns_ug, least = independent(np.hstack([shares_ut, features_sg[known_s]])), 20 * LEAST
    if len(per_atom_u) < 3 * columns_ug.shape[1]:
        columns_ug, least = shares_ut, CHEMISTRY
    fewest = max(MEMBERS, int(np.ceil(SHARE * len(per_atom_u))))
    if len(per_atom_u) < max(2 * fewest, 3 * columns_ug.shape[1]):
        return None
    one_u = per_atom_u - columns_ug @ least_absolute(columns_ug, per_atom_u)
    best: MixedEnergies | None = None
    limit = BETTER * float(np.abs(one_u).mean() / max(per_atom_u.std(), 1e-12))
    for unit, factor in (*UNITS.items(), (None, 1.0)):
        for start_u in _beginnings(per_atom_u, one_u):
            apart = least if unit is None else least / 10  # no chemistry makes such ratios
            found = _divide(per_atom_u, columns_ug, shares_ut, start_u, factor, apart)
            if found is None or min(found.others_s.sum(), (~found.others_s).sum()) < fewest:
                continue
            # A unit has no parameters; two sets of atomic energies fit more easily.
            if found.left < limit and found.left < (0.8 * best.left if best else np.inf):
                others_s = np.zeros(len(energies_s), bool)
                others_s[known_s] = found.others_s
                best = MixedEnergies(others_s, unit, found.steps_t, found.left)
    return best


def _beginnings(per_atom_s: Float, one_s: Float) -> Iterator[Mask]:
    """Yield divisions to begin with: by size, by what one fit leaves, every second one."""
    size_s = np.log(np.maximum(np.abs(per_atom_s), 1e-12))
    order = np.argsort(size_s)
    cut = size_s[order[int(np.argmax(np.diff(size_s[order])))]]
    for upper_s in (
        size_s > cut,
        size_s > np.median(size_s),
        one_s > np.median(one_s),
        np.arange(len(size_s)) % 2 == 1,
    ):
        yield upper_s
        yield ~upper_s


def _divide(
    per_atom_s: Float,
    columns_sg: Float,
    shares_st: Float,
    others_s: Mask,
    factor: float,
    apart: float,
) -> MixedEnergies | None:
    """Return kinds that do not change any more; None where they are not clearly apart."""
    n_columns = columns_sg.shape[1]
    of_other_st = shares_st if factor == 1.0 else shares_st[:, :0]
    for _ in range(30):
        targets_s = np.where(others_s, factor * per_atom_s, per_atom_s)
        both_sg = np.hstack([columns_sg, of_other_st * others_s[:, None]])
        fit = np.linalg.lstsq(both_sg, targets_s, rcond=RANK_TOLERANCE)[0]
        expected_s = columns_sg @ fit[:n_columns]
        steps_s = of_other_st @ fit[n_columns:]
        as_first_s = np.abs(per_atom_s - expected_s)
        as_other_s = np.abs(factor * per_atom_s - expected_s - steps_s)
        now_s = as_other_s < as_first_s
        if (now_s == others_s).all():
            break
        others_s = now_s
    if others_s.all() or not others_s.any():
        return None
    own_s = np.where(others_s, as_other_s, as_first_s)
    wrong_s = np.where(others_s, as_first_s, as_other_s)
    for side_s in (others_s, ~others_s):
        if np.median(wrong_s[side_s]) < max(CLEAR * np.median(own_s[side_s]), apart):
            return None
    left = own_s.mean() / max(min(expected_s.std(), per_atom_s.std()), 1e-12)
    return MixedEnergies(others_s, None, fit[n_columns:], float(left))
