"""Temporary files: locked while they are written, so that those of dead runs are known."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import secrets
import stat
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems without locks answer."""

_BUFFER = 1 << 16
"""Bytes; a structure of a training set takes more than Python's default of 8 kB."""


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file for as long as it is open; None where the file system has no locks.

    Raises
    ------
    OSError
        For any other reason than a lock of somebody else, which gives False.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        if error.errno in NO_LOCKS:
            return None
        raise
    return True


def is_at(descriptor: int, path: str) -> bool:
    """Return whether an open file still has this name: another process may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


class NamedFile(io.FileIO):
    """A file whose failed writes name it, as a failed open does."""

    def __init__(self, descriptor: int, mode: str, path: str) -> None:
        super().__init__(descriptor, mode)
        self._path = path

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        """Write, and name the file if that fails."""
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self._path
            raise


class Temporary:
    """A file in the making, under a hidden name in the folder where it is to appear.

    It is locked as long as it is used, so that one that nobody has locked is known to be
    left by a run that was killed. It has the mode, and if possible the owner, of the file
    that it is going to replace.

    Parameters
    ----------
    target
        Where it is to appear; no symbolic link.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        folder, name = os.path.split(target)
        while True:
            self.path = os.path.join(folder, f".{name}.{this_computer()}{secrets.token_hex(2)}.tmp")
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            # Before it is locked, another run may take it for a left-over and remove it.
            if try_lock(descriptor) is not False and is_at(descriptor, self.path):
                break
            os.close(descriptor)
        _make_alike(descriptor, target)
        self._lock = os.dup(descriptor)
        stream = NamedFile(descriptor, "wb", self.path)
        self.file: BinaryIO = io.BufferedWriter(stream, _BUFFER)

    def complete(self) -> None:
        """Close the file, which is when a full disk is noticed at the latest."""
        self.file.close()

    def remove(self) -> None:
        """Remove the file, if it was not renamed, and its lock."""
        with suppress(OSError):
            self.file.close()
        with suppress(OSError):
            os.unlink(self.path)
        os.close(self._lock)


def _make_alike(descriptor: int, target: str) -> None:
    """Give a file mode and owner of another, as far as the file system and our rights allow."""
    try:
        old = os.stat(target)
    except OSError:
        return
    with suppress(OSError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    with suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


@cache
def this_computer() -> str:
    """Return four letters for this computer."""
    return f"{zlib.crc32(os.uname().nodename.encode()) & 0xFFFF:04x}"


def temporaries_in(folder: str) -> dict[str, list[str]]:
    """Return the temporary files in a folder by the name of the file that they were to become.

    Those of other computers are left out: their locks may not be seen from here.
    """
    found: dict[str, list[str]] = {}
    with suppress(OSError):
        for name in os.listdir(folder):
            if match := re.fullmatch(
                rf"\.(.+)\.{this_computer()}[0-9a-f]{{4}}\.tmp", name, re.DOTALL
            ):
                found.setdefault(match[1], []).append(os.path.join(folder, name))
    return found


first_seen_in = cache(temporaries_in)
"""As `temporaries_in`, but looked up once per run: training replaces files in every epoch."""


def dead_temporaries(
    target: str, look: Callable[[str], dict[str, list[str]]] = temporaries_in
) -> list[str]:
    """Return the temporary files of a target that were left by runs that were killed."""
    folder, name = os.path.split(target)
    return [path for path in look(folder).get(name, ()) if _is_dead(path)]


def remove_dead_temporaries(folder: str | os.PathLike[str]) -> None:
    """Remove all temporary files in a folder that were left by runs that were killed.

    But for those that have appeared under a second name: they tell `new_files` what is half a set.
    """
    for paths in temporaries_in(os.fspath(folder)).values():
        for path in paths:
            with suppress(OSError):
                if os.stat(path).st_nlink == 1 and _is_dead(path):
                    os.unlink(path)


def _is_dead(path: str) -> bool:
    """Return whether nobody has locked a file; where there are no locks nobody knows."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return try_lock(descriptor) is True
    except OSError:
        return False
    finally:
        os.close(descriptor)
