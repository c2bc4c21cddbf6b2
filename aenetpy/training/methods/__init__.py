"""Methods of optimisation, all with the same one step; ``data.methods`` lists them."""

from __future__ import annotations

from collections.abc import Mapping

from aenetpy.data.training_methods import METHODS
from aenetpy.lazy import load_class
from aenetpy.training.methods.base import Method, Restarted

__all__ = ["Method", "Restarted", "load_method", "make_method"]


def load_method(name: str) -> type[Method]:
    """Import the class of a method by one of its names."""
    method: type[Method] = load_class(METHODS[name].implementation)
    return method


def make_method(name: str, n_weights: int, parameters: Mapping[str, float]) -> Method:
    """Return a fresh method by one of its names, for a number of weights and parameters."""
    return load_method(name)(n_weights, parameters)
