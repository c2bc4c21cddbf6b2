"""Which input file is this? Told from its keywords, when it was given to another command."""

from __future__ import annotations

import re
from pathlib import Path

from aenetpy.errors import InputError

_KEYWORDS: dict[str, tuple[str, ...]] = {
    "generate.in": (r"^[ \t]*TYPES\b", r"^[ \t]*SETUPS\b"),
    "train.in": (r"^[ \t]*TRAININGSET\b",),
    "predict.in": (r"^[ \t]*TYPES\b", r"^[ \t]*NETWORKS\b"),
    ".stp": (r"^[ \t]*ATOM\b", r"^[ \t]*ENV\b"),
    "study.yaml": (r"^variants[ \t]*:",),
    "learn.yaml": (r"^explore[ \t]*:",),
    "md.json": (r"^\s*\{", r'"potentials"[ \t]*:'),
}
"""Regular expressions that all match an input file of the kind."""

_REMEDIES = {".stp": "name it in SETUPS of a generate.in"}


def refuse_other_kind(path: str | Path, text: str, wanted: str) -> None:
    """Raise InputError if a text is another input file than the wanted kind."""
    kinds = [
        kind
        for kind, keywords in _KEYWORDS.items()
        if all(re.search(word, text, re.IGNORECASE | re.MULTILINE) for word in keywords)
    ]
    if kinds and wanted not in kinds:
        kind = kinds[0]
        remedy = _REMEDIES.get(kind, f"'aenetpy {kind.partition('.')[0]}' reads it")
        raise InputError(f"this is a {kind}, not a {wanted}", file=path, hint=remedy)
