"""Patterns in FILES and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from aenetpy.errors import InputError
from aenetpy.inputs.entries import matches
from aenetpy.inputs.keywords import Keywords
from aenetpy.inputs.predict_in import read_predict_in


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs/a/run.xml", "runs/b c/run.xml", "runs/B/run.xml", "runs/b c/run@300K.xml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    for name in ("a1.xsf", "a2.xsf", "a10.xsf", ".hidden.xsf"):
        Path(name).touch()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("a1.xsf", ["a1.xsf"]),
        ("none.xsf@:", ["none.xsf@:"]),
        ("*.xsf", ["a1.xsf", "a10.xsf", "a2.xsf"]),
        ("a?.xsf", ["a1.xsf", "a2.xsf"]),
        ("a[1-9].xsf@-1", ["a1.xsf@-1", "a2.xsf@-1"]),
        ("runs/*/run.xml@:", ["runs/B/run.xml@:", "runs/a/run.xml@:", "runs/b c/run.xml@:"]),
        ("runs/b */run.xml@::2", ["runs/b c/run.xml@::2"]),
        ("runs/*/run@*.xml", ["runs/b c/run@300K.xml"]),
        ("runs/*/*@300K.xml@0", ["runs/b c/run@300K.xml@0"]),
        ("runs/[ab]/run.xml@:#units=eV,Bohr", ["runs/a/run.xml@:#units=eV,Bohr"]),
        ("a?.xsf#units=eV,Bohr", ["a1.xsf#units=eV,Bohr", "a2.xsf#units=eV,Bohr"]),
        ("**/*300K.xml", ["runs/b c/run@300K.xml"]),
        ("runs/*", []),  # folders are no structures
        ("none*.xsf@:", []),
        ("data.db@formula=Ti*", ["data.db@formula=Ti*"]),
    ],
)
def test_what_an_entry_stands_for(entry, expected):
    assert matches(entry) == expected


def test_an_entry_is_seen_from_a_folder():
    assert matches("*/run.xml@:", "runs") == ["B/run.xml@:", "a/run.xml@:", "b c/run.xml@:"]
    assert matches("../a?.xsf", Path("runs")) == ["../a1.xsf", "../a2.xsf"]
    Path("runs/x[1].xsf").touch()
    assert matches("x[1].xsf", "runs") == ["x[1].xsf"]
    assert matches(f"{Path.cwd()}/a?.xsf", "runs") == [f"{Path.cwd()}/a{k}.xsf" for k in (1, 2)]


def test_a_file_called_like_the_pattern_goes_first():
    Path("a[12].xsf").touch()
    Path("a*.xsf@:").touch()
    for entry in ("a[12].xsf", "a[12].xsf@:", "a[12].xsf#units=eV,Bohr", "a*.xsf@:"):
        assert matches(entry) == [entry]
    assert matches("a*.xsf") == ["a1.xsf", "a10.xsf", "a2.xsf", "a[12].xsf"]


def test_files_counts_lines_not_matches(caplog):
    Path("x.in").write_text("FILES\n2\nnone.xsf\n  a?.xsf  \na10.xsf\n")
    entries = Keywords("x.in", (), ("FILES",)).files("")
    assert [(e.text, e.line) for e in entries] == [("none.xsf", 3), ("a1.xsf", 4), ("a2.xsf", 4)]
    assert "x.in:5: FILES announces 2 structures but lists 3" in caplog.text
    Path("x.in").write_text("FILES\n2\na1.xsf\nb*.xsf@:\n")
    with pytest.raises(InputError, match=r"x\.in:4: no file matches 'b\*\.xsf@:'; paths are"):
        Keywords("x.in", (), ("FILES",)).files("")


def test_patterns_that_the_shell_leaves(caplog):
    Path("x.in").write_text("TYPES\n1\nO\nNETWORKS\nO O.nn\n")
    found = read_predict_in("x.in", ["a?.xsf", "none*.xsf"])
    assert [e.text for e in found.files] == ["a1.xsf", "a2.xsf", "none*.xsf"]
