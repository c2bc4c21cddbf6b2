"""Models that know no positions: the mean energy, an energy for each species."""

from __future__ import annotations

import numpy as np

from aenetpy.analysis.atomic_energies import RANK_TOLERANCE
from aenetpy.arrays import Float
from aenetpy.baselines.base import Model, Samples


class Mean(Model):
    """The mean label: ``E_s = mean(E)``, or ``E_s = N_s sum(E) / sum(N)`` for labels of atoms."""

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Take the mean."""
        self.mean = float(samples.labels(self.labels, energies_s).mean())

    def energies(self, samples: Samples) -> Float:
        """Return the mean for each structure, or for each atom."""
        n_s = samples.n_atoms_s if self.labels == "atom" else np.ones(len(samples.counts_st))
        energies_s: Float = self.mean * n_s.astype(np.float64)
        return energies_s


class Composition(Model):
    """``E_s = sum_t n_st e_t`` by least squares over structures; over atoms, e_t is a mean.

    Where compositions do not tell the species apart, e is the smallest that fits.
    """

    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Fit the energy of each species."""
        counts_st = samples.counts_st.astype(np.float64)
        if self.labels == "atom":
            atoms_t = counts_st.sum(axis=0)
            sums_t = counts_st.T @ (energies_s / samples.n_atoms_s)
            self.energies_t = sums_t / np.maximum(atoms_t, 1.0)
        else:
            self.energies_t = np.linalg.lstsq(counts_st, energies_s, rcond=RANK_TOLERANCE)[0]

    def energies(self, samples: Samples) -> Float:
        """Return the sum over the atoms."""
        energies_s: Float = samples.counts_st @ self.energies_t
        return energies_s
