"""Derivatives of fingerprints for a share of the structures (keyword FORCES of generate)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from aenetpy.fingerprints.base import Descriptor
from aenetpy.fingerprints.featurise import total_cutoff
from aenetpy.fingerprints.neighbors import find_neighbors
from aenetpy.io.derivatives import AtomDerivatives, DerivativesWriter
from aenetpy.io.generate_in import GenerateInput
from aenetpy.io.structure import Structure

Float = NDArray[np.float64]


class DerivativesOutput:
    """Write ``<OUTPUT>.forces`` (spec 7.4) while structures pass by; nothing without FORCES.

    Parameters
    ----------
    settings
        Contents of ``generate.in``: FORCES, FORCESPERCENT, SEED.
    descriptors
        One per species.
    """

    def __init__(self, settings: GenerateInput, descriptors: Sequence[Descriptor]) -> None:
        self._descriptors = descriptors
        self._cutoff = total_cutoff(descriptors)
        self._chosen = choose(len(settings.files), settings.forces_percent, settings.seed)
        self._stack = ExitStack()
        self._path = f"{settings.output}.forces" if settings.forces else None
        self._writer: DerivativesWriter | None = None

    def __enter__(self) -> DerivativesOutput:
        if self._path is not None:
            self._writer = self._stack.enter_context(DerivativesWriter(self._path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None and kind is None:
            self._writer.finish()
        self._stack.__exit__(kind, error, traceback)

    def append(self, number: int, structure: Structure, types_n: NDArray[np.int32]) -> None:
        """Write the derivatives of a structure (``number`` counts from 1) if it was chosen."""
        if self._writer is None:
            return
        chosen = number in self._chosen
        atoms = list(self._derivatives(structure, types_n)) if chosen else None
        n_species = len(set(structure.species))
        self._writer.append(structure.name, len(structure), n_species, atoms)

    def _derivatives(
        self, structure: Structure, types_n: NDArray[np.int32]
    ) -> Iterator[AtomDerivatives]:
        neighbors = find_neighbors(
            structure.positions_nc, structure.cell_cc, structure.pbc_c, self._cutoff
        )
        for i, t in enumerate(types_n.tolist()):
            pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
            jacobian_pgc = self._descriptors[t].jacobian(i, types_n, neighbors)
            # Moving the central atom moves all its neighbours the other way.
            central_gc = -jacobian_pgc.sum(axis=0)
            yield AtomDerivatives(t, neighbors.partners_p[pairs], central_gc, jacobian_pgc)


def choose(n_structures: int, percent: float, seed: int | None) -> set[int]:
    """Choose the structures (from 1) whose derivatives are written, FORCESPERCENT of all."""
    n_chosen = round(n_structures * percent / 100.0)
    order = np.random.default_rng(0 if seed is None else seed).permutation(n_structures)
    return set((order[:n_chosen] + 1).tolist())
