"""Which structures are held back for testing (spec 3.6)."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]


class RandomStream(Protocol):
    """A source of uniform random numbers in [0, 1)."""

    def random(self) -> float:
        """Return the next number."""
        ...


def split(n_structures: int, test_percent: float, stream: RandomStream) -> tuple[Index, Index]:
    """Divide the structures into a training and a test set, as aenet does.

    Structures are visited in file order; each draws a number r and is tested if
    ``r <= test_percent / 100``, until one of the two sets is full. The rest
    goes to the other one. ``n_train = ceil((1 - test_percent / 100) n_structures)``.

    Parameters
    ----------
    n_structures
        Number of structures in the set.
    test_percent
        TESTPERCENT, 0...100.
    stream
        Usually ``GfortranRandom``, started from ``train.rngstate``.

    Returns
    -------
    train_s, test_s
        0-based indices in ascending order.

    Notes
    -----
    Spec 3.6.
    """
    probability = test_percent / 100.0
    n_train = math.ceil((1.0 - probability) * n_structures)
    n_test = n_structures - n_train
    train: list[int] = []
    test: list[int] = []
    for structure in range(n_structures):
        if len(test) == n_test:
            train.append(structure)
        elif len(train) == n_train or stream.random() <= probability:
            test.append(structure)
        else:
            train.append(structure)
    return np.array(train, dtype=np.intp), np.array(test, dtype=np.intp)
