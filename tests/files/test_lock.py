"""One run per folder and per file; those of dead processes do not count."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from aenetpy.errors import DataError
from aenetpy.files import lock as module
from aenetpy.files.files import temporary_file
from aenetpy.files.lock import FOLDER_LOCK, locked_folder, locked_name
from tests.conftest import ROOT

HERE = os.uname().nodename


@pytest.fixture(params=[True, False], ids=["locks", "no locks"])
def has_locks(request, monkeypatch):
    """Whether the file system has locks."""

    def without(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    if not request.param:
        monkeypatch.setattr(module.fcntl, "flock", without)
    return request.param


def dead_process() -> int:
    return int(subprocess.run(["sh", "-c", "echo $$"], capture_output=True, check=True).stdout)


def test_the_other_is_told_who_works_here(tmp_path, has_locks):
    expected = (
        rf"^{tmp_path}: in use by train since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d "
        rf"\(pid {os.getpid()} on {HERE}\); "
    )
    expected += "wait for its end, or use" if has_locks else f"remove {tmp_path}/{FOLDER_LOCK} if"
    with locked_folder(tmp_path, "train"):
        for _ in range(2):
            with pytest.raises(DataError, match=expected), locked_folder(tmp_path, "train"):
                raise AssertionError
    assert os.listdir(tmp_path) == []
    with locked_folder(tmp_path, "train"):
        pass
    assert os.listdir(tmp_path) == []


def test_names_are_locked_one_by_one(tmp_path, has_locks):
    with locked_name(tmp_path / "a", "generate", ""), locked_name(tmp_path / "b", "generate", ""):
        os.symlink("a", tmp_path / "link")
        with pytest.raises(DataError, match="link: in use by generate"):
            locked_name(tmp_path / "link", "generate", "").__enter__()
    assert os.listdir(tmp_path) == ["link"]


def test_the_lock_goes_after_any_end(tmp_path, has_locks):
    with pytest.raises(KeyboardInterrupt), locked_folder(tmp_path, "train"):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_dead_process_holds_nothing(tmp_path, has_locks):
    note = f"train since 2025-01-01 00:00:00 (pid {dead_process()} on {HERE})\n"
    (tmp_path / FOLDER_LOCK).write_text(note)
    with locked_folder(tmp_path, "train"):
        assert f"pid {os.getpid()} on" in (tmp_path / FOLDER_LOCK).read_text()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("note", ["train since 2025 (pid 7 on elsewhere)\n", "", "\x1b[2J"])
def test_what_another_computer_holds_is_known_to_the_kernel_alone(tmp_path, has_locks, note):
    (tmp_path / FOLDER_LOCK).write_text(note)
    if has_locks:
        with locked_folder(tmp_path, "train"):
            pass
        return
    told = "train since 2025 .pid 7 on elsewhere." if note.startswith("train") else "another run"
    with (
        pytest.raises(DataError, match=rf"in use by {told}; remove .*{FOLDER_LOCK} if that run"),
        locked_folder(tmp_path, "train"),
    ):
        raise AssertionError


def test_a_process_that_is_killed_lets_go(tmp_path):
    code = (
        "import sys, time; from aenetpy.files.lock import locked_folder\n"
        "with locked_folder(sys.argv[1], 'train'): print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with process:
        process.stdout.readline()
        with (
            pytest.raises(DataError, match=rf"in use by train since .* \(pid {process.pid} on"),
            locked_folder(tmp_path, "train"),
        ):
            raise AssertionError
        process.kill()
    assert os.listdir(tmp_path) == [FOLDER_LOCK]
    with locked_folder(tmp_path, "train"):
        pass
    assert os.listdir(tmp_path) == []


def test_at_any_time_one_at_most_holds_it(tmp_path):
    """Processes that take turns as fast as they can, each removing the file of its lock."""
    code = (
        "import os, sys, time\n"
        "from aenetpy.errors import DataError\n"
        "from aenetpy.files.lock import locked_folder\n"
        "end, n = time.monotonic() + 1.0, 0\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        "        with locked_folder('.', 'test'):\n"
        "            os.close(os.open('inside', os.O_CREAT | os.O_EXCL))\n"
        "            os.unlink('inside')\n"
        "            n += 1\n"
        "    except DataError: pass\n"
        "print(n)"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in ended] == [b"", b"", b""]
    assert sum(int(out) for out, _ in ended) > 10
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_missing_or_closed(tmp_path):
    with locked_folder(tmp_path / "new" / "folder", "study"):
        assert (tmp_path / "new" / "folder" / FOLDER_LOCK).exists()
    with (
        pytest.raises(DataError, match=r"nowhere/a: cannot be written \(No such file"),
        locked_name(tmp_path / "nowhere" / "a", "generate", ""),
    ):
        raise AssertionError
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataError, match="file: cannot be written"),
        locked_folder(tmp_path / "file", "study"),
    ):
        raise AssertionError


def test_a_locked_folder_is_freed_of_the_temporaries_of_dead_runs(tmp_path):
    dead = f".Ti.nn-00123.{dead_process()}@{HERE}.ab12.tmp"
    others = {f".c.{dead_process()}@elsewhere.ab12.tmp", ".notes.tmp"}
    for name in (dead, *others):
        (tmp_path / name).touch()
    with temporary_file(tmp_path / "a.train") as (_, living), locked_folder(tmp_path, "train"):
        assert set(os.listdir(tmp_path)) == {FOLDER_LOCK, os.path.basename(living), *others}


def test_a_full_disk_leaves_no_lock_behind(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    n_open = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(DataError, match="No space left"), locked_folder(tmp_path, "train"):
            pass
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == n_open
    with locked_folder(tmp_path, "train"):
        assert os.listdir(tmp_path) == [FOLDER_LOCK]
