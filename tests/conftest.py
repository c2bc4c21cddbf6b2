"""Fixtures shared by all tests."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _kernel_cache() -> str:
    """Return a cache folder named after the kernels' sources.

    Numba does not notice when a function in another file changes, so that a
    cached caller would go on using the old one.
    """
    digest = hashlib.sha256()
    for path in sorted((ROOT / "aenetpy" / "kernels").glob("*.py")):
        digest.update(path.read_bytes())
    return str(Path(tempfile.gettempdir()) / f"aenetpy-kernels-{digest.hexdigest()[:16]}")


os.environ.setdefault("NUMBA_CACHE_DIR", _kernel_cache())


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the shared reference data (AENETPY_DATA, default ../shared/data)."""
    path = Path(os.environ.get("AENETPY_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"reference data not found at {path}; set AENETPY_DATA")
    return path


@pytest.fixture(scope="session")
def golden(data: Path) -> Path:
    """Folder of the inputs and outputs of the original aenet 2.0.4."""
    return data / "golden"
