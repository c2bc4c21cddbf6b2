"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def signals_as_in_a_terminal() -> Iterator[None]:
    """Undo what a background job inherits: shells make it ignore Ctrl-C, nohup SIGHUP."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    ignored = [number for number in usual if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, usual[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let names that are not UTF-8 pass in the reports of pytest-xdist."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "replace").decode()) for name, text in report.sections
    ]
    return report


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
