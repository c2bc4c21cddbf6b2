"""The file ``OUTPUT.forces``: derivatives of a share of the structures (FORCES of generate)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.passes import BatchPass
from aenetpy.errors import NumericalError
from aenetpy.files.files import within
from aenetpy.formats.derivatives import AtomDerivatives, DerivativesWriter
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.interruption import interruptible


def derivatives_writer(
    settings: GenerateInput, folder: str | Path
) -> AbstractContextManager[DerivativesWriter | None]:
    """Return the writer of ``<OUTPUT>.forces`` (spec 7.4); of nothing without FORCES."""
    path = within(folder, f"{settings.output}.forces")
    return DerivativesWriter(path) if settings.forces else nullcontext()


def is_chosen(number: int, percent: float) -> bool:
    """Return whether structure ``number`` (from 1) is among the FORCESPERCENT of all.

    Those are chosen where ``round(k percent / 100)`` steps up, hence evenly spread and
    ``round(N percent / 100)`` of N, without knowing N. aenet draws them at random.
    """

    def so_far(k: int) -> int:
        return math.floor(k * percent / 100.0 + 0.5)

    return so_far(number) > so_far(number - 1)


def atom_derivatives(
    structure: Structure, species: Sequence[str], descriptors: Sequence[Descriptor]
) -> list[AtomDerivatives]:
    """Return dG/dr of each atom, for the central atom and each of its neighbours."""
    atoms = []
    found = BatchPass([structure], species, descriptors).pair_derivatives()
    for i, t, partners_p, _, jacobian_pgc in interruptible(found):
        if not np.isfinite(jacobian_pgc).all():
            raise NumericalError(
                f"a derivative of the fingerprint of atom {i + 1} is not a finite number",
                file=structure.name,
                hint="check the structure, and the parameters of the setup",
            )
        # Moving the central atom moves all its neighbours the other way.
        central_gc = -jacobian_pgc.sum(axis=0)
        atoms.append(AtomDerivatives(t, partners_p, central_gc, jacobian_pgc))
    return atoms
