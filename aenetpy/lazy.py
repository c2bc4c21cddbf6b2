"""Imports at the first use: classes of registries, libraries of extras."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from aenetpy.errors import InputError


def load_class(implementation: str) -> Any:
    """Return the class that is called ``module:class``."""
    module, _, name = implementation.partition(":")
    return getattr(import_module(module), name)


def require_library(module: str, name: str, extra: str, user: str) -> None:
    """Refuse to go on without a library that only an extra of ours installs."""
    try:
        import_module(module)
    except ImportError:
        raise InputError(
            f"{user} needs {name}, which is not installed", hint=f"pip install aenetpy[{extra}]"
        ) from None
