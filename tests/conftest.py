"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
