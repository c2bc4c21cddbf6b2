"""Compressed files, known by their suffix as ASE knows them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def opener_of(path: str | Path) -> Any:
    """Return the function that opens a compressed file; None for other files."""
    match os.path.splitext(path)[1].lower():
        case ".gz":
            import gzip

            return gzip.open
        case ".bz2":
            import bz2

            return bz2.open
        case ".xz":
            import lzma

            return lzma.open
    return None
