"""Methods of optimisation, all with the same one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aenetpy.training.methods.adam import Adam
from aenetpy.training.methods.base import Method
from aenetpy.training.methods.ekf import EKF
from aenetpy.training.methods.lbfgs import LBFGS
from aenetpy.training.methods.lm import LM
from aenetpy.training.methods.online_sd import OnlineSD

__all__ = ["EKF", "LBFGS", "LM", "METHODS", "Adam", "Method", "OnlineSD", "make_method"]

METHODS: dict[str, Callable[[int, Mapping[str, float]], Method]] = {
    "bfgs": LBFGS,
    "online_sd": OnlineSD,
    "online_gd": OnlineSD,
    "adam": Adam,
    "ekf": EKF,
    "lm": LM,
}
"""What METHOD can name: each makes a method for a number of weights and parameters."""


def make_method(name: str, n_weights: int, parameters: Mapping[str, float]) -> Method:
    """Return a fresh method by its name in ``METHODS``."""
    return METHODS[name](n_weights, parameters)
