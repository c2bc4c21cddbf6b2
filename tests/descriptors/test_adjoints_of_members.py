"""The adjoint pass of several members at once, against one pass for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.setup import Setup
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.batch import iter_fingerprints, pack, search_batch
from aenetpy.descriptors.featurise import total_cutoff
from aenetpy.inputs.stp import read_stp
from tests.conftest import ROOT
from tests.descriptors.bumps import bump_setup, use_bumps
from tests.models.test_potential import random_structure


def with_angular_order(setup: Setup, order: int) -> Setup:
    parameters_gp = np.zeros((2 * (17 + order + 1), 4))
    parameters_gp[0] = (8.0, 16, 6.5, order)
    size = len(parameters_gp)
    zeros_g, zeros_g2 = np.zeros(size, np.int32), np.zeros((size, 2), np.int32)
    return replace(setup, functions_g=zeros_g, parameters_gp=parameters_gp, partners_g2=zeros_g2)


@pytest.mark.parametrize(
    ("kind", "order"),
    [("tio2-chebyshev", 4), ("tio2-chebyshev", 14), ("tio2-behler2011", None), ("bumps", None)],
)
@pytest.mark.parametrize("n_members", [1, 2, 5])
def test_members_together_and_alone(kind, order, n_members, monkeypatch):
    species = ("Ti", "O")
    if kind == "bumps":
        use_bumps(monkeypatch)
        setups = [bump_setup(symbol, species, 6.0, 3) for symbol in species]
    else:
        setups = [read_stp(ROOT / "inputs" / kind / f"{s}.fingerprint.stp") for s in species]
    if order is not None:
        setups = [with_angular_order(setup, order) for setup in setups]
    descriptors = make_descriptors(setups)
    structures = [random_structure(3, "periodic"), random_structure(4, "isolated")]
    batch = pack(structures, species)
    ranges = search_batch(batch, total_cutoff(descriptors), structures)
    rng = np.random.default_rng(1)
    shape = (n_members, len(batch.types_n), 3)
    together, alone = (
        (np.zeros(shape), np.zeros((n_members, len(structures), 3, 3))) for _ in range(2)
    )
    for chunk in iter_fingerprints(batch, ranges, descriptors):
        for t, around, features_ag, state in chunk.species:
            gradient_mag = rng.normal(size=(n_members, *features_ag.shape))
            gradient_mag[:, :, 3] = 0.0
            descriptors[t].adjoints(around, state, gradient_mag, *together)
            for gradient_ag, *own in zip(gradient_mag, *alone, strict=True):
                descriptors[t].adjoint(around, state, gradient_ag, *own)
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12 * abs(expected).max())
