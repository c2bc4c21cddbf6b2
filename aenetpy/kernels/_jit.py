"""The one decorator through which all numba kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba as nb

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile with aenetpy's policy, lazily, on the first call.

    IEEE arithmetic in the order written (no ``fastmath``), NumPy's error model
    (1/0 is inf), the interpreter lock released so that threads may share the
    work, and the machine code cached on disk. Where no directory can be
    written (read-only installation), it is compiled anew in each process.
    """
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    try:
        compiled = nb.njit(cache=True, **options)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        compiled = nb.njit(cache=False, **options)(function)
    return compiled
