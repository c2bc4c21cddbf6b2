"""The policy of the decorator: machine code is kept, never stale, and may be lost."""

from __future__ import annotations

import errno
import logging
import os
import random
import subprocess
import sys

import pytest
from numba import config
from numba.core.caching import FunctionCache

from aenetpy.kernels import _jit
from aenetpy.kernels._jit import kernel
from aenetpy.kernels._numba import COMPILES
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not COMPILES, reason="there is no machine code to keep")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))


def double(x):
    return 2.0 * x


def found_in_cache() -> bool:
    compiled = kernel(double)
    assert compiled(1.5) == 3.0
    return bool(compiled.stats.cache_hits)


def test_code_is_kept_until_any_kernel_changes(monkeypatch):
    assert not found_in_cache()
    assert found_in_cache()
    monkeypatch.setattr(_jit, "_SOURCES", "others")
    assert not found_in_cache()


def test_the_sources_of_all_kernels_count(monkeypatch, tmp_path):
    monkeypatch.setattr(_jit, "__file__", str(tmp_path / "_jit.py"))
    (tmp_path / "one.py").write_text("1")
    before = _jit._sources()
    (tmp_path / "other.py").write_text("2")
    assert _jit._sources() != before


REASONS = [OSError(errno.ENOSPC, "No space left"), EOFError(), ImportError(), MemoryError()]


@pytest.mark.parametrize("reason", REASONS)
def test_a_cache_that_cannot_be_loaded_does_no_harm(reason, monkeypatch):
    def fail(*_):
        raise reason

    assert not found_in_cache()
    monkeypatch.setattr(FunctionCache, "_load_overload", fail)
    assert not found_in_cache()


def test_a_cache_that_cannot_be_saved_does_no_harm(monkeypatch):
    def fail(*_):
        raise REASONS[0]

    monkeypatch.setattr(FunctionCache, "_save_overload", fail)
    assert not found_in_cache()
    assert not found_in_cache()


def flipped(content: bytes, place: float) -> bytes:
    damaged = bytearray(content)
    damaged[int(place * (len(content) - 1))] ^= 1 << int(place * 8) % 8
    return bytes(damaged)


DAMAGES = {
    "empty": (".nbi", lambda content: b""),
    "zeros": (".nbc", lambda content: bytes(len(content))),
    "random": (".nbi", lambda content: random.Random(1).randbytes(len(content))),
    "longer": (".nbc", lambda content: content + b"\0"),
    "without its checksum": (".nbi", lambda content: content[:-32]),
    "cut": (".nbc", lambda content: content[: len(content) * 3 // 7]),
    "flipped first": (".nbi", lambda content: flipped(content, 0.0)),
    "flipped within": (".nbc", lambda content: flipped(content, 5 / 9)),
}


@pytest.mark.parametrize(("suffix", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_noticed_and_mended(suffix, damage, tmp_path, caplog):
    caplog.set_level(logging.INFO, "aenetpy")
    assert not found_in_cache()
    (path,) = tmp_path.rglob(f"*{suffix}")
    path.write_bytes(damage(path.read_bytes()))
    assert not found_in_cache()
    told = f"{path.parent}: damaged machine code is removed, and compiled anew"
    assert caplog.messages == [told]
    assert found_in_cache()


def test_what_cannot_be_removed_or_read_does_no_harm(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "aenetpy")
    assert not found_in_cache()
    (path,) = tmp_path.rglob("*.nbc")
    path.unlink()
    path.mkdir()
    assert not found_in_cache()
    assert "cannot be read" in caplog.text
    path.rmdir()
    path.write_bytes(b"damaged")
    monkeypatch.setattr(os, "unlink", unlink_is_forbidden)
    assert not found_in_cache()
    assert found_in_cache()  # replaced, since the folder can be written


def unlink_is_forbidden(path):
    raise PermissionError(errno.EPERM, "Operation not permitted", path)


def test_code_of_another_signature_is_not_taken(tmp_path):
    """Two processes that start from an empty cache may write to one name."""
    compiled = kernel(double)
    assert compiled(1.5) == 3.0
    assert compiled(2) == 4.0
    one, two = sorted(tmp_path.rglob("*.nbc"))
    two.write_bytes(one.read_bytes())
    again = kernel(double)
    assert again(2) == 4.0
    assert again(1.5) == 3.0
    assert sum(again.stats.cache_hits.values()) == 1


KERNELS = """
import sys
import numpy as np
from aenetpy.kernels._jit import kernel

@kernel
def total(n):
    return np.ones(n).sum()

@kernel
def twice(n):
    return 2.0 * total(n)

def compiler_is_there():
    return "numba.np.arrayobj" in sys.modules
"""

CALLS = {
    "compiled": "total(3) == 3.0 and compiler_is_there()",
    "stored": "total(3) == 3.0 and not compiler_is_there()",
    "compiled into another": "total(3) == 3.0 and twice(3) == 6.0 and compiler_is_there()",
    "stored as part of another": "twice(3) == 6.0 and not compiler_is_there()",
}


def run_with_kernels(folder, code):
    return subprocess.run(
        [sys.executable, "-c", f"from kernels import *; {code}"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
            "NUMBA_CACHE_DIR": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_stored_code_runs_without_all_that_compiles(tmp_path):
    """Half of SciPy is imported for compilation, which takes as long as importing numba."""
    (tmp_path / "kernels.py").write_text(KERNELS)
    for when, call in CALLS.items():
        done = run_with_kernels(tmp_path, f"assert {call}")
        assert done.returncode == 0, f"{when}: {done.stderr}"
    done = run_with_kernels(tmp_path, "total(-1)")
    assert "ValueError: negative dimensions" in done.stderr


def test_without_a_place_for_the_cache(monkeypatch):
    monkeypatch.setattr(FunctionCache._impl_class, "_locator_classes", [])
    assert not found_in_cache()
    assert not found_in_cache()


def test_other_errors_of_numba_are_not_hidden(monkeypatch):
    def fail(*_):
        raise RuntimeError("out of ideas")

    monkeypatch.setattr(FunctionCache, "__init__", fail)
    with pytest.raises(RuntimeError, match="out of ideas"):
        kernel(double)
