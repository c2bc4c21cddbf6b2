"""An entry of FILES: a path or a pattern, ``@index``, and options such as ``#units=``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

from aenetpy.errors import DataError

QUANTITIES = ("energy", "forces", "stress")
OPTIONS = ("units", "format", *QUANTITIES)

INDEX = re.compile(r"-?\d{1,18}")
SLICE = re.compile(r"(-?\d{0,18}):(-?\d{0,18})(?::(\d{0,18}))?")
_OPTIONS = re.compile(r"#\w+=[^@]*")
_MAGIC = re.compile(r"[*?\[]")
_ENDS = (re.compile(r"(#\w+=[^@]*)?$"), re.compile(r"(@[^@/]*)?(#\w+=[^@]*)?$"))
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
        """The units that ``#units=`` names."""
        return self.options.get("units")

    @property
    def format(self) -> str | None:
        """The format that ``#format=`` names."""
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


def matches(entry: str, folder: str | Path = ".") -> list[str]:
    """Return the entries that an entry of FILES stands for, sorted.

    ``*``, ``?`` and ``[...]`` match within a name, ``**`` any number of folders. Index and
    options behind a pattern go to each match. A file that is called like the pattern goes first.
    """
    if not _MAGIC.search(entry):
        return [entry]
    # The last @ may belong to the name: runs/*@300K.xyz.
    cuts = [entry[: end.start()] for pattern in _ENDS if (end := pattern.search(entry))]
    if any(os.path.exists(os.path.join(folder, path)) for path in (entry, *cuts)):
        return [entry]
    for path in cuts:
        names = glob(path, root_dir=folder, recursive=True)
        folders = "#format=" in entry or ",format=" in entry  # deepmd/npy is a folder
        found = sorted(n for n in names if folders or not os.path.isdir(os.path.join(folder, n)))
        if found:
            return [name + entry[len(path) :] for name in found]
    return [] if _MAGIC.search(cuts[-1]) else [entry]
