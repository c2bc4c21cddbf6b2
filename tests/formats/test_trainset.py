"""Training sets: golden files byte by byte, any set by property, any damage by name."""

import contextlib
import dataclasses
import logging
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.io import FortranFile

from aenetpy.errors import DataError
from aenetpy.formats import records as fortran
from aenetpy.formats import trainset as trainset_module
from aenetpy.formats.records import integer_record
from aenetpy.formats.trainset import TrainingSetWriter, read_trainset, write_trainset
from tests.formats.make import assert_same, make_trainset, trainsets


@pytest.fixture
def trainset():
    return make_trainset(np.random.default_rng(0), (3, 2), (4, 5, 1))


@pytest.fixture
def written(tmp_path, trainset):
    path = tmp_path / "set.train"
    write_trainset(path, trainset)
    return path


def test_golden_bytes(golden, tmp_path):
    paths = sorted([*golden.rglob("*.train"), *golden.rglob("*.train.scaled")])
    assert len(paths) >= 11
    for path in paths:
        write_trainset(tmp_path / "copy", read_trainset(path))
        assert (tmp_path / "copy").read_bytes() == path.read_bytes(), path


def test_golden_content(golden):
    trainset = read_trainset(golden / "05-train" / "start" / "expected" / "TiO2.train.scaled")
    assert trainset.species == ("Ti", "O")
    assert (trainset.n_structures, trainset.n_atoms, len(trainset.types_n)) == (20, 467, 467)
    assert trainset.normalized
    energies_per_atom_s = trainset.energies_s / trainset.n_atoms_s
    assert energies_per_atom_s.mean() == pytest.approx(trainset.energy_average, rel=1e-12)
    assert energies_per_atom_s.min() == pytest.approx(trainset.energy_minimum, rel=1e-12)
    assert energies_per_atom_s.max() == pytest.approx(trainset.energy_maximum, rel=1e-12)
    raw = read_trainset(golden / "05-train" / "start" / "TiO2.train")
    for features_ng, setup in zip(raw.features_tng, raw.setups_t, strict=True):
        statistics = setup.statistics
        assert statistics.count == len(features_ng)
        np.testing.assert_allclose(features_ng.mean(0), statistics.mean_g, rtol=1e-9, atol=1e-12)
        assert np.array_equal(features_ng.min(0), statistics.minimum_g)


@given(trainsets())
@settings(deadline=None)
def test_round_trip(trainset):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.train"
        write_trainset(path, trainset)
        again = read_trainset(path)
        if trainset.setups_t is None:  # an absent species has no known components then
            empty = [np.zeros((0, 0)) if not len(f) else f for f in trainset.features_tng]
            trainset = dataclasses.replace(trainset, features_tng=tuple(empty))
        assert_same(again, trainset)


def test_scipy_reads_the_same_records(trainset, written):
    rows_t = [iter(features_ng) for features_ng in trainset.features_tng]
    with FortranFile(written, "r") as file:
        assert file.read_ints("<i4") == 2
        assert file.read_ints("<i4") == 3
        assert file.read_record("S2").tolist() == [b"Ti", b"O "]
        assert np.array_equal(file.read_reals("<f8"), trainset.atomic_energies_t)
        assert file.read_ints("<i4") == int(trainset.normalized)
        assert file.read_reals("<f8") == trainset.scale
        assert file.read_reals("<f8") == trainset.shift
        i = 0
        for s, name in enumerate(trainset.names_s):
            assert file.read_ints("<i4") == len(name)
            assert file.read_record("S1").tobytes() == name.encode()
            assert file.read_ints("<i4").tolist() == [
                trainset.n_atoms_s[s],
                trainset.n_species_s[s],
            ]
            assert file.read_reals("<f8") == trainset.energies_s[s]
            for _ in range(trainset.n_atoms_s[s]):
                t = trainset.types_n[i]
                assert file.read_ints("<i4") == t + 1
                assert np.array_equal(file.read_reals("<f8"), trainset.positions_nc[i])
                assert np.array_equal(file.read_reals("<f8"), trainset.forces_nc[i])
                assert file.read_ints("<i4") == (3, 2)[t]
                assert np.array_equal(file.read_reals("<f8"), next(rows_t[t]))
                i += 1
        assert file.read_ints("<i4") == 10
        assert file.read_reals("<f8").tolist() == [-1.5, -2.0, trainset.energy_maximum]
        assert file.read_ints("<i4") == 1
        assert file.read_ints("<i4") == 1
        assert file.read_record("S1024")[0] == b"  one line$$".ljust(1024)


def test_a_large_set_comes_back(tmp_path):
    trainset = make_trainset(np.random.default_rng(0), (70, 60), [21] * 940, setups=False)
    write_trainset(tmp_path / "large", trainset)
    assert_same(read_trainset(tmp_path / "large"), trainset)


@pytest.mark.parametrize("change", ["truncated", "rewritten", "longer"])
def test_a_set_that_changes_while_it_is_read_is_told(change, written, trainset, monkeypatch):
    """By another program, which writes into the same file: there is no copy of what was before."""
    monkeypatch.setattr(fortran, "BLOCK", 64)
    content = written.read_bytes()
    structure = trainset_module._expect_structure
    seen = []

    def write_at_the_second(reader, found, announced):
        seen.append(found)
        if found == 1:
            with written.open("r+b") as file:
                if change == "truncated":
                    file.truncate(reader.position)
                elif change == "rewritten":
                    file.write(content)
                else:
                    file.seek(0, os.SEEK_END)
                    file.write(b"more")
            os.utime(written, (0, 0))  # the clock of a file system may tick seldom
        structure(reader, found, announced)

    monkeypatch.setattr(trainset_module, "_expect_structure", write_at_the_second)
    with pytest.raises(DataError, match="training set has changed while it was being read") as told:
        read_trainset(written)
    assert str(told.value).startswith(f"{written}: ")
    assert seen == [0, 1]


def test_a_set_that_is_replaced_while_it_is_read_is_the_old_one(written, trainset, monkeypatch):
    """By a new file of the same name, as aenetpy writes it."""
    monkeypatch.setattr(fortran, "BLOCK", 64)
    structure = trainset_module._expect_structure

    def replace(reader, found, announced):
        written.with_suffix(".new").write_bytes(b"another")
        written.with_suffix(".new").replace(written)
        structure(reader, found, announced)

    monkeypatch.setattr(trainset_module, "_expect_structure", replace)
    assert_same(read_trainset(written), trainset)


@pytest.mark.parametrize("block", [1, 100, 1000])
def test_blocks_may_end_anywhere(block, written, trainset, monkeypatch):
    monkeypatch.setattr(fortran, "BLOCK", block)
    assert_same(read_trainset(written), trainset)


def test_writer_leaves_nothing_behind_on_error(tmp_path):
    path = tmp_path / "set.train"
    zeros = np.zeros((1, 3))

    def interrupted():
        with TrainingSetWriter(path, ("Ti",), [0.0]) as writer:
            writer.append("a", np.zeros(1, np.int32), zeros, zeros, 0.0, (np.ones((1, 2)),))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []


def test_writer_counts_structures_atoms_and_species(tmp_path):
    path = tmp_path / "set.train"
    features_tng = (np.ones((1, 2)), np.full((2, 3), 2.0), np.zeros((0, 4)))
    with TrainingSetWriter(path, ("Ti", "O", "H"), [0.0, 1.0, 2.0]) as writer:
        for name in ("Å.xsf", "b.xsf"):
            types_n = np.array([1, 0, 1], np.int32)
            writer.append(name, types_n, np.ones((3, 3)), np.ones((3, 3)), -1.0, features_tng)
        writer.finish(-1.0, -2.0, 0.0)
    trainset = read_trainset(path)
    assert trainset.names_s == ("Å.xsf", "b.xsf")
    assert trainset.n_species_s.tolist() == [2, 2]
    assert trainset.types_n.tolist() == [1, 0, 1, 1, 0, 1]
    assert (trainset.normalized, trainset.scale, trainset.shift) == (False, 1.0, 0.0)
    assert [features.shape for features in trainset.features_tng] == [(2, 2), (4, 3), (0, 0)]
    assert trainset.setups_t is None


def test_long_species_name_is_refused(tmp_path):
    with pytest.raises(DataError, match="`Tix' does not fit"):
        TrainingSetWriter(tmp_path / "a", ("Tix",), [0.0])
    assert os.listdir(tmp_path) == []


def test_truncated_anywhere(written):
    content = written.read_bytes()
    for size in [*range(0, 400), *range(400, len(content), 7), len(content) - 1]:
        written.write_bytes(content[:size])
        with pytest.raises(DataError, match=r"set\.train: ") as caught:
            read_trainset(written)
        assert ("truncated" in caught.value.message) == (size >= 4), size


def test_no_damaged_byte_ends_in_another_error(written):
    content = written.read_bytes()
    noticed = 0
    for position in range(0, 1200):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        written.write_bytes(damaged)
        noticed += 1
        with contextlib.suppress(DataError):
            read_trainset(written)
            noticed -= 1
    assert noticed > 400  # the others are numbers and names


def test_more_announced_than_there(written):
    content = bytearray(written.read_bytes())
    content[12:24] = integer_record(5)
    written.write_bytes(content)
    with pytest.raises(DataError, match=r"announces 5 structures and holds 3; generate\.x left"):
        read_trainset(written)


def test_stopped_between_structures(tmp_path, trainset, written):
    short = dataclasses.replace(make_trainset(np.random.default_rng(0), (3, 2), (4,), setups=False))
    write_trainset(written, short)
    footer = 12 + 32 + 12
    content = bytearray(written.read_bytes()[:-footer])
    content[12:24] = integer_record(5)
    written.write_bytes(content)
    with pytest.raises(DataError, match="it ends after 1 of 5 structures; its writer was stopped"):
        read_trainset(written)


def test_absurd_numbers_do_not_take_memory(written):
    for values in ((2_000_000_000,), (-1,)):
        content = bytearray(written.read_bytes())
        content[0:12] = integer_record(*values)
        written.write_bytes(content)
        with pytest.raises(DataError, match="damaged"):
            read_trainset(written)


def test_absurd_number_of_atoms(tmp_path):
    path = tmp_path / "set.train"
    write_trainset(path, make_trainset(np.random.default_rng(0), (1,), (1,), setups=False))
    content = path.read_bytes()
    at = content.index(integer_record(1, 1))
    for n_atoms, message in (
        (2_000_000_000, "damaged|truncated"),
        (-5, "is -5, and must be 0 or more"),
    ):
        broken = content[:at] + integer_record(n_atoms, 1) + content[at + 16 :]
        path.write_bytes(broken)
        with pytest.raises(DataError, match=message):
            read_trainset(path)


def test_trailing_garbage(written):
    with written.open("ab") as file:
        file.write(b"garbage")
    with pytest.raises(DataError, match="followed by 7 more bytes"):
        read_trainset(written)


def test_foreign_files(tmp_path):
    path = tmp_path / "set.train"
    path.write_text("TiO2.train\n F\n   1.0000000000000000\n")
    with pytest.raises(DataError, match="is a text file, not a binary training set"):
        read_trainset(path)
    path.write_bytes(struct.pack(">3i", 4, 2, 4))
    with pytest.raises(DataError, match="big-endian"):
        read_trainset(path)
    with pytest.raises(DataError, match="file not found"):
        read_trainset(tmp_path / "missing")
    with pytest.raises(DataError, match="is a folder"):
        read_trainset(tmp_path)


def test_unknown_atom_type(tmp_path):
    path = tmp_path / "set.train"
    write_trainset(path, make_trainset(np.random.default_rng(0), (1,), (1,), setups=False))
    content = path.read_bytes()
    at = content.index(integer_record(1) + struct.pack("<i", 24))
    path.write_bytes(content[:at] + integer_record(3) + content[at + 12 :])
    with pytest.raises(DataError, match="structure 1 of 1: atom type 3"):
        read_trainset(path)


def test_species_with_two_numbers_of_components(tmp_path):
    path = tmp_path / "set.train"
    with TrainingSetWriter(path, ("Ti",), [0.0]) as writer:
        for n_features in (2, 3):
            zeros = np.zeros((1, 3))
            features_tng = (np.zeros((1, n_features)),)
            writer.append("a", np.zeros(1, np.int32), zeros, zeros, 0.0, features_tng)
        writer.finish(0.0, 0.0, 0.0)
    with pytest.raises(DataError, match="atoms of type 1 have 2 and 3 fingerprint components"):
        read_trainset(path)


def test_wrong_number_of_atoms_in_the_footer_is_noted(tmp_path, caplog):
    path = tmp_path / "set.train"
    write_trainset(path, make_trainset(np.random.default_rng(0), (1,), (2,), setups=False))
    content = bytearray(path.read_bytes())
    content[-56:-44] = integer_record(9)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="aenetpy"):
        assert read_trainset(path).n_atoms == 2
    assert "the footer counts 9 atoms, the structures have 2" in caplog.text
