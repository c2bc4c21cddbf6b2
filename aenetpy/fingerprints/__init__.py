"""Fingerprints of atoms: parameters, neighbours, values, derivatives, statistics.

The package can be called, ``aenetpy.fingerprints(atoms, setups)``: see
`aenetpy.fingerprints.table.fingerprints`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that works like the public function of the same name."""

    # Importing the package binds its name in `aenetpy`, where users look for the function.
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from aenetpy.fingerprints.table import fingerprints

        return fingerprints(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
