"""Which structures are worth a reference calculation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Long
from aenetpy.data.structure import Structure

_PLAN = 7
"""Tells the random numbers of planned steps from those of velocities and forces."""


@dataclass(frozen=True)
class Frame:
    """A structure on the way."""

    step: int
    gamma: float
    structure: Structure


def most_uncertain(
    frames: Sequence[Frame],
    n_frames: int,
    spacing: int,
    lower: float,
    upper: float,
    known: Collection[int] = (),
) -> list[Frame]:
    """Return the frames on which a committee disagrees most, apart from each other."""
    chosen: list[Frame] = []
    taken = list(known)
    allowed = [frame for frame in frames if lower < frame.gamma <= upper]
    for frame in sorted(allowed, key=lambda frame: (-frame.gamma, frame.step)):
        apart = all(abs(frame.step - step) >= spacing for step in taken)
        if len(chosen) < n_frames and apart:
            chosen.append(frame)
            taken.append(frame.step)
    return sorted(chosen, key=lambda frame: frame.step)


def planned_steps(n_steps: int, n_labels: int, seed: int | None) -> Long:
    """Return the steps at which a structure is labelled whatever the committee says."""
    n_labels = min(n_labels, n_steps)
    if seed is None:
        return np.arange(1, n_labels + 1) * n_steps // max(n_labels, 1)
    random = np.random.default_rng([seed, _PLAN])
    return 1 + np.sort(random.choice(n_steps, n_labels, replace=False))
