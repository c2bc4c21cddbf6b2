"""Data, fit and results that all baselines share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aenetpy.analysis.atomic_energies import RANK_TOLERANCE
from aenetpy.arrays import Float, Index, Long

CONSTANT = 1e-9
"""Features that vary by less of their size are constant: only rounding is in them."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Atoms of structures, by species.

    Parameters
    ----------
    features_tng
        Fingerprints of the atoms of each species, t arrays (n_t, g_t).
    structures_tn
        The structure of each of these atoms, 0-based.
    counts_st
        Atoms of each species in each structure.
    """

    features_tng: tuple[Float, ...]
    structures_tn: tuple[Index, ...]
    counts_st: Long

    @classmethod
    def of(cls, features_tng: Sequence[Float], counts_st: Long) -> Samples:
        """Return the features of atoms that come structure by structure."""
        numbers = np.arange(len(counts_st))
        structures_tn = tuple(np.repeat(numbers, counts_s) for counts_s in counts_st.T)
        return cls(tuple(features_tng), structures_tn, counts_st)

    @property
    def n_atoms_s(self) -> Long:
        """Atoms of each structure."""
        return self.counts_st.sum(axis=1)

    @property
    def structures_n(self) -> Index:
        """The structure of each row of `atom_rows`."""
        return np.concatenate(self.structures_tn)

    def structure_rows(self) -> Float:
        """Return the sums of the fingerprints of each species, a row per structure."""
        columns = [np.zeros((len(self.counts_st), x_ng.shape[1])) for x_ng in self.features_tng]
        for x_ng, structures_n, sums_sg in zip(
            self.features_tng, self.structures_tn, columns, strict=True
        ):
            np.add.at(sums_sg, structures_n, x_ng)
        return np.concatenate(columns, axis=1)

    def atom_rows(self) -> Float:
        """Return a row per atom: the columns of other species are zero."""
        ends = np.cumsum([0, *(x_ng.shape[1] for x_ng in self.features_tng)])
        rows = []
        for t, x_ng in enumerate(self.features_tng):
            block = np.zeros((len(x_ng), ends[-1]))
            block[:, ends[t] : ends[t + 1]] = x_ng
            rows.append(block)
        return np.concatenate(rows)

    def rows(self, labels: str) -> Float:
        """Return a row per structure, or per atom."""
        return self.structure_rows() if labels == "structure" else self.atom_rows()

    def constants(self, labels: str, kind: str) -> Float:
        """Return the columns of the constants: one per species, or one for all."""
        if labels == "structure":
            columns_nt = self.counts_st.astype(np.float64)
        else:
            atoms_t = [len(structures_n) for structures_n in self.structures_tn]
            columns_nt = np.repeat(np.eye(len(atoms_t)), atoms_t, axis=0)
        return columns_nt if kind == "species" else np.ones((len(columns_nt), 1))

    def labels(self, labels: str, energies_s: Float) -> Float:
        """Return the energy of each structure; or the same share of it for each atom."""
        if labels == "structure":
            return energies_s
        shares: Float = (energies_s / self.n_atoms_s)[self.structures_n]
        return shares

    def sums(self, labels: str, found: Float) -> Float:
        """Return the energies of structures from the predictions for `rows`."""
        if labels == "structure":
            return found
        energies_s: Float = np.bincount(
            self.structures_n, found, minlength=len(self.counts_st)
        ).astype(np.float64)
        return energies_s


def fit_constants(columns_nc: Float, y_n: Float) -> Float:
    """Return the constants that fit best; the smallest that do, where others fit as well."""
    found = np.linalg.lstsq(columns_nc, y_n, rcond=RANK_TOLERANCE)[0]
    return found.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Scaling:
    """Brings columns to mean 0 and standard deviation 1; constant ones become 0."""

    mean: Float
    factor: Float

    @classmethod
    def of(cls, x_ng: Float) -> Scaling:
        """Return the scaling of the columns of an array."""
        if not len(x_ng):
            return cls(np.zeros(x_ng.shape[1:]), np.zeros(x_ng.shape[1:]))
        mean, deviation = x_ng.mean(axis=0), x_ng.std(axis=0)
        varies = deviation > CONSTANT * np.abs(x_ng).max(axis=0)
        return cls(mean, np.where(varies, 1.0, 0.0) / np.where(varies, deviation, 1.0))

    def scaled(self, x_ng: Float) -> Float:
        """Return scaled columns."""
        scaled: Float = (x_ng - self.mean) * self.factor
        return scaled


class Model(ABC):
    """A model of energies of structures."""

    def __init__(self, parameters: Mapping[str, Any], labels: str, seed: int) -> None:
        self.parameters = parameters
        self.labels = labels
        self.seed = seed
        self.history: list[float] = []
        """RMSE of the labels of the training set after each epoch, eV, if there are epochs."""

    @abstractmethod
    def fit(self, samples: Samples, energies_s: Float) -> None:
        """Fit energies, eV, (s,)."""

    @abstractmethod
    def energies(self, samples: Samples) -> Float:
        """Return the energies of structures, eV, (s,)."""

    def remark(self) -> str:
        """Return the parameters that the fit has chosen; nothing by default."""
        return ""
