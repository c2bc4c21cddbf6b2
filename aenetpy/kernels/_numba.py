"""What kernels take from numba, much of it private: tried when the kernels are first imported.

Another numba would fail later, or never keep machine code, so that every command compiles anew.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from inspect import signature as declared

from aenetpy.errors import NumericalError

TESTED = "numba>=0.60,<0.69"
"""As in pyproject.toml."""


def unknown_numba(reason: object) -> NumericalError:
    """Return the error that names the package to install."""
    return NumericalError(
        f"numba cannot compile the kernels ({reason})", hint=f"pip install '{TESTED}'"
    )


# CPython maps and unmaps 16 kB of memory at each call that crosses the end of a chunk of its stack.
# Deep in a chain of imports the loops of numba may do so thousands of times, which takes 0.1 s; the
# stack of a new thread is empty. An error of this import is raised by the one below.
with ThreadPoolExecutor(1) as pool:
    pool.submit(import_module, "numba")

try:
    from llvmlite import ir as ir
    from numba import __version__, config
    from numba import njit as njit
    from numba.core import cgutils as cgutils
    from numba.core import environment as environment
    from numba.core import types as types
    from numba.core.caching import FunctionCache as FunctionCache
    from numba.core.caching import IndexDataCacheFile as IndexDataCacheFile
    from numba.core.runtime import rtsys as rtsys
    from numba.core.typing.templates import ConcreteTemplate as ConcreteTemplate
    from numba.core.typing.templates import infer_global as infer_global
    from numba.core.typing.templates import signature as signature
    from numba.extending import intrinsic as intrinsic
    from numba.extending import lower_builtin as lower_builtin
    from numba.extending import models as models
    from numba.extending import register_model as register_model
except ImportError as error:  # numba's own as well: "Numba needs NumPy 2.4 or less"
    raise unknown_numba(error) from None

COMPILES = not vars(config)["DISABLE_JIT"]
"""False with ``NUMBA_DISABLE_JIT=1``: kernels are Python then, to be looked at in a debugger."""

PRIVATE = (
    (environment, "_rebuild_env(modname, consts, env_name)"),
    (rtsys, "initialize(ctx)"),
    (FunctionCache, "__init__(self, py_func)"),
    (FunctionCache, "_index_key(self, sig, codegen)"),
    (FunctionCache, "_load_overload(self, sig, target_context)"),
    (FunctionCache, "save_overload(self, sig, data)"),
    (IndexDataCacheFile, "__init__(self, cache_path, filename_base, source_stamp)"),
    (IndexDataCacheFile, "_data_path(self, name)"),
    (IndexDataCacheFile, "_load_data(self, name)"),
    (IndexDataCacheFile, "_load_index(self)"),
    (IndexDataCacheFile, "_open_for_write(self, filepath)"),
    (IndexDataCacheFile, "load(self, key)"),
    (IndexDataCacheFile, "save(self, key, data)"),
)
"""Functions that are called or overridden in ``_jit``, as the known versions declare them."""


def check_numba() -> None:
    """Refuse a numba in which a private function is missing, or declared otherwise."""
    for owner, known in PRIVATE:
        name = known.partition("(")[0]
        function = getattr(owner, name, None)
        if function is None or f"{name}{declared(function)}" != known:
            raise unknown_numba(f"{name} is not as expected in version {__version__}")


check_numba()
