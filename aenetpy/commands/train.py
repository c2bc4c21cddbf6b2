"""``train``: a training set in, networks out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aenetpy import __version__
from aenetpy.arrays import Float, Index, Int
from aenetpy.commands.verdict import log_verdict
from aenetpy.data.copies import is_copy, parent_of
from aenetpy.data.geometry import Geometry
from aenetpy.data.training_methods import METHODS
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.jacobians import Jacobians
from aenetpy.errors import InputError, Stopped, located
from aenetpy.files.files import within, write_text
from aenetpy.files.lock import locked_folder
from aenetpy.formats.recognise import is_trainset_text
from aenetpy.formats.rngstate import read_rngstate, write_rngstate
from aenetpy.formats.tables import format_energies
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.formats.trainset_text import read_trainset_ascii
from aenetpy.inputs.lines import times
from aenetpy.inputs.train_in import TrainInput
from aenetpy.models.remarks import warn_of_setups
from aenetpy.parallel import Workers, one_blas_thread
from aenetpy.reports import train as report
from aenetpy.reports.blocks import TrainingSetInfo, training_set_info
from aenetpy.reports.listener import SILENT, Listener, Recorder
from aenetpy.seeds import N_WORDS, GfortranRandom, fresh_seed
from aenetpy.training.check_networks import check_networks
from aenetpy.training.checkpoint import Checkpoint, read_optimiser, read_state, save_networks
from aenetpy.training.loop import EpochRow, Outcome, run_epochs
from aenetpy.training.methods import load_method
from aenetpy.training.normalise import normalise, without_constants
from aenetpy.training.objective import Quantity
from aenetpy.training.objectives import (
    make_objectives,
    save_forces,
    training_geometry,
    warn_of_small_alpha,
)
from aenetpy.training.open_networks import open_networks
from aenetpy.training.split import split_families
from aenetpy.training.train_checks import (
    check_keywords,
    check_test_set,
    epochs_to_do,
    warn_of_small_sample,
)

RNG_STATE = "train.rngstate"
STOP = "STOP"

log = logging.getLogger("aenetpy")


@dataclass(frozen=True, eq=False)
class TrainResult:
    """Result of `train`."""

    networks: dict[str, Path]
    rows: tuple[EpochRow, ...]
    outcome: Outcome
    quantities: tuple[Quantity, ...]

    @property
    def errors(self) -> EpochRow:
        """Errors of the networks: ``errors.test[0].rmse`` is the error of the energies, eV/atom."""
        return self.outcome.row


Split = Callable[[Sequence[str]], tuple[Index, Index]]
"""From the names of all structures, the indices of those for training and for testing."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """The data of a run, which several runs may share."""

    trainset: TrainingSet
    training_file: str
    train_s: Index
    test_s: Index
    restarted: bool
    geometry: Geometry | None
    seed: int
    stop: Path
    events: tuple[tuple[Callable[..., str], tuple[Any, ...]], ...] = ()
    derivatives: Jacobians | None = None


def prepare(
    settings: TrainInput,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    split: Split | None = None,
) -> Prepared:
    """Read and normalise the training set of a run and split it."""
    seed = settings.split_seed if settings.split_seed is not None else fresh_seed()
    heard = Recorder(listener)
    scaled, training_file = normalised_set(settings, folder, heard)
    trainset = without_constants(scaled)
    words = None
    if split is None:
        train_s, test_s, restarted, words = choose_test_set(settings, trainset, seed, folder)
    else:
        (train_s, test_s), restarted = split(trainset.names_s), True
    check_test_set(settings, len(test_s))
    geometry = training_geometry(settings, training_file, trainset, train_s, seed, folder)
    # A run that is refused leaves nothing behind.
    if training_file != settings.training_set:
        write_trainset(within(folder, training_file), scaled)
    if words is not None:
        write_rngstate(within(folder, RNG_STATE), words)
    return Prepared(
        trainset,
        training_file,
        train_s,
        test_s,
        restarted,
        geometry,
        seed,
        Path(within(folder, STOP)),
        tuple(heard.events),
    )


def train(
    settings: TrainInput,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    jobs: int = 1,
    prepared: Prepared | None = None,
    until: int | None = None,
) -> TrainResult:
    """Fit the networks to the energies of a training set.

    A run that is interrupted is saved after its last whole epoch, one that is killed after
    one a fraction of a second before, and the same command goes on from there; see
    ``checkpoint``.

    Parameters
    ----------
    settings
        Contents of ``train.in``.
    folder
        Where the run takes place: names in the settings are seen from there, and what it
        leaves is there.
    listener
        Receives the standard output of ``train.x``, and each epoch.
    jobs
        Threads; the result does not depend on it.
    prepared
        The data, see `prepare`; by default read from the folder, and a verdict is logged.
    until
        Epochs of all calls together, instead of ITERATIONS, which counts the epochs of this call.

    Raises
    ------
    InputError, DataError
        If ``train.in`` or the training set is wrong, or another run trains in this folder.
    NumericalError
        If training diverges.
    Stopped
        If a file named STOP, SIGTERM or SIGHUP ended training; everything is saved then.
    """
    with locked_folder(folder, "train"):
        return _train(settings, folder, listener, jobs, prepared, until)


def _train(
    settings: TrainInput,
    folder: str | Path,
    listener: Listener,
    jobs: int,
    prepared: Prepared | None,
    until: int | None,
) -> TrainResult:
    """Fit the networks in a folder that is ours; see `train`."""
    check_keywords(settings)
    load_method(settings.method.name)  # fails before any file is touched
    sampling = choose_sampling(settings)
    state, restart = read_state(folder), read_optimiser(settings.method.name, folder)
    listener.tell(report.opening, datetime.now(), __version__)
    is_alone = prepared is None
    if prepared is None:
        prepared = prepare(settings, folder, listener)
    else:
        check_networks(settings, prepared.trainset, folder)
        for event, content in prepared.events:
            listener.tell(event, *content)
    trainset, training_file, geometry = (
        prepared.trainset,
        prepared.training_file,
        prepared.geometry,
    )
    train_s, test_s, restarted = prepared.train_s, prepared.test_s, prepared.restarted
    seed, stop = prepared.seed, prepared.stop
    weights_seed = settings.weights_seed if settings.weights_seed is not None else seed
    if settings.debug:
        write_text(within(folder, "train.debug0"), "")

    listener.tell(report.networks_opening)
    networks = open_networks(
        settings, trainset, training_file, weights_seed, state, folder, listener
    )
    save_networks(networks, seed)
    listener.tell(report.networks_stored, networks.files)
    listener.tell(training_set_info, TrainingSetInfo.of(trainset, training_file))

    random = networks.has_new or not restarted or sampling != "sequential"
    if settings.split_seed is None and networks.state is None and random:
        keyword = "SEED" if settings.weights_seed is None else "NPSEED"
        log.info("%s %d repeats the random numbers of this run", keyword, seed)
    method, parameters = settings.method, settings.parameters
    listener.tell(
        report.training_details,
        method.name,
        parameters,
        settings.iterations if until is None else until,
        len(train_s),
        (test_s + 1).tolist(),
        restarted,
    )
    warn_of_small_sample(settings, sampling, len(train_s))
    warn_of_small_alpha(settings)
    with one_blas_thread(), Workers(jobs) as workers:
        objective, objective_test = make_objectives(
            settings,
            trainset,
            geometry,
            train_s,
            test_s,
            networks.networks,
            workers,
            prepared.derivatives,
        )
        checkpoint = Checkpoint(settings, networks, restart, objective, sampling, seed, listener)
        epochs = epochs_to_do(settings.iterations, until, checkpoint.sampler.epoch)
        listener.tell(
            report.process_opening,
            method.name,
            parameters,
            epochs,
            sampling,
            len(train_s),
            [f"{quantity.name} {quantity.unit}" for quantity in objective.quantities[1:]],
        )
        rows: list[EpochRow] = []

        def save_epoch(row: EpochRow, weights_w: Float) -> None:
            listener.tell(report.epoch_row, row.epoch, *row.columns)
            rows.append(row)
            checkpoint.save(row, weights_w)
            if row.epoch > 0:
                listener.advance()

        try:
            outcome = run_epochs(
                objective,
                objective_test,
                checkpoint.method,
                networks.weights_w,
                epochs,
                save_epoch,
                stop.exists,
                checkpoint.sampler,
                checkpoint.has_waited,
            )
        except KeyboardInterrupt:
            if checkpoint.has_epochs:
                log.warning("interrupted: the last whole epoch is saved; the same command goes on")
            raise
        finally:
            checkpoint.close()
        if is_alone and outcome.reason != "stopped":
            parts = {"test": (objective_test, test_s), "training": (objective, train_s)}
            best_w = checkpoint.best_weights(outcome.row)
            log_verdict(networks.files, outcome.weights_w, best_w, parts, trainset.names_s)
        tell_reason(outcome, settings.patience, stop.exists(), listener)
        best = checkpoint.note_on_best(outcome.row)
        if best is not None:
            log.info("%s", best)
        if settings.save_energies:
            for name, chosen_s, part in (
                ("energies.train.0", train_s, objective),
                ("energies.test.0", test_s, objective_test),
            ):
                save_energies(
                    within(folder, name), trainset, chosen_s, part.energies(outcome.weights_w)
                )
            listener.tell(report.final_energies, *outcome.row.columns[:4])
        if settings.save_forces and geometry is not None:
            for name, part in (("forces.train.0", objective), ("forces.test.0", objective_test)):
                save_forces(within(folder, name), trainset, part, outcome.weights_w)
    listener.tell(report.networks_stored, networks.files)
    listener.tell(report.closing, datetime.now())
    if outcome.reason == "stopped":
        raise stopped(outcome.row.epoch, stop)
    return TrainResult(
        {symbol: Path(within(folder, file)) for symbol, file in networks.files.items()},
        tuple(rows),
        outcome,
        objective.quantities,
    )


def stopped(epoch: int, stop: Path) -> Stopped:
    """Return the note on a run that was asked to stop, maybe by a file."""
    if stop.exists():
        return Stopped(
            f"training halted after epoch {epoch}",
            file=stop,
            hint="remove this file and run the same command to go on",
        )
    return Stopped(
        f"terminated after epoch {epoch}; everything is saved",
        hint="run the same command to go on",
    )


def choose_sampling(settings: TrainInput) -> str:
    """Return the order of the structures that is used (spec 3.4)."""
    default = METHODS[settings.method.name].sampling
    if default is not None:
        return settings.sampling or default
    if settings.sampling not in (None, "sequential"):
        log.warning(
            "SAMPLING %s has no effect on method %s", settings.sampling, settings.method.name
        )
    return "sequential"


def normalised_set(
    settings: TrainInput, folder: str | Path, listener: Listener
) -> tuple[TrainingSet, str]:
    """Read and normalise the training set (spec 3.5).

    A ``.scaled`` file that exists is to be replaced: it may belong to other data or another
    MAXENERGY, and aenet would train on it all the same.
    """
    name = settings.training_set
    path = within(folder, name)
    raw = read_trainset_ascii(path) if is_trainset_text(path) else read_trainset(path)
    check_networks(settings, raw, folder)
    try:
        with located(name):
            warn_of_setups(raw.setups_t or ())
            with_forces = settings.forces is not None and settings.forces.alpha > 0.0
            scaled, n_removed = normalise(raw, settings.max_energy, with_forces)
    except InputError as error:
        error.file, error.line = settings.path, settings.lines.get("MAXENERGY")
        raise
    if raw.normalized:
        if settings.max_energy is not None:
            log.warning("%s is normalised already: MAXENERGY has no effect", name)
        return raw, name
    scaled_name = f"{name}.scaled"
    listener.tell(report.normalization, scaled_name, scaled.scale, scaled.shift, n_removed)
    return scaled, scaled_name


def choose_test_set(
    settings: TrainInput, trainset: TrainingSet, seed: int, folder: str | Path
) -> tuple[Index, Index, bool, Int | None]:
    """Split off the test set, by ``train.rngstate`` if there is one (spec 3.6).

    Displaced copies are on the side of their parents, see `split_families`.
    """
    path = Path(within(folder, RNG_STATE))
    restarted = path.exists()
    words = read_rngstate(path) if restarted else None
    if words is not None and len(words) == N_WORDS:
        stream = GfortranRandom(words)
        if settings.split_seed is not None:
            log.info("%s decides on the test set; remove it to draw anew", RNG_STATE)
    else:
        stream = GfortranRandom.from_seed(seed)
        if words is not None:
            log.warning(
                "%s holds %d numbers, not %d (another compiler): the test set is drawn anew",
                RNG_STATE,
                len(words),
                N_WORDS,
            )
    copies_s = [is_copy(name) for name in trainset.names_s]
    parents_s = [parent_of(name) for name in trainset.names_s]
    drawn = None if restarted else stream.state_words()
    train_s, test_s = split_families(
        parents_s, copies_s, settings.test_percent, stream, settings.test_copies
    )
    given = {name for name, copy in zip(parents_s, copies_s, strict=True) if not copy}
    n_orphans = sum(parent not in given for parent in parents_s)
    if n_orphans:
        log.warning("%d copies are trained on without their parents, which are missing", n_orphans)
    n_left_out = trainset.n_structures - len(train_s) - len(test_s)
    if n_left_out:
        log.info("%d copies of test structures are left out (TEST_COPIES tests them)", n_left_out)
    assert len(train_s) > 0, "TESTPERCENT is below 100"
    return train_s, test_s, restarted, drawn


def tell_reason(
    outcome: Outcome, patience: int | None, is_halted: bool, listener: Listener
) -> None:
    """Tell why the epochs have ended; ``is_halted`` if there is a file STOP."""
    if outcome.reason == "patience":
        waited = times(patience or 0, "epoch")
        log.info("the test error has not become smaller for %s (PATIENCE)", waited)
    if outcome.note is not None:
        log.warning("%s", outcome.note)
    if outcome.reason == "converged":
        listener.tell(report.converged)
    elif outcome.reason == "stopped" and is_halted:
        listener.tell(report.stop_detected)
    listener.tell(report.training_finished)


def save_energies(name: str, trainset: TrainingSet, chosen_s: Index, energies_s: Float) -> None:
    """Write reference and predicted cohesive energies in eV (SAVE_ENERGIES)."""
    n_atoms_s = trainset.n_atoms_s[chosen_s]

    def in_ev(scaled_s: Float) -> Float:
        return scaled_s / trainset.scale + n_atoms_s * trainset.shift

    write_text(
        name,
        format_energies(
            trainset.species,
            [trainset.names_s[s] for s in chosen_s],
            trainset.counts_st[chosen_s],
            in_ev(trainset.energies_s[chosen_s]),
            in_ev(energies_s),
            trainset.scale,
        ),
    )
