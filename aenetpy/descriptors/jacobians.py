"""Derivatives of fingerprints for training on forces: recomputed in every epoch, or kept.

Either way the forces ``f = -J^T g`` of structures follow from gradients g = dE/dG, and rates of
change of the fingerprints ``J [w (f - f_ref)]`` from how far the forces are from their
references (design 3.4). Coordinates q are positions, then nine components of the strain,
whose force is the negative virial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aenetpy.arrays import Float, Index, Long
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.passes import BatchPass
from aenetpy.kernels.stored_jacobians import LANES, StoredLayout, stored_forces_and_rates
from aenetpy.parallel import Workers

ATOMS_AT_A_TIME = 500
"""Atoms whose derivatives are found in one piece of work, before they are kept."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Reference forces and weights of some structures, flat over their coordinates."""

    coordinates_s: Long
    reference_q: Float
    weight_q: Float


class Jacobians(Protocol):
    """Products with the derivatives of fingerprints of many structures."""

    def forces_and_rates(
        self,
        structures_s: Index,
        rows_st: Long,
        gradient_k: Float,
        targets: Targets,
        rates: bool,
    ) -> tuple[Float, Float]:
        """Return the forces of some structures, and the rates that follow from their errors.

        Parameters
        ----------
        structures_s
            Which structures, by their number, (s,).
        rows_st
            Where in ``gradient_k`` the gradients (a, g) of the atoms of each species in each
            structure begin, (s, t).
        gradient_k
            dE/dG, eV, flat.
        targets
            Of these structures.
        rates
            Whether the rates are wanted.

        Returns
        -------
        forces_q
            f = -J^T g, eV/Å, and eV for the strain, (q,) float64.
        rates_k
            J [w (f - f_ref)], placed as ``gradient_k``; 0 for all other atoms, empty if not
            wanted.
        """
        ...


class RecomputedJacobians:
    """From the geometry, every time: no memory, and time by the number of neighbours."""

    def __init__(
        self,
        structure: Callable[[int], Structure],
        species: Sequence[str],
        descriptors: Sequence[Descriptor],
        strain: bool = False,
    ) -> None:
        self._structure = structure
        self._species = species
        self._descriptors = descriptors
        self._strain = strain

    def forces_and_rates(
        self,
        structures_s: Index,
        rows_st: Long,
        gradient_k: Float,
        targets: Targets,
        rates: bool,
    ) -> tuple[Float, Float]:
        """See `Jacobians.forces_and_rates`."""
        structures = [self._structure(s) for s in structures_s.tolist()]
        found = BatchPass(structures, self._species, self._descriptors)
        batch, n_types = found.batch, len(self._descriptors)
        counts_st = np.bincount(
            batch.structures_n * n_types + batch.types_n, minlength=len(structures) * n_types
        ).reshape(-1, n_types)
        places_tk = [
            consecutive(rows_st[:, t], counts_st[:, t] * descriptor.n_features)
            for t, descriptor in enumerate(self._descriptors)
        ]
        forces_nc, virial_scc = found.adjoint(
            [
                gradient_k[places_k].reshape(-1, descriptor.n_features)
                for places_k, descriptor in zip(places_tk, self._descriptors, strict=True)
            ]
        )
        forces_q = self._flat(forces_nc, -virial_scc, batch.starts_s)
        if not rates:
            return forces_q, np.empty(0)
        along_q = targets.weight_q * (forces_q - targets.reference_q)
        rates_k = np.zeros_like(gradient_k)
        for places_k, rates_ag in zip(
            places_tk, found.directional(*self._unflat(along_q, batch.starts_s)), strict=True
        ):
            rates_k[places_k] = rates_ag.ravel()
        return forces_q, rates_k

    def _flat(self, forces_nc: Float, strain_scc: Float, starts_s: Long) -> Float:
        """Lay out forces and, if wanted, forces of the strain, structure by structure."""
        if not self._strain:
            return forces_nc.ravel()
        parts = np.split(forces_nc, starts_s[1:-1])
        return np.concatenate(
            [array.ravel() for pair in zip(parts, strain_scc, strict=True) for array in pair]
        )

    def _unflat(self, along_q: Float, starts_s: Long) -> tuple[Float, Float | None]:
        """Return displacements and strains from the layout of `_flat`."""
        if not self._strain:
            return along_q.reshape(-1, 3), None
        widths_s = 3 * np.diff(starts_s)
        ends_s = np.cumsum(widths_s + 9)
        strain_sk = (ends_s - 9)[:, None] + np.arange(9)
        is_position_q = np.ones(len(along_q), np.bool_)
        is_position_q[strain_sk] = False
        return along_q[is_position_q].reshape(-1, 3), along_q[strain_sk].reshape(-1, 3, 3)


class StoredJacobians:
    """Found once and kept in memory: 25 kB for each atom of a cell of 24 with 44 components.

    Parameters
    ----------
    structure, species, descriptors, strain
        As of `RecomputedJacobians`.
    structures_s
        Numbers of the structures that will be asked for, ascending, (s,).
    counts_st
        Atoms of each species in each of all structures, (s, t).
    single
        Keep single precision: half the memory, and forces to some 1e-7 of their size.
    workers
        Who finds them.
    """

    def __init__(
        self,
        structure: Callable[[int], Structure],
        species: Sequence[str],
        descriptors: Sequence[Descriptor],
        strain: bool,
        structures_s: Index,
        counts_st: Long,
        single: bool = False,
        workers: Workers | None = None,
    ) -> None:
        sizes_t = np.array([descriptor.n_features for descriptor in descriptors])
        self._n_rows_st = counts_st * sizes_t
        widths_s = _widths(counts_st, strain)
        numbers_st = np.zeros_like(self._n_rows_st)
        numbers_st[structures_s] = (self._n_rows_st * widths_s[:, None])[structures_s]
        ends_k = np.cumsum(numbers_st.ravel())
        self._starts_st = (ends_k - numbers_st.ravel()).reshape(numbers_st.shape)
        kind = np.float32 if single else np.float64
        self._jacobian_k: NDArray[Any] = np.zeros(int(ends_k[-1]) if len(ends_k) else 0, kind)
        pieces = _pieces(structures_s, counts_st.sum(axis=1))

        def keep(numbers: Index) -> None:
            structures = [structure(s) for s in numbers.tolist()]
            found = BatchPass(structures, species, descriptors).derivatives(strain)
            for s, jacobian_tagq in zip(numbers, found, strict=True):
                for t, jacobian_agq in enumerate(jacobian_tagq):
                    start, stop = self._starts_st[s, t], self._starts_st[s, t] + numbers_st[s, t]
                    rows_kq = self._jacobian_k[start:stop].reshape(-1, widths_s[s])
                    n_coordinates = jacobian_agq.shape[2]
                    rows_kq[:, :n_coordinates] = jacobian_agq.reshape(-1, n_coordinates)

        for _ in (workers or Workers()).map(keep, pieces):
            pass

    def forces_and_rates(
        self,
        structures_s: Index,
        rows_st: Long,
        gradient_k: Float,
        targets: Targets,
        rates: bool,
    ) -> tuple[Float, Float]:
        """See `Jacobians.forces_and_rates`."""
        forces_q = np.empty_like(targets.reference_q)
        rates_k = np.zeros_like(gradient_k) if rates else np.empty(0)
        places = StoredLayout(
            self._starts_st[structures_s],
            np.ascontiguousarray(rows_st),
            self._n_rows_st[structures_s],
            targets.coordinates_s,
        )
        stored_forces_and_rates(
            self._jacobian_k,
            places,
            gradient_k,
            targets.reference_q,
            targets.weight_q,
            forces_q,
            rates_k,
        )
        return forces_q, rates_k


def stored_numbers(counts_st: Long, sizes_t: Long, strain: bool) -> int:
    """Return the number of stored numbers, given the atoms of each species per structure."""
    return int((counts_st @ sizes_t) @ _widths(counts_st, strain))


def _widths(counts_st: Long, strain: bool) -> Long:
    """Length of a row of J of each structure, (s,)."""
    widths_s: Long = -(-(3 * counts_st.sum(axis=1) + 9 * strain) // LANES) * LANES
    return widths_s


def consecutive(starts_s: Long, lengths_s: Long) -> Long:
    """Return the indices of pieces of an array, one piece after the other."""
    ends_s = np.cumsum(lengths_s)
    within = np.arange(int(lengths_s.sum())) - np.repeat(ends_s - lengths_s, lengths_s)
    places: Long = np.repeat(starts_s, lengths_s) + within
    return places


def _pieces(structures_s: Index, n_atoms_s: Long) -> list[Index]:
    """Cut structures into pieces of some `ATOMS_AT_A_TIME`."""
    piece_s = np.cumsum(n_atoms_s[structures_s]) // ATOMS_AT_A_TIME
    return np.split(structures_s, np.flatnonzero(np.diff(piece_s)) + 1) if len(piece_s) else []
