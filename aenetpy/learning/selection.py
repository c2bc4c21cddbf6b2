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
    """A structure on the way.

    Parameters
    ----------
    step
        Of the walk, or number of the structure in a trajectory.
    gamma
        Disagreement of the committee; NaN if the structure is wrong.
    structure
        The structure itself.
    """

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
    """Return the frames on which a committee disagrees most, apart from each other.

    Parameters
    ----------
    frames
        To choose from.
    n_frames
        Chosen at most.
    spacing
        Steps between two of them, and from those known, at least.
    lower, upper
        Those outside, and those that are wrong, are not chosen.
    known
        Steps whose structures are chosen already.

    Returns
    -------
    chosen
        In order of their steps.
    """
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
    """Return the steps at which a structure is labelled whatever the committee says.

    Parameters
    ----------
    n_steps
        To choose from: 1 to ``n_steps``.
    n_labels
        How many.
    seed
        None for steps at equal distances, the last among them.

    Returns
    -------
    steps_k
        Ascending, (k,) int64.
    """
    n_labels = min(n_labels, n_steps)
    if seed is None:
        return np.arange(1, n_labels + 1) * n_steps // max(n_labels, 1)
    random = np.random.default_rng([seed, _PLAN])
    return 1 + np.sort(random.choice(n_steps, n_labels, replace=False))
