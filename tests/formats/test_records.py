"""Records, checked against scipy.io.FortranFile and against damage."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import FortranFile

import aenetpy.formats.records
from aenetpy.data.limits import ANY
from aenetpy.errors import DataError
from aenetpy.formats.list_directed import LineReader, list_directed, list_directed_line
from aenetpy.formats.records import (
    RecordReader,
    array_record,
    decode_text,
    encode_species,
    encode_text,
    integer_record,
    logical_record,
    real_record,
    record,
)


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def test_scipy_reads_what_we_write(written):
    values = np.arange(6.0).reshape(2, 3)
    path = written(
        integer_record(7)
        + array_record(values, "<f8")
        + array_record(values.T, "<f8")
        + record(encode_text("Ti", 5))
    )
    with FortranFile(path, "r") as file:
        assert file.read_ints("<i4").tolist() == [7]
        assert file.read_reals("<f8").tolist() == [0, 1, 2, 3, 4, 5]
        assert file.read_reals("<f8").tolist() == [0, 3, 1, 4, 2, 5]
        assert file.read_record("S5").tolist() == [b"Ti   "]


def test_we_read_what_scipy_writes(tmp_path):
    path = tmp_path / "file"
    with FortranFile(path, "w") as file:
        file.write_record(np.array([3], "<i4"))
        file.write_record(np.array([1, -2, 3], "<i4"))
        file.write_record(np.array([0.5, np.inf], "<f8"))
        file.write_record(np.array([-1], "<i4"))
        file.write_record(np.array([b"TiO "]))
    reader = RecordReader(path, "test file", 4)
    assert reader.next_lengths(9) == [4, 12, 16, 4, 4]
    assert reader.count("n") == 3
    assert reader.integers("values", 3) == (1, -2, 3)
    assert reader.reals("values", 2, ANY).tolist() == [0.5, np.inf]
    assert reader.logical("flag") is True  # Intel's true
    assert reader.species("species", 2) == ("Ti", "O")
    reader.finish()


def test_real_and_logical_records_hold_what_they_say():
    assert real_record(1.0, 2.0) == struct.pack("<iddi", 16, 1.0, 2.0, 16)
    assert logical_record(True) == struct.pack("<3i", 4, 1, 4)


@given(st.binary(max_size=40))
def test_any_bytes_survive_as_text(data):
    assert encode_text(decode_text(data), len(data)) == data


def test_text_is_padded_and_cut():
    assert encode_text("Ti", 4) == b"Ti  "
    assert encode_text("abcdef", 4) == b"abcd"
    assert decode_text(b" a b  ") == " a b"


def test_species_must_fit():
    assert encode_species(["Ti", "O"]) == b"TiO "
    with pytest.raises(DataError, match="`Tix' does not fit"):
        encode_species(["Tix"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x04", "is not a test file of aenet"),
        (b"TYPES\n2\nTi 0.0\n", "is a text file, not a binary test file"),
        (b"\x89PNG\r\n\x1a\n", "is not a test file of aenet"),
        (struct.pack(">3i", 4, 1, 4), "test file is big-endian; convert it to little-endian"),
        (struct.pack("<i", 4), "truncated: it ends at byte 4 within count"),
        (struct.pack("<2i", 4, 1), "truncated: it ends at byte 8 within count"),
        (struct.pack("<3i", 4, 1, 5), r"damaged at byte 0 \(count: record lengths disagree\)"),
        (struct.pack("<3i", 4, -3, 4), r"damaged at byte 0 \(count: is -3"),
        (integer_record(1) + b"abc", "truncated: it ends at byte 15 within more"),
        (integer_record(1) + struct.pack("<i", -8) + b"12345678", "record of -8 bytes, not 8"),
        (integer_record(1) + integer_record(1), "more: record of 4 bytes, not 8"),
        (integer_record(1) + real_record(1.0) + b"?", "followed by 1 more bytes at byte 28"),
    ],
)
def test_damage_is_named(written, content, message):
    def read(path):
        reader = RecordReader(path, "test file", 4)
        reader.count("count")
        reader.real("more")
        reader.finish()

    path = written(content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="file not found"):
        RecordReader(tmp_path / "missing", "test file", 4)
    with pytest.raises(DataError, match="is a folder"):
        RecordReader(tmp_path, "test file", 4)


def test_record_in_pieces_is_refused_with_a_reason(written, monkeypatch):
    path = written(integer_record(1) + struct.pack("<i", -(2**31 - 9)) + bytes(64))
    reader = RecordReader(path, "test file", 4)
    reader.count("count")
    with pytest.raises(DataError, match="state is a record of 3000000000 bytes in pieces"):
        reader.record("state", 3_000_000_000)
    monkeypatch.setattr(aenetpy.formats.records, "LONGEST_RECORD", 10)
    with pytest.raises(DataError, match="a record of 11 bytes cannot be written"):
        record(bytes(11))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # printed by gfortran in golden 01c and 04b
        (1.0, "   1.0000000000000000     "),
        (0.0, "   0.0000000000000000     "),
        (-46.646629767999343, "  -46.646629767999343     "),
        (0.5331999999999999, "  0.53319999999999990     "),
        (-0.74121563000000001, " -0.74121563000000001     "),
        (4.0110000000037616e-05, "   4.0110000000037616E-005"),
        (2, "           2"),
        (float("nan"), "                       NaN"),
        (float("-inf"), "                 -Infinity"),
    ],
)
def test_list_directed_output(value, text):
    assert list_directed(value) == text


@given(st.floats())
def test_list_directed_numbers_read_back(value):
    lines = LineReader("file", list_directed_line([value]))
    assert np.array_equal(lines.real("value", ANY), value, equal_nan=True)


def test_an_array_is_one_line():
    assert list_directed_line([]) == "\n"
    assert [len(line) for line in list_directed_line([1.0] * 4).splitlines()] == [4 * 26]
    assert [len(line) for line in list_directed_line([1] * 700).splitlines()] == [700 * 12]


def test_numbers_over_several_lines_and_fortran_exponents():
    lines = LineReader("file", "1 2\n3\n0.5d0 1.5-103\r\n.true.\nFalse\n\n")
    assert lines.integers("i", 3) == (1, 2, 3)
    assert lines.reals("r", 2).tolist() == [0.5, 1.5e-103]
    assert lines.logical("l") is True
    assert lines.logical("l") is False
    assert lines.reals("none", 0).size == 0
    lines.finish()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file:0: file ends where number should follow"),
        ("1 2\n", "file:1: number: 1 values expected, found 2"),
        ("x\n", "file:1: number: cannot read `x' as numbers"),
        ("1\n\n?\n", "file:3: the file should end here"),
        ("-1\n", "file:1: number: is -1, and must be 0 or more"),
        ("99999999999\n", "cannot read `99999999999'"),
    ],
)
def test_wrong_lines_are_named(text, message):
    def read():
        lines = LineReader("file", text)
        lines.count("number")
        lines.finish()

    with pytest.raises(DataError, match=message):
        read()


def test_wrong_logical_is_named():
    with pytest.raises(DataError, match="`1' is neither T nor F"):
        LineReader("file", "1\n").logical("flag")
