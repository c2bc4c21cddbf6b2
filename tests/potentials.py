"""Potentials and training sets with random weights, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.structure import Structure
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.cosine_convention import CosineConvention
from aenetpy.descriptors.featurise import structure_fingerprints
from aenetpy.descriptors.statistics import RunningStatistics
from aenetpy.models.network import Network
from aenetpy.models.potential import Potential
from aenetpy.parallel import Workers
from aenetpy.training.energy_objective import EnergyObjective
from aenetpy.training.methods.lbfgs import LBFGS
from aenetpy.training.weights import initial_weights


def random_potential(
    setups: Sequence[Setup],
    structures: Sequence[Structure],
    hidden: Sequence[int] = (15, 15),
    cosine_convention: CosineConvention = "new",
) -> Potential:
    """Return a potential with random weights, scaled by the fingerprints of some structures."""
    species = tuple(setup.species for setup in setups)
    descriptors = [make_descriptor(setup, species, cosine_convention) for setup in setups]
    statistics = [RunningStatistics(setup.n_features) for setup in setups]
    for structure in structures:
        found = structure_fingerprints(structure, species, descriptors)
        for one, features_ng in zip(statistics, found.features_tng, strict=True):
            one.update(features_ng)
    files = {}
    for setup, one in zip(setups, statistics, strict=True):
        nodes_l = (setup.n_features, *hidden, 1)
        files[setup.species] = SpeciesPotential(
            nodes_l=nodes_l,
            activations=("tanh",) * len(hidden) + ("linear",),
            weights_w=initial_weights(nodes_l, setup.species, seed=1),
            setup=setup.with_statistics(one.result()),
            training_file="random.train.scaled",
            normalized=True,
            scale=1.3,
            shift=-7.8,
            species=species,
            atomic_energies_t=-np.arange(1.0, len(species) + 1),
            n_atoms=1,
            n_structures=1,
            energy_minimum=-1.0,
            energy_maximum=1.0,
            energy_average=0.0,
        )
    return Potential(files, chebyshev_domain=cosine_convention)


def random_trainset(n_atoms_s: Sequence[int], n_features: int, seed: int = 1) -> TrainingSet:
    """Return a normalised set of one third Ti and two thirds O with random numbers."""
    rng = np.random.default_rng(seed)
    n_atoms_s = np.asarray(n_atoms_s, dtype=np.int32)
    types_n = np.concatenate([(np.arange(n) >= n // 3) for n in n_atoms_s]).astype(np.int32)
    n_atoms = len(types_n)
    return TrainingSet(
        species=("Ti", "O"),
        atomic_energies_t=np.zeros(2),
        normalized=True,
        scale=1.0,
        shift=0.0,
        names_s=tuple(f"{s}.xsf" for s in range(len(n_atoms_s))),
        n_atoms_s=n_atoms_s,
        n_species_s=np.full(len(n_atoms_s), 2, dtype=np.int32),
        energies_s=rng.uniform(-1, 1, len(n_atoms_s)) * n_atoms_s,
        types_n=types_n,
        positions_nc=np.zeros((n_atoms, 3)),
        forces_nc=np.zeros((n_atoms, 3)),
        features_tng=tuple(
            rng.standard_normal((int((types_n == t).sum()), n_features)) for t in range(2)
        ),
        energy_average=0.0,
        energy_minimum=-1.0,
        energy_maximum=1.0,
        setups_t=None,
    )


def epoch_function(files: Sequence[Path], workers: Workers) -> tuple[Callable[[], None], int]:
    """Return one training epoch on random numbers of the size of ``files``, and its atoms."""
    from aenetpy.io.xsf import read_xsf

    trainset = random_trainset([len(read_xsf(path)) for path in files], 44)
    nodes_l = (44, 15, 15, 1)
    networks = [
        Network(nodes_l, ("tanh", "tanh", "linear"), initial_weights(nodes_l, symbol, 1))
        for symbol in trainset.species
    ]
    test_s = np.arange(0, len(files), 10)
    train_s = np.setdiff1d(np.arange(len(files)), test_s)
    objective = EnergyObjective(trainset, train_s, networks, workers)
    objective_test = EnergyObjective(trainset, test_s, networks, workers)
    weights_w = np.concatenate([network.weights_w for network in networks])
    method = LBFGS(len(weights_w))

    def epoch() -> None:
        nonlocal weights_w
        evaluation = objective.evaluate(weights_w)
        objective_test.energies(weights_w)
        weights_w = method.advance(weights_w, evaluation.value, evaluation.gradient_w)

    return epoch, trainset.n_atoms
