"""Files are replaced as a whole or not at all."""

import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from aenetpy.errors import DataError
from aenetpy.io.files import read_bytes, read_text, replace_file, write_bytes, write_text


def test_write_and_read_back(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "Å first\n")
    assert read_text(path) == "Å first\n"
    write_bytes(path, b"second")
    assert read_bytes(path) == b"second"
    assert read_bytes(path, 3) == b"sec"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_relative_path_and_symbolic_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_bytes("target", b"1")
    os.symlink("target", "link")
    write_bytes("link", b"2")
    assert Path("link").is_symlink()
    assert Path("target").read_bytes() == b"2"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, ValueError])
def test_nothing_is_left_behind(tmp_path, failure):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def stopped():
        with replace_file(path) as file:
            file.write(b"new" * 100_000)
            raise failure

    with pytest.raises(failure):
        stopped()
    assert os.listdir(tmp_path) == ["a"]
    assert path.read_bytes() == b"old"


def test_other_errors_of_the_system_are_not_ours(tmp_path):
    with pytest.raises(BrokenPipeError), replace_file(tmp_path / "a"):
        raise BrokenPipeError(errno.EPIPE, "pipe")
    with pytest.raises(FileNotFoundError), replace_file(tmp_path / "a"):
        (tmp_path / "missing").read_bytes()
    assert os.listdir(tmp_path) == []


def test_missing_folder_and_folder_as_target(tmp_path):
    with pytest.raises(DataError, match=r"nowhere/a: cannot be written \(No such file"):
        write_bytes(tmp_path / "nowhere" / "a", b"")
    with pytest.raises(DataError, match="cannot be written"):
        write_bytes(tmp_path, b"")
    assert os.listdir(tmp_path) == []


@contextmanager
def small_disk():
    """Let every file end at 1000 bytes, as on a full disk.

    No fixture: what pytest itself writes before the end of a fixture may go to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1001, 100_000])  # noticed on closing, on writing
def test_full_disk(tmp_path, size):
    with (
        pytest.raises(DataError, match=r"a: cannot be written \(File too large\)"),
        small_disk(),
    ):
        write_bytes(tmp_path / "a", b"x" * size)
    assert os.listdir(tmp_path) == []


def test_unreadable_files(tmp_path):
    with pytest.raises(DataError, match=r"missing: file not found; check the name"):
        read_bytes(tmp_path / "missing")
    with pytest.raises(DataError, match="is a folder"):
        read_bytes(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_no_permission(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"1")
    secret.chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        read_bytes(secret)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(DataError, match="Permission denied"):
        write_bytes(closed / "a", b"")
