"""``train.state``: all that makes a continued run of ``train`` equal to one that never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from aenetpy.arrays import Float
from aenetpy.data.limits import COUNT, FINITE, TEXT, WHOLE, Form, taken
from aenetpy.errors import DataError
from aenetpy.files.archive import read_archive, write_archive

FORMAT = "aenetpy train state 1"

FORMS = {
    "method": TEXT,
    "epochs": WHOLE,
    "seed": TEXT,  # may be larger than any integer of NumPy
    "best_rmse": Form("f", 0, COUNT),
    "epochs_since_best": WHOLE,
    "problem": TEXT,
    "weights_w": Form("f", 1, FINITE),
    "weights_on_disk_w": Form("f", 1, FINITE),
    "scaling": TEXT,
    "restart": TEXT,
    "restart_on_disk": TEXT,
}
"""Forms of the items; each method checks its own memory."""
NAMES_IN_FILE = {"weights_on_disk_w": "filed_w", "restart_on_disk": "filed_restart"}
"""Names of items that have another one in the file."""

PREFIX = "method."
"""Prefix of the arrays that the method remembers."""


@dataclass(frozen=True, eq=False)
class TrainState:
    """A run after its last whole epoch.

    Parameters
    ----------
    method
        Name of METHOD.
    epochs
        Epochs done, over all continuations.
    seed
        Of the order of structures.
    best_rmse
        Smallest error of the test set so far, eV per atom; inf without.
    epochs_since_best
        Epochs done since then.
    problem
        Digest of the training structures; the state of a method is of no use for others.
        Empty if there is no state of a method.
    weights_w
        All weights after this epoch, (w,) float64.
    weights_on_disk_w
        All weights in the network files when this was written, (w,) float64.
    scaling
        Digest of the scaling in which ``weights_w`` are expressed.
    restart
        Digest of ``train.restart`` as it is after this epoch; empty without.
    restart_on_disk
        Digest of ``train.restart`` as it was when this was written; empty without.
    memory
        Memory of the method, arrays by name.
    """

    method: str
    epochs: int
    seed: int
    best_rmse: float
    epochs_since_best: int
    problem: str
    weights_w: Float
    weights_on_disk_w: Float
    scaling: str
    restart: str
    restart_on_disk: str
    memory: Mapping[str, NDArray[Any]]


def write_train_state(path: str | Path, state: TrainState) -> None:
    """Write a state as a NumPy archive (``.npz``), complete or not at all."""
    arrays: dict[str, Any] = {NAMES_IN_FILE.get(n, n): getattr(state, n) for n in FORMS}
    arrays["seed"] = str(state.seed)
    arrays |= {PREFIX + name: array for name, array in state.memory.items()}
    write_archive(path, {"format": FORMAT, **arrays})


def read_train_state(path: str | Path) -> TrainState:
    """Read a state that ``write_train_state`` wrote."""
    try:
        # earlier releases wrote no epochs_since_best
        arrays: dict[str, Any] = {"epochs_since_best": 0, **read_archive(path)}
        arrays |= {name: arrays[known] for name, known in NAMES_IN_FILE.items() if known in arrays}
        own = taken(arrays, {"format": TEXT, **FORMS})
        own["seed"] = int(own["seed"])
    except ValueError:
        raise _damaged(path) from None
    same_size = own["weights_w"].shape == own["weights_on_disk_w"].shape
    if own.pop("format") != FORMAT or own["seed"] < 0 or not same_size:
        raise _damaged(path)
    memory = {
        name.removeprefix(PREFIX): array
        for name, array in arrays.items()
        if name.startswith(PREFIX)
    }
    return TrainState(memory=memory, **own)


def _damaged(path: str | Path) -> DataError:
    return DataError(
        "is damaged, or not a file that 'aenetpy train' wrote",
        file=path,
        hint="remove it to go on from the networks alone",
    )
