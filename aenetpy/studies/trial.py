"""A trial of a study: an aenet project of its own, trained and assessed."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.commands.augment import AugmentTask, augment
from aenetpy.commands.generate import generate, target_energy
from aenetpy.commands.train import train
from aenetpy.data.structure import Structure
from aenetpy.digests import digest_of
from aenetpy.errors import AenetpyError, DataError, Stopped
from aenetpy.files.files import read_bytes, write_text
from aenetpy.inputs.generate_in import GenerateInput, read_generate_in
from aenetpy.inputs.train_in import read_train_in
from aenetpy.models.reading import read_potential
from aenetpy.reports.listener import TextListener
from aenetpy.reports.notes import notes_to, one_line, warnings_as_notes
from aenetpy.structures.from_settings import read_structures
from aenetpy.studies.baseline_trial import (
    FittedModel,
    FittedNetworks,
    fitted_baseline,
    permutation_importance,
)
from aenetpy.studies.plan import AUGMENTED, GENERATE, TRAIN, TRAINING_SET, Trial
from aenetpy.studies.trial_files import (
    TrialRecord,
    TrialResult,
    read_record,
    read_result,
    write_record,
    write_result,
)
from aenetpy.training.train_state import read_train_state

RECORD, RESULT = "trial.json", "result.npz"
STATE = "train.state"
SAVED_BY_TRAINING = ("*.nn", "*.nn-*", STATE, "train.restart", "train.rngstate")
LEFT_OVER = (f"{TRAINING_SET}*", "*.nn-0*", STATE, "train.restart", "augmented")

MEV = 1000.0


def finished(trial: Trial) -> TrialResult | None:
    """Return the result of a trial, if it was made by the same definition of these networks."""
    result = read_result(trial.folder / RESULT)
    if result is None or result.digest != trial.digest:
        return None
    return result if result.networks == networks_digest(trial.folder) else None


def networks_digest(folder: Path) -> str:
    """Return the digest of all networks in a folder; who trains there by hand changes it."""
    paths = sorted(folder.glob("*.nn"))
    return digest_of(b"".join(path.name.encode() + read_bytes(path) for path in paths))


def run_trial(
    trial: Trial,
    settings: GenerateInput,
    held_out: Sequence[Structure],
    apart: Sequence[Structure] = (),
) -> TrialResult:
    """Run a trial, or the rest of it."""
    record = prepare(trial)
    for step in trial.steps:
        if step not in record.done:
            with log_file(trial.folder, step) as listener:
                STEPS[step](trial, record, listener)
            record.done.append(step)
            write_record(trial.folder / RECORD, record)
    result = assess(trial, record, settings, held_out, apart)
    write_result(trial.folder / RESULT, result)
    remove(trial.folder, LEFT_OVER)
    return result


def has_result(trial: Trial) -> bool:
    """Return whether there is a result, even one of other networks."""
    return (trial.folder / RESULT).exists()


def prepare(trial: Trial) -> TrialRecord:
    """Write the input files, unless they are there; remove files of another definition."""
    record = read_record(trial.folder / RECORD)
    if record is not None and record.digest == trial.digest and not has_result(trial):
        return record
    if trial.folder.exists() and not (trial.folder / RECORD).exists():
        foreign = sorted({path.name for path in trial.folder.iterdir()} - set(trial.inputs))
        if foreign:
            raise DataError(
                f"holds no trial, but {foreign[0]}",
                file=trial.folder,
                hint="remove it, or name another folder for the results",
            )
    try:
        if trial.folder.exists():
            shutil.rmtree(trial.folder)
        trial.folder.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"cannot be made anew ({error.strerror})", file=trial.folder) from None
    for name, text in trial.inputs.items():
        write_text(trial.folder / name, text)
    record = TrialRecord(trial.digest)
    write_record(trial.folder / RECORD, record)
    return record


@contextmanager
def log_file(folder: Path, step: str) -> Iterator[TextListener]:
    """Write the output of a step to ``<step>.out`` and ``<step>.err``."""
    if (folder / STATE).exists():  # training goes on
        set_aside(folder, step)
    with (
        (folder / f"{step}.out").open("w", encoding="utf-8", errors="surrogateescape") as out,
        (folder / f"{step}.err").open("w", encoding="utf-8", errors="surrogateescape") as notes,
        notes_to(notes),
        warnings_as_notes(),
    ):
        try:
            yield TextListener(out)
        except AenetpyError as error:
            word = "stopped" if isinstance(error, Stopped) else "error"
            notes.write(f"aenetpy: {word}: {one_line(str(error))}\n")
            error.message = f"{step} failed: {error.message}"
            raise


def augment_trial(trial: Trial, record: TrialRecord, listener: TextListener) -> None:
    """Write displaced copies as files."""
    remove(trial.folder, ["augmented", AUGMENTED])
    assert trial.copies is not None, "a step of those alone that have them"
    settings = read_generate_in(trial.folder / GENERATE, trial.folder)
    augment(AugmentTask(settings, trial.copies, output=AUGMENTED), trial.folder, listener)


def generate_trial(trial: Trial, record: TrialRecord, listener: TextListener) -> None:
    """Make the training set."""
    remove(trial.folder, [f"{TRAINING_SET}*"])
    name = GENERATE if trial.copies is None else AUGMENTED
    settings = read_generate_in(trial.folder / name, trial.folder)
    record.copies = generate(settings, trial.folder, listener).n_structures - trial.size


def train_trial(trial: Trial, record: TrialRecord, listener: TextListener) -> None:
    """Train, or go on where training was interrupted; ITERATIONS counts the epochs of a call."""
    folder = trial.folder
    settings = read_train_in(folder / TRAIN)
    if not (folder / STATE).exists():  # networks without a state cannot be continued
        remove(folder, SAVED_BY_TRAINING)
    left = max(settings.iterations - epochs_done(folder), 0)
    start = time.monotonic()
    try:
        done = train(replace(settings, iterations=left), folder, listener)
    finally:
        record.seconds += time.monotonic() - start
        write_record(folder / RECORD, record)
    record.epochs = epochs_done(folder)
    record.history += [row.train[0].rmse for row in done.rows if row.epoch > 0]
    record.test_history += [row.test[0].rmse for row in done.rows if row.epoch > 0]
    record.quantities = [quantity.name for quantity in done.quantities]
    record.errors = list(done.errors.columns)


def epochs_done(folder: Path) -> int:
    """Return the number of epochs so far, over all calls; without any there is no state."""
    return read_train_state(folder / STATE).epochs if (folder / STATE).exists() else 0


def set_aside(folder: Path, step: str) -> None:
    """Rename the logs of a call, for the next one: ``train.out`` to ``train-1.out``, ..."""
    n_calls = len(list(folder.glob(f"{step}-[0-9]*.out")))
    for suffix in ("out", "err"):
        with suppress(FileNotFoundError):
            (folder / f"{step}.{suffix}").replace(folder / f"{step}-{n_calls + 1}.{suffix}")


STEPS = {"augment": augment_trial, "generate": generate_trial, "train": train_trial}


def assess(
    trial: Trial,
    record: TrialRecord,
    settings: GenerateInput,
    held_out: Sequence[Structure],
    apart: Sequence[Structure],
) -> TrialResult:
    """Measure the errors of the model on the common test set, and on its training set."""
    own_settings = read_generate_in(trial.folder / GENERATE, trial.folder)
    given = list(read_structures(own_settings, trial.folder))
    if trial.variant.is_network:
        model: FittedModel = FittedNetworks(
            read_potential({s: trial.folder / f"{s}.nn" for s in settings.species})
        )
    else:
        with log_file(trial.folder, "fit") as listener:
            start = time.monotonic()
            model = fitted_baseline(trial, own_settings, listener)
            record.seconds = time.monotonic() - start
            record.epochs, record.history = len(model.history), model.history

    def errors(structures: Sequence[Structure]) -> Float:
        """Return the errors of the energy per atom, meV, (s,)."""
        targets = references(structures, own_settings)
        return MEV * (model.energies(structures) - targets) / sizes(structures)

    own = {name: record.errors[4 * k :] for k, name in enumerate(record.quantities)}
    _, train_rmse, _, test_rmse = own.get("energy", [math.nan] * 4)[:4]
    _, force_train_rmse, _, force_test_rmse = own.get("force", [math.nan] * 4)[:4]
    importances, components = permutation_importance(
        model, held_out, references(held_out, own_settings), trial.seed
    )
    return TrialResult(
        digest=trial.digest,
        networks=networks_digest(trial.folder),
        variant=trial.variant.name,
        size=trial.size,
        seed=trial.seed,
        copies=record.copies,
        epochs=record.epochs,
        seconds=record.seconds,
        own_train_rmse=MEV * train_rmse,
        own_test_rmse=MEV * test_rmse,
        energy_errors_s=errors(held_out),
        force_errors_nc=model.force_errors(held_out),
        n_atoms_s=sizes(held_out),
        own_force_train_rmse=force_train_rmse,
        own_force_test_rmse=force_test_rmse,
        energies_s=references(held_out, settings),
        train_errors_s=errors(given),
        train_energies_s=references(given, settings),
        train_n_atoms_s=sizes(given),
        apart_errors_s=errors(apart),
        history=MEV * np.array(record.history, np.float64),
        test_history=MEV * np.array(record.test_history, np.float64),
        species_n=[symbol for structure in held_out for symbol in structure.species],
        importances=importances,
        components=components,
    )


def references(structures: Sequence[Structure], settings: GenerateInput) -> Float:
    """Return the energies less atomic energies, eV, (s,)."""
    return np.array([target_energy(structure, settings) for structure in structures])


def sizes(structures: Sequence[Structure]) -> Long:
    """Return the number of atoms of each structure."""
    return np.array([len(structure) for structure in structures], np.int64)


def remove(folder: Path, patterns: Sequence[str]) -> None:
    """Remove files and folders; a failure is ignored."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
