"""Files as a whole: read with one-line errors, replaced only when complete."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from aenetpy.errors import DataError
from aenetpy.interruption import waiting


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


class _NamedFile(io.FileIO):
    """A file whose failed writes name it, as a failed open does."""

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.name
            raise


@contextmanager
def replace_file(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name and rename it when it is complete.

    Parameters
    ----------
    path
        The file to make or replace; a symbolic link is followed.

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
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
    if os.path.exists(target) and not os.access(target, os.W_OK):
        # Renaming would replace a file that its owner has protected.
        raise DataError(
            "cannot be written (it is read-only)", file=path, hint="nothing was changed"
        )
    try:
        with io.BufferedWriter(_NamedFile(temporary, "xb")) as file:
            yield file
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename == temporary:
            raise writing_error(path, error) from None
        raise


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
