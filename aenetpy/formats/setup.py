"""The 17 items of a fingerprint setup (spec 7.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from aenetpy.data.limits import ANY, COUNT, N_SPECIES, NOT_NEGATIVE, POSITIVE, Limit
from aenetpy.data.setup import N_PARAMETERS, FeatureStatistics, Setup, check_setup
from aenetpy.formats.layout import Field, Reader, build, read_fields

FOUR = Limit(f"{N_PARAMETERS}", lambda x: x == N_PARAMETERS)

SETUP = (
    Field("description", "text", "description", (1024,)),
    Field("species", "symbols", "species of the setup"),
    Field("n_environment", "integers", "number of species", limit=N_SPECIES),
    Field("environment", "symbols", "environment species", ("n_environment",)),
    Field("r_min", "reals", "smallest distance", limit=NOT_NEGATIVE),
    Field("r_max", "reals", "cutoff", limit=POSITIVE),
    Field("kind", "text", "kind of descriptor", (100,)),
    Field("n_functions", "integers", "number of functions", limit=COUNT),
    Field("n_parameters", "integers", "parameters per function", limit=FOUR),
    Field("functions_g", "integers", "function kinds", ("n_functions",)),
    Field("parameters_gp", "reals", "function parameters", ("n_functions", N_PARAMETERS), ANY),
    Field("partners_g2", "integers", "function species", ("n_functions", 2)),
    Field("count", "integers", "number of atoms evaluated", limit=COUNT),
    Field("minimum_g", "reals", "smallest fingerprint values", ("n_functions",)),
    Field("maximum_g", "reals", "largest fingerprint values", ("n_functions",)),
    Field("mean_g", "reals", "mean fingerprint values", ("n_functions",)),
    Field(
        "mean_square_g",
        "reals",
        "mean squares of fingerprint values",
        ("n_functions",),
        NOT_NEGATIVE,
    ),
)


def setup_values(setup: Setup) -> dict[str, Any]:
    """Return the value of each item; a setup without statistics has counted 0 atoms."""
    return {
        **vars(setup),
        **vars(setup.known_statistics),
        "n_environment": len(setup.environment),
        "n_functions": setup.n_features,
        "n_parameters": N_PARAMETERS,
    }


def read_setup(reader: Reader) -> Setup:
    """Read the items of a setup (spec 7.1, 8.2, 8.3)."""
    values = read_fields(reader, SETUP)
    values["kind"] = values["kind"].strip()
    values["functions_g"] = np.array(values["functions_g"], np.int32)
    values["partners_g2"] = np.array(values["partners_g2"], np.int32).reshape(-1, 2)
    setup = build(Setup, values, statistics=build(FeatureStatistics, values))
    return check_setup(setup, reader.error)
