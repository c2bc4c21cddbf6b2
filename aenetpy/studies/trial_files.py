"""Files of a trial of a study: ``trial.json`` and ``result.npz``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.data.limits import (
    FINITE,
    NOT_NEGATIVE_OR_NAN,
    POSITIVE,
    TEXT,
    TEXTS,
    WHOLE,
    Form,
    taken,
)
from aenetpy.errors import DataError
from aenetpy.files.archive import read_archive, write_archive
from aenetpy.files.files import read_bytes, write_text

RECORD_FORMS = {
    "digest": TEXT,
    "done": TEXTS,
    "seconds": Form("iuf", 0, NOT_NEGATIVE_OR_NAN),
    "copies": WHOLE,
    "epochs": WHOLE,
    "quantities": TEXTS,
    "history": Form("iuf", 1, NOT_NEGATIVE_OR_NAN),
    "test_history": Form("iuf", 1, NOT_NEGATIVE_OR_NAN),
    "errors": Form("iuf", 1, NOT_NEGATIVE_OR_NAN),
}
RESULT_FORMS = {
    "digest": TEXT,
    "networks": TEXT,
    "variant": TEXT,
    "size": WHOLE,
    "seed": WHOLE,
    "copies": WHOLE,
    "epochs": WHOLE,
    "seconds": Form("f", 0, NOT_NEGATIVE_OR_NAN),
    "own_train_rmse": Form("f", 0, NOT_NEGATIVE_OR_NAN),
    "own_test_rmse": Form("f", 0, NOT_NEGATIVE_OR_NAN),
    "energy_errors_s": Form("f", 1, FINITE),
    "force_errors_nc": Form("f", 2, FINITE),
    "n_atoms_s": Form("iu", 1, POSITIVE),
    "own_force_train_rmse": Form("f", 0, NOT_NEGATIVE_OR_NAN),
    "own_force_test_rmse": Form("f", 0, NOT_NEGATIVE_OR_NAN),
    "energies_s": Form("f", 1, FINITE),
    "train_errors_s": Form("f", 1, FINITE),
    "train_energies_s": Form("f", 1, FINITE),
    "train_n_atoms_s": Form("iu", 1, POSITIVE),
    "apart_errors_s": Form("f", 1, FINITE),
    "history": Form("f", 1, NOT_NEGATIVE_OR_NAN),
    "test_history": Form("f", 1, NOT_NEGATIVE_OR_NAN),
    "species_n": TEXTS,
    "importances": Form("f", 1, FINITE),
    "components": TEXTS,
}
"""Forms of the items."""


@dataclass
class TrialRecord:
    """How far a trial has come.

    Parameters
    ----------
    digest
        Of all that the result depends on.
    done
        Names of the steps that are finished.
    seconds
        Time that training has taken so far, s.
    copies
        Displaced copies in the training set.
    epochs
        Epochs of training.
    quantities
        Quantities of the training: ``energy``, ``force``, ``stress``.
    errors
        After the last epoch, for each quantity MAE and RMSE of the trainer's training set and
        MAE and RMSE of its test set: eV/atom, eV/Å, GPa.
    history
        After each epoch RMSE of the energy per atom of the trainer's training set, eV; of a
        training that was interrupted, after the epochs of the last call.
    test_history
        The same of the trainer's test set; not a number without one.
    """

    digest: str
    done: list[str] = field(default_factory=list)
    seconds: float = 0.0
    copies: int = 0
    epochs: int = 0
    quantities: list[str] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    history: list[float] = field(default_factory=list)
    test_history: list[float] = field(default_factory=list)


def read_record(path: str | Path) -> TrialRecord | None:
    """Return the record of a trial; None if there is none that can be used."""
    try:
        items = taken(json.loads(read_bytes(path)), RECORD_FORMS)
    except (DataError, ValueError, TypeError, RecursionError):
        return None
    listed = ("done", "quantities", "errors", "history", "test_history")
    lists = {name: items[name].tolist() for name in listed}
    record = TrialRecord(**{**items, **lists})
    return record if len(record.errors) == 4 * len(record.quantities) else None


def write_record(path: str | Path, record: TrialRecord) -> None:
    """Write the record of a trial."""
    write_text(path, json.dumps(vars(record), indent=1) + "\n")


@dataclass(frozen=True, eq=False)
class TrialResult:
    """A finished trial, assessed on the common test set.

    Parameters
    ----------
    digest
        Of all that it depends on.
    networks
        Digest of the networks that were assessed.
    variant, size, seed
        Which trial it is.
    copies
        Displaced copies among the structures of its training set.
    epochs
        Epochs of training.
    seconds
        Time of training, s.
    own_train_rmse, own_test_rmse
        What the trainer says at the end, energy per atom, meV; copies can be on both sides.
    energy_errors_s
        Predicted less reference energy per atom of each common test structure, meV, (s,).
    force_errors_nc
        Predicted less reference forces of their atoms, eV/Å, (n, 3); none, (0, 3), of a model
        that knows energies alone.
    n_atoms_s
        Atoms of each, (s,) int64.
    own_force_train_rmse, own_force_test_rmse
        As ``own_train_rmse`` of the force components, eV/Å; NaN without FORCES.
    energies_s
        Reference energies of the common test structures less the atomic energies of the study, eV.
    train_errors_s, train_energies_s, train_n_atoms_s
        As of the test structures, of those trained on (own test set included).
    apart_errors_s
        As ``energy_errors_s`` of the structures kept apart.
    history
        RMSE of training after each of the last epochs: energy per atom (per label, of other
        models), meV; all of them unless training was interrupted.
    test_history
        The same of the trainer's own test set; of other models than networks none.
    species_n
        Symbols of the atoms of the common test structures.
    importances, components
        By how much the RMSE of the energy per atom of the test structures grows when the values
        of a fingerprint component change places among their atoms, meV, and names of components.
    """

    digest: str
    networks: str
    variant: str
    size: int
    seed: int
    copies: int
    epochs: int
    seconds: float
    own_train_rmse: float
    own_test_rmse: float
    energy_errors_s: Float
    force_errors_nc: Float
    n_atoms_s: Long
    own_force_train_rmse: float = math.nan
    own_force_test_rmse: float = math.nan
    energies_s: Float = field(default_factory=lambda: np.empty(0))
    train_errors_s: Float = field(default_factory=lambda: np.empty(0))
    train_energies_s: Float = field(default_factory=lambda: np.empty(0))
    train_n_atoms_s: Long = field(default_factory=lambda: np.empty(0, np.int64))
    apart_errors_s: Float = field(default_factory=lambda: np.empty(0))
    history: Float = field(default_factory=lambda: np.empty(0))
    test_history: Float = field(default_factory=lambda: np.empty(0))
    species_n: Sequence[str] = ()
    importances: Float = field(default_factory=lambda: np.empty(0))
    components: Sequence[str] = ()

    @property
    def has_forces(self) -> bool:
        """Whether the model says anything of forces."""
        return bool(self.force_errors_nc.size)


def write_result(path: str | Path, result: TrialResult) -> None:
    """Write a result as a NumPy archive, complete or not at all."""
    write_archive(path, {name: getattr(result, name) for name in RESULT_FORMS})


def read_result(path: str | Path) -> TrialResult | None:
    """Return a result; None if there is none that can be used."""
    try:
        result = TrialResult(**taken(read_archive(path), RESULT_FORMS))
    except (DataError, ValueError):
        return None
    n_s, n_r = len(result.n_atoms_s), len(result.train_n_atoms_s)
    fits = (
        len(result.energy_errors_s) == len(result.energies_s) == n_s
        and result.force_errors_nc.shape in ((result.n_atoms_s.sum(), 3), (0, 3))
        and len(result.train_errors_s) == len(result.train_energies_s) == n_r
        and len(result.importances) == len(result.components)
    )
    return result if fits else None
