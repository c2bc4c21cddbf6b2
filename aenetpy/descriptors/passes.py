"""Fingerprints of a batch of structures as differentiable functions of the positions.

Three operations, on neighbours that are found once: fingerprints G, adjoint (forces and virials
from dE/dG), and directional derivative (dG from displacements). With J = dG/dr they
are -J^T g and J v; J itself can be had, too, and kept where it is small (design 3.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float, Int
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.batch import by_species, iter_fingerprints, pack, search_batch
from aenetpy.descriptors.featurise import total_cutoff
from aenetpy.kernels.batch import pair_rates


class PairDerivatives(NamedTuple):
    """Derivatives dG/dr_p (p, g, 3) of one atom of a batch by the vectors to its neighbours."""

    atom: int
    t: int
    partners_p: Int
    r_cp: Float
    jacobian_pgc: Float


class BatchPass:
    """Fingerprints of some structures and their derivatives by the positions.

    Attributes
    ----------
    batch
        The structures, packed.
    features_tag
        Raw fingerprints per species, rows in the order of the atoms of the batch,
        t arrays (a, g).
    """

    def __init__(
        self,
        structures: Sequence[Structure],
        species: Sequence[str],
        descriptors: Sequence[Descriptor],
    ) -> None:
        self.batch = pack(structures, species)
        self._descriptors = descriptors
        ranges = search_batch(self.batch, total_cutoff(descriptors), structures)
        self._chunks = list(iter_fingerprints(self.batch, ranges, descriptors))
        found = ((one.t, one.features_ag) for chunk in self._chunks for one in chunk.species)
        self.features_tag = by_species(found, descriptors)

    def adjoint(self, gradient_tag: Sequence[Float]) -> tuple[Float, Float]:
        """Return forces and virials that belong to a gradient dE/dG.

        F_m = -Σ_a Σ_g dE/dG_ag dG_ag/dr_m and virial_s = Σ_p r_p ⊗ dE/dr_p over the pairs.
        """
        n_structures = len(self.batch.starts_s) - 1
        forces_nc = np.zeros((len(self.batch.types_n), 3))
        virial_scc = np.zeros((n_structures, 3, 3))
        done_t = [0] * len(self._descriptors)
        for chunk in self._chunks:
            for t, around, _, state in chunk.species:
                rows = slice(done_t[t], done_t[t] + len(around.atoms_a))
                done_t[t] = rows.stop
                gradient_ag = gradient_tag[t][rows]
                self._descriptors[t].adjoint(around, state, gradient_ag, forces_nc, virial_scc)
        return forces_nc, virial_scc

    def directional(
        self, displacements_nc: Float, strains_scc: Float | None = None
    ) -> tuple[Float, ...]:
        """Return how the fingerprints change while the atoms move.

        dG_ag = Σ_m dG_ag/dr_m · v_m + Σ_bc dG_ag/dε_bc e_bc; images move with their atoms.
        """
        batch, descriptors = self.batch, self._descriptors
        displacements_nc = np.ascontiguousarray(displacements_nc, np.float64)
        if strains_scc is None:
            strains_scc = np.zeros_like(batch.cells_scc)

        def found() -> Iterator[tuple[int, Float]]:
            for chunk in self._chunks:
                rates_cp = pair_rates(
                    chunk.first,
                    chunk.last,
                    chunk.neighbors,
                    batch.structures_n,
                    displacements_nc,
                    strains_scc,
                )
                for t, around, _, state in chunk.species:
                    yield t, descriptors[t].directional(around, state, rates_cp)

        return by_species(found(), descriptors)

    def pair_derivatives(self) -> Iterator[PairDerivatives]:
        """Yield the derivatives of each atom by the places of its neighbours, atom by atom."""
        types_n, structures_n = self.batch.types_n, self.batch.structures_n
        for chunk in self._chunks:
            for i in range(chunk.first, chunk.last):
                t = int(types_n[i])
                around = chunk.neighbors.around(np.array([i]), types_n, structures_n)
                pairs = around.pairs_of(i)
                yield PairDerivatives(
                    i,
                    t,
                    around.partners_p[pairs],
                    around.r_cp[:, pairs],
                    self._descriptors[t].jacobian(around),
                )

    def derivatives(self, strain: bool = False) -> list[tuple[Float, ...]]:
        """Return J = dG_ag/dq of each structure, q being its positions and, if wanted, its strain.

        Summed over the images of each atom. For small cells this is less than the memory that the
        neighbours take, and an epoch of training is two products of matrices; for large ones
        it grows quadratically (design 3.4).
        """
        starts_s = self.batch.starts_s
        rows_n = np.empty(len(self.batch.types_n), np.int64)
        found: list[tuple[Float, ...]] = []
        for begin, end in pairwise(starts_s.tolist()):
            own_t = []
            for t, descriptor in enumerate(self._descriptors):
                atoms_a = begin + np.flatnonzero(self.batch.types_n[begin:end] == t)
                rows_n[atoms_a] = np.arange(len(atoms_a))
                n_coordinates = 3 * (end - begin) + 9 * strain
                own_t.append(np.zeros((len(atoms_a), descriptor.n_features, n_coordinates)))
            found.append(tuple(own_t))
        for i, t, partners_p, r_cp, jacobian_pgc in self.pair_derivatives():
            s = self.batch.structures_n[i]
            jacobian_gq = found[s][t][rows_n[i]]
            n_atoms = int(starts_s[s + 1] - starts_s[s])
            order_p = np.argsort(partners_p, kind="stable")
            atoms_m, firsts_m = np.unique(partners_p[order_p], return_index=True)
            sums_ngc = np.zeros((n_atoms, len(jacobian_gq), 3))
            if len(atoms_m):
                sums_mgc = np.add.reduceat(jacobian_pgc[order_p], firsts_m, axis=0)
                sums_ngc[atoms_m - starts_s[s]] = sums_mgc
            # Moving the central atom moves all its neighbours the other way.
            sums_ngc[i - starts_s[s]] -= jacobian_pgc.sum(axis=0)
            jacobian_gq[:, : 3 * n_atoms] = sums_ngc.swapaxes(0, 1).reshape(len(jacobian_gq), -1)
            if strain:
                jacobian_gq[:, 3 * n_atoms :] = np.einsum(
                    "bp,pgc->gbc", r_cp, jacobian_pgc
                ).reshape(-1, 9)
        return found
