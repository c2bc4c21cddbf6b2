"""The methods of training that METHOD can name: each is one entry here (spec 3.3).

The code of a method is imported when a run needs it, so that files can be read without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from aenetpy.data.limits import FINITE, NOT_NEGATIVE, Limit

ABOVE_ZERO = Limit("larger than 0", lambda x: x > 0)
ABOVE_ONE = Limit("larger than 1", lambda x: x > 1)
AT_LEAST_ONE = Limit("at least 1", lambda x: x >= 1)
SHARE = Limit("0 or more and less than 1", lambda x: (x >= 0) & (x < 1))


@dataclass(frozen=True)
class MethodParameter:
    """A parameter of a method, ``key=value`` in the line of METHOD."""

    default: int | float
    limit: Limit = FINITE
    label: str = ""
    form: Literal["listed", "scientific", "fixed", "plain", "size"] = "listed"
    other_key: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is an integer."""
        return isinstance(self.default, int)

    def allows(self, value: float) -> bool:
        """Return whether it may have a value."""
        return bool(self.limit.allows(np.asarray(value)))


@dataclass(frozen=True)
class MethodEntry:
    """A method of training: its parameters, and its name in files and reports."""

    names: tuple[str, ...]
    title: str
    implementation: str
    parameters: Mapping[str, MethodParameter] = field(default_factory=dict)
    sampling: str | None = "sequential"
    restart_title: str = ""
    energies_only: bool = False
    remark: str = ""

    @property
    def defaults(self) -> dict[str, int | float]:
        """The parameters that are not given."""
        return {key: parameter.default for key, parameter in self.parameters.items()}


METHODS: dict[str, MethodEntry] = {
    name: entry
    for entry in (
        MethodEntry(
            names=("bfgs",),
            title="Limited Memory BFGS",
            implementation="aenetpy.training.methods.lbfgs:LBFGS",
            sampling=None,
            restart_title="L-BFGS",
            remark="L-BFGS-B, 20 corrections",
        ),
        MethodEntry(
            names=("online_sd", "online_gd"),
            title="Gradient Descent (online)",
            implementation="aenetpy.training.methods.online_sd:OnlineSD",
            parameters={
                "gamma": MethodParameter(0.9, label="Learning rate"),
                "alpha": MethodParameter(0.01, label="Momentum rate"),
            },
            remark="`gamma` is the learning rate, `alpha` the momentum; the default rate"
            " diverges, in aenet too: write `gamma=0.001`",
        ),
        MethodEntry(
            names=("adam",),
            title="Adaptive Moment Estimation (Adam)",
            implementation="aenetpy.training.methods.adam:Adam",
            parameters={
                "mu": MethodParameter(
                    0.001, ABOVE_ZERO, "Learning rate", "scientific", other_key="lr"
                ),
                "b1": MethodParameter(0.9, SHARE, "Gradient decay rate (b1)", "fixed"),
                "b2": MethodParameter(0.999, SHARE, "Sq. gradient decay rate (b1)", "fixed"),
                "eps": MethodParameter(1e-8, FINITE, "Epsilon", "scientific"),
                "samplesize": MethodParameter(500, AT_LEAST_ONE, "Sample size", "size"),
                "batchsize": MethodParameter(1, AT_LEAST_ONE, "Mini-batch size", "size"),
            },
            sampling="random",
            remark="`lr` is another name of `mu`; written `method=adam` as in aenet-PyTorch,"
            " `batchsize` is 256 and an epoch all structures; batches are whole, as of `lm`",
        ),
        MethodEntry(
            names=("adamw",),
            title="Adam with decoupled weight decay (AdamW)",
            implementation="aenetpy.training.methods.adamw:AdamW",
            parameters={
                "lr": MethodParameter(
                    0.001, ABOVE_ZERO, "Learning rate", "scientific", other_key="mu"
                ),
                "weight_decay": MethodParameter(0.0, NOT_NEGATIVE, "Weight decay", "scientific"),
                "b1": MethodParameter(0.9, SHARE, "Gradient decay rate (b1)", "fixed"),
                "b2": MethodParameter(0.999, SHARE, "Sq. gradient decay rate (b2)", "fixed"),
                "eps": MethodParameter(1e-8, FINITE, "Epsilon", "scientific"),
                "halflife": MethodParameter(0.0, NOT_NEGATIVE, "Half-life of the rate", "plain"),
                "batchsize": MethodParameter(256, AT_LEAST_ONE, "Mini-batch size", "size"),
            },
            sampling="shuffled",
            remark="the rate is halved every `halflife` epochs, 0: never; all structures in every"
            " epoch, and in every step weights become smaller by"
            " `lr*weight_decay` of themselves",
        ),
        MethodEntry(
            names=("ekf",),
            title="Extended Kalman Filter",
            implementation="aenetpy.training.methods.ekf:EKF",
            parameters={
                "lambda": MethodParameter(0.999, ABOVE_ZERO, "Forgetting factor"),
                "lambda0": MethodParameter(0.97, label="Ini. state covariance"),
                "state": MethodParameter(10.0, ABOVE_ZERO, "Measuring noise"),
                "pnoise": MethodParameter(0.0, label="Process noise"),
                "adaptive": MethodParameter(0.6, label="Adaptive EKF threshold"),
                "wgroup": MethodParameter(100, AT_LEAST_ONE),
            },
            restart_title="Extended Kalman Filter",
            remark="`adaptive` has no effect, as in aenet",
        ),
        MethodEntry(
            names=("lm",),
            title="Levenberg-Marquardt",
            implementation="aenetpy.training.methods.lm:LM",
            parameters={
                "batchsize": MethodParameter(1000, AT_LEAST_ONE, "Batch size"),
                "iter": MethodParameter(1, AT_LEAST_ONE, "Batch iterations"),
                "learnrate": MethodParameter(0.1, ABOVE_ZERO, "Initial learning rate"),
                "conv": MethodParameter(0.001, label="Target error"),
                "adjust": MethodParameter(10.0, ABOVE_ONE),
            },
            energies_only=True,
            remark="`iter` and `conv` have no effect, as in aenet; an epoch is the whole number of"
            " batches nearest to structures/`batchsize`, so that the last batch ends with the first"
            " structures again, or the last structures are left out",
        ),
    )
    for name in entry.names
}
"""By every name, in the order in which they are listed to the user."""


def used_sizes(parameters: Mapping[str, float], n_structures: int) -> dict[str, int]:
    """Return ``batchsize`` and ``samplesize`` as used: whole batches, see `count_batches`."""
    batch = min(int(parameters["batchsize"]), n_structures)
    if "samplesize" not in parameters:
        return {"batchsize": batch}
    sample = count_batches(min(int(parameters["samplesize"]), n_structures), batch) * batch
    return {"batchsize": batch, "samplesize": min(sample, n_structures)}


def count_batches(n_structures: int, batch: int) -> int:
    """Return the batches of an epoch of aenet, the nearest whole number (spec 3.3)."""
    return (2 * n_structures + batch) // (2 * batch)
