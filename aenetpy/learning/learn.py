"""``learn``: a potential is used, taught where it is unsure, fitted again, and goes on."""

from __future__ import annotations

import io
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from aenetpy.analysis.properties import measure
from aenetpy.data.structure import Structure
from aenetpy.errors import AenetpyError, DataError, InputError, ReferenceFailed, Stopped
from aenetpy.files.files import NamedFile, within, writing_error
from aenetpy.files.lock import locked_folder
from aenetpy.inputs.generate_in import read_generate_in
from aenetpy.inputs.learn import Learn
from aenetpy.inputs.lines import Entry, times
from aenetpy.inputs.properties import Property, given_values, reference_names
from aenetpy.inputs.train_in import TrainInput, read_train_in
from aenetpy.interruption import check
from aenetpy.learning.checks import check_learning, learning_digest
from aenetpy.learning.explorer import Explorer
from aenetpy.learning.fit import FitTask, fit_committee
from aenetpy.learning.labelling import check_reference, label, measure_with
from aenetpy.learning.record import (
    ParityRecord,
    cycle_name,
    errors_of,
    held_out_structures,
    learn_record,
    parity_of_committee,
    write_trajectory,
)
from aenetpy.learning.reference import Failure, Label
from aenetpy.learning.report import write_report
from aenetpy.learning.state import CycleRecord, FailureRecord, LearnState, read_state, write_state
from aenetpy.models.committee import Committee, read_committee
from aenetpy.reports import learn as report
from aenetpy.reports.listener import SILENT, Listener, Recorded
from aenetpy.reports.notes import notes_only_to, warnings_as_notes
from aenetpy.structures.extxyz import write_xyz
from aenetpy.structures.reading import iter_structures

if TYPE_CHECKING:
    from ase.calculators.calculator import BaseCalculator

STATE, STOP, LOG = "state.json", "STOP", "learn.log"
FRAMES, LABELS = "frames.xyz", "labels.xyz"
REPORT = "report.md"

MOST_FAILED = 3
"""Cycles in a row without a label before the reference is given up."""

AUTO_LOWER, AUTO_UPPER = 3.0, 5.0
"""Thresholds ``auto``: lower over the usual spread of a force, whose calibrated size is the usual
error, and upper over lower."""

log = logging.getLogger("aenetpy")


def learn(
    settings: Learn,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    jobs: int = 1,
) -> LearnState:
    """Extend a data set where a committee of potentials is unsure.

    Fit, walk until the committee disagrees, go back to where it did not, label structures in
    between, and begin again, from the weights and the velocities that there were. All is recorded
    in the folder of the results: the same call goes on, however this one ended, and comes to the
    same result.

    Parameters
    ----------
    settings
        Contents of the YAML file.
    folder
        Where it takes place: names in the settings are seen from there.
    listener
        Hears of each fit, crossing and label, and of each check of a walk.
    jobs
        Threads; the result does not depend on it.

    Returns
    -------
    state
        With what there is to tell of each cycle.

    Raises
    ------
    InputError, DataError
        If an input file is wrong, or the folder holds something else.
    ReferenceFailed
        If reference calculations have failed three times in a row.
    Stopped
        After ``wall_time``, or if there is a file STOP; the same command goes on.
    """
    results = Path(within(folder, settings.folder))
    results.mkdir(parents=True, exist_ok=True)
    with locked_folder(results, "learn") as lock:
        run = _Run(settings, Path(folder), results, jobs, lock)
        with (
            _appended(results / LOG) as log_file,
            notes_only_to(log_file),
            warnings_as_notes(),
        ):
            run.listener = Recorded(listener, log_file, [report.checked])
            try:
                run.to_the_end()
            except AenetpyError:
                try:
                    run.report()
                except AenetpyError as error:  # matters less than the end of the run
                    log.warning("no report: %s", error)
                raise
            run.report()
        return run.state


def _appended(path: Path) -> TextIO:
    """Open a text file that is appended to; errors of a full disk name it."""
    try:
        file = io.BufferedWriter(NamedFile(path, "ab"))
    except OSError as error:
        raise writing_error(path, error) from None
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace")


class _Run:
    """A call of `learn`: the settings, the state, and one method for each stage."""

    def __init__(
        self,
        settings: Learn,
        root: Path,
        results: Path,
        jobs: int,
        lock: int,
    ) -> None:
        self.settings, self.root, self.results = settings, root, results
        self.jobs, self.lock = jobs, lock
        self.listener = SILENT
        self._committee_of: tuple[int, Committee] | None = None
        self._held_out: ParityRecord | None = None
        self.generate = read_generate_in(within(root, settings.generate), root)
        self.train = read_train_in(within(root, settings.train))
        self._begin = time.monotonic()
        check_learning(settings, self.generate, self.train, root)
        digest = learning_digest(settings, self.generate, root)
        if (results / STATE).exists():
            self.state = read_state(results / STATE)
            if self.state.digest != digest:
                raise InputError(
                    f"the settings have changed since learning began in '{settings.folder}'",
                    file=settings.path,
                    hint="name another folder, or remove this one to start anew; only labels,"
                    " wall_time, properties and reference may change",
                )
        else:
            foreign = sorted(path.name for path in results.iterdir() if path.name[0] != ".")
            if foreign:
                raise DataError(
                    f"holds no state of learning, but {foreign[0]}",
                    file=results,
                    hint="remove it, or name another folder for the results",
                )
            check_reference(settings.reference)
            self.state = LearnState(digest)
            self.save()

    # The stages

    def to_the_end(self) -> None:
        """Go from stage to stage."""
        state = self.state
        keys = reference_names(self.settings.properties)
        if state.reference is None or any(key not in state.reference for key in keys):
            state.reference = reference_properties(self.settings, self.results, self.lock)
            self.save()
        if state.ended == LABELS_USED and state.n_labels < self.settings.labels:
            # The user allows more of them: all walks begin anew, since each has its share.
            state.stage, state.ended = "explore", ""
            state.walk, state.point, state.repeats = 0, None, 0
        if state.stage == "done":
            self._end(state.ended)
        has_moved = False
        while state.stage != "done":
            check()
            halted = self._halted() if has_moved else None  # each call gets on
            if halted is not None:
                raise halted
            has_moved = True
            getattr(self, f"_{state.stage}")()
            self.save()
        if self.settings.all_data == "yes":
            self._compare_all_data()

    def _train(self) -> None:
        """Fit the committee to all labels so far."""
        state, begin = self.state, time.monotonic()
        folder = self.cycle_folder()
        folder.mkdir(exist_ok=True)
        self.listener.tell(report.fit_begins, state.cycle, state.n_labels)
        before = self.cycle_folder(state.cycle - 1) if state.cycle else None
        trained = self.train if before is None else replace(self.train, **self.settings.retrain)
        task = self._task(trained, folder, before, self._given() if before is None else None)
        fit = fit_committee(task, self.jobs)
        state.test = fit["test"]
        lower, upper = self._thresholds(fit["force_spread"])
        committee = self._committee(state.cycle)
        held_out = held_out_structures(state.test, self.root)
        self._held_out = parity_of_committee(committee, held_out) if held_out else None
        record = CycleRecord(
            state.cycle,
            fit["n_training"],
            len(state.test),
            lower,
            upper,
            None if self._held_out is None else errors_of(self._held_out),
            self._measured(committee),
            seconds_fit=time.monotonic() - begin,
        )
        state.cycles.append(record)
        state.stage = "explore"
        self.listener.tell(report.fit_ends, record)

    def _explore(self) -> None:
        """Use the potential until the committee disagrees, or all walks have come to their end."""
        state, settings = self.state, self.settings
        if state.n_labels >= settings.labels:
            self._end(LABELS_USED)
            return
        begin = time.monotonic()
        explorer = Explorer(
            settings,
            state,
            self.root,
            self.cycle_folder(),
            self._committee(state.cycle),
            self.jobs,
            self.listener,
            self.save,
            self._halted,
        )
        record = state.cycles[-1]
        before = record.seconds_walk or 0.0
        while state.walk < len(settings.explore):
            walk = settings.explore[state.walk]
            chosen = explorer.next_frames()
            record.seconds_walk = before + time.monotonic() - begin
            if chosen:
                write_xyz(self.cycle_folder() / FRAMES, [frame.structure for frame in chosen])
                record.walk = walk.name
                record.steps = [frame.step for frame in chosen]
                record.gammas = [frame.gamma for frame in chosen]
                state.stage = "label"
                return
            state.walk, state.point, state.repeats = state.walk + 1, None, 0
            state.redrawn = len(state.failures)
            self.save()
        self._end(WALKS_ENDED)

    def _label(self) -> None:
        """Label the chosen structures; a structure without a good label is left out."""
        state, begin = self.state, time.monotonic()
        folder, record = self.cycle_folder(), self.state.cycles[-1]
        chosen = list(iter_structures(str(folder / FRAMES) + "@:"))
        results = label(chosen, self.settings.reference, folder / "reference", lock=self.lock)
        labels = [result for result in results if isinstance(result, Label)]
        failures = [result for result in results if isinstance(result, Failure)]
        for step, result in zip(record.steps, results, strict=True):
            if isinstance(result, Failure):
                record.failures.append(FailureRecord(record.walk, step, result.reason))
                self.listener.tell(report.failure, record.walk, step, result.reason)
        state.labelled.setdefault(record.walk, []).extend(record.steps)
        record.seconds_label = (record.seconds_label or 0.0) + time.monotonic() - begin
        state.repeats += 1
        if not labels:
            state.failed += 1
            if state.failed >= MOST_FAILED:
                state.failed, state.stage = 0, "explore"
                self.save()
                raise ReferenceFailed(
                    f"no label by '{self.settings.reference.calculator}' in"
                    f" {times(MOST_FAILED, 'cycle')}: {failures[-1].reason}",
                    file=folder / "reference",
                    hint="correct the cause, and run the same command to go on",
                )
            state.stage = "explore"
            return
        state.failed = 0
        structures = [one.structure for one in labels]
        record.n_labels = len(labels)
        self._add_errors_before(record, structures)
        write_xyz(folder / LABELS, structures)
        self.listener.tell(report.labelled, record)
        state.cycle, state.stage = state.cycle + 1, "train"
        write_xyz(self.results / LABELS, self._labels())

    def _compare_all_data(self) -> None:
        """Fit a new committee to all structures, and measure its properties and their spread."""
        from aenetpy.calculators import Calculator

        state, settings = self.state, self.settings
        if state.full is not None and state.full["n_labels"] == state.n_labels:
            return
        folder = self.results / f"all-data-{state.n_labels}"
        folder.mkdir(exist_ok=True)
        self.listener.tell(report.all_data_begins, state.n_labels)
        trained = replace(self.train, test_percent=0.0, patience=None)  # which needs a test set
        fit_committee(self._task(trained, folder), self.jobs)
        committee = read_committee(folder)
        members = [
            measured(settings.properties, Calculator(one, skin=0.0, jobs=self.jobs))
            for one in committee.potentials
        ]
        state.full = {
            "n_labels": state.n_labels,
            "values": self._measured(committee),
            "spread": {
                name: float(np.std(np.array([one[name] for one in members], np.float64)))
                for name in members[0]
            },
        }
        self.save()

    def report(self) -> None:
        """Write the report and the trajectory, if there is something to tell."""
        state = self.state
        if not state.cycles:
            return
        held_out = held_out_structures(state.test, self.root)
        parity: dict[str, ParityRecord] = {}
        if held_out:
            first, last = state.cycles[0].number, state.cycles[-1].number
            if self._held_out is None:
                self._held_out = parity_of_committee(self._committee(last), held_out)
            parity["start"] = parity["end"] = self._held_out
            if first != last:
                start = read_committee(self.cycle_folder(first))
                parity["start"] = parity_of_committee(start, held_out)
        write_trajectory(self.results, state)
        write_report(self.results / REPORT, learn_record(self.settings, state, self.root, parity))

    def _end(self, why: str) -> None:
        state = self.state
        state.stage, state.ended = "done", why
        never_ran = [walk.name for walk in self.settings.explore[state.walk + 1 :]]
        potential = os.path.join(self.settings.folder, cycle_name(state.cycle))
        self.listener.tell(report.ends, state.cycle, state.n_labels, why, never_ran, potential)

    # What the stages share

    def _committee(self, cycle: int) -> Committee:
        """Return the committee of a cycle, which stays in memory until the next is fitted."""
        if self._committee_of is None or self._committee_of[0] != cycle:
            self._committee_of = cycle, read_committee(self.cycle_folder(cycle))
        return self._committee_of[1]

    def _thresholds(self, spread: float | None) -> tuple[float, float]:
        settings = self.settings
        if settings.select != "committee":
            return math.inf, math.inf
        if settings.lower is not None:
            lower = settings.lower
        elif spread is None:
            raise InputError(
                "lower is auto, and no forces are held out that it could be found from",
                file=settings.path,
                line=settings.lines.get("lower"),
                hint="give lower and upper in eV/Å, or a larger TESTPERCENT",
            )
        else:
            lower = AUTO_LOWER * spread
        return lower, settings.upper if settings.upper is not None else AUTO_UPPER * lower

    def _measured(self, committee: Committee) -> dict[str, float]:
        """Return the properties as the committee has them."""
        from aenetpy.calculators import CommitteeCalculator

        calculator = CommitteeCalculator(committee, skin=0.0, jobs=self.jobs)
        return measured(self.settings.properties, calculator)

    def _task(
        self,
        trained: TrainInput,
        folder: Path,
        before: Path | None = None,
        given: Path | None = None,
    ) -> FitTask:
        """Return the fit of all structures so far."""
        return FitTask(
            replace(self.generate, files=(*self.generate.files, *self._label_entries())),
            trained,
            os.path.join(self._seen(self.results), "cycle-"),
            self.settings.members,
            self.settings.seed,
            self.root,
            folder,
            before,
            given,
        )

    def _given(self) -> Path | None:
        """Return the folder of the committee that learning begins with; None without."""
        name = self.settings.committee
        return None if name is None else Path(within(self.root, name))

    def _label_entries(self) -> list[Entry]:
        """Return the labels of all cycles before this one, as FILES names them."""
        paths = (self.cycle_folder(k) / LABELS for k in range(self.state.cycle))
        return [Entry(f"{self._seen(path)}@:", 0) for path in paths if path.exists()]

    def _labels(self) -> list[Structure]:
        return [
            structure
            for entry in self._label_entries()
            for structure in iter_structures(within(self.root, entry.text))
        ]

    def _add_errors_before(self, record: CycleRecord, labelled: Sequence[Structure]) -> None:
        """Record the errors of the committee on new labels, which it has not seen yet."""
        parity = parity_of_committee(self._committee(self.state.cycle), labelled)
        errors, forces = errors_of(parity), parity.forces[0]
        errors_nc = np.abs(forces.predicted - forces.reference)
        ends = np.cumsum([len(structure) for structure in labelled])[:-1]
        record.new_energy_rmse, record.new_force_rmse = errors.energy_rmse, errors.force_rmse
        record.new_errors = [float(part.max()) for part in np.split(errors_nc, ends)]

    def _halted(self) -> Stopped | None:
        """Return that the time is up, or that a file asks for an end; None if neither."""
        stop = self.results / STOP
        if stop.exists():
            return Stopped(
                "learning halted", file=stop, hint="remove this file and run the same command"
            )
        if time.monotonic() - self._begin > self.settings.wall_time:
            return Stopped(
                f"wall_time of {self.settings.wall_time:g} s is over; everything is saved",
                hint="run the same command to go on",
            )
        return None

    def _seen(self, path: Path) -> str:
        """Return a path as names in the settings are seen."""
        return os.path.relpath(path, self.root)

    def cycle_folder(self, cycle: int | None = None) -> Path:
        """Return the folder of a cycle."""
        return self.results / cycle_name(self.state.cycle if cycle is None else cycle)

    def save(self) -> None:
        """Record how far learning has come."""
        write_state(self.results / STATE, self.state)


WALKS_ENDED = "all walks have come to their end"
LABELS_USED = "all labels are used"


def reference_properties(settings: Learn, results: Path, lock: int) -> dict[str, float]:
    """Return the properties that the reference has, and those that the user knows better."""
    known = given_values(settings.properties)
    if all(key in known for key in reference_names(settings.properties)):
        return dict(known)
    result = measure_with(settings.properties, settings.reference, results / "reference", lock)
    for name, reason in result.reasons.items():
        if name not in known:
            log.warning("%s of the reference: %s", name, reason)
    return {**result.values, **known}


def measured(properties: Sequence[Property], calculator: BaseCalculator) -> dict[str, float]:
    """Return properties as a calculator has them; properties that it does not have are logged."""
    if not properties:
        return {}
    result = measure(properties, calculator)
    for name, reason in result.reasons.items():
        log.warning("%s: %s", name, reason)
    return dict(result.values)
