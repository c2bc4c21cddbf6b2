"""Files as a whole: read with one-line errors, replaced only when complete.

A file is written under a hidden name beside its own, ``.NAME.PID@HOST.xxxx.tmp``, and is renamed at
the end. The next run that locks a name in the folder, or the folder, removes the hidden files
of killed runs.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from aenetpy.errors import DataError
from aenetpy.interruption import waiting

Opener = Callable[[str | Path], AbstractContextManager[BinaryIO]]
"""A function that opens a file for writing, as `replace_file` does."""

_TEMPORARY = re.compile(r"\..+\.(\d+)@([^@]+)\.[0-9a-f]{4}\.tmp", re.DOTALL)


def within(folder: str | Path, path: str) -> str:
    """Return a path of a run in a folder as seen from the current folder."""
    return path if os.fspath(folder) == "." else os.path.join(folder, path)


def reading_error(path: str | Path, error: OSError) -> DataError:
    """Return the one-line error for a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError("file not found", file=path, hint="check the name and the folder")
    if isinstance(error, IsADirectoryError):
        return DataError("is a folder, not a file", file=path, hint="name a file")
    return DataError(f"cannot be read ({error.strerror or error})", file=path)


def writing_error(path: str | Path, error: OSError) -> DataError:
    """Return the one-line error for a file that cannot be written."""
    return DataError(
        f"cannot be written ({error.strerror})",
        file=path,
        hint="nothing was changed; check the folder, its permissions and the disk",
    )


def read_bytes(path: str | Path, size: int = -1) -> bytes:
    """Return the content of a file, or its first bytes; DataError if it cannot be read."""
    try:
        with waiting(), open(path, "rb") as file:
            return file.read(size)
    except OSError as error:
        raise reading_error(path, error) from None


def read_text(path: str | Path) -> str:
    """Return a text file; bytes that are not UTF-8 become surrogate escapes."""
    return read_bytes(path).decode("utf-8", "surrogateescape")


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file at once, see `replace_file`."""
    with replace_file(path) as file:
        file.write(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) at once, see `replace_file`."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def is_device(path: str | Path) -> bool:
    """Return whether a name leads to a device, a pipe or an open file such as ``/dev/stdout``."""
    if os.path.abspath(path).startswith(("/dev/", "/proc/")):
        return True
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def check_new(path: str | Path, hint: str = "remove it, or name another file") -> None:
    """Refuse to write a result in place of another file; DataError if there is one."""
    if os.path.isdir(path):
        raise DataError("is a folder", file=path, hint="name a file")
    if os.path.exists(path) and not is_device(path):
        raise DataError("exists already", file=path, hint=hint)


@contextmanager
def replace_file(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name and rename it when it is complete.

    A symbolic link is followed, and the mode of the file is kept. After any exception nothing new
    is left behind, and an existing file stays as it was. A device or a pipe takes the complete
    content. DataError if the file cannot be written.
    """
    if is_device(path):
        content = io.BytesIO()
        yield content
        try:
            with waiting(), open(path, "ab", buffering=0) as device:
                device.write(content.getbuffer())
        except BrokenPipeError:
            raise
        except OSError as error:
            raise writing_error(path, error) from None
        return
    with temporary_file(path) as (file, name):
        yield file
        file.close()  # when a full disk is noticed at the latest
        os.replace(name, os.path.realpath(path))


@contextmanager
def temporary_file(path: str | Path) -> Iterator[tuple[BinaryIO, str]]:
    """Open a file beside the one that it is to become; remove it if it was not renamed."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    if os.path.exists(target) and not os.access(target, os.W_OK):  # renaming would replace it
        raise DataError(
            "cannot be written (it is read-only)", file=path, hint="nothing was changed"
        )
    hidden = os.path.join(folder, f".{name}.{_us()}.{secrets.token_hex(2)}.tmp")
    try:
        file = io.BufferedWriter(NamedFile(hidden, "xb"), 1 << 16)
        with suppress(OSError):
            old = os.stat(target)
            os.chmod(hidden, stat.S_IMODE(old.st_mode))
            os.chown(hidden, old.st_uid, old.st_gid)
        with file:
            yield file, hidden
    except OSError as error:
        raise writing_error(path, error) if error.filename == hidden else error from None
    finally:
        with suppress(OSError):
            os.unlink(hidden)


class NamedFile(io.FileIO):
    """A file whose failed writes name it, as a failed open does."""

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        """Write, and name the file if that fails."""
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.name
            raise


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove the half-written files of dead runs from a folder."""
    for name in os.listdir(folder or "."):
        found = _TEMPORARY.fullmatch(name)
        if found and is_dead(int(found[1]), found[2]):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))


def is_dead(process: int, computer: str) -> bool:
    """Return whether a process has ended; False for processes of other computers."""
    if computer != os.uname().nodename:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # a process of another user
        pass
    return False


def _us() -> str:
    return f"{os.getpid()}@{os.uname().nodename}"
