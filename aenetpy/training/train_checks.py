"""Checks of train.in against the data, beyond its reader."""

from __future__ import annotations

import logging

from aenetpy.data.training_methods import count_batches
from aenetpy.errors import InputError
from aenetpy.inputs.lines import Place, times
from aenetpy.inputs.train_in import TrainInput

log = logging.getLogger("aenetpy")


def check_keywords(settings: TrainInput) -> None:
    """Warn of keywords that have no effect."""
    if "batchsize" not in settings.parameters:
        _warn(settings, ("BATCHSIZE",), f"on method {settings.method.name}")
    if settings.forces is None:
        keywords = ("FORCESPERCENT", "MAXFORCES", "CACHE", "SAVE_FORCES")
        _warn(settings, keywords, "without FORCES")


def _warn(settings: TrainInput, keywords: tuple[str, ...], where: str) -> None:
    for keyword in keywords:
        if keyword in settings.lines:
            place = Place(settings.path, settings.lines[keyword])
            place.warn(f"{keyword} has no effect {where}")


def check_test_set(settings: TrainInput, n_test: int) -> None:
    """Refuse PATIENCE without structures to test."""
    if settings.patience is not None and n_test == 0:
        raise InputError(
            f"PATIENCE {settings.patience} needs test structures, of which there are none",
            file=settings.path,
            line=settings.lines.get("PATIENCE"),
            hint="raise TESTPERCENT, or remove PATIENCE",
        )


def epochs_to_do(iterations: int, until: int | None, done: int) -> int:
    """Return the epochs of this call, and log how they are counted if there are earlier ones."""
    if until is not None:
        epochs = max(until - done, 0)
        log.info("--until %d: %s follow after %d", until, times(epochs, "epoch"), done)
        return epochs
    if done > 0 and iterations > 0:
        log.info(
            "ITERATIONS %d counts the epochs of this call, as in aenet: up to %d in all;"
            " --until counts the epochs of all calls",
            iterations,
            done + iterations,
        )
    return iterations


def warn_of_small_sample(settings: TrainInput, sampling: str, n_training: int) -> None:
    """Warn that structures are left out for good, as aenet does (spec 3.4)."""
    name, parameters = settings.method.name, settings.parameters
    size = min(int(parameters.get("samplesize", n_training)), n_training)
    hint = "a larger samplesize" if size < n_training else "another batchsize"
    if name in ("adam", "lm"):
        batch = min(int(parameters["batchsize"]), n_training)
        size = count_batches(size, batch) * batch
    if sampling == "sequential" and size < n_training:
        log.warning(
            "%s: %s trains on the first %d of %d structures only; use %s, or SAMPLING random",
            settings.path,
            name,
            size,
            n_training,
            hint,
        )
