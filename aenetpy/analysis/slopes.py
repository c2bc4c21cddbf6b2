"""Whether forces are the slope of the energies."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float


def slope_ratios(per_atom_s: Float, columns_sg: Float, changes_sg: Float, works_s: Float) -> Float:
    """Return how fast the energy falls along the forces, by the forces themselves, (s,).

    The slope is that of a linear function of fingerprints, fitted to the energies: 1 where
    forces and energies belong together, -1 where the forces have the wrong sign, and not a number
    where there are fewer than three structures per parameter or hardly any forces.
    """
    size_g = np.abs(columns_sg).max(axis=0)
    used_g = size_g > 0
    scaled_sg = columns_sg[:, used_g] / size_g[used_g]
    known_s = np.isfinite(per_atom_s)
    if not known_s.any():
        return np.full(len(per_atom_s), np.nan)
    fit_g, _, rank, _ = np.linalg.lstsq(scaled_sg[known_s], per_atom_s[known_s], rcond=1e-6)
    if known_s.sum() < 3 * rank:
        return np.full(len(per_atom_s), np.nan)
    falls_s = -(changes_sg[:, used_g] / size_g[used_g]) @ fit_g
    ratios_s = np.full(len(per_atom_s), np.nan)
    np.divide(falls_s, works_s, out=ratios_s, where=np.nan_to_num(works_s) > 0)
    return ratios_s
