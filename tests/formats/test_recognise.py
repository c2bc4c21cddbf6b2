"""Files of aenet told from their content, whatever their name."""

from __future__ import annotations

import lzma
import shutil

import numpy as np
import pytest

from aenetpy.errors import DataError
from aenetpy.formats import recognise as kinds
from aenetpy.formats.derivatives import DerivativesWriter
from aenetpy.formats.network import write_network, write_network_ascii
from aenetpy.formats.recognise import is_text, recognise
from aenetpy.formats.records import integer_record
from aenetpy.formats.rngstate import write_rngstate
from aenetpy.formats.trainset import write_trainset
from aenetpy.formats.trainset_text import write_trainset_ascii
from tests.formats.make import make_network, make_trainset

GOLDEN = {
    "*.train": kinds.TRAINING_SET,
    "*.train.raw.ascii": kinds.TRAINING_SET_TEXT,
    "*.nn": kinds.POTENTIAL,
    "*.nn.ascii": kinds.POTENTIAL_TEXT,
    "*.stp": kinds.SETUP,
    "*.train.forces": kinds.DERIVATIVES,
    "train.rngstate": kinds.RANDOM_NUMBERS,
}


@pytest.mark.parametrize("pattern", GOLDEN)
def test_golden_files(pattern, golden, tmp_path):
    paths = sorted(golden.rglob(pattern))
    assert paths
    for path in paths:
        shutil.copyfile(path, tmp_path / "file")
        assert recognise(tmp_path / "file") == GOLDEN[pattern], path
        assert is_text(path) == ("ascii" in pattern or pattern == "*.stp")


def test_golden_restart(golden, tmp_path):
    for path in golden.rglob("train.restart.xz"):
        (tmp_path / "file").write_bytes(lzma.decompress(path.read_bytes()))
        assert recognise(tmp_path / "file") == kinds.RESTART


@pytest.mark.parametrize("n_types", [1, 2, 3, 4])
@pytest.mark.parametrize("n_structures", [0, 1, 2, 4])
def test_small_files(tmp_path, n_types, n_structures):
    path = tmp_path / "file"
    rng = np.random.default_rng(0)
    trainset = make_trainset(rng, (2,) * n_types, (1,) * n_structures)
    write_trainset(path, trainset)
    assert recognise(path) == kinds.TRAINING_SET
    for source in (None, "a.train", "2"):
        write_trainset_ascii(path, trainset, source=source)
        assert recognise(path) == kinds.TRAINING_SET_TEXT
    network = make_network(rng, (n_structures + 1, 2, 1), n_types)
    write_network(path, network)
    assert recognise(path) == kinds.POTENTIAL
    write_network_ascii(path, network)
    assert recognise(path) == kinds.POTENTIAL_TEXT


@pytest.mark.parametrize("length", [1, 2, 4, 8])
@pytest.mark.parametrize("n_structures", [0, 1, 2, 4])
def test_derivatives_with_short_names(tmp_path, length, n_structures):
    path = tmp_path / "file"
    with DerivativesWriter(path) as writer:
        for _ in range(n_structures):
            writer.append("x" * length, 3, 1, None)
        writer.finish()
    assert recognise(path) == kinds.DERIVATIVES


@pytest.mark.parametrize("n", [1, 8, 12, 33])
def test_random_number_states(tmp_path, n):
    write_rngstate(tmp_path / "file", range(n))
    assert recognise(tmp_path / "file") == kinds.RANDOM_NUMBERS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"CRYSTAL\nPRIMVEC\n", "is none of aenet's files"),
        (b"\x00\x01\x02\x03" * 20, "is not a file of aenet"),
        (b"\x00\x00\x00\x04" * 20, "is big-endian"),
        (integer_record(1) + integer_record(1, 2, 3), "is none of aenet's files"),
        (b"\x04\x00\x00\x00\x01", "is none of aenet's files"),
    ],
    ids=["empty", "text", "binary", "big-endian", "other-records", "torn"],
)
def test_foreign_files(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        recognise(path)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="file not found"):
        recognise(tmp_path / "none")
