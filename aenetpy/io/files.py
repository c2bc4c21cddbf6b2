"""Files as a whole: read with one-line errors, replaced only when complete."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from aenetpy.errors import DataError
from aenetpy.interruption import waiting
from aenetpy.io.temporary import NamedFile, Temporary, dead_temporaries, first_seen_in

Opener = Callable[[str | Path], AbstractContextManager[BinaryIO]]
"""What opens a file for writing, as `replace_file` does."""


def within(folder: str | Path, path: str) -> str:
    """Return a path of a run as seen from here; that of a run here stays as it is."""
    return path if os.fspath(folder) == "." else os.path.join(folder, path)


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
        with waiting(), Path(path).open("rb") as file:
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
    file = io.BufferedRandom(NamedFile(descriptor, "r+b", name))
    try:
        yield file
        file.seek(0)
        # Appended, for an open file holds what others have written there before.
        with waiting():  # for somebody who reads from a FIFO
            stream = NamedFile(os.open(path, os.O_WRONLY | os.O_APPEND), "wb", str(path))
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
