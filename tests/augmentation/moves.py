"""All displacements of a structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aenetpy.augmentation.displacements import displacement
from aenetpy.inputs.taylor import TaylorInput


def displacements(
    taylor: TaylorInput, delta: float | Mapping[str, float], species: Sequence[str], s: int, n: int
) -> list[np.ndarray]:
    return [displacement(taylor, delta, species, s, k, n) for k in range(n)]
