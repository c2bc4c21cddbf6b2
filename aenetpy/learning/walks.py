"""The walks of ``learn``: where a committee is used until it is unsure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from aenetpy.data.structure import Structure
from aenetpy.descriptors.checks import smallest_distance
from aenetpy.errors import AenetpyError, Stopped
from aenetpy.files.files import within
from aenetpy.files.resumable import GrowingFile
from aenetpy.inputs.learn import Learn, WalkInput
from aenetpy.interruption import check
from aenetpy.learning.checks import start_atoms
from aenetpy.learning.learn_record import GAMMA, TRAJECTORY
from aenetpy.learning.selection import Frame, most_uncertain, planned_steps
from aenetpy.learning.state import LearnState
from aenetpy.learning.walk import Point, Walk
from aenetpy.models.committee import Committee, exceeds
from aenetpy.reports import learn as report
from aenetpy.reports.listener import Listener
from aenetpy.structures.extxyz import format_xyz
from aenetpy.structures.reading import iter_structures

SAVE_EVERY = 2.0
"""Seconds between two records of a walk, at least; what comes after is walked again."""

MOST_REPEATS = 3
"""Cycles that begin at one point before the walk goes on past the lower threshold."""

BATCH = 64
"""Structures of a trajectory that are evaluated together."""


class Walks:
    """Walks with one committee."""

    def __init__(
        self,
        settings: Learn,
        state: LearnState,
        root: Path,
        folder: Path,
        committee: Committee,
        jobs: int,
        listener: Listener,
        save: Callable[[], None],
        halted: Callable[[], Stopped | None],
    ) -> None:
        self._settings, self._state = settings, state
        self._root, self._folder = root, folder
        self._committee, self._jobs, self._listener = committee, jobs, listener
        self._save, self._halted = save, halted
        self._lower = math.inf if state.lower is None else state.lower
        self._upper = math.inf if state.upper is None else state.upper

    def next_frames(self) -> list[Frame]:
        """Return the structures of the walk of the state that are to be labelled next.

        None are, if the walk has come to its end.
        """
        settings = self._settings.explore[self._state.walk]
        if settings.trajectory is not None:
            return self._choose_from_trajectory(settings)
        return self._walk(settings)

    def _walk(self, settings: WalkInput) -> list[Frame]:
        """Walk on until structures are chosen; none if the walk comes to its end."""
        state = self._state
        walk = self._opened_walk(settings)
        known = state.labelled.get(settings.name, [])
        planned = self._planned(settings)
        gamma_file = GrowingFile(self._folder / GAMMA, state.sizes, "walk,step,gamma\n")
        trajectory = GrowingFile(self._folder / TRAJECTORY, state.sizes)
        with gamma_file, trajectory:
            saved, has_moved = time.monotonic(), False
            if walk.step == 0 and not known and state.point is None:
                first = walk.here()
                gamma_file.write(_row(settings, first))
                if planned is None and exceeds(first.gamma, self._lower) and self._budget(0) > 0:
                    state.point = walk.point().as_json()
                    return [first]  # given by the user: to be trusted, however new it is
            while walk.step < settings.steps:
                trusted = walk.point()
                state.point = trusted.as_json()
                halted = self._halted() if has_moved else None  # each call gets on
                has_moved = True
                if halted is not None or time.monotonic() - saved > SAVE_EVERY:
                    gamma_file.flush()
                    trajectory.flush()
                    self._save()
                    saved = time.monotonic()
                if halted is not None:
                    raise halted
                n_steps = min(self._settings.check, settings.steps - walk.step)
                frames = walk.interval(n_steps, self._limit())
                gamma_file.write("".join(_row(settings, frame) for frame in frames))
                self._listener.tell(report.checked, settings.name, walk.step, frames[-1].gamma)
                if planned is None:
                    chosen, given_up = self._unsure(frames, trusted, known, walk)
                else:
                    chosen, given_up = self._due(frames, trusted, known, planned, walk)
                if given_up:
                    self._listener.tell(report.given_up, settings.name, trusted.step)
                    reason = "given up: the committee still disagrees too much"
                    state.failures.append(
                        {
                            "cycle": state.cycle,
                            "walk": settings.name,
                            "step": trusted.step,
                            "reason": reason,
                            "given_up": True,
                        }
                    )
                    return []
                if chosen:
                    return chosen
                state.repeats = 0
                last = frames[-1]
                where = {"walk": settings.name, "step": last.step, "cycle": state.cycle}
                trajectory.write(format_xyz([last.structure], where))
        return []

    def _opened_walk(self, settings: WalkInput) -> Walk:
        """Return the walk where it was trusted last."""
        from aenetpy.calculators import CommitteeCalculator

        state = self._state
        assert settings.start is not None
        atoms = start_atoms(settings, self._root)
        seed = _seed(self._settings.seed, state.walk, 0)
        walk = Walk(
            settings,
            atoms,
            CommitteeCalculator(self._committee, jobs=self._jobs),
            self._settings.measure,
            seed,
            self._smallest_distance,
        )
        if state.point is not None:
            walk.go_to(Point.from_json(state.point))
            if state.shaken < len(state.failures):  # the same way would lead to the same structure
                state.shaken = len(state.failures)
                walk.shake(_seed(self._settings.seed, state.walk, state.shaken))
        return walk

    def _unsure(
        self, frames: Sequence[Frame], trusted: Point, known: Sequence[int], walk: Walk
    ) -> tuple[list[Frame], bool]:
        """Return what to label because the committee disagrees, or that the walk is given up."""
        state, settings = self._state, self._settings
        wrong = exceeds(frames[-1].gamma, self._upper)
        if not wrong and not exceeds(frames[-1].gamma, self._lower):
            return [], False
        n_free = self._budget(walk.settings.steps if wrong else frames[-1].step)
        patient = state.repeats < MOST_REPEATS and n_free > 0
        if not wrong and not patient:
            return [], False  # it was taught here as often as helps, or its labels are for later
        chosen = most_uncertain(
            frames, min(settings.frames, n_free), settings.spacing, self._lower, self._upper
        )
        if chosen and patient:
            return chosen, False
        if wrong and patient and trusted.step not in known:
            walk.go_to(trusted)
            return [walk.here()], False
        return [], True

    def _due(
        self,
        frames: Sequence[Frame],
        trusted: Point,
        known: Sequence[int],
        planned: Sequence[int],
        walk: Walk,
    ) -> tuple[list[Frame], bool]:
        """Return what to label because its step has come, or because the walk goes wrong."""
        if math.isnan(frames[-1].gamma):
            sane = [frame for frame in frames if not math.isnan(frame.gamma)]
            if self._state.repeats >= MOST_REPEATS:
                return [], True
            if not sane and trusted.step in known:
                return [], True
            if not sane:
                walk.go_to(trusted)
                sane = [walk.here()]
            return sane[-1:], False
        due = [frame for frame in frames if frame.step in planned and frame.step not in known]
        left = self._settings.labels - self._state.n_labels
        return due[: min(self._settings.frames, left)], False

    def _choose_from_trajectory(self, settings: WalkInput) -> list[Frame]:
        """Return structures of a trajectory that are worth a label; none if there are no more."""
        state = self._state
        assert settings.trajectory is not None
        known = state.labelled.get(settings.name, [])
        structures = list(iter_structures(within(self._root, settings.trajectory)))
        left = self._settings.labels - state.n_labels
        planned = self._planned(settings, len(structures))
        if planned is not None:
            due = [step for step in planned if step not in known][: self._settings.frames]
            return [Frame(step, math.nan, structures[step - 1]) for step in due[:left]]
        frames: list[Frame] = []
        for first in range(0, len(structures), BATCH):
            check()
            batch = structures[first : first + BATCH]
            for k, gamma in enumerate(self._gammas(batch), start=first + 1):
                frames.append(Frame(k, gamma, structures[k - 1]))
        with GrowingFile(self._folder / GAMMA, state.sizes, "walk,step,gamma\n") as file:
            file.write("".join(_row(settings, frame) for frame in frames))
        n_frames = min(self._settings.frames, self._budget(settings.steps))
        return most_uncertain(
            frames, n_frames, self._settings.spacing, self._lower, self._upper, known
        )

    def _gammas(self, batch: Sequence[Structure]) -> list[float]:
        """Return the disagreement about structures; NaN of those that are wrong."""
        try:
            found = self._committee.evaluate_batch(batch)
        except AenetpyError:
            if len(batch) == 1:
                return [math.nan]
            return [gamma for one in batch for gamma in self._gammas([one])]
        return [
            one.disagreement(self._settings.measure)
            if one.mean.closest.distance >= self._smallest_distance
            else math.nan
            for one in found
        ]

    @property
    def _smallest_distance(self) -> float:
        """Å; closer atoms are neither trained on nor calculated."""
        known = smallest_distance(self._committee.setups)
        return max(known, self._settings.reference.min_distance)

    def _planned(self, walk: WalkInput, n_steps: int | None = None) -> list[int] | None:
        """Return the steps that are labelled in any case; None if the committee decides."""
        settings = self._settings
        if settings.select == "committee":
            return None
        n_walks, index = len(settings.explore), self._state.walk
        share = settings.labels // n_walks + (index < settings.labels % n_walks)
        seed = None if settings.select == "uniform" else _seed(settings.seed, index, 0)
        return planned_steps(n_steps or walk.steps, share, seed).tolist()

    def _budget(self, step: int) -> int:
        """Return how many labels the committee may ask for up to a step of the walk.

        All walks to come have equal shares in the labels that are left. Half of a share is for
        where the walk begins, the other half comes with its steps.
        """
        walk, settings = self._settings.explore[self._state.walk], self._settings
        used = sum(
            cycle.get("n_labels", 0)
            for cycle in self._state.cycles
            if cycle.get("walk") == walk.name
        )
        left = settings.labels - self._state.n_labels + used
        share = -(-left // (len(settings.explore) - self._state.walk))
        return int(share * (1 + step / walk.steps) / 2 + 0.5) - used

    def _limit(self) -> float:
        """Return the disagreement that ends an interval at once."""
        return self._upper if self._settings.select == "committee" else math.inf


def _seed(seed: int, walk: int, attempt: int) -> int:
    """Return the seed of a walk."""
    sequence = np.random.SeedSequence(seed, spawn_key=(11, walk, attempt))
    return int(sequence.generate_state(1)[0] >> 1)


def _row(walk: WalkInput, frame: Frame) -> str:
    return f"{walk.name},{frame.step},{frame.gamma:.6g}\n"
