"""Files as a whole: read with one-line errors, replaced only when complete."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from aenetpy.errors import DataError

Opener = Callable[[str | Path], AbstractContextManager[BinaryIO]]
"""What opens a file for writing, as `replace_file` does."""

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems without locks answer."""


def reading_error(path: str | Path, error: OSError) -> DataError:
    """Return the one-line error for a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError("file not found", file=path, hint="check the name and the folder")
    if isinstance(error, IsADirectoryError):
        return DataError("is a folder, not a file", file=path, hint="name a file")
    return DataError(f"cannot be read ({error.strerror or error})", file=path)


def read_bytes(path: str | Path, size: int = -1) -> bytes:
    """Return the content of a file, or its first bytes; DataError if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise reading_error(path, error) from None


def writing_error(path: str | Path, error: OSError) -> DataError:
    """Return the one-line error for a file that cannot be written."""
    return DataError(
        f"cannot be written ({error.strerror})",
        file=path,
        hint="nothing was changed; check the folder, its permissions and the disk",
    )


def is_passed_on(path: str | Path) -> bool:
    """Return whether a name leads to a device, a FIFO or an open file such as ``/dev/stdout``.

    What is written there is passed on to whoever reads it; there is no file to replace.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return True
    link = os.path.abspath(path)
    while not os.path.realpath(os.path.dirname(link)).startswith("/proc/"):
        if not os.path.islink(link):
            return False
        link = os.path.join(os.path.dirname(link), os.readlink(link))
    return True


def exists_already(path: str | Path, hint: str) -> DataError:
    """Return the one-line error for a result that would replace another."""
    return DataError("exists already", file=path, hint=hint)


def check_new(path: str | Path, hint: str = "remove it, or name another file") -> None:
    """Refuse to write a result in place of another file; devices and FIFOs take anything.

    Raises
    ------
    DataError
        If there is a file or a folder of that name.
    """
    check_no_folder(path)
    if os.path.exists(path) and not is_passed_on(path):
        raise exists_already(path, hint)


def check_no_folder(path: str | Path) -> None:
    """Refuse a folder where a file is to be written.

    Raises
    ------
    DataError
        If it is one.
    """
    if os.path.isdir(path):
        raise DataError("is a folder", file=path, hint="name a file")


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


class _NamedFile(io.FileIO):
    """A file whose failed writes name it, as a failed open does."""

    def __init__(self, descriptor: int, mode: str, path: str) -> None:
        super().__init__(descriptor, mode)
        self._path = path

    def write(self, data: Any) -> int | None:  # type: ignore[override]
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
            self.path = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            # Before it is locked, another run may take it for a left-over and remove it.
            if try_lock(descriptor) is not False and is_at(descriptor, self.path):
                break
            os.close(descriptor)
        _make_alike(descriptor, target)
        self._lock = os.dup(descriptor)
        self.file: BinaryIO = io.BufferedWriter(_NamedFile(descriptor, "wb", self.path))

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


def temporaries_in(folder: str) -> dict[str, list[str]]:
    """Return the temporary files in a folder by the name of the file that they were to become."""
    found: dict[str, list[str]] = {}
    with suppress(OSError):
        for name in os.listdir(folder):
            if match := re.fullmatch(r"\.(.+)\.[0-9a-f]{8}\.tmp", name, re.DOTALL):
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


@contextmanager
def replace_file(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name and rename it when it is complete.

    What a killed run has left of the same file is removed. Where the name leads to a device
    or a FIFO, the complete content is written there.

    Parameters
    ----------
    path
        The file to make or replace; a symbolic link is followed. Its mode is kept.

    Yields
    ------
    BinaryIO
        Open for writing (and seeking) on a hidden name in the same folder.

    Raises
    ------
    DataError
        The file cannot be written: no permission, no folder, disk full. Then
        and after any other exception nothing new is left behind and an
        existing file stays as it was.
    """
    if is_passed_on(path):
        with _passed_on(path) as file:
            yield file
        return
    with open_temporary(path) as temporary:
        yield temporary.file
        temporary.complete()
        os.replace(temporary.path, temporary.target)


@contextmanager
def open_temporary(path: str | Path) -> Iterator[Temporary]:
    """Open the temporary file of a file, and remove it at the end if it was not renamed.

    Raises
    ------
    DataError
        As `replace_file`.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.access(target, os.W_OK):
        # Renaming would replace a file that its owner has protected.
        raise DataError(
            "cannot be written (it is read-only)", file=path, hint="nothing was changed"
        )
    for left in dead_temporaries(target, first_seen_in):
        with suppress(OSError):
            os.unlink(left)
    try:
        temporary = Temporary(target)
    except OSError as error:
        raise writing_error(path, error) from None
    try:
        yield temporary
    except OSError as error:
        if error.filename == temporary.path:
            raise writing_error(path, error) from None
        raise
    finally:
        temporary.remove()


@contextmanager
def _passed_on(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file elsewhere, where writers can seek, and copy it when it is complete."""
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)
    file = io.BufferedRandom(_NamedFile(descriptor, "r+b", name))
    try:
        yield file
        file.seek(0)
        # Appended, for an open file holds what others have written there before.
        stream = _NamedFile(os.open(path, os.O_WRONLY | os.O_APPEND), "wb", str(path))
        with io.BufferedWriter(stream) as passed_on:
            shutil.copyfileobj(file, passed_on, 1 << 20)
    except OSError as error:
        if error.filename in (name, str(path)) and not isinstance(error, BrokenPipeError):
            raise writing_error(error.filename, error) from None
        raise
    finally:
        with suppress(OSError):
            file.close()


def read_text(path: str | Path) -> str:
    """Return a text file; bytes that are not UTF-8 become surrogate escapes."""
    return read_bytes(path).decode("utf-8", "surrogateescape")


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file at once, see ``replace_file``."""
    with replace_file(path) as file:
        file.write(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) at once, see ``replace_file``."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))
