"""Models that know no positions: the mean energy, an energy for each species."""

from __future__ import annotations

import numpy as np

from aenetpy.arrays import Float
from aenetpy.baselines.base import Model, Samples, fit_constants


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
        columns_nt = samples.constants(self.labels, "species")
        self.energies_t = fit_constants(columns_nt, samples.labels(self.labels, energies_s))

    def energies(self, samples: Samples) -> Float:
        """Return the sum over the atoms."""
        energies_s: Float = samples.counts_st @ self.energies_t
        return energies_s
