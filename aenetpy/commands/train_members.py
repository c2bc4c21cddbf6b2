"""``train --members``: a committee of networks from one training set, each in its own folder."""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.analysis.drawing import png
from aenetpy.analysis.reliability import Reliability, reliability_figure
from aenetpy.arrays import Index
from aenetpy.commands.train import Prepared, Split, prepare, train
from aenetpy.data.copies import is_copy, parent_of
from aenetpy.digests import digest_of
from aenetpy.errors import DataError, InputError
from aenetpy.files.files import within, write_bytes
from aenetpy.files.lock import locked_folder
from aenetpy.files.sealed import read_sealed, write_sealed
from aenetpy.formats.network import read_network
from aenetpy.inputs.lines import times
from aenetpy.inputs.train_in import TrainInput, format_train_in
from aenetpy.models.calibration import Calibration, Spread, errors_and_stds, spread_of
from aenetpy.models.committee_file import MEMBER, PROGRESS, write_committee
from aenetpy.models.network import Network
from aenetpy.parallel import Workers, one_blas_thread
from aenetpy.reports import committee as report
from aenetpy.reports.listener import SILENT, Listener, TextListener
from aenetpy.training.checkpoint import STATE
from aenetpy.training.objective import mean_errors
from aenetpy.training.objectives import choose_derivatives, make_objectives
from aenetpy.training.split import split_families
from aenetpy.training.train_state import read_train_state

FIGURE = "committee.png"
"""Beside the calibration: errors on the test set against the spread, bin by bin."""

FORMAT = "aenetpy train members 1"

PURPOSE = tuple(b"members")
"""Keeps the seeds of the members apart from those for other purposes."""

log = logging.getLogger("aenetpy")


@dataclass(frozen=True, eq=False)
class CommitteeResult:
    """Result of `train_members`.

    Parameters
    ----------
    folders
        Of the members.
    quantities
        Quantities of the errors: energy (eV/atom), force (eV/Å), stress (GPa).
    rmse_mk
        Errors of each member in training and testing, by quantity.
    committee_rmse
        Errors of the mean of all members on the calibrating structures, by quantity; empty without.
    calibration
        Of their spread; None if no structures are kept for it.
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
    derivatives of the fingerprints are in memory once. The first member is the one that `train`
    makes of the same seed. A call that ends before its time goes on where it was when it is
    repeated: ITERATIONS counts the epochs of each member.

    The spread is calibrated on the test set; with PATIENCE, on half of it, and the other half
    ends the training. ``committee.json`` names the networks and holds the calibration.

    Parameters
    ----------
    settings, folder, listener, jobs
        As of `aenetpy.train`; the listener hears a table.
    members
        How many.
    split
        As of `aenetpy.commands.train.prepare`.

    Raises
    ------
    InputError, DataError, NumericalError, Stopped
        As `aenetpy.train`; if a call that has not come to its end had other settings or data.
    """
    with locked_folder(folder, "train"):
        with one_blas_thread(), Workers(jobs) as workers:
            prepared, calibrating_s = _kept_apart(settings, prepare(settings, folder, split=split))
            if prepared.geometry is not None:
                trainset, geometry = prepared.trainset, prepared.geometry
                derivatives = choose_derivatives(settings, trainset, geometry, workers)
                prepared = replace(prepared, derivatives=derivatives)
        if settings.weights_seed is None and settings.split_seed is None:
            log.info("SEED %d repeats the random numbers of this run", prepared.seed)
        progress = _Progress(folder, settings, prepared, members)
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
        tested = replace(prepared, test_s=calibrating_s)
        rmse, calibration = _assess(settings, folder, folders, tested, jobs)
        lines = [line.file for line in settings.networks]
        networks = [f"{own.name}/{file}" for own in folders for file in lines]
        write_committee(folder, networks, calibration)
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
    """Return the seed of the first weights of a member; the first has the seed of the run."""
    if number == 1:
        return seed
    sequence = np.random.SeedSequence(seed, spawn_key=(*PURPOSE, number))
    return int(sequence.generate_state(1, np.uint32)[0])


def _kept_apart(settings: TrainInput, prepared: Prepared) -> tuple[Prepared, Index]:
    """Return the structures for training, for testing, and for calibrating the spread.

    PATIENCE chooses the epoch at which a member is good for its test set: the errors there are
    too small, and the spread is not.
    """
    test_s = prepared.test_s
    if settings.patience is None or not len(test_s):
        return prepared, test_s
    names = [prepared.trainset.names_s[s] for s in test_s]
    copies, random = [is_copy(name) for name in names], np.random.default_rng(0)
    stopping, calibrating = split_families(
        [parent_of(name) for name in names], copies, 50.0, random, test_copies=True
    )
    log.info(
        "PATIENCE looks at %d of the %d test structures, chosen at random; the committee is"
        " calibrated on the others",
        len(stopping),
        len(test_s),
    )
    return replace(prepared, test_s=test_s[stopping]), test_s[calibrating]


def _train_member(
    settings: TrainInput,
    folder: str | Path,
    number: int,
    prepared: Prepared,
    progress: _Progress,
    jobs: int,
) -> None:
    """Train one member, or the rest of it, and record that it is done."""
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
    """Compare the mean of the members, and their spread, with the test set; draw the figure."""
    picture = Path(within(folder, FIGURE))
    picture.unlink(missing_ok=True)  # of an earlier training
    if not len(prepared.test_s):
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
        return rmse, None
    force = None
    panels = [Reliability("energy", "eV/atom", *found[0], energy)]
    if len(objective_test.quantities) > 1:
        owners_s = objective_test.structures_with_forces
        force = spread_of(*found[1], np.repeat(owners_s, 3 * prepared.trainset.n_atoms_s[owners_s]))
    if force is not None:
        panels.append(Reliability("force", "eV/Å", *found[1], force))
    for panel in panels:
        _tell(panel.quantity, panel.unit, panel.spread, len(prepared.test_s))
    write_bytes(picture, png(reliability_figure(panels)))
    return rmse, Calibration(len(prepared.test_s), energy, force)


def _tell(quantity: str, unit: str, spread: Spread, n_structures: int) -> None:
    """Log the calibration of the standard deviations of a quantity."""
    one, two = spread.within_calibrated
    log.info(
        "%s: standard deviations are multiplied by %.2f (%.2f to %.2f in 95 of 100 cases, from %s);"
        " %.0f %% of the errors then are within one, %.0f %% within two, %.1f %% beyond three;"
        " 95 %% are within %.1f; the largest, %.3g %s, has %.3g",
        quantity,
        spread.factor,
        *spread.interval,
        times(n_structures, "structure"),
        100.0 * one,
        100.0 * two,
        100.0 * spread.beyond_three,
        spread.factor_95 / spread.factor,
        spread.largest[0],
        unit,
        spread.largest[1],
    )


def _decisive(settings: TrainInput) -> list[str]:
    """Return the lines of a ``train.in`` on which the networks depend."""
    plain = replace(
        settings,
        iterwrite=0,
        cache=None,
        save_energies=False,
        save_forces=False,
        timing=False,
        debug=False,
        verbosity="normal",
        mode=None,
        memory_mode=None,
        verbose=False,
    )
    return [" ".join(line.split()) for line in format_train_in(plain).splitlines() if line]


class _Progress:
    """Which members a call has trained, kept in a file until all are.

    ``train.state`` counts the epochs of all calls for one objective, so that of each member
    it is noted where this call has begun.
    """

    def __init__(
        self, folder: str | Path, settings: TrainInput, prepared: Prepared, members: int
    ) -> None:
        self._folder = folder
        self._path = within(folder, PROGRESS)
        trainset = prepared.trainset
        digest = digest_of(
            "\n".join(trainset.names_s).encode("utf-8", "surrogateescape"),
            trainset.energies_s.tobytes(),
            prepared.train_s.tobytes(),
            prepared.test_s.tobytes(),
        )
        self._content: dict[str, Any] = {
            "settings": _decisive(settings),
            "digest": digest,
            "begun": {},
            "finished": {},
        }
        if os.path.exists(self._path):
            hint = f"remove it and the folders {MEMBER}1 ... to begin anew"
            old = read_sealed(self._path, FORMAT, hint)
            self._require_same(old, settings)
            self._content = old
        for number in range(1, members + 1):
            self._content["begun"].setdefault(str(number), self._now(number))
        self._write()

    @property
    def finished(self) -> dict[str, Any]:
        """Results of the trained members, by number."""
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

    def _require_same(self, old: dict[str, Any], settings: TrainInput) -> None:
        """Refuse to go on with other settings or data: members would not be comparable."""
        hint = (
            f"take the old ones back to finish it, or remove {self._path} and the folders"
            f" {MEMBER}1 ... to begin anew"
        )
        for before, now in zip_longest(old["settings"], self._content["settings"], fillvalue=""):
            if before != now:
                raise InputError(
                    f"'{now}' stands where it was '{before}' when this committee was begun",
                    file=settings.path,
                    hint=hint,
                )
        if old["digest"] != self._content["digest"]:
            raise DataError(
                "structures, or those for testing, are others than when this committee was begun",
                file=settings.training_set,
                hint=hint,
            )

    def _now(self, number: int) -> tuple[str, int]:
        path = Path(within(self._folder, f"{MEMBER}{number}")) / STATE
        if not path.exists():
            return "", 0
        state = read_train_state(path)
        return state.problem, state.epochs

    def _write(self) -> None:
        write_sealed(self._path, {"format": FORMAT, **self._content})
