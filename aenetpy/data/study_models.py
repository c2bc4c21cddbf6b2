"""The models that a variant of a study can name: each is one entry here.

The code of a model is imported when a trial needs it, so that files can be read without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from aenetpy.data.limits import FINITE, NOT_NEGATIVE, POSITIVE, Limit

NETWORK = "network"
"""Our own networks, trained as ``train.in`` says."""

TARGETS = ("atomic", "raw", "least-squares")
LABELS = ("structure", "atom")

AT_LEAST_ONE = Limit("at least 1", lambda x: x >= 1)
UP_TO_20 = Limit("1 to 20", lambda x: (x >= 1) & (x <= 20))
SHARE = Limit("0 or more and less than 1", lambda x: (x >= 0) & (x < 1))

Value = int | float | str | None


@dataclass(frozen=True)
class ModelParameter:
    """A parameter of a model, a key beside ``model``."""

    default: Value
    sentence: str
    limit: Limit = FINITE
    choices: tuple[str, ...] = ()

    def objection(self, value: Value) -> str | None:
        """Return the objection to a value; None if it is allowed."""
        if isinstance(value, str):
            return None if value in self.choices else f"is no {' or '.join(self.choices)}"
        return None if value is None else self.limit.objection(np.asarray(value))


@dataclass(frozen=True)
class ModelEntry:
    """A model of a study: its parameters, and its name in files and reports."""

    name: str
    title: str
    implementation: str
    parameters: Mapping[str, ModelParameter] = field(default_factory=dict)
    labels: tuple[str, ...] = LABELS
    extra: str = ""

    @property
    def defaults(self) -> dict[str, Value]:
        """The parameters that are not given."""
        return {key: parameter.default for key, parameter in self.parameters.items()}


_ALPHA = ModelParameter(
    None, "penalty on squared coefficients; `auto`: by generalised cross-validation", NOT_NEGATIVE
)
_CONSTANTS = ModelParameter(
    "species",
    "not penalised: an energy of each `species`, which makes energies extensive; or `one` for all"
    " structures, as a regression has it that knows nothing of atoms",
    choices=("species", "one"),
)
_LAYERS = ModelParameter(2, "hidden layers", UP_TO_20)
_NODES = ModelParameter(64, "nodes of each", AT_LEAST_ONE)
_SCALE = ModelParameter(
    "no", "whether labels are brought to mean 0 and deviation 1 first", choices=("no", "yes")
)

MODELS: dict[str, ModelEntry] = {
    entry.name: entry
    for entry in (
        ModelEntry(
            NETWORK,
            "our networks, as in train.in",
            "",
            {
                "layers": ModelParameter(None, "hidden layers; `auto`: NETWORKS", UP_TO_20),
                "nodes": ModelParameter(None, "nodes of each; `auto`: NETWORKS", AT_LEAST_ONE),
                "activation": ModelParameter(
                    "as given",
                    "of each; NETWORKS otherwise",
                    choices=("as given", "tanh", "sigmoid", "mtanh", "twist", "swish", "mish"),
                ),
            },
            labels=("structure",),
        ),
        ModelEntry("mean", "the mean of the labels", "aenetpy.baselines.simple:Mean"),
        ModelEntry(
            "composition",
            "an energy for each species, by least squares",
            "aenetpy.baselines.simple:Composition",
        ),
        ModelEntry(
            "ridge",
            "linear in the fingerprints, summed over the atoms of a structure; closed form",
            "aenetpy.baselines.linear:Ridge",
            {"alpha": _ALPHA, "constants": _CONSTANTS},
        ),
        ModelEntry(
            "kernel-ridge",
            "Gaussian kernel summed over pairs of atoms of a species; closed form",
            "aenetpy.baselines.kernel:KernelRidge",
            {
                "alpha": _ALPHA,
                "constants": _CONSTANTS,
                "gamma": ModelParameter(
                    None,
                    "in exp(-gamma d²), d between fingerprints brought to deviation 1; `auto`: 1"
                    " over twice their number",
                    POSITIVE,
                ),
            },
            labels=("structure",),
        ),
        ModelEntry(
            "sklearn-mlp",
            "MLPRegressor of scikit-learn",
            "aenetpy.baselines.general:MLP",
            {
                "layers": _LAYERS,
                "nodes": _NODES,
                "activation": ModelParameter("relu", "of the nodes", choices=("relu", "tanh")),
                "rate": ModelParameter(0.001, "learning rate of Adam", POSITIVE),
                "weight_decay": ModelParameter(0.0001, "penalty on squared weights", NOT_NEGATIVE),
                "epochs": ModelParameter(200, "at most", AT_LEAST_ONE),
                "scale": _SCALE,
            },
            extra="ml",
        ),
        ModelEntry(
            "gradient-boosting",
            "HistGradientBoostingRegressor of scikit-learn",
            "aenetpy.baselines.general:Boosting",
            {
                "trees": ModelParameter(300, "number of trees", AT_LEAST_ONE),
                "rate": ModelParameter(0.1, "learning rate", POSITIVE),
                "leaves": ModelParameter(31, "of a tree", Limit("2 or more", lambda x: x >= 2)),
            },
            extra="ml",
        ),
        ModelEntry(
            "plain-network",
            "one network per species as general tools make them: ReLU, Adam, dropout, squared"
            " error of the labels",
            "aenetpy.baselines.plain_network:PlainNetwork",
            {
                "layers": _LAYERS,
                "nodes": _NODES,
                "activation": ModelParameter("relu", "of the nodes", choices=("relu", "tanh")),
                "rate": ModelParameter(0.001, "learning rate of Adam", POSITIVE),
                "weight_decay": ModelParameter(
                    0.0, "weights become smaller by `rate*weight_decay`", NOT_NEGATIVE
                ),
                "dropout": ModelParameter(0.0, "share of nodes left out", SHARE),
                "epochs": ModelParameter(100, "passes over the data", AT_LEAST_ONE),
                "batchsize": ModelParameter(32, "structures in a step", AT_LEAST_ONE),
                "scale": _SCALE,
            },
        ),
    )
}
"""By name, in the order in which they are listed to the user."""
