"""Baselines: models of energies that general tools offer; ``data.baselines`` lists them."""

from __future__ import annotations

from collections.abc import Mapping

from aenetpy.baselines.base import Model, Samples
from aenetpy.data.study_models import MODELS, Value
from aenetpy.lazy import load_class

__all__ = ["Model", "Samples", "make_model"]


def make_model(name: str, parameters: Mapping[str, Value], labels: str, seed: int) -> Model:
    """Return a fresh model; parameters that are not given have their defaults."""
    entry = MODELS[name]
    model: Model = load_class(entry.implementation)({**entry.defaults, **parameters}, labels, seed)
    return model
