"""Locks: who works in a folder, or writes a file, so that nobody else does meanwhile."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from aenetpy.errors import DataError
from aenetpy.io.files import is_passed_on, writing_error
from aenetpy.io.temporary import first_seen_in, is_at, remove_dead_temporaries, try_lock

FOLDER_LOCK = ".aenetpy.lock"

_NOTE = re.compile(r"\(pid (\d{1,9}) on (.+)\)$")

log = logging.getLogger("aenetpy")


@contextmanager
def locked_folder(folder: str | Path, command: str) -> Iterator[int]:
    """Keep a folder, which is made if it is missing, to ourselves.

    What runs that were killed have left there half written is removed.

    Parameters
    ----------
    folder
        The folder.
    command
        What others are told that we are.

    Yields
    ------
    int
        The file descriptor that holds the lock, for processes that are to share it.

    Raises
    ------
    DataError
        If another process holds the lock, or none can be written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise writing_error(folder, error) from None
    lock = os.path.join(folder, FOLDER_LOCK)
    with _locked(lock, os.path.abspath(folder), command, "use another folder") as descriptor:
        remove_dead_temporaries(folder)
        yield descriptor


@contextmanager
def locked_name(path: str | Path, command: str, other: str) -> Iterator[None]:
    """Keep the name of a file or folder to ourselves, as `locked_folder` does.

    Devices and FIFOs are everybody's.

    Parameters
    ----------
    path
        What is going to be written.
    command
        What others are told that we are.
    other
        What they can do instead, such as "name another file with OUTPUT".
    """
    if is_passed_on(path):
        yield
        return
    folder, name = os.path.split(os.path.realpath(path))
    with _locked(os.path.join(folder, f".{name}.lock"), str(path), command, other):
        yield


@contextmanager
def _locked(lock: str, what: str, command: str, other: str) -> Iterator[int]:
    """Hold a lock file, which tells who we are, and remove it in the end.

    The kernel lets go of the lock when its process ends, however that is: a file that is
    left is no lock. Where the file system knows no locks, the file itself is the lock.
    """
    now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    note = f"{command} since {now} (pid {os.getpid()} on {os.uname().nodename})\n"
    descriptor = None
    try:
        while descriptor is None:
            descriptor = _take(lock, what, other)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode(), 0)
        first_seen_in.cache_clear()  # a new run: what is left of others may have changed
    except OSError as error:
        readable = os.path.exists(lock) and descriptor is None
        if descriptor is not None:  # a full disk takes the file, and not a letter in it
            with suppress(OSError):
                os.unlink(lock)
            os.close(descriptor)
        raise writing_error(lock if readable else what, error) from None
    try:
        yield descriptor
    finally:
        with suppress(OSError):
            os.unlink(lock)
        os.close(descriptor)


def _take(lock: str, what: str, other: str) -> int | None:
    """Return the lock file, open and locked; None if it has changed hands meanwhile."""
    flags = os.O_RDWR | os.O_NOFOLLOW
    try:
        descriptor, is_new = os.open(lock, flags | os.O_CREAT | os.O_EXCL, 0o666), True
    except FileExistsError:
        try:
            descriptor, is_new = os.open(lock, flags), False
        except FileNotFoundError:
            return None
    taken = False
    try:
        answer = try_lock(descriptor)
        if answer is None and not is_new:
            note = _note_in(descriptor)
            if not _is_of_dead(note):
                raise _in_use(what, note, f"remove {lock} if that run is no more, or {other}")
            os.unlink(lock)
        elif answer is False:
            raise _in_use(what, _note_in(descriptor), f"wait for its end, or {other}")
        else:
            taken = is_at(descriptor, lock)  # whoever held it may have removed it
            if taken and not is_new:
                _warn_of_other_host(what, _note_in(descriptor))
    finally:
        if not taken:
            os.close(descriptor)
    return descriptor if taken else None


def _note_in(descriptor: int) -> str:
    """Return what the holder of a lock says about itself."""
    note = os.pread(descriptor, 300, 0).decode("utf-8", "replace").strip()
    return note if note and note.isprintable() else "another run"


def _warn_of_other_host(what: str, note: str) -> None:
    """Tell of a lock that another computer has left, as some file systems show it to be free."""
    match = _NOTE.search(note)
    if match is not None and match[2] != os.uname().nodename:
        log.warning("%s: was in use by %s; taken to have ended", what, note)


def _is_of_dead(note: str) -> bool:
    """Return whether a process of this computer has written a note and is no more."""
    match = _NOTE.search(note)
    if match is None or match[2] != os.uname().nodename:
        return False
    try:
        os.kill(int(match[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's
        pass
    return False


def _in_use(what: str, note: str, hint: str) -> DataError:
    return DataError(f"in use by {note}", file=what, hint=hint)
