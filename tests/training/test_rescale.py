from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.models.network import Network, n_weights
from aenetpy.models.scaling import feature_scaling
from aenetpy.training.rescale import rescaled_weights, same_inputs, same_output
from tests.training import setup_of

RNG = np.random.default_rng(9)
FEATURES_NG = RNG.uniform(0, 5, (30, 4))


def potential(features_ng, scale=1.3, shift=-7.8, atomic_energy=-1604.6, hidden=(3, 2)):
    nodes_l = (4, *hidden, 1)
    return SpeciesPotential(
        nodes_l=nodes_l,
        activations=(*("tanh", "twist")[: len(hidden)], "linear"),
        weights_w=np.random.default_rng(2).normal(size=n_weights(nodes_l)),
        setup=setup_of("Ti", features_ng),
        training_file="TiO2.train",
        normalized=True,
        scale=scale,
        shift=shift,
        species=("O", "Ti"),
        atomic_energies_t=np.array([-432.5, atomic_energy]),
        n_atoms=30,
        n_structures=5,
        energy_minimum=-1.0,
        energy_maximum=1.0,
        energy_average=0.0,
    )


def energies(file: SpeciesPotential, features_ng) -> np.ndarray:
    mean_g, inverse_g = feature_scaling(file.setup.statistics)
    y_n = Network(file.nodes_l, file.activations, file.weights_w).forward(
        (features_ng - mean_g) * inverse_g
    )
    return y_n / file.scale + file.shift + file.atomic_energies_t[1]


def carried_over(old: SpeciesPotential, new: SpeciesPotential) -> SpeciesPotential:
    return replace(new, weights_w=rescaled_weights(old, new))


@pytest.mark.parametrize("hidden", [(), (3,), (3, 2)])
@pytest.mark.parametrize(
    "output", [{}, {"scale": 0.4}, {"shift": -3.0}, {"scale": 2.0, "atomic_energy": 0.0}]
)
@pytest.mark.parametrize("inputs_change", [True, False])
def test_energies_stay(hidden, output, inputs_change) -> None:
    old = potential(FEATURES_NG, hidden=hidden)
    features_ng = RNG.normal(3, 2, (20, 4)) if inputs_change else FEATURES_NG
    new = potential(features_ng, hidden=hidden, **output)
    assert same_inputs(old, new) != inputs_change
    assert same_output(old, new) == (not output)
    before, after = (energies(f, features_ng) for f in (old, carried_over(old, new)))
    assert np.abs(after - before).max() < 1e-10


def test_nothing_changes_where_the_scaling_is_the_same() -> None:
    old = potential(FEATURES_NG)
    new = potential(FEATURES_NG.copy())
    assert (rescaled_weights(old, new) == old.weights_w).all()
    assert rescaled_weights(old, new) is not old.weights_w


def constant(features_ng, g: int, value: float) -> np.ndarray:
    features_ng = features_ng.copy()
    features_ng[:, g] = value
    return features_ng


def test_a_component_that_was_constant_gets_no_influence() -> None:
    old, new = potential(constant(FEATURES_NG, 1, 2.0)), potential(FEATURES_NG)
    after = carried_over(old, new)
    assert np.abs(energies(after, FEATURES_NG) - energies(old, FEATURES_NG)).max() < 1e-10
    assert not Network(after.nodes_l, after.activations, after.weights_w).matrices_l[0][:, 1].any()


def test_a_component_that_becomes_constant_keeps_its_influence_there() -> None:
    features_ng = constant(FEATURES_NG, 1, 2.0)
    old, new = potential(FEATURES_NG), potential(features_ng, scale=0.3)
    after = carried_over(old, new)
    assert np.abs(energies(after, features_ng) - energies(old, features_ng)).max() < 1e-10


def test_an_output_that_is_not_linear_is_refused() -> None:
    old = replace(potential(FEATURES_NG), activations=("tanh", "tanh", "tanh"))
    with pytest.raises(ValueError, match="not linear"):
        rescaled_weights(old, potential(FEATURES_NG, scale=2.0))
