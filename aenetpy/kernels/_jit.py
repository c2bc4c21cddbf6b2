"""The one decorator through which all numba kernels are compiled."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba as nb
from numba.core.caching import FunctionCache

from aenetpy.interruption import check

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile with aenetpy's policy, lazily, on the first call.

    IEEE arithmetic in the order written (no ``fastmath``), NumPy's error model
    (1/0 is inf), the interpreter lock released so that threads may share the
    work, and the machine code cached on disk. Where no directory can be
    written (read-only installation), it is compiled anew in each process.
    """
    compiled: Any = nb.njit(error_model="numpy", nogil=True)(function)
    try:
        compiled._cache = _KernelCache(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
    return compiled


def _sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _sources()


class _KernelCache(FunctionCache):
    """Machine code on disk: never stale, and never a reason to fail.

    Numba itself notices when the file of a function has changed, but not those of
    the functions that it calls; and it stops the program where the disk is full.
    """

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), _SOURCES)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        check()  # Numba asks for each kernel before it compiles, which takes seconds
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            return super().load_overload(sig, target_context)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            super().save_overload(sig, data)
