from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.studies.trial_files import (
    RECORD_FORMS,
    RESULT_FORMS,
    TrialRecord,
    TrialResult,
    read_record,
    read_result,
    write_record,
    write_result,
)

RECORD = TrialRecord("abc", ["augment", "train"], 1.5, 3, 20)
RESULT = TrialResult(
    digest="abc",
    networks="def",
    variant="plain",
    size=10,
    seed=1,
    copies=0,
    epochs=20,
    seconds=float("nan"),
    own_train_rmse=3.0,
    own_test_rmse=float("nan"),
    energy_errors_s=np.array([1.0, -2.0]),
    force_errors_nc=np.arange(15.0).reshape(5, 3),
    n_atoms_s=np.array([2, 3], np.int64),
    energies_s=np.array([-10.0, -14.0]),
    train_errors_s=np.array([0.5]),
    train_energies_s=np.array([-9.0]),
    train_n_atoms_s=np.array([2], np.int64),
    apart_errors_s=np.array([0.25]),
    history=np.array([4.0, 3.0]),
    test_history=np.array([5.0, 4.0]),
    species_n=("O", "O"),
    importances=np.array([0.1, 2.0]),
    components=("O G2", "O G4"),
)


def test_a_record_comes_back(tmp_path: Path) -> None:
    write_record(tmp_path / "trial.json", RECORD)
    assert read_record(tmp_path / "trial.json") == RECORD
    write_record(tmp_path / "trial.json", replace(RECORD, seconds=float("nan"), done=[]))
    again = read_record(tmp_path / "trial.json")
    assert again is not None
    assert np.isnan(again.seconds)
    assert again.done == []
    assert read_record(tmp_path / "none.json") is None


@pytest.mark.parametrize("name", RECORD_FORMS)
def test_a_record_of_other_kinds_is_none(name: str, tmp_path: Path) -> None:
    path = tmp_path / "trial.json"
    for value in (None, {}, [[1]], [3], -1, 1e400, 10**30, True):
        if name in ("history", "test_history") and value == [3]:  # one epoch
            continue
        path.write_text(json.dumps({**vars(RECORD), name: value}))
        assert read_record(path) is None, value
    path.write_text(json.dumps({k: v for k, v in vars(RECORD).items() if k != name}))
    assert read_record(path) is None


@pytest.mark.parametrize("text", ["", "[]", "3", '"digest"', "[" * 100_000, "\xff", "{}", "null"])
def test_no_record_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_bytes(text.encode("latin-1"))
    assert read_record(tmp_path / "trial.json") is None


def test_a_result_comes_back(tmp_path: Path) -> None:
    write_result(tmp_path / "result.npz", RESULT)
    again = read_result(tmp_path / "result.npz")
    assert again is not None
    assert all(
        np.array_equal(getattr(again, k), getattr(RESULT, k))
        for k in (
            "digest",
            "size",
            "seed",
            "energy_errors_s",
            "force_errors_nc",
            "n_atoms_s",
            "energies_s",
            "train_errors_s",
            "train_energies_s",
            "train_n_atoms_s",
            "apart_errors_s",
            "history",
            "importances",
        )
    )
    assert tuple(again.components) == RESULT.components
    assert again.has_forces
    write_result(tmp_path / "energies.npz", replace(RESULT, force_errors_nc=np.empty((0, 3))))
    energies = read_result(tmp_path / "energies.npz")
    assert energies is not None
    assert not energies.has_forces
    assert read_result(tmp_path / "none.npz") is None


@pytest.mark.parametrize("name", RESULT_FORMS)
def test_a_result_of_other_kinds_is_none(name: str, tmp_path: Path) -> None:
    path = tmp_path / "result.npz"
    arrays = {key: np.asarray(getattr(RESULT, key)) for key in RESULT_FORMS}
    for value in (1j, arrays[name][np.newaxis], b"a", -1, np.full((2, 2, 3), np.inf), None):
        spoiled = {key: array for key, array in arrays.items() if key != name}
        if value is not None:
            spoiled[name] = np.asarray(value)
        with path.open("wb") as file:
            np.savez(file, **spoiled)
        assert read_result(path) is None, value


@pytest.mark.parametrize(
    "change",
    [
        {"energy_errors_s": np.zeros(3)},
        {"force_errors_nc": np.zeros((4, 3))},
        {"force_errors_nc": np.zeros((5, 2))},
        {"n_atoms_s": np.array([5, 0], np.int64)},
    ],
)
def test_a_result_of_other_sizes_is_none(change: dict[str, np.ndarray], tmp_path: Path) -> None:
    write_result(tmp_path / "result.npz", replace(RESULT, **change))
    assert read_result(tmp_path / "result.npz") is None
