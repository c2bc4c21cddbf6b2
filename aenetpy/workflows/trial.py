"""A trial of a study: an aenet project of its own, trained and assessed."""

from __future__ import annotations

import math
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.digests import digest_of
from aenetpy.errors import AenetpyError, DataError
from aenetpy.io.files import read_bytes, read_text, write_text
from aenetpy.io.generate_in import GenerateInput
from aenetpy.io.train_in import format_train_in, read_train_in
from aenetpy.io.train_state import read_train_state
from aenetpy.io.trainset import count_structures
from aenetpy.io.trial_files import (
    TrialRecord,
    TrialResult,
    read_record,
    read_result,
    write_record,
    write_result,
)
from aenetpy.models.potential import Potential
from aenetpy.models.reading import read_potential
from aenetpy.workflows.commands import Commands
from aenetpy.workflows.generate import target_energy
from aenetpy.workflows.study_plan import AUGMENTED, TRAINING_SET, Trial

RECORD, RESULT = "trial.json", "result.npz"
STATE = "train.state"
CONTINUED = "train-continued.in"
SAVED_BY_TRAINING = ("*.nn", "*.nn-*", STATE, "train.restart", "train.rngstate", CONTINUED)
LEFT_OVER = (f"{TRAINING_SET}*", "*.nn-0*", STATE, "train.restart", CONTINUED, "augmented")

DONE = "Neural Network training done."
MEV = 1000.0

_STOPPED = re.compile("^aenetpy: (stopped|error):", re.MULTILINE)
_EPOCH = re.compile(r"^ +\d+((?: +[-+.\dNEan]+){4}) <$", re.MULTILINE)


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
    trial: Trial, settings: GenerateInput, held_out: Sequence[Structure], commands: Commands
) -> TrialResult:
    """Run a trial, or what is left of it.

    Parameters
    ----------
    trial
        The trial to run.
    settings
        Contents of the ``generate.in`` of the study.
    held_out
        The common test set.
    commands
        Runs the steps.

    Raises
    ------
    AenetpyError
        If a step fails; the trial is named.
    Cancelled
        If all commands were ended.
    """
    try:
        record = prepare(trial)
        for command, *arguments in trial.steps:
            if command not in record.done:
                STEPS[command](trial, [command, *arguments], record, commands)
                record.done.append(command)
                write_record(trial.folder / RECORD, record)
        result = assess(trial, record, settings, held_out)
    except AenetpyError as error:
        error.message = f"trial {trial.name}: {error.message}"
        raise
    write_result(trial.folder / RESULT, result)
    remove(trial.folder, LEFT_OVER)
    return result


def has_result(trial: Trial) -> bool:
    """Return whether there is a result, even one of other networks."""
    return (trial.folder / RESULT).exists()


def prepare(trial: Trial) -> TrialRecord:
    """Write the input files, unless they are there; what another definition left goes away."""
    record = read_record(trial.folder / RECORD)
    if record is not None and record.digest == trial.digest and not has_result(trial):
        return record
    if record is None and trial.folder.exists():
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


def augment_trial(
    trial: Trial, command: list[str], record: TrialRecord, commands: Commands
) -> None:
    """Write displaced copies as files, which goes on where it was interrupted."""
    remove(trial.folder, ["augmented", AUGMENTED])
    commands.run([*command, "--jobs", "1"], trial.folder, "augment")


def generate_trial(
    trial: Trial, command: list[str], record: TrialRecord, commands: Commands
) -> None:
    """Make the training set."""
    remove(trial.folder, [f"{TRAINING_SET}*"])
    commands.run([*command, "--jobs", "1"], trial.folder, "generate")
    record.copies = count_structures(trial.folder / TRAINING_SET) - trial.size


def train_trial(trial: Trial, command: list[str], record: TrialRecord, commands: Commands) -> None:
    """Train, or go on where training was interrupted; ITERATIONS counts the epochs of a call."""
    folder = trial.folder
    continued = (folder / STATE).exists()
    if not continued:  # networks without a state cannot be continued
        remove(folder, SAVED_BY_TRAINING)
    elif training_has_ended(folder):  # and the study was killed before it noted it
        record.epochs = epochs_done(folder)
        record.seconds = math.nan
        return
    else:
        settings = read_train_in(folder / command[1])
        epochs = max(settings.iterations - epochs_done(folder), 0)
        write_text(folder / CONTINUED, format_train_in(replace(settings, iterations=epochs)))
        command = [command[0], CONTINUED]
        set_aside(folder, ("train.out", "train.err"))
    start = time.monotonic()
    try:
        commands.run([*command, "--jobs", "1"], folder, "train")
    finally:
        record.seconds += time.monotonic() - start
        write_record(folder / RECORD, record)
    record.epochs = epochs_done(folder)


def epochs_done(folder: Path) -> int:
    """Return the number of epochs so far, over all calls; without any there is no state."""
    return read_train_state(folder / STATE).epochs if (folder / STATE).exists() else 0


def training_has_ended(folder: Path) -> bool:
    """Return whether the last call of training came to its end; one that is stopped says so."""
    output, notes = folder / "train.out", folder / "train.err"
    if not (output.exists() and notes.exists()):
        return False
    return DONE in read_text(output) and not _STOPPED.search(read_text(notes))


def set_aside(folder: Path, names: Sequence[str]) -> None:
    """Rename what a call has written, for the next one: ``train.out`` to ``train-1.out``, ..."""
    n_calls = len(list(folder.glob("train-[0-9]*.out")))
    for name in names:
        stem, suffix = name.split(".")
        with suppress(FileNotFoundError):
            (folder / name).replace(folder / f"{stem}-{n_calls + 1}.{suffix}")


STEPS = {"augment": augment_trial, "generate": generate_trial, "train": train_trial}


def assess(
    trial: Trial, record: TrialRecord, settings: GenerateInput, held_out: Sequence[Structure]
) -> TrialResult:
    """Measure the errors of the networks on the common test set."""
    potential = read_potential({s: trial.folder / f"{s}.nn" for s in settings.species})
    errors = [structure_errors(potential, structure, settings) for structure in held_out]
    train_rmse, test_rmse = own_errors(trial.folder / "train.out")
    return TrialResult(
        digest=trial.digest,
        networks=networks_digest(trial.folder),
        variant=trial.variant.name,
        size=trial.size,
        seed=trial.seed,
        copies=record.copies,
        epochs=record.epochs,
        seconds=record.seconds,
        own_train_rmse=train_rmse,
        own_test_rmse=test_rmse,
        energy_errors_s=np.array([energy for energy, _ in errors]),
        force_errors_nc=np.concatenate([forces_nc for _, forces_nc in errors]),
        n_atoms_s=np.array([len(structure) for structure in held_out], np.int64),
    )


def structure_errors(
    potential: Potential, structure: Structure, settings: GenerateInput
) -> tuple[float, Float]:
    """Return the errors of the energy per atom, meV, and of the forces, eV/Å, (n, 3)."""
    target = target_energy(structure, settings)
    assert structure.forces_nc is not None, "target_energy refuses structures without"
    found = potential.evaluate(structure)
    assert found.forces_nc is not None, "forces are asked for"
    energy = MEV * (found.cohesive_energy - target) / len(structure)
    return energy, found.forces_nc - structure.forces_nc


def own_errors(path: Path) -> tuple[float, float]:
    """Return the RMSE of training and test set in the last epoch of a ``train.out``, meV/atom."""
    rows = _EPOCH.findall(read_text(path))
    if not rows:
        raise DataError("holds no epoch", file=path, hint="remove the folder of the trial")
    _, rmse_train, _, rmse_test = (float(word) for word in rows[-1].split())
    return MEV * rmse_train, MEV * rmse_test


def remove(folder: Path, patterns: Sequence[str]) -> None:
    """Remove files and folders; what cannot be removed stays."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
