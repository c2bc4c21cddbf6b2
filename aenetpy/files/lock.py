"""Locks: one run at a time works in a folder, or writes a file.

The kernel frees a lock when its process ends, even if it is killed, so a lock file that is left
behind locks nothing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from aenetpy.errors import DataError
from aenetpy.files.files import (
    Opener,
    check_new,
    is_dead,
    is_device,
    remove_leftovers,
    replace_file,
    temporary_file,
    writing_error,
)

FOLDER_LOCK = ".aenetpy.lock"

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""Answers of file systems without locks."""

_NOTE = re.compile(r"\(pid (\d{1,9}) on (.+)\)$")


@contextmanager
def locked_folder(folder: str | Path, command: str) -> Iterator[int]:
    """Keep a folder, which is made if it is missing, to ourselves; DataError if it is in use.

    Yields the file descriptor that holds the lock; child processes may share it.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise writing_error(folder, error) from None
    lock = os.path.join(folder, FOLDER_LOCK)
    with _locked(lock, os.path.abspath(folder), command, "use another folder") as descriptor:
        remove_leftovers(folder)
        yield descriptor


@contextmanager
def locked_name(path: str | Path, command: str, other: str) -> Iterator[None]:
    """Keep the name of a file or folder to ourselves; ``other`` is the advice to other runs."""
    if is_device(path):
        yield
        return
    folder, name = os.path.split(os.path.realpath(path))
    with _locked(os.path.join(folder, f".{name}.lock"), str(path), command, other):
        remove_leftovers(folder)
        yield


@contextmanager
def new_files(others: Mapping[str, str], command: str) -> Iterator[Opener]:
    """Claim names, and let files appear there when all of them are complete.

    ``others`` holds for each name the advice if it is taken, such as "name another file with
    OUTPUT". Companions, files of other names, may replace; they appear first, so that a set with
    its OUTPUT is whole. DataError if a name is taken, in use, or cannot be written.
    """
    hidden: dict[str, str] = {}
    with ExitStack() as stack:
        for path, other in others.items():
            stack.enter_context(locked_name(path, command, other))
            check_new(path, f"remove it, or {other}")

        @contextmanager
        def opened(path: str | Path) -> Iterator[BinaryIO]:
            if is_device(path):
                with replace_file(path) as file:
                    yield file
                return
            file, hidden[str(path)] = stack.enter_context(temporary_file(path))
            yield file
            file.close()

        yield opened
        for path in others:
            check_new(path, f"remove it, or {others[path]}")
        for path in sorted(hidden, key=others.__contains__):
            os.replace(hidden[path], os.path.realpath(path))


@contextmanager
def _locked(lock: str, what: str, command: str, other: str) -> Iterator[int]:
    """Hold a lock file with a note of who holds it, and remove it at the end."""
    now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    note = f"{command} since {now} (pid {os.getpid()} on {os.uname().nodename})\n"
    try:
        descriptor = _take(lock, what, other)
    except OSError as error:
        raise writing_error(what, error) from None
    try:
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode(), 0)
        except OSError as error:
            raise writing_error(what, error) from None
        yield descriptor
    finally:
        with suppress(OSError):
            os.unlink(lock)  # before the lock is free; `_take` notices the removal
        os.close(descriptor)


def _take(lock: str, what: str, other: str) -> int:
    """Return the lock file, open and locked; where there are no locks, the file is the lock."""
    while True:
        is_new = not os.path.lexists(lock)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            held = _try_lock(descriptor)
            holder = os.pread(descriptor, 300, 0).decode("utf-8", "replace").strip()
            if held is False:
                raise _in_use(what, holder, f"wait for its end, or {other}")
            if held is None and not is_new and not _is_of_dead(holder):
                raise _in_use(what, holder, f"remove {lock} if that run has ended, or {other}")
            if os.path.samestat(os.fstat(descriptor), os.lstat(lock)):
                kept, descriptor = descriptor, -1
                return kept
        except FileNotFoundError:  # its holder has removed it meanwhile
            pass
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _try_lock(descriptor: int) -> bool | None:
    """Lock an open file; False if another process holds it, None if there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        if error.errno in NO_LOCKS:
            return None
        raise
    return True


def _is_of_dead(note: str) -> bool:
    """Return whether the process of a note has ended."""
    match = _NOTE.search(note)
    return match is not None and is_dead(int(match[1]), match[2])


def _in_use(what: str, note: str, hint: str) -> DataError:
    holder = note if note and note.isprintable() else "another run"
    return DataError(f"in use by {holder}", file=what, hint=hint)
