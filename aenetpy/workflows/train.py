"""``train``: a training set in, networks out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from aenetpy import __version__
from aenetpy.errors import DataError, InputError, Stopped
from aenetpy.io import report_train as report
from aenetpy.io.energies import energy_table, write_energies
from aenetpy.io.report_common import TrainingSetInfo, training_set_info
from aenetpy.io.rngstate import GfortranRandom, read_rngstate, write_rngstate
from aenetpy.io.train_in import TrainInput
from aenetpy.io.trainset import TrainingSet, read_trainset, write_trainset
from aenetpy.training.loop import EpochRow, Outcome
from aenetpy.training.loop import train as improve
from aenetpy.training.methods import METHODS
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import EnergyObjective, Workers
from aenetpy.training.split import split
from aenetpy.workflows.method import open_method, save_method
from aenetpy.workflows.networks import check_networks, open_networks
from aenetpy.workflows.timing import Timing

Float = NDArray[np.float64]
Index = NDArray[np.intp]

RNG_STATE = Path("train.rngstate")
STOP = Path("STOP")

log = logging.getLogger("aenetpy")


def train(
    settings: TrainInput,
    out: TextIO,
    jobs: int = 1,
    on_epoch: Callable[[], object] = lambda: None,
) -> Outcome:
    """Fit the networks to the energies of a training set.

    Networks are saved before the first and after every epoch, so that a run that is
    interrupted loses at most one epoch.

    Parameters
    ----------
    settings
        Contents of ``train.in``.
    out
        Receives the text that ``train.x`` writes to standard output.
    jobs
        Threads; the result does not depend on it.
    on_epoch
        Called after each epoch.

    Raises
    ------
    InputError, DataError
        If ``train.in`` or the training set is wrong.
    NumericalError
        If training diverges.
    Stopped
        If a file named STOP ended training; everything is saved then.
    """
    timing = Timing("train.time" if settings.timing else None)
    check_method(settings)
    seed = settings.seed if settings.seed is not None else fresh_seed()
    out.write(report.opening(datetime.now(), __version__))
    trainset, training_file = normalised_set(settings, out)
    timing.milestone("training set read and normalised")

    out.write(report.networks_opening())
    networks = open_networks(settings, trainset, training_file, seed, out)
    if settings.timing:
        out.write(report.timing_announced("train.time"))
    networks.save()
    out.write(report.networks_stored(networks.files))
    out.write(training_set_info(TrainingSetInfo.of(trainset, training_file)))

    train_s, test_s, restarted = choose_test_set(settings, trainset, seed)
    if settings.seed is None and (networks.has_new or not restarted):
        log.info("SEED %d repeats the random numbers of this run", seed)
    method = settings.method
    out.write(
        report.training_details(
            method.name,
            method.parameters,
            settings.iterations,
            len(train_s),
            (test_s + 1).tolist(),
            restarted,
        )
    )
    optimiser = open_method(method.name, networks, out)
    out.write(
        report.process_opening(
            method.name, method.parameters, settings.iterations, "sequential", len(train_s)
        )
    )

    def save_epoch(row: EpochRow, weights_w: Float) -> None:
        out.write(
            report.epoch_row(row.epoch, row.mae_train, row.rmse_train, row.mae_test, row.rmse_test)
        )
        out.flush()
        if row.epoch > 0:
            networks.set_weights(weights_w)
            networks.save(f"-{row.epoch:05d}")
            save_method(optimiser)
            timing.milestone(f"epoch {row.epoch}")
            on_epoch()

    with Workers(jobs) as workers:
        objective, objective_test = (
            EnergyObjective(trainset, chosen_s, networks.networks, workers)
            for chosen_s in (train_s, test_s)
        )
        try:
            outcome = improve(
                objective,
                objective_test,
                optimiser,
                networks.weights_w,
                settings.iterations,
                save_epoch,
                STOP.exists,
            )
        except KeyboardInterrupt:
            networks.save()
            log.warning("interrupted: the networks of the last whole epoch are saved")
            raise
        networks.set_weights(outcome.weights_w)
        out.write(report_reason(outcome))
        if settings.save_energies:
            for name, chosen_s, part in (
                ("energies.train.0", train_s, objective),
                ("energies.test.0", test_s, objective_test),
            ):
                save_energies(name, trainset, chosen_s, part.energies(outcome.weights_w))
            row = outcome.row
            out.write(
                report.final_energies(row.mae_train, row.rmse_train, row.mae_test, row.rmse_test)
            )
    networks.save()
    out.write(report.networks_stored(networks.files))
    out.write(report.closing(datetime.now()))
    timing.write()
    if outcome.reason == "stopped":
        raise Stopped(
            f"training halted after epoch {outcome.row.epoch}",
            file=STOP,
            hint="remove this file and run the same command to go on",
        )
    return outcome


def check_method(settings: TrainInput) -> None:
    """Refuse a method that is not there yet, before any file is touched.

    Raises
    ------
    InputError
        Naming the line and what can be used instead.
    """
    method = settings.method
    if method.name not in METHODS:
        raise InputError(
            f"method {method.name} is not available in this version",
            file=settings.path,
            line=method.line or None,
            hint=f"use METHOD {' or '.join(METHODS)}",
        )
    if settings.sampling not in (None, "sequential"):
        log.warning("SAMPLING %s has no effect on method %s", settings.sampling, method.name)


def fresh_seed() -> int:
    """Return a seed that was never used, for runs without SEED."""
    return int(np.random.SeedSequence().generate_state(1)[0])


def normalised_set(settings: TrainInput, out: TextIO) -> tuple[TrainingSet, str]:
    """Read and normalise the training set; write its scaled form next to it (spec 3.5).

    A ``.scaled`` file that exists is replaced: it may belong to other data or another
    MAXENERGY, and aenet would train on it all the same.

    Returns
    -------
    trainset, name
        The normalised set, and the name of its file.
    """
    name = settings.training_set
    raw = read_trainset(name)
    check_networks(settings, raw)
    try:
        scaled, n_removed = normalise(raw, settings.max_energy)
    except InputError as error:
        error.file, error.line = settings.path, settings.lines.get("MAXENERGY")
        raise
    except DataError as error:
        error.file = error.file or name
        raise
    if raw.normalized:
        return raw, name
    scaled_name = f"{name}.scaled"
    write_trainset(scaled_name, scaled)
    out.write(report.normalization(scaled_name, scaled.scale, scaled.shift, n_removed))
    return scaled, scaled_name


def choose_test_set(
    settings: TrainInput, trainset: TrainingSet, seed: int
) -> tuple[Index, Index, bool]:
    """Split off the test set, by ``train.rngstate`` if there is one (spec 3.6).

    Returns
    -------
    train_s, test_s, restarted
        0-based indices of the structures, and whether the state came from a file.
    """
    restarted = RNG_STATE.exists()
    if restarted:
        stream = GfortranRandom(read_rngstate(RNG_STATE))
        if settings.seed is not None:
            log.info("%s decides on the test set; remove it to draw anew", RNG_STATE)
    else:
        stream = GfortranRandom.from_seed(seed)
        write_rngstate(RNG_STATE, stream.state_words())
    train_s, test_s = split(trainset.n_structures, settings.test_percent, stream)
    if len(train_s) == 0:
        raise InputError(
            f"TESTPERCENT {settings.test_percent:g} leaves no structures to train on",
            file=settings.path,
            line=settings.lines.get("TESTPERCENT"),
            hint="use a smaller TESTPERCENT",
        )
    return train_s, test_s, restarted


def report_reason(outcome: Outcome) -> str:
    """Return what the output says about the end of the epochs."""
    if outcome.note is not None:
        log.warning("%s", outcome.note)
    text = {"stopped": report.stop_detected(), "converged": report.converged()}
    return text.get(outcome.reason, "") + report.training_finished()


def save_energies(name: str, trainset: TrainingSet, chosen_s: Index, energies_s: Float) -> None:
    """Write reference and predicted cohesive energies in eV (SAVE_ENERGIES)."""
    n_atoms_s = trainset.n_atoms_s[chosen_s]

    def in_ev(scaled_s: Float) -> Float:
        return scaled_s / trainset.scale + n_atoms_s * trainset.shift

    write_energies(
        name,
        energy_table(
            trainset.species,
            [trainset.names_s[s] for s in chosen_s],
            trainset.counts_st[chosen_s],
            in_ev(trainset.energies_s[chosen_s]),
            in_ev(energies_s),
            trainset.scale,
        ),
    )
