"""ASCII twins: golden files character by character, and back to the same bytes."""

import dataclasses
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from aenetpy.errors import DataError
from aenetpy.formats.network import (
    encode_network,
    format_network,
    read_network,
    write_network_ascii,
)
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.formats.trainset_text import format_aenet, read_trainset_ascii, write_trainset_ascii
from tests.formats.make import assert_same, make_network, make_trainset, networks, trainsets


def test_golden_networks(golden):
    paths = sorted(golden.rglob("*.nn.ascii"))
    assert paths
    for path in paths:
        network = read_network(path)
        assert format_network(network) == path.read_text()
        assert encode_network(network) == path.with_suffix("").read_bytes()
        assert_same(read_network(path), network)


def test_every_golden_network_survives_as_text(golden, tmp_path):
    for path in sorted(golden.rglob("*.nn")):
        write_network_ascii(tmp_path / "copy", read_network(path))
        assert encode_network(read_network(tmp_path / "copy")) == path.read_bytes()


def test_golden_trainsets(golden, tmp_path):
    paths = sorted(golden.rglob("*.train.raw.ascii"))
    assert len(paths) >= 8
    for path in paths:
        binary = path.with_name(path.name.removesuffix(".raw.ascii"))
        trainset = read_trainset(binary)
        text = path.read_text()
        assert format_aenet(trainset, binary.name) == text
        again = read_trainset_ascii(path)
        assert format_aenet(again, binary.name) == text
        assert_same(again, dataclasses.replace(trainset, setups_t=None))
        write_trainset_ascii(tmp_path / "pytorch", trainset)
        write_trainset(tmp_path / "copy", read_trainset_ascii(tmp_path / "pytorch"))
        assert (tmp_path / "copy").read_bytes() == binary.read_bytes()


@given(networks())
@settings(deadline=None)
def test_network_round_trip(network):
    description = " ".join(network.setup.description.splitlines()).rstrip(" ")
    setup = dataclasses.replace(network.setup, description=description)
    network = dataclasses.replace(network, setup=setup)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nn.ascii"
        write_network_ascii(path, network)
        assert_same(read_network(path), network)


@given(trainsets())
@settings(deadline=None, max_examples=50)
def test_trainset_round_trip(trainset):
    empty_tng = tuple(f if len(f) else np.zeros((0, 0)) for f in trainset.features_tng)
    without = dataclasses.replace(trainset, setups_t=None, features_tng=empty_tng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.train.ascii"
        write_trainset_ascii(path, trainset)
        assert_same(read_trainset_ascii(path), without if trainset.setups_t is None else trainset)
        write_trainset_ascii(path, trainset, source="a.train")
        assert_same(read_trainset_ascii(path), without)


def test_layout_of_pytorch_begins_with_the_numbers(tmp_path):
    trainset = make_trainset(np.random.default_rng(0), (2, 3), (1, 2))
    write_trainset_ascii(tmp_path / "a", trainset)
    lines = (tmp_path / "a").read_text().splitlines()
    assert lines[:3] == ["           2", "           2", "  Ti  O "]
    assert lines[7] == "           3"
    assert lines[9] == " T"
    assert lines[11] == "   one line$$"


def test_pytorch_takes_one_line_per_array(tmp_path):
    """Walk over the lines as the reader of aenet-PyTorch does, which knows no other ends."""
    path, sizes = tmp_path / "set.train.ascii", (70, 9)
    trainset = make_trainset(np.random.default_rng(0), sizes, (3, 2))
    write_trainset_ascii(path, trainset)
    lines = iter(path.read_text().splitlines())

    def numbers(count: int) -> np.ndarray:
        words = next(lines).split()
        assert len(words) == count
        return np.array(words, float)

    def skip(count: int) -> None:
        for _ in range(count):
            next(lines)

    skip(3)
    np.testing.assert_array_equal(numbers(2), trainset.atomic_energies_t)
    skip(4)
    numbers(3)
    skip(1)
    for setup, g in zip(trainset.setups_t, sizes, strict=True):
        skip(4 + len(setup.environment) + 5)
        np.testing.assert_array_equal(numbers(g), setup.functions_g)
        np.testing.assert_array_equal(numbers(4 * g), setup.parameters_gp.ravel())
        np.testing.assert_array_equal(numbers(2 * g), setup.partners_g2.ravel())
        skip(1)
        for array_g in (setup.statistics.minimum_g, setup.statistics.maximum_g):
            np.testing.assert_array_equal(numbers(g), array_g)
        skip(2)
    rows_t = [iter(features_ng) for features_ng in trainset.features_tng]
    i = 0
    for n_atoms in trainset.n_atoms_s:
        skip(4)
        for _ in range(n_atoms):
            t = int(numbers(1)[0]) - 1
            np.testing.assert_array_equal(numbers(3), trainset.positions_nc[i])
            np.testing.assert_array_equal(numbers(3), trainset.forces_nc[i])
            np.testing.assert_array_equal(numbers(1), sizes[t])
            np.testing.assert_array_equal(numbers(sizes[t]), next(rows_t[t]))
            i += 1
    assert next(lines, None) is None


def test_wrapped_arrays_are_read_too(tmp_path):
    path = tmp_path / "set.train.ascii"
    trainset = make_trainset(np.random.default_rng(0), (70, 9), (3, 2))
    write_trainset_ascii(path, trainset)
    wrapped = re.sub(r"(?<=\d)( +-?\d\S* +)(?=-?\d)", r"\1\n", path.read_text())
    path.write_text(wrapped)
    assert max(map(len, wrapped.splitlines())) < 80
    assert_same(read_trainset_ascii(path), trainset)


@pytest.mark.parametrize("source", [None, "set.train"])
def test_truncated_anywhere(tmp_path, source):
    path = tmp_path / "set.ascii"
    trainset = make_trainset(np.random.default_rng(0), (2, 3), (1, 2))
    write_trainset_ascii(path, trainset, source=source)
    lines = path.read_text().splitlines(keepends=True)
    for count in range(len(lines)):
        path.write_text("".join(lines[:count]))
        with pytest.raises(DataError, match=rf"set\.ascii:{count}: file ends where"):
            read_trainset_ascii(path)


def test_wrong_words_in_a_network(tmp_path):
    path = tmp_path / "O.nn.ascii"
    text = format_network(make_network(np.random.default_rng(0), (3, 4, 1), 2))
    lines = text.splitlines(keepends=True)
    path.write_text("".join(lines[:20]))
    with pytest.raises(DataError, match=r"O\.nn\.ascii:20: file ends where"):
        read_network(path)
    for index, word, message in (
        (4, "3 x 1", "5: nodes per layer: cannot read `3 x 1' as numbers"),
        (4, "3 0 1", "5: nodes per layer: number 2 of 3 is 0"),
        (5, "1 7", "6: activations: number 2 of 2 is 7, and must be one of the activation codes"),
        (6, "0 1 2", "7: sizes do not belong to layers"),
        (17, "5", "18: parameters per function: is 5, and must be 4"),
        (27, "maybe", "28: normalized: `MAYBE' is neither T nor F"),
    ):
        path.write_text("".join([*lines[:index], word + "\n", *lines[index + 1 :]]))
        with pytest.raises(DataError, match=message):
            read_network(path)
    path.write_text(text + "more\n")
    with pytest.raises(DataError, match="the file should end here"):
        read_network(path)


def test_unknown_atom_type(tmp_path):
    path = tmp_path / "set.ascii"
    trainset = make_trainset(np.random.default_rng(0), (2,), (1,), setups=False)
    text = format_aenet(trainset, "set.train").splitlines(keepends=True)
    at = len(text) - 5
    path.write_text("".join([*text[:at], "4\n", *text[at + 1 :]]))
    with pytest.raises(DataError, match="structure 1 of 1: atom type 4 of 1"):
        read_trainset_ascii(path)
