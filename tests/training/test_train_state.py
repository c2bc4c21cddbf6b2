from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from aenetpy.errors import DataError
from aenetpy.training.train_state import (
    FORMAT,
    FORMS,
    TrainState,
    read_train_state,
    write_train_state,
)

STATE = TrainState(
    method="adam",
    epochs=7,
    seed=2**70,
    best_rmse=float("inf"),
    epochs_since_best=3,
    problem="abc",
    weights_w=np.linspace(-1, 1, 9),
    weights_on_disk_w=np.linspace(-2, 2, 9),
    scaling="ghi",
    restart="def",
    restart_on_disk="",
    memory={"mean_w": np.arange(3.0), "task": np.array("FG_LNSRCH"), "n": np.array(4)},
)


def test_comes_back_as_it_was(tmp_path) -> None:
    write_train_state(tmp_path / "train.state", STATE)
    again = read_train_state(tmp_path / "train.state")
    for name in (
        "method",
        "epochs",
        "seed",
        "best_rmse",
        "epochs_since_best",
        "problem",
        "scaling",
        "restart",
        "restart_on_disk",
    ):
        assert getattr(again, name) == getattr(STATE, name)
    assert (again.weights_w == STATE.weights_w).all()
    assert (again.weights_on_disk_w == STATE.weights_on_disk_w).all()
    assert again.memory.keys() == STATE.memory.keys()
    assert all((again.memory[key] == STATE.memory[key]).all() for key in STATE.memory)


def test_items_have_the_names_of_earlier_releases_in_the_file(tmp_path) -> None:
    write_train_state(tmp_path / "train.state", STATE)
    with np.load(tmp_path / "train.state") as archive:
        items = {name: archive[name] for name in archive.files}
    assert (items["filed_w"] == STATE.weights_on_disk_w).all()
    assert items["filed_restart"] == STATE.restart_on_disk
    assert not items.keys() & {"weights_on_disk_w", "restart_on_disk"}


def test_states_of_earlier_releases_know_no_epochs_since_the_best(tmp_path) -> None:
    write_train_state(tmp_path / "train.state", STATE)
    with np.load(tmp_path / "train.state") as archive:
        items = {name: archive[name] for name in archive.files if name != "epochs_since_best"}
    with open(tmp_path / "train.state", "wb") as file:
        np.savez(file, **items)
    again = read_train_state(tmp_path / "train.state")
    assert (again.epochs_since_best, again.epochs) == (0, 7)


def spoiled(content: bytes) -> list[bytes]:
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 255
    return [b"", content[:100], content[:-30], b"hello " * 20, bytes(changed), pickle.dumps([1])]


@pytest.mark.parametrize("k", range(6))
def test_damage_is_told(k, tmp_path) -> None:
    path = tmp_path / "train.state"
    write_train_state(path, STATE)
    path.write_bytes(spoiled(path.read_bytes())[k])
    with pytest.raises(DataError, match=r"train\.state: is damaged.*remove it"):
        read_train_state(path)


def test_any_changed_byte_is_told_or_harmless(tmp_path) -> None:
    path = tmp_path / "train.state"
    write_train_state(path, replace(STATE, memory={}))
    content = path.read_bytes()
    told = 0
    for k in range(len(content) - 1200, len(content)):  # the directory of the archive
        for bit in (1, 16, 64):
            changed = bytearray(content)
            changed[k] ^= bit
            path.write_bytes(changed)
            try:
                assert read_train_state(path).epochs == STATE.epochs
            except DataError as error:
                told += "is damaged" in error.message
    assert told > 1000


@pytest.mark.parametrize("name", [*FORMS, "format"])
def test_items_of_another_kind_are_told(name, tmp_path) -> None:
    path = tmp_path / "train.state"
    arrays = {key: np.asarray(getattr(STATE, key)) for key in FORMS}
    arrays |= {"seed": np.array("7"), "format": np.array(FORMAT)}
    texts = {"method", "problem", "scaling", "restart", "restart_on_disk"}
    other = "7" if arrays[name].dtype.kind != "U" else 7.0
    wrong = [other, arrays[name][np.newaxis], -1, "-1", np.nan, 1j, b"7", np.full(9, np.nan)]
    for value in (*wrong, None):
        spoiled = {key: array for key, array in arrays.items() if key != name}
        if value is not None:
            spoiled[name] = value
        if name in texts and isinstance(value, str):
            continue  # any text may be
        if name == "epochs_since_best" and value is None:
            continue  # as in earlier releases
        with path.open("wb") as file:
            np.savez(file, **spoiled)
        with pytest.raises(DataError, match=r"train\.state: is damaged"):
            read_train_state(path)


def test_weights_in_state_and_files_are_as_many(tmp_path) -> None:
    path = tmp_path / "train.state"
    write_train_state(path, replace(STATE, weights_on_disk_w=np.zeros(8)))
    with pytest.raises(DataError, match=r"train\.state: is damaged"):
        read_train_state(path)


def test_a_foreign_archive_is_told(tmp_path) -> None:
    np.savez(tmp_path / "train.state.npz", weights_w=np.zeros(3))
    with pytest.raises(DataError, match="is damaged"):
        read_train_state(tmp_path / "train.state.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="is damaged"):
        read_train_state(tmp_path / "one.npy")


def test_a_missing_file_is_told(tmp_path) -> None:
    with pytest.raises(DataError, match="file not found"):
        read_train_state(tmp_path / "train.state")
