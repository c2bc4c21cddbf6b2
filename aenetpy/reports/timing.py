"""The files ``generate.time``, ``train.time`` and ``predict.time`` of the keyword TIMING."""

from __future__ import annotations

import time

from aenetpy.files.files import write_text


class Timing:
    """Milestones of a run and the seconds when they were reached (spec 10.2)."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._start = time.perf_counter()
        self._lines: list[str] = []

    def milestone(self, text: str) -> None:
        """Note that ``text`` is done."""
        self._lines.append(f" {time.perf_counter() - self._start:10.2f} s     {text}\n")

    def write(self) -> None:
        """Write the file, if TIMING asked for one."""
        if self._path is not None:
            write_text(self._path, "".join(self._lines))
