"""Patterns in FILES: ``runs/*/vasprun.xml@:`` stands for every file that matches."""

from __future__ import annotations

import os
import re
from glob import glob
from pathlib import Path

_MAGIC = re.compile(r"[*?\[]")
_OPTIONS = re.compile(r"(#\w+=[^@]*)?$")
_TAIL = re.compile(r"(@[^@/]*)?(#\w+=[^@]*)?$")


def matches(entry: str, folder: str | Path = ".") -> list[str]:
    """Return the entries that an entry of FILES stands for, sorted.

    ``*``, ``?`` and ``[...]`` match within a name, ``**`` any number of folders. Index and
    options behind a pattern go to each match. A file that is called like the pattern goes first.
    """
    if not _MAGIC.search(entry):
        return [entry]
    # The last @ may belong to the name: runs/*@300K.xyz.
    cuts = [entry[: end.start()] for end in (_OPTIONS.search(entry), _TAIL.search(entry)) if end]
    if any(os.path.exists(os.path.join(folder, path)) for path in (entry, *cuts)):
        return [entry]
    for path in cuts:
        names = glob(path, root_dir=folder, recursive=True)
        folders = "#format=" in entry or ",format=" in entry  # deepmd/npy is a folder
        found = sorted(n for n in names if folders or not os.path.isdir(os.path.join(folder, n)))
        if found:
            return [name + entry[len(path) :] for name in found]
    return [] if _MAGIC.search(cuts[-1]) else [entry]
