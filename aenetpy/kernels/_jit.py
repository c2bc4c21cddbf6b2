"""The one decorator through which all numba kernels are compiled."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from aenetpy.interruption import check
from aenetpy.kernels._numba import (
    COMPILES,
    FunctionCache,
    IndexDataCacheFile,
    environment,
    njit,
    rtsys,
)

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_LOG = logging.getLogger("aenetpy")


def kernel(function: Kernel) -> Kernel:
    """Compile with aenetpy's policy, lazily, on the first call.

    IEEE arithmetic in the order written (no ``fastmath``), NumPy's error model
    (1/0 is inf), the interpreter lock released so that threads may share the
    work, and the machine code cached on disk. Where no directory can be
    written (read-only installation), it is compiled anew in each process.
    With ``NUMBA_DISABLE_JIT=1`` the function stays Python, to be debugged.
    """
    if not COMPILES:
        return np.errstate(all="ignore")(function)  # NumPy's error model, and overflow unnoticed
    compiled: Any = njit(error_model="numpy", nogil=True)(function)
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


class _SealedFiles(IndexDataCacheFile):
    """Index and machine code on disk, each with a checksum behind the part that numba reads.

    Numba does not check its files: damaged ones raise nearly any exception, and machine code
    with a wrong bit is run. Here they are removed, and numba takes them for missing.
    """

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BinaryIO]:
        content = io.BytesIO()
        yield content
        with super()._open_for_write(filepath) as file:
            file.write(content.getvalue() + _seal(content.getbuffer()))

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        # Processes that begin at the same time may give one file to two signatures.
        owner, data = super().load(key) or (None, None)
        return data if owner == key else None

    def _load_index(self) -> Any:
        if not _intact(self._index_path):
            return {}
        try:
            return super()._load_index()
        except Exception:  # pickled where modules had other names, say
            return {}

    def _load_data(self, name: str) -> Any:
        path = self._data_path(name)
        if not _intact(path):
            raise FileNotFoundError(path)
        with open(path, "rb") as file:
            return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    """Restores machine code without the modules of numba that parts of it come from.

    They take long to import, and of their functions only the constants are needed.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (environment.__name__, "_rebuild_env"):
            return self._constants
        return super().find_class(module, name)

    @staticmethod
    def _constants(module: str, values: list[Any], name: str) -> Any:
        return environment._rebuild_env(
            "numba" if module.startswith("numba.") else module, values, name
        )


def _seal(content: bytes | memoryview) -> bytes:
    return hashlib.sha256(content).digest()


def _intact(path: str) -> bool:
    """Return whether a file has the content that was written; remove it otherwise."""
    try:
        content = memoryview(Path(path).read_bytes())
    except FileNotFoundError:
        return False
    except OSError as reason:
        _LOG.info("%s: machine code cannot be read (%s); compiled anew", path, reason.strerror)
        return False
    end = len(content) - len(_seal(b""))
    if end >= 0 and content[end:] == _seal(content[:end]):
        return True
    folder = os.path.dirname(path)  # not the file: of many that are damaged one line tells
    _LOG.info("%s: damaged machine code is removed, and compiled anew", folder)
    with suppress(OSError):
        os.unlink(path)
    return False


class _KernelCache(FunctionCache):
    """Machine code on disk: never stale, never damaged, and never a reason to fail.

    Numba itself notices when the file of a function has changed, but not the files of
    the functions that it calls; and it stops the program where the disk is full.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _SealedFiles(self._cache_path, self._impl.filename_base, stamp)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), _SOURCES)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        check()  # Numba asks for each kernel before it compiles, which takes seconds
        # Numba loads all that compilation needs here, half of SciPy among it, which takes as long
        # as to import numba. Machine code needs the runtime only.
        rtsys.initialize(target_context)
        # An intact file may not fit an environment in which other packages have changed.
        with suppress(Exception):
            return self._load_overload(sig, target_context)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)
