"""Derivatives of fingerprints for a share of the structures (keyword FORCES of generate)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import NumericalError
from aenetpy.fingerprints.base import Descriptor
from aenetpy.fingerprints.featurise import total_cutoff
from aenetpy.fingerprints.neighbors import find_neighbors
from aenetpy.interruption import interruptible
from aenetpy.io.derivatives import AtomDerivatives, DerivativesWriter
from aenetpy.io.generate_in import GenerateInput
from aenetpy.io.structure import Structure


def derivatives_writer(
    settings: GenerateInput,
) -> AbstractContextManager[DerivativesWriter | None]:
    """Return the writer of ``<OUTPUT>.forces`` (spec 7.4); of nothing without FORCES."""
    return DerivativesWriter(f"{settings.output}.forces") if settings.forces else nullcontext()


def is_chosen(number: int, percent: float) -> bool:
    """Tell whether structure ``number`` (from 1) is among the FORCESPERCENT of all.

    Those are chosen where ``round(k percent / 100)`` steps up, hence evenly spread and
    ``round(N percent / 100)`` of N, without knowing N. aenet draws them at random.
    """

    def so_far(k: int) -> int:
        return math.floor(k * percent / 100.0 + 0.5)

    return so_far(number) > so_far(number - 1)


def atom_derivatives(
    structure: Structure, types_n: NDArray[np.int32], descriptors: Sequence[Descriptor]
) -> list[AtomDerivatives]:
    """Return dG/dr of each atom, for the central atom and each of its neighbours."""
    neighbors = find_neighbors(
        structure.positions_nc, structure.cell_cc, structure.pbc_c, total_cutoff(descriptors)
    )
    atoms = []
    for i, t in enumerate(interruptible(types_n.tolist())):
        pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
        jacobian_pgc = descriptors[t].jacobian(i, types_n, neighbors)
        if not np.isfinite(jacobian_pgc).all():
            raise NumericalError(
                f"a derivative of the fingerprint of atom {i + 1} is not a finite number",
                file=structure.name,
                hint="check the structure, and the parameters of the setup",
            )
        # Moving the central atom moves all its neighbours the other way.
        central_gc = -jacobian_pgc.sum(axis=0)
        atoms.append(AtomDerivatives(t, neighbors.partners_p[pairs], central_gc, jacobian_pgc))
    return atoms
