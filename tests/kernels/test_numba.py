"""What is needed of numba is tried when kernels are first imported, and can be done without."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from numba.core import environment
from numba.core.caching import FunctionCache

from aenetpy.errors import NumericalError
from aenetpy.kernels._numba import TESTED, check_numba
from tests.conftest import ROOT

HINT = re.escape(f"pip install '{TESTED}'")


def test_a_private_function_that_is_gone(monkeypatch):
    monkeypatch.delattr(environment, "_rebuild_env")
    with pytest.raises(
        NumericalError, match=rf"_rebuild_env is not as expected in version \d.*{HINT}"
    ):
        check_numba()


def test_a_private_function_with_other_arguments(monkeypatch):
    monkeypatch.setattr(FunctionCache, "_load_overload", lambda self, sig, target, more: None)
    with pytest.raises(NumericalError, match=rf"_load_overload is not as expected.*{HINT}"):
        check_numba()


STRUCTURE = str(ROOT / "tests" / "data" / "reference" / "rutile-01.xsf")
COMMAND = ["fingerprint", STRUCTURE, "8.0", "4", "6.5", "2", "Ti", "O"]


def in_a_process(before: str = "pass", **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; {before}; from aenetpy.cli.main import run; sys.exit(run({COMMAND}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("import numba.core.caching as c; del c.IndexDataCacheFile", "'IndexDataCacheFile'"),
        ("sys.modules['numba'] = None", "numba"),
    ],
)
def test_a_command_says_what_to_install(spoil, reason):
    done = in_a_process(spoil)
    assert done.returncode == NumericalError.exit_code
    (line,) = done.stderr.splitlines()
    assert reason in line
    assert re.search(HINT, line)


def test_the_known_versions_are_those_of_the_package():
    assert f'"{TESTED}"' in (ROOT / "pyproject.toml").read_text()


def test_kernels_that_are_not_compiled_give_the_same():
    compiled, python = in_a_process(), in_a_process(NUMBA_DISABLE_JIT="1")
    assert python.returncode == 0, python.stderr
    assert python.stdout == compiled.stdout
    assert len(python.stdout.split()) == 1 + 2 * (5 + 3)
