"""Classes that the entries of registries name, imported when they are first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load_class(implementation: str) -> Any:
    """Return the class that is called ``module:class``."""
    module, _, name = implementation.partition(":")
    return getattr(import_module(module), name)
