"""Which structures are held back for testing (spec 3.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from aenetpy.arrays import Index


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


def split_families(
    parents_s: Sequence[str],
    is_copy_s: Sequence[bool],
    test_percent: float,
    stream: RandomStream,
    test_copies: bool = False,
) -> tuple[Index, Index]:
    """Divide structures and their displaced copies so that no family is on both sides.

    The families with a member that is no copy are divided by `split`, in the order in
    which they appear; without copies that is aenet's division of the structures. Copies
    go with their parent. Those of test structures are in neither set unless ``test_copies``.
    Copies whose parent is missing are for training.
    """
    if not any(is_copy_s):
        return split(len(parents_s), test_percent, stream)
    pairs = list(zip(parents_s, is_copy_s, strict=True))
    families = list(dict.fromkeys(parent for parent, copy in pairs if not copy))
    tested = {families[k] for k in split(len(families), test_percent, stream)[1]}
    train = [s for s, (parent, _) in enumerate(pairs) if parent not in tested]
    test = [s for s, (parent, _) in enumerate(pairs) if parent in tested]
    if not test_copies:
        test = [s for s in test if not is_copy_s[s]]
    return np.array(train, dtype=np.intp), np.array(test, dtype=np.intp)
