"""Files that replace none, and appear together."""

from __future__ import annotations

import os

import pytest

from aenetpy.errors import DataError
from aenetpy.files.lock import new_files

OTHERS = {"a": "name another a", "b": "name another b"}


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_both(others=OTHERS) -> None:
    with new_files(others, "test") as opener:
        for path in others:
            with opener(path) as file:
                file.write(path.encode())


def test_all_appear_at_the_end(workdir):
    with new_files(OTHERS, "test") as opener:
        for path in OTHERS:
            with opener(path) as file:
                file.write(path.encode())
            assert not os.path.exists("a")
    assert sorted(os.listdir()) == ["a", "b"]
    assert (workdir / "b").read_bytes() == b"b"
    (workdir / "file").touch()
    assert (workdir / "a").stat().st_mode == (workdir / "file").stat().st_mode
    assert (workdir / "a").stat().st_nlink == 1


def test_other_files_replace_and_appear_first(workdir, monkeypatch):
    (workdir / "c").write_bytes(b"old")
    order = []
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda old, new: order.append(os.path.basename(new)) or replace(old, new)
    )
    with new_files(OTHERS, "test") as opener:
        for path in ("a", "c", "b"):
            with opener(path) as file:
                file.write(path.encode())
        assert (workdir / "c").read_bytes() == b"old"
    assert order == ["c", "a", "b"]
    assert {name: (workdir / name).read_text() for name in os.listdir()} == {
        "a": "a",
        "b": "b",
        "c": "c",
    }


def test_other_files_do_not_appear_without_these(workdir):
    def work() -> None:
        with new_files(OTHERS, "test") as opener:
            for path in ("a", "c"):
                with opener(path) as file:
                    file.write(b"ours")
            raise KeyboardInterrupt

    (workdir / "c").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        work()
    assert os.listdir() == ["c"]
    assert (workdir / "c").read_bytes() == b"old"


@pytest.mark.parametrize("path", ["a", "b"])
def test_nothing_is_begun_where_a_name_is_taken(workdir, path):
    (workdir / path).write_bytes(b"precious")
    with (
        pytest.raises(DataError, match=f"^{path}: exists already; remove it, or name another"),
        new_files(OTHERS, "test"),
    ):
        raise AssertionError
    assert os.listdir() == [path]
    assert (workdir / path).read_bytes() == b"precious"


def test_a_name_that_is_taken_meanwhile_stays(workdir):
    def work() -> None:
        with new_files(OTHERS, "test") as opener:
            for path in OTHERS:
                with opener(path) as file:
                    file.write(b"ours")
            (workdir / "b").write_bytes(b"theirs")

    with pytest.raises(DataError, match=r"^b: exists already"):
        work()
    assert os.listdir() == ["b"]
    assert (workdir / "b").read_bytes() == b"theirs"


def test_the_second_of_two_runs_is_told_before_it_works():
    with new_files(OTHERS, "generate") as opener:
        with (
            pytest.raises(DataError, match=r"^b: in use by generate since .* or name another b"),
            new_files({"b": OTHERS["b"]}, "generate"),
        ):
            raise AssertionError
        write_both({"c": "", "d": ""})  # other files are free
        for path in OTHERS:
            with opener(path):
                pass
    assert sorted(os.listdir()) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_after_a_failure(failure):
    def work() -> None:
        with new_files(OTHERS, "test") as opener:
            with opener("a") as file:
                file.write(b"x")
            raise failure

    with pytest.raises(failure):
        work()
    assert os.listdir() == []


def test_a_device_takes_anything(workdir):
    write_both({"/dev/null": "", "a": ""})
    assert os.listdir() == ["a"]
    with pytest.raises(DataError, match="is a folder"):
        write_both({".": ""})
