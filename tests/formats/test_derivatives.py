"""Fingerprint derivatives."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenetpy.errors import DataError
from aenetpy.formats.derivatives import AtomDerivatives, DerivativesWriter, iter_derivatives
from aenetpy.formats.records import RecordReader, integer_record


def write(path, structures):
    with DerivativesWriter(path) as writer:
        for name, n_species, n_atoms, atoms in structures:
            writer.append(name, n_atoms, n_species, atoms)
        writer.finish()


def make_atoms(rng, n_atoms, n_features):
    atoms = []
    for _ in range(n_atoms):
        p = int(rng.integers(0, 6))
        atoms.append(
            AtomDerivatives(
                type=int(rng.integers(3)),
                neighbors_p=rng.integers(0, n_atoms, p).astype(np.int32),
                central_gc=rng.normal(size=(n_features, 3)),
                neighbors_pgc=rng.normal(size=(p, n_features, 3)),
            )
        )
    return atoms


def test_golden_bytes(golden, tmp_path):
    paths = sorted(golden.rglob("*.forces"))
    assert paths
    for path in paths:
        with DerivativesWriter(tmp_path / "copy") as writer:
            for structure in iter_derivatives(path):
                writer.append(
                    structure.name, structure.n_atoms, structure.n_species, structure.atoms
                )
            writer.finish()
        assert (tmp_path / "copy").read_bytes() == path.read_bytes()


def test_moving_all_atoms_changes_nothing(golden):
    # The sum over all neighbours and the centre is the derivative for a translation.
    path = golden / "01c-generate-derivatives" / "expected" / "TiO2.train.forces"
    for structure in iter_derivatives(path):
        for atom in structure.atoms:
            total_gc = atom.central_gc + atom.neighbors_pgc.sum(0)
            assert np.abs(total_gc).max() < 1e-10


@given(st.integers(0, 2**32), st.lists(st.integers(0, 4), max_size=4), st.integers(0, 5))
@settings(deadline=None)
def test_round_trip(tmp_path_factory, seed, sizes, n_features):
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("derivatives") / "a.forces"
    structures = [
        (f"s{i}.xsf", 1, n, make_atoms(rng, n, n_features) if rng.random() < 0.7 else None)
        for i, n in enumerate(sizes)
    ]
    write(path, structures)
    again = list(iter_derivatives(path))
    assert len(again) == len(structures)
    for structure, (name, n_species, n_atoms, atoms) in zip(again, structures, strict=True):
        found = (structure.name, structure.n_species, structure.n_atoms)
        assert found == (name, n_species, n_atoms)
        assert (structure.atoms is None) == (atoms is None)
        for ours, theirs in zip(structure.atoms or (), atoms or (), strict=True):
            assert ours.type == theirs.type
            assert np.array_equal(ours.neighbors_p, theirs.neighbors_p)
            assert np.array_equal(ours.central_gc, theirs.central_gc)
            assert np.array_equal(ours.neighbors_pgc, theirs.neighbors_pgc)


def test_arrays_are_column_major(tmp_path):
    atom = max(make_atoms(np.random.default_rng(1), 3, 2), key=lambda atom: len(atom.neighbors_p))
    p = len(atom.neighbors_p)
    assert p > 1
    write(tmp_path / "a", [("a", 1, 3, [atom] * 3)])
    reader = RecordReader(tmp_path / "a", "file", 4)
    for length in (4, 4, 1, 8, 4):
        reader.record("head", length)
    assert reader.integers("type", 1) == (atom.type + 1,)
    assert reader.integers("nsf, nnb", 2) == (2, p)
    assert np.array_equal(reader.integer_array("neighbours", p), atom.neighbors_p + 1)
    central = reader.reals("central", 6).reshape((2, 3), order="F")
    assert np.array_equal(central, atom.central_gc)
    neighbors = reader.reals("neighbours", p * 6).reshape((p, 2, 3), order="F")
    assert np.array_equal(neighbors, atom.neighbors_pgc)


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "a.forces"
    write(path, [("a", 1, 2, make_atoms(np.random.default_rng(0), 2, 2)), ("b", 1, 1, None)])
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DataError) as caught:
            list(iter_derivatives(path))
        assert ("truncated" in caught.value.message) == (size >= 4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (integer_record(7), integer_record(8), "the largest number of neighbours is 7"),
        (
            integer_record(2, 1),
            integer_record(-2, 1),
            "structure 1 of 1: number 1 of 2 is -2, and must be 0 or more",
        ),
        (
            integer_record(3, 7),
            integer_record(3, -7),
            "structure 1 of 1: number 2 of 2 is -7, and must be 0 or more",
        ),
        (integer_record(3, 7), integer_record(3, 2**31 - 1), "record of 28 bytes, not 8589934588"),
        (integer_record(*[1] * 7), integer_record(*[3] * 7), "neighbours beyond its 2 atoms"),
    ],
)
def test_damage_is_named(tmp_path, old, new, message):
    path = tmp_path / "a.forces"
    atom = AtomDerivatives(0, np.zeros(7, np.int32), np.ones((3, 3)), np.ones((7, 3, 3)))
    write(path, [("a", 1, 2, [atom, atom])])
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(DataError, match=message):
        list(iter_derivatives(path))


def test_nothing_is_left_behind(tmp_path):
    def interrupted():
        with DerivativesWriter(tmp_path / "a.forces") as writer:
            writer.append("a", 1, 1, None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []
