from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from aenetpy.formats.rngstate import read_rngstate
from aenetpy.seeds import GfortranRandom
from aenetpy.training.split import split, split_families


class Fixed:
    """A stream of given numbers that counts what is taken."""

    def __init__(self, *numbers: float) -> None:
        self._numbers: Iterator[float] = iter(numbers)
        self.taken = 0

    def random(self) -> float:
        self.taken += 1
        return next(self._numbers)


def test_a_number_up_to_the_percentage_is_a_test_structure() -> None:
    train_s, test_s = split(4, 50.0, Fixed(0.9, 0.5, 0.50001, 0.1))
    assert train_s.tolist() == [0, 2]
    assert test_s.tolist() == [1, 3]


def test_missing_test_structures_are_taken_from_the_end() -> None:
    stream = Fixed(0.9, 0.9, 0.9)
    train_s, test_s = split(5, 40.0, stream)
    assert train_s.tolist() == [0, 1, 2]
    assert test_s.tolist() == [3, 4]
    assert stream.taken == 3


def test_no_more_than_the_quota_is_tested() -> None:
    stream = Fixed(0.0, 0.0)
    train_s, test_s = split(5, 40.0, stream)
    assert test_s.tolist() == [0, 1]
    assert train_s.tolist() == [2, 3, 4]
    assert stream.taken == 2


@pytest.mark.parametrize(("percent", "n_train"), [(0.0, 7), (10.0, 7), (50.0, 4), (100.0, 0)])
def test_training_set_is_rounded_up(percent: float, n_train: int) -> None:
    rng = np.random.default_rng(3)
    train_s, test_s = split(7, percent, rng)
    assert len(train_s) == n_train
    assert sorted([*train_s, *test_s]) == list(range(7))
    assert (np.diff(train_s) > 0).all()
    assert (np.diff(test_s) > 0).all()


@pytest.mark.parametrize(
    ("folder", "n_structures", "expected"),
    [
        ("start", 20, [6, 10, 19, 20]),
        ("start", 15, [6, 10, 15]),
        ("act-linear/start", 20, [1, 6, 19, 20]),
        ("act-tanh/start", 20, [1, 10, 19, 20]),
        ("act-sigmoid/start", 20, [5, 9, 10, 12]),
        ("act-mtanh/start", 20, [5, 15, 16, 19]),
        ("act-twist/start", 20, [4, 5, 8, 9]),
    ],
)
def test_test_sets_of_aenet(golden, folder: str, n_structures: int, expected: list[int]) -> None:
    stream = GfortranRandom(read_rngstate(golden / "05-train" / folder / "train.rngstate"))
    _, test_s = split(n_structures, 20.0, stream)
    assert (test_s + 1).tolist() == expected


FAMILY = ["a", "b", "a", "c", "b", "a", "d", "orphan"]
COPY = [False, False, True, False, True, True, False, True]


def test_families_stay_together() -> None:
    # a and c are drawn for testing; their copies are in neither set.
    numbers = (0.1, 0.9, 0.2, 0.9)
    train_s, test_s = split_families(FAMILY, COPY, 50.0, Fixed(*numbers))
    assert train_s.tolist() == [1, 4, 6, 7]
    assert test_s.tolist() == [0, 3]
    train_s, test_s = split_families(FAMILY, COPY, 50.0, Fixed(*numbers), test_copies=True)
    assert train_s.tolist() == [1, 4, 6, 7]
    assert test_s.tolist() == [0, 2, 3, 5]


def test_without_copies_families_are_structures() -> None:
    names = ["a", "b", "a", "c"]  # a is listed twice: two structures, as in aenet
    numbers = (0.1, 0.9, 0.2, 0.9)
    found = split_families(names, [False] * 4, 50.0, Fixed(*numbers))
    expected = split(4, 50.0, Fixed(*numbers))
    for found_s, expected_s in zip(found, expected, strict=True):
        np.testing.assert_array_equal(found_s, expected_s)
