from __future__ import annotations

import numpy as np
import pytest

from aenetpy.parallel import Workers, one_blas_thread
from aenetpy.training import objective as module
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import Objective
from tests.naive_network import difference, output
from tests.training import small_networks, small_trainset, weights_of


def naive_energies(trainset, networks) -> np.ndarray:
    """Sum the outputs of the atoms of each structure, one after the other."""
    energies, seen = [], [0] * len(networks)
    atoms = iter(trainset.types_n)
    for n_atoms in trainset.n_atoms_s:
        energy = 0.0
        for _ in range(n_atoms):
            t = next(atoms)
            network, x_g = networks[t], trainset.features_tng[t][seen[t]]
            energy += output(network.nodes_l, network.activations, network.weights_w, x_g)
            seen[t] += 1
        energies.append(energy)
    return np.array(energies)


@pytest.fixture
def trainset():
    return normalise(small_trainset()).trainset


def test_energies_agree_with_a_loop_over_atoms(trainset) -> None:
    networks = small_networks()
    objective = Objective(trainset, range(5), networks)
    expected_s = naive_energies(trainset, networks)
    energies_s = objective.energies(weights_of(networks))
    assert energies_s == pytest.approx(expected_s, rel=1e-13, abs=1e-14)
    losses = [objective.evaluate(weights_of(networks), gradient) for gradient in (True, False)]
    assert (losses[0].errors[0] == losses[1].errors[0]).all()


def test_value_is_half_the_sum_of_squared_errors_per_atom(trainset) -> None:
    networks = small_networks()
    chosen = [4, 2, 1]
    loss = Objective(trainset, chosen, networks).evaluate(weights_of(networks))
    residual_s = (trainset.energies_s - naive_energies(trainset, networks)) / trainset.n_atoms_s
    assert loss.value == pytest.approx(0.5 * (residual_s[chosen] ** 2).sum(), rel=1e-13)


@pytest.mark.parametrize("chosen", [[0, 1, 2, 3, 4], [2], [3], [0, 4]])
def test_gradient_agrees_with_differences(trainset, chosen) -> None:
    networks = small_networks()
    objective = Objective(trainset, chosen, networks)
    weights_w = weights_of(networks)
    gradient_w = objective.evaluate(weights_w).gradient_w
    numerical = difference(lambda w: objective.evaluate(w).value, weights_w)
    assert gradient_w == pytest.approx(numerical, rel=1e-6, abs=1e-8)


def test_errors_are_in_electronvolt_per_atom(trainset) -> None:
    raw = small_trainset()
    networks = small_networks()
    objective = Objective(trainset, range(5), networks)
    weights_w = weights_of(networks)
    energies_s = objective.energies(weights_w)
    predicted_s = energies_s / trainset.scale + trainset.n_atoms_s * trainset.shift
    expected_s = (raw.energies_s - predicted_s) / raw.n_atoms_s
    assert objective.evaluate(weights_w).errors[0] == pytest.approx(
        expected_s, rel=1e-12, abs=1e-13
    )


def test_an_empty_set_sums_to_nothing(trainset) -> None:
    networks = small_networks()
    loss = Objective(trainset, [], networks).evaluate(weights_of(networks))
    assert loss.value == 0.0
    assert not loss.gradient_w.any()
    assert loss.errors[0].shape == (0,)


def test_a_sum_over_all_is_the_sum_of_parts(trainset, monkeypatch) -> None:
    networks = small_networks()
    weights_w = weights_of(networks)
    whole = Objective(trainset, range(5), networks).evaluate(weights_w)
    monkeypatch.setattr(module, "ATOMS_PER_BLOCK", 3)
    parts = Objective(trainset, range(5), networks)
    assert len(parts._pieces) > 2
    loss = parts.evaluate(weights_w)
    assert loss.value == pytest.approx(whole.value, rel=1e-14)
    assert loss.gradient_w == pytest.approx(whole.gradient_w, rel=1e-12, abs=1e-14)
    assert loss.errors[0] == pytest.approx(whole.errors[0], rel=1e-14)


def test_results_do_not_depend_on_the_number_of_workers(monkeypatch) -> None:
    monkeypatch.setattr(module, "ATOMS_PER_BLOCK", 20)
    rng = np.random.default_rng(8)
    words = ["".join(rng.choice(list("TO"), rng.integers(1, 9))) for _ in range(80)]
    trainset = normalise(small_trainset(words)).trainset
    networks = small_networks()
    results = []
    for jobs in (1, 2, 5):
        with one_blas_thread(), Workers(jobs) as workers:
            objective = Objective(trainset, range(80), networks, workers)
            results.append(objective.evaluate(weights_of(networks)))
    for other in results[1:]:
        assert other.value == results[0].value
        assert (other.gradient_w == results[0].gradient_w).all()
        assert (other.errors[0] == results[0].errors[0]).all()


def test_sampling_prefers_large_errors_or_low_energies(trainset) -> None:
    networks = small_networks()
    objective = Objective(trainset, range(5), networks)
    loss = objective.evaluate(weights_of(networks))
    by_error_s = np.argsort(objective.sampling_key("weighted", loss))
    assert (by_error_s == np.argsort(-np.abs(loss.errors[0]))).all()
    by_energy_s = np.argsort(objective.sampling_key("energy", loss))
    assert (by_energy_s == np.argsort(trainset.energies_s / trainset.n_atoms_s)).all()
