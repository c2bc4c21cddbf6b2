"""The walks of ``learn``: where a committee is used until it is unsure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from aenetpy.data.structure import Structure
from aenetpy.descriptors.checks import smallest_distance
from aenetpy.errors import AenetpyError, Stopped
from aenetpy.files.files import within
from aenetpy.files.resumable import GrowingFile
from aenetpy.inputs.learn import Learn, WalkInput
from aenetpy.interruption import check
from aenetpy.learning.checks import start_atoms
from aenetpy.learning.dynamics import Dynamics, DynamicsState
from aenetpy.learning.record import GAMMA, TRAJECTORY
from aenetpy.learning.selection import Choice, Frame, new_selector, walk_seed
from aenetpy.learning.state import FailureRecord, LearnState
from aenetpy.models.committee import Committee
from aenetpy.reports import learn as report
from aenetpy.reports.listener import Listener
from aenetpy.structures.extxyz import format_xyz
from aenetpy.structures.reading import iter_structures

SAVE_EVERY = 2.0
"""Seconds between two records of a walk, at least; steps after a record are repeated."""

BATCH = 64
"""Structures of a trajectory that are evaluated together."""


class Explorer:
    """Uses one committee in the walks of ``explore`` until structures are worth a label."""

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
        dynamics = self._opened_dynamics(settings)
        selector = new_selector(self._settings, state, settings.steps)
        gamma_file = GrowingFile(self._folder / GAMMA, state.sizes, "walk,step,gamma\n")
        trajectory = GrowingFile(self._folder / TRAJECTORY, state.sizes)
        with gamma_file, trajectory:
            saved, has_moved = time.monotonic(), False
            if dynamics.step == 0 and not selector.known and state.point is None:
                first = dynamics.snapshot()
                gamma_file.write(_row(settings, first))
                if selector.wants_start(first):
                    state.point = dynamics.state().as_json()
                    return [first]
            while dynamics.step < settings.steps:
                trusted = dynamics.state()
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
                n_steps = min(self._settings.check, settings.steps - dynamics.step)
                frames = dynamics.run_steps(n_steps, selector.limit)
                gamma_file.write("".join(_row(settings, frame) for frame in frames))
                self._listener.tell(report.checked, settings.name, dynamics.step, frames[-1].gamma)
                choice = selector.choose(frames, trusted.step)
                if choice is Choice.GIVE_UP:
                    self._give_up(settings, trusted.step)
                    return []
                if choice is Choice.TRUSTED:
                    dynamics.go_to(trusted)
                    return [dynamics.snapshot()]
                if choice:
                    return choice
                state.repeats = 0
                last = frames[-1]
                where = {"walk": settings.name, "step": last.step, "cycle": state.cycle}
                trajectory.write(format_xyz([last.structure], where))
        return []

    def _give_up(self, settings: WalkInput, step: int) -> None:
        """Record that the walk ends at a step, because labels do not help there."""
        self._listener.tell(report.given_up, settings.name, step)
        reason = "given up: the committee still disagrees too much"
        failure = FailureRecord(settings.name, step, reason, is_walk=True)
        self._state.cycles[-1].failures.append(failure)

    def _opened_dynamics(self, settings: WalkInput) -> Dynamics:
        """Return the dynamics of a walk at the state that was trusted last."""
        from aenetpy.calculators import CommitteeCalculator

        state = self._state
        assert settings.start is not None
        dynamics = Dynamics(
            settings,
            start_atoms(settings, self._root),
            CommitteeCalculator(self._committee, jobs=self._jobs),
            self._settings.measure,
            walk_seed(self._settings.seed, state.walk, 0),
            self._smallest_distance,
        )
        if state.point is not None:
            dynamics.go_to(DynamicsState.from_json(state.point))
            n_failures = len(state.failures)
            if state.redrawn < n_failures:  # the same way would lead to the same structure
                state.redrawn = n_failures
                dynamics.redraw_velocities(
                    walk_seed(self._settings.seed, state.walk, state.redrawn)
                )
        return dynamics

    def _choose_from_trajectory(self, settings: WalkInput) -> list[Frame]:
        """Return structures of a trajectory that are worth a label; none if there are no more."""
        assert settings.trajectory is not None
        structures = list(iter_structures(within(self._root, settings.trajectory)))
        selector = new_selector(self._settings, self._state, len(structures))
        if not selector.asks_committee:
            frames = [Frame(k, math.nan, one) for k, one in enumerate(structures, start=1)]
            return selector.choose_from_all(frames)
        gammas: list[float] = []
        for first in range(0, len(structures), BATCH):
            check()
            gammas += self._gammas(structures[first : first + BATCH])
        frames = [
            Frame(k, gamma, structure)
            for k, (gamma, structure) in enumerate(zip(gammas, structures, strict=True), start=1)
        ]
        with GrowingFile(self._folder / GAMMA, self._state.sizes, "walk,step,gamma\n") as file:
            file.write("".join(_row(settings, frame) for frame in frames))
        return selector.choose_from_all(frames)

    def _gammas(self, batch: Sequence[Structure]) -> list[float]:
        """Return the disagreement about structures; NaN of those that are wrong."""
        try:
            evaluations = self._committee.evaluate_batch(batch)
        except AenetpyError:
            if len(batch) == 1:
                return [math.nan]
            return [gamma for one in batch for gamma in self._gammas([one])]
        return [
            one.disagreement(self._settings.measure)
            if one.mean.closest.distance >= self._smallest_distance
            else math.nan
            for one in evaluations
        ]

    @property
    def _smallest_distance(self) -> float:
        """Å; closer atoms are neither trained on nor calculated."""
        known = smallest_distance(self._committee.setups)
        return max(known, self._settings.reference.min_distance)


def _row(walk: WalkInput, frame: Frame) -> str:
    return f"{walk.name},{frame.step},{frame.gamma:.6g}\n"
