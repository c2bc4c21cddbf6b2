"""Files whose numbers cannot be, compressed files, and databases, which reading must not change."""

from __future__ import annotations

import gzip
import lzma
import sqlite3

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from aenetpy.errors import DataError
from aenetpy.structures.reading import iter_structures, read_atoms

BOMBS = {
    "a.xyz": ("1000000000\n\nH 0 0 0\n", ":1: ends after 1 of 1000000000 atoms"),
    "last.xyz": ("1\n\nH 0 0 0\n1000000000", ":4: ends after 0 of 1000000000 atoms"),
    "long.xyz": ("1\n\nH 0 0 0\n" + "9" * 5000 + "\r\n", ":4: '9{20}' is no number of atoms"),
    "p.xyz": (
        "1\nProperties=species:S:1:pos:R:1000000000\nH 0 0 0\n",
        ":1: atom 1 has fewer columns than Properties= names",
    ),
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def structures(entry):
    return list(iter_structures(str(entry)))


@pytest.mark.parametrize("name", BOMBS)
def test_numbers_that_the_file_cannot_hold(name, tmp_path):
    text, message = BOMBS[name]
    (tmp_path / name).write_text(text, newline="")
    for read in (structures, lambda entry: list(read_atoms(entry))):
        with pytest.raises(DataError, match=f"{name}{message}"):
            read(f"{name}@:")


def test_titles_and_comments_may_be_numbers(tmp_path):
    """Steps of dynamics, and numbers of databases."""
    (tmp_path / "md.xyz").write_text("1\n10000000\nH 0 0 0\n1\n20000000\nH 0 0 1\n")
    assert [len(s.species) for s in structures("md.xyz@:")] == [1, 1]
    text = "1010942\n1.0\n5 0 0\n0 5 0\n0 0 5\nTi\n1\nDirect\n0 0 0\n"
    (tmp_path / "POSCAR").write_text(text)
    assert len(structures("POSCAR")) == 1


@pytest.mark.parametrize("opened", [gzip.open, lzma.open])
def test_compressed_files(opened, tmp_path):
    atoms = Atoms("TiO", np.random.default_rng(1).random((2, 3)))
    write("a.xyz", [atoms] * 30)
    suffix = opened.__module__.replace("lzma", "xz").replace("gzip", "gz")
    with opened(f"a.xyz.{suffix}", "wb") as file:
        file.write((tmp_path / "a.xyz").read_bytes())
    (found,) = structures(f"a.xyz.{suffix}@3")
    np.testing.assert_allclose(found.positions_nc, atoms.positions, atol=1e-8)


@pytest.mark.parametrize(
    "index", ["::100000000000000000000", "9" * 19, "-" + "1" * 5000, "1:2:3:4"]
)
def test_an_index_without_end(index, tmp_path):
    write("a.xyz", [Atoms("H")] * 2)
    with pytest.raises(DataError, match=r"is no index; write @:, @-1 or @::10"):
        structures(f"a.xyz@{index}")
    assert len(structures("a.xyz@0:" + "9" * 18)) == 2


FOREIGN = {"foreign": "is a database, but not one of ASE", "empty": "Empty file"}


@pytest.mark.parametrize("content", FOREIGN)
def test_a_foreign_database_is_refused_and_stays_as_it_is(content, tmp_path):
    path = tmp_path / "x.db"
    path.touch()
    if content == "foreign":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (a INTEGER)")
        connection.close()
    before = path.read_bytes()
    for entry in ("x.db", "x.db@:"):
        for read in (structures, lambda entry: list(read_atoms(entry))):
            with pytest.raises(DataError, match=f"x.db: .*{FOREIGN[content]}"):
                read(entry)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_is_read_without_a_trace(mode, tmp_path):
    path = tmp_path / "x.db"
    frames = [Atoms("H" * n, np.zeros((n, 3)) + np.arange(n)[:, None]) for n in range(1, 6)]
    write(path, frames)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
    connection.close()
    before = path.read_bytes()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        sizes = {
            entry: [len(found) for found in structures(f"x.db{entry}")]
            for entry in ("@:", "@1:4:2", "@-1", "@-3:", "@0", "@natoms>3")
        }
        assert [len(named.atoms) for named in read_atoms("x.db@-2")] == [4]
    finally:
        tmp_path.chmod(0o755)
    assert sizes == {
        "@:": [1, 2, 3, 4, 5],
        "@1:4:2": [2, 4],
        "@-1": [5],
        "@-3:": [3, 4, 5],
        "@0": [1],
        "@natoms>3": [4, 5],
    }
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
