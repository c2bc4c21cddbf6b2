"""Energies, forces and stress in one loss: its gradient, its errors, kept and recomputed alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.derivatives import Kept, Recomputed
from aenetpy.descriptors.passes import BatchPass
from aenetpy.models.network import Network, n_weights
from aenetpy.training.force_objective import (
    ForceObjective,
    ForceWeights,
    References,
)
from aenetpy.training.normalise import normalise
from tests.descriptors.test_passes import FAMILIES, structures_of
from tests.naive_network import difference
from tests.training import statistics_of, weights_of

TERMS = {
    "energy": (0.0, False),
    "force": (1.0, False),
    "stress": (1.0, True),
    "all": (0.7, True),
}


class Case:
    """Some random structures of a family, with random energies, forces and stress."""

    def __init__(self, family: str, activations: tuple[str, ...] = ("tanh", "tanh")) -> None:
        setups = FAMILIES[family]
        self.species = tuple(setup.species for setup in setups)
        self.structures = structures_of(self.species)
        self.descriptors = make_descriptors(setups)
        found = BatchPass(self.structures, self.species, self.descriptors)
        rng = np.random.default_rng(3)
        n_atoms_s = np.array([len(one) for one in self.structures], np.int32)
        per_atom_s = rng.uniform(-9, -7, len(n_atoms_s))
        raw = TrainingSet(
            self.species,
            np.zeros(len(self.species)),
            False,
            1.0,
            0.0,
            tuple(f"{s}.xsf" for s in range(len(n_atoms_s))),
            n_atoms_s,
            np.array([len(set(one.species)) for one in self.structures], np.int32),
            per_atom_s * n_atoms_s,
            found.batch.types_n,
            found.batch.positions_nc,
            rng.normal(size=(n_atoms_s.sum(), 3)),
            found.features_tag,
            float(per_atom_s.mean()),
            float(per_atom_s.min()),
            float(per_atom_s.max()),
            tuple(
                replace(setup, statistics=statistics_of(features_ng))
                for setup, features_ng in zip(setups, found.features_tag, strict=True)
            ),
        )
        self.trainset = normalise(raw).trainset
        self.networks = []
        for descriptor in self.descriptors:
            nodes = (descriptor.n_features, 3, 2, 1)
            weights_w = 0.5 * rng.normal(size=n_weights(nodes))
            self.networks.append(Network(nodes, (*activations, "linear"), weights_w))
        stress_scc = rng.normal(size=(len(n_atoms_s), 3, 3))
        stress_scc[1] = np.nan
        has_forces_s = np.ones(len(n_atoms_s), np.bool_)
        has_forces_s[2] = False
        self.references = References(
            raw.forces_nc, has_forces_s, stress_scc, rng.uniform(50, 80, len(n_atoms_s))
        )

    def recomputed(self, strain: bool) -> Recomputed:
        return Recomputed(self.structures.__getitem__, self.species, self.descriptors, strain)

    def kept(self, strain: bool, single: bool = False) -> Kept:
        return Kept(
            self.structures.__getitem__,
            self.species,
            self.descriptors,
            strain,
            np.arange(len(self.structures)),
            self.trainset.counts_st,
            single,
        )

    def objective(self, term="all", derivatives=None, workers=None, chosen=None):
        alpha, stress = TERMS[term]
        references = self.references
        if not stress:
            references = replace(references, stress_scc=None)
        if term == "stress":
            references = replace(references, has_forces_s=np.zeros(len(self.structures), bool))
        weights = ForceWeights(alpha, 0.1, 0.5, 0.3)
        return ForceObjective(
            self.trainset,
            range(len(self.structures)) if chosen is None else chosen,
            self.networks,
            references,
            weights,
            derivatives or self.recomputed(stress),
            workers,
        )


def check_gradient(objective, weights_w) -> None:
    gradient_w = objective.evaluate(weights_w).gradient_w
    numerical = difference(lambda w: objective.evaluate(w, gradient=False).value, weights_w)
    assert gradient_w == pytest.approx(numerical, rel=1e-6, abs=1e-7 * np.abs(numerical).max())


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_agrees_with_differences(family, term) -> None:
    case = Case(family)
    check_gradient(case.objective(term), weights_of(case.networks))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_agrees_with_differences_for_every_activation(name) -> None:
    case = Case("chebyshev", (name, name))
    check_gradient(case.objective(), weights_of(case.networks))


@pytest.mark.parametrize("family", FAMILIES)
def test_kept_and_recomputed_derivatives_agree(family) -> None:
    case = Case(family)
    weights_w = weights_of(case.networks)
    expected = case.objective().evaluate(weights_w)
    for single, tolerance in ((False, 1e-11), (True, 1e-5)):
        found = case.objective(derivatives=case.kept(True, single)).evaluate(weights_w)
        assert found.value == pytest.approx(expected.value, rel=tolerance)
        scale = np.abs(expected.gradient_w).max()
        np.testing.assert_allclose(
            found.gradient_w, expected.gradient_w, rtol=tolerance, atol=tolerance * scale
        )
        for found_k, expected_k in zip(found.errors, expected.errors, strict=True):
            scale = np.abs(expected_k).max()
            np.testing.assert_allclose(found_k, expected_k, rtol=tolerance, atol=tolerance * scale)
