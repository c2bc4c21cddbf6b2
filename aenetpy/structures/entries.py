"""An entry of FILES: a path, ``@index``, and options such as ``#units=`` and ``#energy=``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from aenetpy.errors import DataError
from aenetpy.structures.labels import QUANTITIES

OPTIONS = ("units", "format", *QUANTITIES)

INDEX = re.compile(r"-?\d{1,18}")
SLICE = re.compile(r"(-?\d{0,18}):(-?\d{0,18})(?::(\d{0,18}))?")
_OPTIONS = re.compile(r"#\w+=[^@]*")
_OPTION = re.compile(r"(?:^|[,#])\s*(\w+)\s*=")


@dataclass(frozen=True)
class Entry:
    """The parts of an entry."""

    text: str
    path: str
    index: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    tail: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The names that the entry chooses for energy, forces and stress."""
        return {key: value for key, value in self.options.items() if key in QUANTITIES}

    @property
    def units(self) -> str | None:
        """What ``#units=`` says."""
        return self.options.get("units")

    @property
    def format(self) -> str | None:
        """What ``#format=`` says."""
        return self.options.get("format")


def parse_entry(text: str) -> Entry:
    """Return the parts of an entry; DataError names an unknown option."""
    bare, tail = split_options(text)
    path, index = split_index(bare)
    words = _OPTION.split(tail.lstrip("#"))[1:]
    options = {
        key.lower(): value.strip() for key, value in zip(words[::2], words[1::2], strict=True)
    }
    for key in options:
        if key not in OPTIONS or not options[key]:
            raise DataError(
                f"'#{key}={options[key]}' is no option of a file",
                file=path,
                hint="options are " + ", ".join(f"#{option}=" for option in OPTIONS),
            )
    return Entry(text, path, index, options, tail)


def split_options(entry: str) -> tuple[str, str]:
    """Return an entry without options, and the options with their ``#``, or nothing."""
    match = _OPTIONS.search(entry)
    if match is None or os.path.exists(entry):
        return entry, ""
    return (entry[: match.start()] + entry[match.end() :]).strip(), match[0].rstrip()


def split_index(entry: str) -> tuple[str, str | None]:
    """Return the path of an entry, and the text behind its ``@``; None if nothing is there."""
    path, at, index = entry.rpartition("@")
    if not at or not path or os.path.exists(entry):
        return entry, None
    return (path, index) if is_index(index) or os.path.exists(path) else (entry, None)


def is_index(text: str) -> bool:
    """Return whether a text is a number or a slice."""
    return bool(INDEX.fullmatch(text) or SLICE.fullmatch(text))
