"""Which structures are worth a reference calculation."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from aenetpy.arrays import Long
from aenetpy.data.structure import Structure
from aenetpy.inputs.learn import Learn
from aenetpy.learning.state import LearnState
from aenetpy.models.committee import exceeds

MOST_REPEATS = 3
"""Cycles that begin at one point before the walk goes on past the lower threshold."""

_PLAN = 7
"""Number of the stream of planned steps; velocities and forces have others."""


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
    """Return the steps at which a structure is labelled without asking a committee."""
    n_labels = min(n_labels, n_steps)
    if seed is None:
        return np.arange(1, n_labels + 1) * n_steps // max(n_labels, 1)
    random = np.random.default_rng([seed, _PLAN])
    return 1 + np.sort(random.choice(n_steps, n_labels, replace=False))


class Choice(Enum):
    """A choice that is no list of frames."""

    TRUSTED = "the structure that the steps began with"
    GIVE_UP = "no structure, and the walk ends"


class Selector(Protocol):
    """A rule that chooses the structures of a walk that are labelled.

    Parameters
    ----------
    asks_committee
        Whether the disagreement matters.
    limit
        Disagreement that ends a run of steps at once, eV/Å.
    known
        Steps of the walk that were labelled.
    """

    asks_committee: bool
    limit: float
    known: Sequence[int]

    def wants_start(self, start: Frame) -> bool:
        """Return whether the structure of the user that the walk starts from is labelled."""
        ...

    def choose(self, frames: Sequence[Frame], trusted: int) -> list[Frame] | Choice:
        """Choose from the frames after a trusted step; an empty list lets the walk go on."""
        ...

    def choose_from_all(self, frames: Sequence[Frame]) -> list[Frame]:
        """Choose from the frames of a trajectory."""
        ...


class CommitteeSelector:
    """Chooses the frames on which the committee disagrees most."""

    asks_committee = True

    def __init__(self, settings: Learn, state: LearnState) -> None:
        self._settings, self._state = settings, state
        self._walk = settings.explore[state.walk]
        self._lower, self.limit = state.cycles[-1].lower, state.cycles[-1].upper
        self.known: Sequence[int] = state.labelled.get(self._walk.name, [])

    def wants_start(self, start: Frame) -> bool:
        """Return whether the committee disagrees; a structure of the user is never too new."""
        return exceeds(start.gamma, self._lower) and self._budget(0) > 0

    def choose(self, frames: Sequence[Frame], trusted: int) -> list[Frame] | Choice:
        """Choose frames between the thresholds if the last one is above the lower threshold."""
        last = frames[-1]
        wrong = exceeds(last.gamma, self.limit)
        if not wrong and not exceeds(last.gamma, self._lower):
            return []
        n_free = self._budget(self._walk.steps if wrong else last.step)
        patient = self._state.repeats < MOST_REPEATS and n_free > 0
        if not wrong and not patient:
            return []  # labels have helped here as often as they do, or they are for later steps
        chosen = self._most_uncertain(frames, n_free)
        if chosen and patient:
            return chosen
        if wrong and patient and trusted not in self.known:
            return Choice.TRUSTED
        return Choice.GIVE_UP

    def choose_from_all(self, frames: Sequence[Frame]) -> list[Frame]:
        """Choose frames between the thresholds, with a distance to the known ones."""
        return self._most_uncertain(frames, self._budget(self._walk.steps), self.known)

    def _most_uncertain(
        self, frames: Sequence[Frame], n_free: int, known: Collection[int] = ()
    ) -> list[Frame]:
        n_frames = min(self._settings.frames, n_free)
        spacing = self._settings.spacing
        return most_uncertain(frames, n_frames, spacing, self._lower, self.limit, known)

    def _budget(self, step: int) -> int:
        """Return how many labels the committee may ask for up to a step of the walk.

        All walks to come have equal shares in the labels that are left. Half of a share is for
        where the walk begins, the other half comes with its steps.
        """
        state, settings = self._state, self._settings
        used = sum(cycle.n_labels for cycle in state.cycles if cycle.walk == self._walk.name)
        left = settings.labels - state.n_labels + used
        share = -(-left // (len(settings.explore) - state.walk))
        return int(share * (1 + step / self._walk.steps) / 2 + 0.5) - used


class PlannedSelector:
    """Chooses steps that were planned before the walk, at random or at equal distances."""

    asks_committee = False
    limit = math.inf

    def __init__(self, settings: Learn, state: LearnState, n_steps: int, is_random: bool) -> None:
        self._state = state
        n_walks, walk = len(settings.explore), state.walk
        share = settings.labels // n_walks + (walk < settings.labels % n_walks)
        seed = walk_seed(settings.seed, walk, 0) if is_random else None
        self._planned = planned_steps(n_steps, share, seed).tolist()
        self._most = min(settings.frames, settings.labels - state.n_labels)
        self.known: Sequence[int] = state.labelled.get(settings.explore[walk].name, [])

    def wants_start(self, start: Frame) -> bool:
        """Return False: step 0 is never planned."""
        return False

    def choose(self, frames: Sequence[Frame], trusted: int) -> list[Frame] | Choice:
        """Choose the frames whose step is planned, or the last one before the walk goes wrong."""
        if not math.isnan(frames[-1].gamma):
            return self.choose_from_all(frames)
        sane = [frame for frame in frames if not math.isnan(frame.gamma)]
        if self._state.repeats >= MOST_REPEATS or (not sane and trusted in self.known):
            return Choice.GIVE_UP
        return sane[-1:] or Choice.TRUSTED

    def choose_from_all(self, frames: Sequence[Frame]) -> list[Frame]:
        """Choose the frames whose step is planned and has no label."""
        due = [one for one in frames if one.step in self._planned and one.step not in self.known]
        return due[: self._most]


def new_selector(settings: Learn, state: LearnState, n_steps: int) -> Selector:
    """Return the selector of the keyword ``select`` for the walk of the state."""
    if settings.select == "committee":
        return CommitteeSelector(settings, state)
    return PlannedSelector(settings, state, n_steps, is_random=settings.select == "random")


def walk_seed(seed: int, walk: int, attempt: int) -> int:
    """Return the seed of a walk."""
    sequence = np.random.SeedSequence(seed, spawn_key=(11, walk, attempt))
    return int(sequence.generate_state(1)[0] >> 1)
