"""JSON files of our own that carry the digest of their content, so that any damage is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aenetpy.digests import digest_of
from aenetpy.errors import DataError
from aenetpy.files.files import read_bytes, write_text


def write_sealed(path: str | Path, content: Mapping[str, Any], indent: int | None = None) -> None:
    """Write an object with its digest, complete or not at all."""
    write_text(path, json.dumps({**content, "seal": _seal(content)}, indent=indent) + "\n")


def read_sealed(path: str | Path, form: str, hint: str) -> dict[str, Any]:
    """Return the object that `write_sealed` wrote, whose key ``format`` is ``form``."""
    try:
        content: dict[str, Any] = json.loads(read_bytes(path))
        is_whole = content.pop("seal") == _seal(content) and content.pop("format") == form
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        is_whole = False
    if not is_whole:
        raise DataError(
            "is damaged, or not a file that this version of aenetpy wrote",
            file=path,
            hint=hint,
        )
    return content


def _seal(content: Mapping[str, Any]) -> str:
    return digest_of(json.dumps(content).encode())
