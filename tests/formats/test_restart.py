"""The state of the optimisers."""

import lzma
import struct

import numpy as np
import pytest

from aenetpy.errors import DataError
from aenetpy.formats.records import encode_text, integer_record, real_record, record
from aenetpy.formats.restart import BfgsRestart, EkfRestart, encode_restart, read_restart
from tests.formats.make import assert_same


@pytest.fixture
def bfgs():
    rng = np.random.default_rng(0)
    m, n = 2, 3
    return BfgsRestart(
        m=m,
        n=n,
        factr=0.0,
        pgtol=1e-6,
        task="FG_LNSRCH",
        iprint=-1,
        l=rng.normal(size=n),
        u=rng.normal(size=n),
        nbd=np.zeros(n, np.int32),
        wa=rng.normal(size=(2 * m + 5) * n + 11 * m * m + 8 * m),
        iwa=np.arange(3 * n, dtype=np.int32),
        csave="FG",
        lsave=np.array([0, 1, 0, 1], np.int32),
        isave=np.arange(44, dtype=np.int32),
        dsave=rng.normal(size=29),
    )


@pytest.fixture
def ekf():
    rng = np.random.default_rng(0)
    return EkfRestart(
        n_weights=5,
        group_size=3,
        forgetting=0.98,
        sizes_k=np.array([3, 2], np.int32),
        covariance_kww=rng.normal(size=(2, 3, 3)),
    )


def test_golden_bytes(golden, tmp_path):
    paths = sorted(golden.rglob("train.restart.xz"))
    assert paths
    for path in paths:
        content = lzma.decompress(path.read_bytes())
        (tmp_path / "train.restart").write_bytes(content)
        restart = read_restart(tmp_path / "train.restart")
        assert isinstance(restart, BfgsRestart)
        assert (restart.m, restart.n) == (20, 1862)
        assert (restart.factr, restart.pgtol) == (0.0, 1e-6)
        assert restart.task.startswith("FG")
        assert not restart.nbd.any()
        (tmp_path / "copy").write_bytes(encode_restart(restart))
        assert (tmp_path / "copy").read_bytes() == content


@pytest.mark.parametrize("method", ["bfgs", "ekf"])
def test_round_trip(tmp_path, request, method):
    restart = request.getfixturevalue(method)
    (tmp_path / "train.restart").write_bytes(encode_restart(restart))
    assert_same(read_restart(tmp_path / "train.restart"), restart)


def test_layout_of_ekf(tmp_path, ekf):
    (tmp_path / "a").write_bytes(encode_restart(ekf))
    p = ekf.covariance_kww
    expected = record(encode_text("ekf", 50)) + integer_record(5, 3, 2) + real_record(0.98)
    expected += integer_record(3, 2)
    expected += real_record(*(p[k, j, i] for k in range(2) for j in range(3) for i in range(3)))
    assert (tmp_path / "a").read_bytes() == expected


@pytest.mark.parametrize("method", ["bfgs", "ekf"])
def test_truncated_anywhere(tmp_path, request, method):
    path = tmp_path / "train.restart"
    path.write_bytes(encode_restart(request.getfixturevalue(method)))
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DataError) as caught:
            read_restart(path)
        assert ("truncated" in caught.value.message) == (size >= 4)
        if size == 0 or size >= 4:
            assert str(caught.value.hint).endswith("remove it to start the optimiser anew")


def test_unknown_method(tmp_path):
    path = tmp_path / "train.restart"
    path.write_bytes(record(encode_text("newton", 50)))
    with pytest.raises(DataError, match="unknown method `newton'; remove it"):
        read_restart(path)


def test_big_endian(tmp_path):
    path = tmp_path / "train.restart"
    path.write_bytes(struct.pack(">i", 50) + b"bfgs".ljust(50) + struct.pack(">i", 50))
    with pytest.raises(DataError, match="restart file is big-endian"):
        read_restart(path)


@pytest.mark.parametrize("dimensions", [(0, 5), (20, -1)])
def test_absurd_dimensions(tmp_path, dimensions):
    path = tmp_path / "train.restart"
    path.write_bytes(record(encode_text("bfgs", 50)) + integer_record(*dimensions))
    with pytest.raises(DataError, match="corrections"):
        read_restart(path)


def test_a_state_beyond_two_gigabytes_is_refused(tmp_path):
    path = tmp_path / "train.restart"
    path.write_bytes(
        record(encode_text("bfgs", 50))
        + integer_record(20, 20_000_000)
        + real_record(0.0, 1e-6)
        + record(bytes(60))
        + integer_record(-1)
        + struct.pack("<i", -(2**31 - 9))
        + bytes(100)
    )
    with pytest.raises(DataError, match=r"state is a record of .* in pieces.*remove the file"):
        read_restart(path)
