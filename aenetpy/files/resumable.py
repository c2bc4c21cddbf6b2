"""Files that grow while a run goes on, and are cut back to the length that the run remembers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

from aenetpy.files.files import writing_error


class GrowingFile:
    """A text file that is appended to."""

    def __init__(self, path: Path, sizes: dict[str, int], header: str = "") -> None:
        self._path, self._sizes = path, sizes
        self._key = "/".join(path.parts[-2:])
        try:
            self._file = path.open("ab")
            self._file.truncate(sizes.get(self._key, 0))
            self._file.seek(0, 2)
        except OSError as error:
            raise writing_error(path, error) from None
        if self._key not in sizes:
            self.write(header)

    def write(self, text: str) -> None:
        """Append a text."""
        try:
            self._file.write(text.encode())
        except OSError as error:
            raise writing_error(self._path, error) from None

    def flush(self) -> None:
        """Put everything on the disk, and remember how much it is."""
        try:
            self._file.flush()
        except OSError as error:
            raise writing_error(self._path, error) from None
        self._sizes[self._key] = self._file.tell()

    def __enter__(self) -> GrowingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.flush()
        finally:
            with suppress(OSError):  # on a full disk, which has been reported
                self._file.close()
