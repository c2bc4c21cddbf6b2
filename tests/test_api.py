"""The public names: all there, and none imported before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import aenetpy
from tests.conftest import ROOT

HEAVY = {"numba", "scipy", "ase", "matplotlib", "numpy"}


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_nothing_heavy():
    assert run(f"import sys, aenetpy; print({HEAVY!r} & set(sys.modules))") == "set()\n"


@pytest.mark.parametrize("name", aenetpy.__all__)
def test_every_public_name_is_there(name):
    assert callable(getattr(aenetpy, name))
    assert name in dir(aenetpy)
    assert getattr(aenetpy, name).__doc__


def test_fingerprints_stays_callable_whatever_is_imported_first():
    call = "assert callable(aenetpy.fingerprints)"
    run(f"import aenetpy; {call}; import aenetpy.descriptors.base; {call}")
    run(f"import aenetpy.descriptors.base, aenetpy; {call}")
    run("from aenetpy import fingerprints; assert callable(fingerprints)")


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'calculator'"):
        _ = aenetpy.calculator
