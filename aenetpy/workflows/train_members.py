"""``train --members``: a committee of networks from one training set, each in its own folder."""

from __future__ import annotations

import json
import logging
import math
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.analysis.drawing import png
from aenetpy.analysis.reliability import Reliability, reliability_figure
from aenetpy.digests import digest_of
from aenetpy.io.files import read_text, within, write_bytes, write_text
from aenetpy.io.lock import locked_folder
from aenetpy.io.network import read_network
from aenetpy.io.train_in import TrainInput
from aenetpy.io.train_state import read_train_state
from aenetpy.models.calibration import (
    Calibration,
    errors_and_stds,
    spread_of,
    write_calibration,
)
from aenetpy.models.committee import CALIBRATION, MEMBER
from aenetpy.models.network import Network
from aenetpy.parallel import Workers, one_blas_thread
from aenetpy.reports import committee as report
from aenetpy.reports.listener import SILENT, Listener, TextListener
from aenetpy.training.objective import mean_errors
from aenetpy.workflows.checkpoint import STATE
from aenetpy.workflows.objectives import choose_derivatives, make_objectives
from aenetpy.workflows.train import Prepared, Split, prepare, train

PROGRESS = "train.members"
"""What a call has done so far; it is removed when all members are trained."""

FIGURE = "committee.png"
"""Beside the calibration: errors on the test set against the spread, bin by bin."""

PURPOSE = tuple(b"members")
"""Keeps the seeds of the members apart from those for other purposes."""

log = logging.getLogger("aenetpy")


@dataclass(frozen=True, eq=False)
class CommitteeResult:
    """What `train_members` has come to.

    Parameters
    ----------
    folders
        Of the members.
    quantities
        What the errors are of: energy (eV/atom), force (eV/Å), stress (GPa).
    rmse_mk
        Of each member, quantity by quantity those of training and testing.
    committee_rmse
        Of the mean of all members on the test set, by quantity; empty without a test set.
    calibration
        Of their spread; None without a test set.
    """

    folders: tuple[Path, ...]
    quantities: tuple[str, ...]
    rmse_mk: tuple[tuple[float, ...], ...]
    committee_rmse: tuple[float, ...]
    calibration: Calibration | None


def train_members(
    settings: TrainInput,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    jobs: int = 1,
    members: int = 5,
    split: Split | None = None,
) -> CommitteeResult:
    """Train several networks for one training set from different first weights.

    Each goes into a folder of its own, ``member-1`` ..., which is complete: networks that are
    there already are continued as `train` does. The training set, its split and the
    derivatives of the fingerprints are in memory once. The first member is what `train` makes
    of the same seed. A call that ends before its time goes on where it was when it is
    repeated: ITERATIONS counts the epochs of each member.

    Parameters
    ----------
    settings, folder, listener, jobs
        As of `aenetpy.train`; the listener hears a table.
    members
        How many.
    split
        As of `aenetpy.workflows.train.prepare`.

    Raises
    ------
    InputError, DataError, NumericalError, Stopped
        As `aenetpy.train`.
    """
    with locked_folder(folder, "train"):
        with one_blas_thread(), Workers(jobs) as workers:
            prepared = prepare(settings, folder, split=split)
            if prepared.geometry is not None:
                trainset, geometry = prepared.trainset, prepared.geometry
                derivatives = choose_derivatives(settings, trainset, geometry, workers)
                prepared = replace(prepared, derivatives=derivatives)
        if settings.weights_seed is None and settings.split_seed is None:
            log.info("SEED %d repeats the random numbers of this run", prepared.seed)
        progress = _Progress(folder, prepared, members)
        found = []
        for number in range(1, members + 1):
            if str(number) not in progress.finished:
                _train_member(settings, folder, number, prepared, progress, jobs)
            found.append(progress.finished[str(number)])
            if number == 1:
                listener.tell(report.heading, found[0]["quantities"])
            row = f"{MEMBER}{number}", found[-1]["epochs"], found[-1]["rmse"]
            listener.tell(report.member_row, *row)
            listener.advance()
        folders = tuple(Path(within(folder, f"{MEMBER}{k}")) for k in range(1, members + 1))
        rmse, calibration = _assess(settings, folder, folders, prepared, jobs)
        if rmse:
            padded = [value for one in rmse for value in (math.nan, one)]
            listener.tell(report.member_row, "committee", None, padded)
        progress.close()
    return CommitteeResult(
        folders,
        tuple(name for name, _ in found[0]["quantities"]),
        tuple(tuple(one["rmse"]) for one in found),
        rmse,
        calibration,
    )


def member_seed(seed: int, number: int) -> int:
    """Return the seed of the first weights of a member; the first has that of the run."""
    if number == 1:
        return seed
    sequence = np.random.SeedSequence(seed, spawn_key=(*PURPOSE, number))
    return int(sequence.generate_state(1, np.uint32)[0])


def _train_member(
    settings: TrainInput,
    folder: str | Path,
    number: int,
    prepared: Prepared,
    progress: _Progress,
    jobs: int,
) -> None:
    """Train one member, or what is left of it, and note that it is done."""
    own = Path(within(folder, f"{MEMBER}{number}"))
    own.mkdir(exist_ok=True)
    seed = settings.weights_seed if settings.weights_seed is not None else prepared.seed
    done = progress.epochs_done(number)
    settings = replace(
        settings,
        seed=None,
        npseed=prepared.seed,
        phseed=member_seed(seed, number),
        iterations=max(settings.iterations - done, 0),
    )
    log.info("training %s", own)
    text = own / "train.out"
    if not done:
        text.unlink(missing_ok=True)
    with text.open("a", encoding="utf-8", errors="surrogateescape") as out:
        result = train(settings, own, TextListener(out), jobs, prepared)
    progress.finish(
        number,
        {
            "epochs": done + result.errors.epoch,
            "quantities": [(one.name, one.unit) for one in result.quantities],
            "rmse": result.errors.columns[1::2],
        },
    )


def _assess(
    settings: TrainInput,
    folder: str | Path,
    folders: tuple[Path, ...],
    prepared: Prepared,
    jobs: int,
) -> tuple[tuple[float, ...], Calibration | None]:
    """Compare the mean of the members, and their spread, with the test set; store what is found."""
    path, picture = Path(within(folder, CALIBRATION)), Path(within(folder, FIGURE))
    if not len(prepared.test_s):
        path.unlink(missing_ok=True)  # of an earlier training
        picture.unlink(missing_ok=True)
        return (), None
    lines = {line.species: line.file for line in settings.networks}
    errors_m = []
    with one_blas_thread(), Workers(jobs) as workers:
        for own in folders:
            files = [read_network(own / lines[symbol]) for symbol in prepared.trainset.species]
            networks = [Network(one.nodes_l, one.activations, one.weights_w) for one in files]
            _, objective_test = make_objectives(
                settings,
                prepared.trainset,
                prepared.geometry,
                prepared.train_s,
                prepared.test_s,
                networks,
                workers,
                prepared.derivatives,
            )
            weights_w = np.concatenate([one.weights_w for one in files])
            errors_m.append(objective_test.evaluate(weights_w, gradient=False).errors)
    found = [errors_and_stds(np.array(errors_mk)) for errors_mk in zip(*errors_m, strict=True)]
    rmse = tuple(mean_errors(errors_k).rmse for errors_k, _ in found)
    energy = spread_of(*found[0])
    if energy is None:  # all members say the same
        path.unlink(missing_ok=True)
        picture.unlink(missing_ok=True)
        return rmse, None
    force = spread_of(*found[1]) if len(found) > 1 else None
    calibration = Calibration(len(prepared.test_s), energy, force)
    panels = [Reliability("energy", "eV/atom", *found[0], energy)]
    if force is not None:
        panels.append(Reliability("force", "eV/Å", *found[1], force))
    write_bytes(picture, png(reliability_figure(panels)))
    write_calibration(path, calibration)
    return rmse, calibration


class _Progress:
    """Which members a call has trained, kept in a file until all are.

    ``train.state`` counts the epochs of all calls for one objective, so that of each member
    it is noted where this call has begun.
    """

    def __init__(self, folder: str | Path, prepared: Prepared, members: int) -> None:
        self._folder = folder
        self._path = within(folder, PROGRESS)
        trainset = prepared.trainset
        digest = digest_of(
            "\n".join(trainset.names_s).encode("utf-8", "surrogateescape"),
            trainset.energies_s.tobytes(),
            prepared.train_s.tobytes(),
            prepared.test_s.tobytes(),
        )
        self._content: dict[str, Any] = {"digest": digest, "begun": {}, "finished": {}}
        if os.path.exists(self._path):
            with suppress(ValueError):
                old = json.loads(read_text(self._path))
                if isinstance(old, dict) and old.get("digest") == digest:
                    self._content = old
        for number in range(1, members + 1):
            self._content["begun"].setdefault(str(number), self._now(number))
        self._write()

    @property
    def finished(self) -> dict[str, Any]:
        """What is known of the members that are trained, by number."""
        finished: dict[str, Any] = self._content["finished"]
        return finished

    def epochs_done(self, number: int) -> int:
        """Return how many epochs of this call a member has behind it."""
        problem, epochs = self._now(number)
        begun_problem, begun_epochs = self._content["begun"][str(number)]
        return epochs - begun_epochs if problem == begun_problem else epochs

    def finish(self, number: int, found: dict[str, Any]) -> None:
        """Note that a member is trained."""
        self.finished[str(number)] = found
        self._write()

    def close(self) -> None:
        """End the call: the same command will train further."""
        Path(self._path).unlink()

    def _now(self, number: int) -> tuple[str, int]:
        path = Path(within(self._folder, f"{MEMBER}{number}")) / STATE
        if not path.exists():
            return "", 0
        state = read_train_state(path)
        return state.problem, state.epochs

    def _write(self) -> None:
        write_text(self._path, json.dumps(self._content, indent=1) + "\n")
