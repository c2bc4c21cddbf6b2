"""The random numbers of gfortran and the file of their state."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aenetpy.errors import DataError
from aenetpy.formats.records import integer_record
from aenetpy.formats.rngstate import read_rngstate, write_rngstate
from aenetpy.seeds import GfortranRandom

CASES = ["start", "bfgs", "act-linear", "act-mtanh", "act-sigmoid", "act-tanh", "act-twist"]


def draw_test_set(random, n_structures, percent):
    """Return the 1-based test set by the rule of spec 3.6."""
    n_train = math.ceil((1 - percent / 100) * n_structures)
    n_test = n_structures - n_train
    train, test = [], []
    for structure in range(1, n_structures + 1):
        if len(train) == n_train:
            test.append(structure)
        elif len(test) == n_test:
            train.append(structure)
        else:
            (test if random.random() <= percent / 100 else train).append(structure)
    return test


@pytest.mark.parametrize("case", CASES)
def test_golden_test_set(golden, case):
    folder = golden / "05-train" / case
    start = folder / "start" if case.startswith("act") else golden / "05-train" / "start"
    output = (folder / "expected" / "train.out").read_text()
    printed = re.search(r"Testing set.*:\s*\n\s*\n([\d\s]+?)\n\s*\n", output)
    assert printed is not None
    random = GfortranRandom(read_rngstate(start / "train.rngstate"))
    assert draw_test_set(random, 20, 20.0) == [int(word) for word in printed[1].split()]


def test_golden_bytes(golden, tmp_path):
    paths = sorted(golden.rglob("train.rngstate"))
    assert paths
    for path in paths:
        words = read_rngstate(path)
        write_rngstate(tmp_path / "copy", words)
        assert (tmp_path / "copy").read_bytes() == path.read_bytes()
        assert GfortranRandom(words).state_words().tolist() == words.tolist()


def naive_xoshiro(state):
    """One step of xoshiro256** with NumPy's wrapping arithmetic, as published."""
    s = np.array(state, np.uint64)

    def rotl(x, k):
        return (x << np.uint64(k)) | (x >> np.uint64(64 - k))

    with np.errstate(over="ignore"):
        result = rotl(s[1] * np.uint64(5), 7) * np.uint64(9)
    t = s[1] << np.uint64(17)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 45)
    return int(result) >> 11, s.tolist()


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=8, max_size=8))
def test_stream_is_xoshiro(words):
    random = GfortranRandom(words)
    masks = (0xBD0C5B6E50C2DF49, 0xD46061CD46E1DF38, 0xBB4F4D4ED6103544, 0x114A583D0756AD39)
    low_first = [word % 2**32 for word in reversed(words)]
    state = [
        (low_first[2 * i] + (low_first[2 * i + 1] << 32)) ^ mask for i, mask in enumerate(masks)
    ]
    for _ in range(5):
        expected, state = naive_xoshiro(state)
        assert random.random() == expected * 2.0**-53


@given(st.integers(0, 2**70))
def test_state_goes_on_where_it_was(seed):
    random = GfortranRandom.from_seed(seed)
    values = [random.random() for _ in range(3)]
    assert all(0 <= value < 1 for value in values)
    assert len(set(values)) == 3
    again = GfortranRandom(random.state_words())
    assert [again.random() for _ in range(5)] == [random.random() for _ in range(5)]
    assert random.state_words().dtype == np.int32


def test_same_seed_same_stream_other_seed_other_stream():
    first = [GfortranRandom.from_seed(1).random() for _ in range(2)]
    assert first[0] == first[1]
    assert first[0] != GfortranRandom.from_seed(2).random()


def test_seed_of_an_old_compiler_is_read(tmp_path):
    write_rngstate(tmp_path / "train.rngstate", range(12))
    assert read_rngstate(tmp_path / "train.rngstate").tolist() == list(range(12))


@pytest.mark.parametrize("size", [0, 4, 20, 43])
def test_truncated_file_tells_what_to_do(tmp_path, size):
    path = tmp_path / "train.rngstate"
    write_rngstate(path, range(8))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"(is empty|truncated).*remove it to draw a new test set"):
        read_rngstate(path)


def test_absurd_length(tmp_path):
    path = tmp_path / "train.rngstate"
    path.write_bytes(integer_record(2_000_000_000) + integer_record(1))
    with pytest.raises(DataError, match="seed: record of 4 bytes, not 8000000000"):
        read_rngstate(path)
