"""What is asked of train.in beyond its reader: what it needs of the data."""

from __future__ import annotations

import logging

from aenetpy.errors import InputError
from aenetpy.io.train_in import TrainInput

log = logging.getLogger("aenetpy")


def check_keywords(settings: TrainInput) -> None:
    """Warn of BATCHSIZE where there are no batches."""
    if settings.batchsize is not None and "batchsize" not in settings.parameters:
        log.warning("BATCHSIZE has no effect on method %s", settings.method.name)


def check_test_set(settings: TrainInput, n_test: int) -> None:
    """Refuse PATIENCE without structures to test.

    Raises
    ------
    InputError
        Naming the line of PATIENCE.
    """
    if settings.patience is not None and n_test == 0:
        raise InputError(
            f"PATIENCE {settings.patience} needs test structures, of which there are none",
            file=settings.path,
            line=settings.lines.get("PATIENCE"),
            hint="raise TESTPERCENT, or remove PATIENCE",
        )
