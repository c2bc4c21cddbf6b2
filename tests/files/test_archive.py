"""Archives that are larger inside than outside."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from aenetpy.errors import DataError
from aenetpy.files.archive import read_archive, write_archive


def test_arrays_come_back(tmp_path):
    arrays = {
        "one": np.arange(6.0).reshape(2, 3).T,
        "none": np.zeros((0, 3)),
        "text": np.array(""),
        "word": np.array("Übung"),
        "count": np.array(3),
    }
    write_archive(tmp_path / "a.npz", arrays)
    found = read_archive(tmp_path / "a.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    with pytest.raises(DataError, match="file not found"):
        read_archive(tmp_path / "b.npz")


def header(shape: tuple[int, ...]) -> bytes:
    from io import BytesIO

    stream = BytesIO()
    npy.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def write_member(path, content, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", content)


def test_what_is_compressed_is_refused_unread(tmp_path):
    path = tmp_path / "a.npz"
    write_member(path, header((10**6,)) + bytes(8 * 10**6), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    with pytest.raises(ValueError, match="is compressed"):
        read_archive(path)


@pytest.mark.parametrize("shape", [(10**15,), (10**9, 10**9), (3,), (10**9, 0, 10**9)])
def test_a_header_that_announces_too_much(shape, tmp_path):
    path = tmp_path / "a.npz"
    write_member(path, header(shape) + bytes(16))
    with pytest.raises(ValueError, match="announces more or less than it holds"):
        read_archive(path)


def test_members_on_top_of_each_other(tmp_path):
    """A directory may name the same bytes many times."""
    path = tmp_path / "a.npz"
    write_member(path, header((2,)) + bytes(16))
    raw = path.read_bytes()
    start = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    entry, tail = raw[start:end], bytearray(raw[end:])
    n = 100
    for position in (8, 10):
        tail[position : position + 2] = n.to_bytes(2, "little")
    tail[12:16] = (n * len(entry)).to_bytes(4, "little")
    path.write_bytes(raw[:start] + n * entry + tail)
    with pytest.raises(ValueError, match="announces more than it holds"):
        read_archive(path)


def test_bytes_at_random(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(4.0), b=np.array("text"))
    good = (tmp_path / "a.npz").read_bytes()
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(300):
        bad = bytearray(good)
        for place in rng.integers(len(good), size=rng.integers(1, 4)):
            bad[place] = rng.integers(256)
        (tmp_path / "b.npz").write_bytes(bad)
        try:
            read_archive(tmp_path / "b.npz")
        except ValueError:
            refused += 1
    assert refused > 150
