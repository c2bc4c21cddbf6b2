"""The policy of the decorator: machine code is kept, never stale, and may be lost."""

from __future__ import annotations

import errno

import pytest
from numba import config
from numba.core.caching import FunctionCache

from aenetpy.kernels import _jit
from aenetpy.kernels._jit import kernel


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


@pytest.mark.parametrize("reason", [OSError(errno.ENOSPC, "No space left"), EOFError()])
@pytest.mark.parametrize("method", ["_load_overload", "_save_overload"])
def test_a_cache_that_fails_does_no_harm(method, reason, monkeypatch):
    def fail(*_):
        raise reason

    monkeypatch.setattr(FunctionCache, method, fail)
    assert not found_in_cache()
    assert not found_in_cache()


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
