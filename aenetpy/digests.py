"""Digests: a short name for the content of files, arrays and settings."""

from __future__ import annotations

import hashlib


def digest_of(*parts: bytes) -> str:
    """Return hexadecimal digits that are equal for equal bytes only, of all parts together."""
    content = hashlib.sha256()
    for part in parts:
        content.update(part)
    return content.hexdigest()
