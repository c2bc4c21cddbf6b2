"""Energies, forces and stress in one loss: its gradient, its errors, kept and recomputed alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.geometry import Geometry
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.jacobians import RecomputedJacobians, StoredJacobians
from aenetpy.descriptors.passes import BatchPass
from aenetpy.models.network import Network, n_weights
from aenetpy.models.scaling import feature_scaling
from aenetpy.parallel import Workers, one_blas_thread
from aenetpy.training import objective as module
from aenetpy.training.forces import EV_PER_A3_IN_GPA, Forces, ForceWeights
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import Objective
from tests.descriptors.bumps import use_bumps
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
        cells_scc = np.array([rng.uniform(3, 5) * np.eye(3) for _ in n_atoms_s])
        pbc_sc = np.ones((len(n_atoms_s), 3), np.bool_)
        self.geometry = Geometry(cells_scc, pbc_sc, stress_scc, has_forces_s)
        self.forces_nc = raw.forces_nc

    def recomputed(self, strain: bool) -> RecomputedJacobians:
        return RecomputedJacobians(
            self.structures.__getitem__, self.species, self.descriptors, strain
        )

    def kept(self, strain: bool, single: bool = False) -> StoredJacobians:
        return StoredJacobians(
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
        geometry = self.geometry
        if term == "stress":
            geometry = replace(geometry, has_forces_s=np.zeros(len(self.structures), bool))
        weights = ForceWeights(alpha, 0.1, 0.5, 0.3 if stress else None)
        structures_s = np.arange(len(self.structures)) if chosen is None else np.array(chosen)
        derivatives = derivatives or self.recomputed(stress)
        forces = Forces(self.trainset, geometry, weights, derivatives, structures_s)
        return Objective(self.trainset, structures_s, self.networks, workers, forces)


def check_gradient(objective, weights_w) -> None:
    gradient_w = objective.evaluate(weights_w).gradient_w
    numerical = difference(lambda w: objective.evaluate(w, gradient=False).value, weights_w)
    assert gradient_w == pytest.approx(numerical, rel=1e-5, abs=1e-7 * np.abs(numerical).max())


@pytest.fixture(autouse=True)
def bumps(monkeypatch) -> None:
    use_bumps(monkeypatch)


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


def test_errors_are_those_of_forces_from_the_slope_of_the_energy() -> None:
    case = Case("chebyshev")
    weights_w = weights_of(case.networks)
    objective = case.objective()
    energy_errors_s, force_errors_k, stress_errors_k = objective.evaluate(weights_w, False).errors

    def energies(structures) -> np.ndarray:
        moved = replace(case.trainset, features_tng=features_of(case, structures))
        one = Objective(moved, range(len(structures)), case.networks)
        scaled_s = one.energies(weights_w)
        return scaled_s / moved.scale + moved.n_atoms_s * moved.shift

    n_atoms_s = case.trainset.n_atoms_s
    reference_s = case.trainset.energies_s / case.trainset.scale + n_atoms_s * case.trainset.shift
    expected_s = (reference_s - energies(case.structures)) / n_atoms_s
    np.testing.assert_allclose(energy_errors_s, expected_s, rtol=1e-9, atol=1e-11)

    def slope(change) -> np.ndarray:
        h = 1e-5
        ahead, behind = ([change(one, step) for one in case.structures] for step in (h, -h))
        return (energies(ahead) - energies(behind)) / (2.0 * h)

    last_atom = -slope(
        lambda one, h: replace(one, positions_nc=one.positions_nc + h * unit(len(one)))
    )
    ends_s = np.cumsum(n_atoms_s)
    known_s = case.geometry.has_forces_s
    errors_s = (case.forces_nc[ends_s - 1, 1] - last_atom)[known_s]
    places_s = 3 * np.cumsum(n_atoms_s[known_s]) - 2
    np.testing.assert_allclose(force_errors_k[places_s], errors_s, rtol=1e-5, atol=1e-6)

    def strained(one, h):
        strain_cc = np.eye(3) + h * np.outer([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
        cell_cc = None if one.cell_cc is None else one.cell_cc @ strain_cc
        return replace(one, positions_nc=one.positions_nc @ strain_cc, cell_cc=cell_cc)

    known_s = case.geometry.has_stress_s
    stress_s = slope(strained) / np.linalg.det(case.geometry.cells_scc)
    errors_s = (case.geometry.stress_scc[:, 0, 1] - stress_s)[known_s] * EV_PER_A3_IN_GPA
    np.testing.assert_allclose(stress_errors_k[1::9], errors_s, rtol=1e-5, atol=1e-6)


def features_of(case, structures) -> tuple[np.ndarray, ...]:
    """Return normalised fingerprints of other positions."""
    found = BatchPass(structures, case.species, case.descriptors)
    scalings = [feature_scaling(setup.statistics) for setup in case.trainset.setups_t]
    return tuple(
        (features_ng - mean_g) * inverse_g
        for features_ng, (mean_g, inverse_g) in zip(found.features_tag, scalings, strict=True)
    )


def unit(n_atoms: int) -> np.ndarray:
    """Return the displacement of the last atom along y."""
    displacement_nc = np.zeros((n_atoms, 3))
    displacement_nc[-1, 1] = 1.0
    return displacement_nc


def test_value_is_the_weighted_sum_of_mean_squares() -> None:
    case = Case("behler")
    loss = case.objective().evaluate(weights_of(case.networks))
    energy_k, force_k, stress_k = loss.errors
    stress_k = stress_k / EV_PER_A3_IN_GPA
    expected = 0.3 * (energy_k**2).mean() / 0.1**2 + 0.7 * (force_k**2).mean() / 0.5**2
    expected += 0.7 * (stress_k**2).mean() / 0.3**2
    unit = 0.5 * (0.1 * case.trainset.scale) ** 2
    assert loss.value == pytest.approx(6 * unit * expected, rel=1e-12)
    assert case.objective().score(loss) == pytest.approx(expected**0.5, rel=1e-12)


def test_without_forces_the_gradient_is_that_of_energies() -> None:
    case = Case("chebyshev")
    weights_w = weights_of(case.networks)
    expected = Objective(case.trainset, range(6), case.networks).evaluate(weights_w)
    found = case.objective("energy").evaluate(weights_w)
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    np.testing.assert_allclose(found.gradient_w, expected.gradient_w, rtol=1e-10)
    np.testing.assert_allclose(found.errors[0], expected.errors[0], rtol=1e-12)


@pytest.mark.parametrize("kept", [True, False])
def test_workers_change_nothing(kept, monkeypatch) -> None:
    monkeypatch.setattr(module, "ATOMS_PER_FORCE_BLOCK", 6)
    case = Case("chebyshev")
    weights_w = weights_of(case.networks)
    derivatives = case.kept(True) if kept else None
    alone = case.objective(derivatives=derivatives).evaluate(weights_w)
    with one_blas_thread(), Workers(3) as workers:
        together = case.objective(derivatives=derivatives, workers=workers).evaluate(weights_w)
    assert alone.value == together.value
    assert (alone.gradient_w == together.gradient_w).all()
    for one, other in zip(alone.errors, together.errors, strict=True):
        assert (one == other).all()


def test_batches_add_up_to_the_whole() -> None:
    case = Case("chebyshev")
    weights_w = weights_of(case.networks)
    objective = case.objective()
    whole = objective.evaluate(weights_w)
    parts = [objective.batch(np.array(few)).evaluate(weights_w) for few in ([4, 0], [1, 2], [5, 3])]
    assert sum(part.value for part in parts) == pytest.approx(whole.value, rel=1e-12)
    np.testing.assert_allclose(
        sum(part.gradient_w for part in parts), whole.gradient_w, rtol=1e-9, atol=1e-9
    )


def test_other_weights_are_another_problem() -> None:
    case = Case("chebyshev")
    names = {case.objective(term).identity for term in ("energy", "force", "all")}
    assert len(names) == 3
    assert case.objective().identity in names


@pytest.mark.parametrize("kept", [True, False])
def test_residuals_are_those_of_the_value(kept) -> None:
    case = Case("chebyshev")
    weights_w = weights_of(case.networks)
    objective = case.objective(derivatives=case.kept(True) if kept else None).batch(np.arange(5))
    found, loss = objective.residuals(weights_w), objective.evaluate(weights_w)
    assert 0.5 * found.residuals_k @ found.residuals_k == pytest.approx(loss.value, rel=1e-12)
    np.testing.assert_allclose(
        found.residuals_k @ found.jacobian_kw,
        loss.gradient_w,
        rtol=1e-9,
        atol=1e-9 * np.abs(loss.gradient_w).max(),
    )


def test_slopes_of_residuals_agree_with_differences() -> None:
    case = Case("behler, one species")
    weights_w = weights_of(case.networks)
    objective = case.objective()
    found = objective.residuals(weights_w)
    for k in (0, 5, len(found.residuals_k) - 1):
        numerical = difference(lambda w, k=k: objective.residuals(w).residuals_k[k], weights_w)
        expected = pytest.approx(numerical, rel=1e-6, abs=1e-6 * np.abs(numerical).max())
        assert found.jacobian_kw[k] == expected
