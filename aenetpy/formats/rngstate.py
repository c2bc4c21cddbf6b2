"""The state of the random numbers that choose the test set (spec 3.6 and 7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aenetpy.arrays import Int
from aenetpy.files.files import write_bytes
from aenetpy.formats.records import RecordReader, array_record, integer_record


def read_rngstate(path: str | Path) -> Int:
    """Read ``train.rngstate`` (spec 7.6)."""
    reader = RecordReader(
        path, "random number state", first_length=4, remedy="remove it to draw a new test set"
    )
    words = reader.integer_array("seed", reader.count("length of the seed"))
    reader.finish()
    return words


def write_rngstate(path: str | Path, words: Int | Sequence[int]) -> None:
    """Write ``train.rngstate`` (spec 7.6), complete or not at all."""
    write_bytes(path, integer_record(len(words)) + array_record(words, "<i4"))
