"""Potentials: golden files byte by byte, any by property, any damage by name."""

import contextlib
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.io import FortranFile

from aenetpy.data.species_potential import value_offsets, weight_offsets
from aenetpy.errors import DataError
from aenetpy.formats.network import encode_network, read_network, write_network
from aenetpy.formats.records import integer_record
from tests.formats.make import assert_same, make_network, networks


@pytest.fixture
def network():
    return make_network(np.random.default_rng(0), (3, 4, 1), 2)


@pytest.fixture
def written(tmp_path, network):
    path = tmp_path / "O.nn"
    write_network(path, network)
    return path


def test_golden_bytes(golden):
    paths = [path for path in golden.rglob("*.nn*") if path.suffix != ".ascii"]
    assert len(paths) > 90
    for path in paths:
        assert encode_network(read_network(path)) == path.read_bytes(), path


def test_golden_content(golden):
    network = read_network(golden / "05-train" / "start" / "O.15t-15t.nn")
    assert network.nodes_l == (44, 15, 15, 1)
    assert network.activations == ("tanh", "tanh", "linear")
    assert network.species == ("Ti", "O")
    assert network.setup.species == "O"
    assert network.setup.description == "  Chebyshev descriptor for O$$"
    assert network.training_file == "TiO2.train.scaled"
    assert network.normalized
    assert (network.energy_minimum, network.energy_maximum) == pytest.approx((-1.0, 1.0))


@given(networks())
@settings(deadline=None)
def test_round_trip(network):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nn"
        write_network(path, network)
        assert_same(read_network(path), network)


def test_sizes():
    # check values of the specification
    assert weight_offsets((44, 15, 15, 1)) == [0, 675, 915, 931]
    assert value_offsets((44, 15, 15, 1)) == [0, 45, 61, 77]
    rng = np.random.default_rng(0)
    assert len(encode_network(make_network(rng, (24, 5, 5, 1), 2))) == 5738
    assert len(encode_network(make_network(rng, (44, 15, 15, 1), 2))) == 13418


def test_scipy_reads_36_records(network, written):
    records = []
    with FortranFile(written, "r") as file:
        for _ in range(36):
            records.append(file.read_record("u1").tobytes())
    assert np.array_equal(np.frombuffer(records[8]), network.weights_w)
    assert np.frombuffer(records[4], "<i4").tolist() == [3, 4, 1]
    parameters_pg = np.frombuffer(records[19]).reshape((4, 3), order="F")
    assert np.array_equal(parameters_pg.T, network.setup.parameters_gp)
    partners_2g = np.frombuffer(records[20], "<i4").reshape((2, 3), order="F")
    assert np.array_equal(partners_2g.T, network.setup.partners_g2)
    assert np.frombuffer(records[35]).tolist() == [-1.0, 1.0, network.energy_average]


def test_truncated_anywhere(written):
    content = written.read_bytes()
    for size in [*range(0, 800), *range(800, len(content), 11), len(content) - 1]:
        written.write_bytes(content[:size])
        with pytest.raises(DataError, match=r"O\.nn: ") as caught:
            read_network(written)
        assert ("truncated" in caught.value.message) == (size >= 4), size


def test_no_damaged_byte_ends_in_another_error(written):
    content = written.read_bytes()
    for position in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        written.write_bytes(damaged)
        with contextlib.suppress(DataError):
            read_network(written)


def test_legacy_file(tmp_path, network):
    # Before 2.0 the 26th record, the mean squares, did not exist.
    content = encode_network(network)
    mean_square = network.setup.statistics.mean_square_g.tobytes()
    at = content.index(mean_square) - 4
    (tmp_path / "O.ann").write_bytes(content[:at] + content[at + len(mean_square) + 8 :])
    with pytest.raises(DataError, match=r"before aenet 2\.0 \(35 records.*train it again"):
        read_network(tmp_path / "O.ann")


def test_foreign_files(tmp_path):
    path = tmp_path / "O.nn"
    path.write_bytes(struct.pack(">3i", 4, 4, 4))
    with pytest.raises(DataError, match="potential is big-endian"):
        read_network(path)
    path.write_bytes(bytes(100))
    with pytest.raises(DataError, match="is not a potential of aenet"):
        read_network(path)
    path.write_text("DESCR\n  none\nEND DESCR\n")
    with pytest.raises(DataError, match="this is a fingerprint setup, not a potential"):
        read_network(path)
    with pytest.raises(DataError, match="file not found"):
        read_network(tmp_path / "missing")
    with pytest.raises(DataError, match="is a folder"):
        read_network(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (integer_record(3, 4, 1), integer_record(3, 5, 1), "sizes do not belong to layers"),
        (integer_record(3, 4, 1), integer_record(3, -4, 1), "nodes per layer: number 2 of 3 is -4"),
        (integer_record(0, 16, 21), integer_record(0, 16, 22), "sizes do not belong"),
    ],
)
def test_contradictions(written, old, new, message):
    written.write_bytes(written.read_bytes().replace(old, new))
    with pytest.raises(DataError, match=message):
        read_network(written)


def test_unknown_activation(written):
    content = bytearray(written.read_bytes())
    at = content.index(integer_record(3, 4, 1)) + 20
    content[at : at + 16] = integer_record(0, 9)
    written.write_bytes(content)
    with pytest.raises(DataError, match="activation codes"):
        read_network(written)


def test_trailing_garbage(written):
    with written.open("ab") as file:
        file.write(b"garbage")
    with pytest.raises(DataError, match="followed by 7 more bytes"):
        read_network(written)
