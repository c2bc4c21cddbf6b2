"""The fit of a cycle of ``learn``: all structures so far in, a committee out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.arrays import Index
from aenetpy.commands.generate import generate
from aenetpy.commands.train_members import train_members
from aenetpy.data.copies import is_copy, parent_of
from aenetpy.files.files import read_bytes, write_bytes
from aenetpy.files.sealed import read_sealed, write_sealed
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.train_in import TrainInput
from aenetpy.models.committee import read_committee
from aenetpy.models.committee_file import COMMITTEE, MEMBER, PROGRESS
from aenetpy.seeds import GfortranRandom
from aenetpy.training.split import split_families

TRAINING_SET, RECORD = "refdata.train", "fit.json"
FORMAT = "aenetpy learn fit 1"
LEFT_OVER = (f"{TRAINING_SET}*", f"{MEMBER}*/*.nn-*", f"{MEMBER}*/train.state")
"""Files that are not needed after a fit."""


@dataclass
class LearningSplit:
    """Divides structures so that none that was trained on is ever tested, over all cycles.

    The structures to begin with are divided as `train` does. The labels of a cycle, which have
    much in common, stay together: for testing where the share of the test set has fallen below
    TESTPERCENT, else for training. So the division of a set agrees with the smaller sets before it.
    """

    labels: str
    test_percent: float
    seed: int
    test_copies: bool
    n_training: int = field(default=0, init=False)
    tested: list[str] = field(default_factory=list, init=False)

    def __call__(self, names: Sequence[str]) -> tuple[Index, Index]:
        """Return indices of the structures for training and for testing, ascending."""
        first = next((k for k, name in enumerate(names) if name.startswith(self.labels)), None)
        own = names[:first]
        train_s, test_s = split_families(
            [parent_of(name) for name in own],
            [is_copy(name) for name in own],
            self.test_percent,
            GfortranRandom.from_seed(self.seed),
            self.test_copies,
        )
        train, test = train_s.tolist(), test_s.tolist()
        families: dict[str, list[int]] = {}
        for s, name in enumerate(names[len(own) :], start=len(own)):
            families.setdefault(name.rpartition("@")[0], []).append(s)
        for members in families.values():
            n_all = len(train) + len(test) + len(members)
            wanted = len(test) + len(members) <= self.test_percent / 100.0 * n_all
            if wanted and not self.test_copies:
                members = [s for s in members if not is_copy(names[s])]
            (test if wanted else train).extend(members)
        self.n_training, self.tested = len(train), [names[s] for s in test]
        return np.array(train, np.intp), np.array(test, np.intp)


@dataclass(frozen=True)
class FitTask:
    """The fit of a cycle: data and settings."""

    generated: GenerateInput
    trained: TrainInput
    labels: str
    members: int
    seed: int
    root: Path
    folder: Path
    before: Path | None
    given: Path | None = None


def fit_committee(task: FitTask, jobs: int) -> dict[str, Any]:
    """Make the training set and fit a committee, or the rest of an earlier call."""
    done = task.folder / RECORD
    if not done.exists():
        write_sealed(
            done,
            {
                "format": FORMAT,
                **(_fitted(task, jobs) if task.given is None else _taken(task.given, task.folder)),
            },
        )
    for pattern in LEFT_OVER:
        for path in task.folder.glob(pattern):
            path.unlink()
    return read_sealed(done, FORMAT, "remove it, and the same command fits again")


def _taken(given: Path, folder: Path) -> dict[str, Any]:
    """Copy a committee, and return the errors of its own test set; see `fit_committee`."""
    for path in (*given.glob(f"{MEMBER}*/*.nn"), *given.glob(COMMITTEE)):
        copy = folder / path.relative_to(given)
        copy.parent.mkdir(exist_ok=True)
        write_bytes(copy, read_bytes(path))
    calibration = read_committee(folder).calibration
    force = None if calibration is None else calibration.force
    return {
        "n_training": 0,
        "test": [],
        "force_spread": None if force is None else force.std_rms,
        "calibration": None if force is None else force.factor,
    }


def _fitted(task: FitTask, jobs: int) -> dict[str, Any]:
    """Fit a committee; see `fit_committee`."""
    folder, before = task.folder, task.before
    training_set = folder / TRAINING_SET
    if not training_set.exists():
        output = os.path.relpath(training_set, task.root)
        generate(replace(task.generated, output=output), task.root, jobs=jobs)
    folders = [folder / f"{MEMBER}{number}" for number in range(1, task.members + 1)]
    begins = not (folder / PROGRESS).exists()
    for own in folders:
        if begins and own.exists():
            shutil.rmtree(own)  # perhaps trained to the end, which nobody has noted
        own.mkdir(exist_ok=True)
        for line in task.trained.networks if begins and before is not None else ():
            assert before is not None
            write_bytes(own / line.file, read_bytes(before / own.name / line.file))
    trained = replace(
        task.trained, training_set=TRAINING_SET, seed=task.seed, npseed=None, phseed=None
    )
    split = LearningSplit(task.labels, trained.test_percent, task.seed, trained.test_copies)
    result = train_members(trained, folder, jobs=jobs, members=task.members, split=split)
    force = None if result.calibration is None else result.calibration.force
    return {
        "n_training": split.n_training,
        "test": split.tested,
        "force_spread": None if force is None else force.std_rms,
        "calibration": None if force is None else force.factor,
    }
