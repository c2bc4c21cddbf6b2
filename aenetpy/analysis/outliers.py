"""Energies that do not go with the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aenetpy.analysis.atomic_energies import RANK_TOLERANCE
from aenetpy.arrays import Float, Long, Mask

LIMIT = 10.0
"""Standard deviations (robust) from which on an energy is an outlier."""

LIMIT_OF_COMPOSITION = 20.0
"""The same where nothing but the composition is known: structures far from equilibrium are none."""

LEAST = 0.001
"""Standard deviation, eV/atom, below which nothing is taken for one."""

CHEMISTRY = 10.0
"""eV/atom: energies of one composition that are further apart belong to different references."""

WIDE = 6.0
"""Two groups are apart by at least so many of their own standard deviations ..."""

SHARE, MEMBERS = 0.02, 3
"""... and hold at least this share and this number of all structures."""


@dataclass(frozen=True, eq=False)
class EnergyCheck:
    """Residuals of the energies after a fit by composition, and if possible geometry.

    Parameters
    ----------
    rest_s
        eV/atom, (s,) float64; not a number where the energy is unknown.
    deviation
        Robust standard deviation of it, eV/atom.
    of_geometry
        Whether geometry is taken out, too.
    outliers_s
        Which energies are outliers.
    upper_s
        The structures of the upper of two groups, (s,); None if there is one group.
    step
        Between the medians of the two groups, eV/atom.
    """

    rest_s: Float
    deviation: float
    of_geometry: bool
    outliers_s: Mask
    upper_s: Mask | None = None
    step: float = 0.0


def check_energies(energies_s: Float, counts_st: Long, features_sg: Float) -> EnergyCheck:
    """Look for outliers, and for two groups that no single set of atomic energies explains.

    First composition alone is taken out, by atomic energies with the least absolute deviations.
    Then a linear function of composition and mean fingerprints is fitted (least squares, without
    what is left out as outlier), if there are three structures or more per parameter:
    ``E_s/N_s = sum_g c_g <G_g>_s``. Residuals r are judged by ``r / sqrt(1 - h)`` with the
    leverage h, in units of 1.4826 times their median absolute deviation.
    """
    n_atoms_s = counts_st.sum(axis=1)
    use_s = np.isfinite(energies_s) & np.isfinite(features_sg).all(axis=1)
    use_s &= features_sg.any(axis=1)  # the energy of an atom alone is a reference of its own
    rest_s = np.full(len(energies_s), np.nan)
    none_s = np.zeros(len(energies_s), bool)
    if not use_s.any():
        return EnergyCheck(rest_s, 0.0, False, none_s)
    per_atom_u = energies_s[use_s] / n_atoms_s[use_s]
    shares_ut = counts_st[use_s] / n_atoms_s[use_s, None]

    def result(rest_u: Float, of_geometry: bool, floor: float, limit: float) -> EnergyCheck:
        rest_s[use_s] = rest_u
        deviation = spread(rest_u)
        outliers_s, upper_s = none_s.copy(), None
        cut = gap(rest_u, floor)
        if cut is None:
            outliers_s[use_s] = np.abs(rest_u - np.median(rest_u)) > limit * deviation
            return EnergyCheck(rest_s, deviation, of_geometry, outliers_s)
        upper_s = np.zeros_like(none_s)
        upper_s[use_s] = rest_u > cut
        step = np.median(rest_u[rest_u > cut]) - np.median(rest_u[rest_u <= cut])
        return EnergyCheck(rest_s, deviation, of_geometry, outliers_s, upper_s, float(step))

    rest_u = per_atom_u - shares_ut @ least_absolute(shares_ut, per_atom_u)
    by_composition = result(rest_u, False, CHEMISTRY, LIMIT_OF_COMPOSITION)
    columns_ug = independent(np.hstack([shares_ut, features_sg[use_s]]))
    if by_composition.upper_s is not None or len(per_atom_u) < 3 * columns_ug.shape[1]:
        return by_composition
    kept_u = ~by_composition.outliers_s[use_s]
    rest_u, kept_u = _studentised(columns_ug, per_atom_u, kept_u)
    divided_u = _divided(columns_ug, per_atom_u, rest_u, kept_u)
    two = gap(divided_u[kept_u], 20 * LEAST) is not None
    return result(divided_u if two else rest_u, True, 20 * LEAST, LIMIT)


def least_absolute(shares_st: Float, per_atom_s: Float) -> Float:
    """Return atomic energies with the least sum of absolute deviations (reweighted squares)."""
    weights_s = np.ones(len(per_atom_s))
    for _ in range(30):
        energies_t = np.linalg.lstsq(
            shares_st * weights_s[:, None], per_atom_s * weights_s, rcond=RANK_TOLERANCE
        )[0]
        weights_s = 1 / np.sqrt(np.maximum(np.abs(per_atom_s - shares_st @ energies_t), 1e-6))
    return np.asarray(energies_t, dtype=np.float64)


def spread(rest_s: Float) -> float:
    """Return the standard deviation that the median absolute deviation stands for, eV/atom."""
    return max(1.4826 * float(np.median(np.abs(rest_s - np.median(rest_s)))), LEAST)


def gap(rest_s: Float, least: float) -> float | None:
    """Return the middle of a gap that divides the residuals into two groups; None without one."""
    sorted_s = np.sort(rest_s)
    fewest = max(MEMBERS, int(np.ceil(SHARE * len(sorted_s))))
    if len(sorted_s) < 2 * fewest:
        return None
    steps = np.diff(sorted_s)[fewest - 1 : len(sorted_s) - fewest]
    k = int(np.argmax(steps)) + fewest
    width = max(spread(sorted_s[:k]), spread(sorted_s[k:]))
    if steps.max() < max(least, WIDE * width):
        return None
    return float(sorted_s[k - 1] + sorted_s[k]) / 2


def independent(columns_sg: Float) -> Float:
    """Return orthonormal combinations of columns, without those that only rounding tells apart."""
    size_g = np.abs(columns_sg).max(axis=0)
    left_sg, sizes_g, _ = np.linalg.svd(columns_sg[:, size_g > 0] / size_g[size_g > 0], False)
    independent_sg: Float = left_sg[:, sizes_g > 1e-6 * sizes_g[0]]
    return independent_sg


def _divided(columns_sg: Float, per_atom_s: Float, rest_s: Float, kept_s: Mask) -> Float:
    """Return residuals of a fit in which the structures with the larger ones have a constant more.

    A fit to energies of two kinds hides the step between them: here it is fitted, too, and who
    belongs where is decided anew until nothing changes.
    """
    upper_s = rest_s > np.median(rest_s[kept_s])
    for _ in range(30):
        with_step_sg = np.column_stack([columns_sg, upper_s])
        found = np.linalg.lstsq(with_step_sg[kept_s], per_atom_s[kept_s], rcond=RANK_TOLERANCE)[0]
        rest_s = per_atom_s - columns_sg @ found[:-1]
        sides = [rest_s[kept_s & side_s] for side_s in (upper_s, ~upper_s)]
        if not all(side.size for side in sides):
            break
        now_s = rest_s > sum(float(np.median(side)) for side in sides) / 2
        if (now_s == upper_s).all():
            break
        upper_s = now_s
    return np.asarray(rest_s, dtype=np.float64)


def _studentised(columns_sg: Float, per_atom_s: Float, kept_s: Mask) -> tuple[Float, Mask]:
    """Return residuals by their leverage of a fit without outliers, and which are none."""
    for _ in range(10):
        inverse_gs = np.linalg.pinv(columns_sg[kept_s], rcond=1e-10)
        rest_s = per_atom_s - columns_sg @ (inverse_gs @ per_atom_s[kept_s])
        leverage_s = np.einsum(
            "sg,gh,sh->s", columns_sg, inverse_gs @ inverse_gs.T, columns_sg, optimize=True
        )
        inside_s = np.sqrt(np.maximum(1 - leverage_s, 1e-6))
        rest_s = np.where(kept_s, rest_s / inside_s, rest_s / np.sqrt(1 + leverage_s))
        now_s = np.abs(rest_s - np.median(rest_s[kept_s])) <= LIMIT * spread(rest_s[kept_s])
        # More than a tenth are no outliers: then there is something else to be seen.
        if (now_s == kept_s).all() or now_s.mean() < 0.9:
            break
        kept_s = now_s
    return np.asarray(rest_s, dtype=np.float64), kept_s
