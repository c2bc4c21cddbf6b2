"""What is asked of train.in beyond its reader: what it needs of the data."""

from __future__ import annotations

from aenetpy.errors import InputError
from aenetpy.io.free_form import Place
from aenetpy.io.train_in import TrainInput


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
