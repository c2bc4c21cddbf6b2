"""Files are replaced as a whole or not at all."""

import errno
import os
import resource
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from aenetpy.errors import DataError
from aenetpy.files.files import (
    check_new,
    read_bytes,
    read_text,
    remove_leftovers,
    replace_file,
    write_bytes,
    write_text,
)
from tests.kill import is_killed


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


def test_the_mode_of_a_replaced_file_is_kept(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with replace_file(path) as file:
        file.write(b"new")
        (hidden,) = (entry for entry in tmp_path.iterdir() if entry != path)
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o600  # nobody reads it meanwhile
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_of_a_replaced_file_is_kept(tmp_path):
    path = tmp_path / "theirs"
    path.touch(mode=0o640)
    os.chown(path, 1234, 2345)
    write_bytes(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o640)


@pytest.mark.parametrize("through", [lambda path: path, lambda path: path.with_name("link")])
def test_a_fifo_is_passed_the_complete_file(tmp_path, through):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    os.symlink("fifo", tmp_path / "link")
    received = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    with replace_file(through(fifo)) as file:
        file.write(b"0 structures")
        file.seek(0)
        file.write(b"7")
    reader.join(10)
    assert received == [b"7 structures"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["fifo", "link"]


def test_devices_stay_devices(tmp_path):
    os.symlink("/dev/null", tmp_path / "link")
    before = os.stat("/dev/null")
    write_bytes(tmp_path / "link", b"content")
    assert os.path.samestat(os.stat(tmp_path / "link"), before)
    with pytest.raises(DataError, match=r"^/dev/full: cannot be written \(No space left"):
        write_bytes("/dev/full", b"content")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_what_an_open_file_holds_already_stays(tmp_path, folder):
    path = tmp_path / "log"
    with path.open("wb", buffering=0) as file:
        file.write(b"before\n")
        write_bytes(f"{folder}/{file.fileno()}", b"content\n")
    assert path.read_bytes() == b"before\ncontent\n"
    assert os.listdir(tmp_path) == ["log"]


def test_the_next_run_removes_the_temporaries_of_dead_runs(tmp_path):
    def begin() -> int:
        write_bytes(tmp_path / "a", b"x" * 1000)
        return 0

    assert is_killed(begin, 1)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.")
    with replace_file(tmp_path / "a") as file:
        remove_leftovers(tmp_path)
        assert not left.exists()
        file.write(b"ours")
    assert (tmp_path / "a").read_bytes() == b"ours"
    assert os.listdir(tmp_path) == ["a"]


def test_a_new_file_does_not_replace_another(tmp_path):
    path = tmp_path / "a"
    check_new(path)
    path.touch()
    with pytest.raises(DataError, match="a: exists already; remove it, or name another file"):
        check_new(path)
    with pytest.raises(DataError, match="is a folder"):
        check_new(tmp_path)
    check_new("/dev/null")
