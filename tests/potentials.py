"""Potentials and training sets with random weights, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from aenetpy.data.geometry import geometry_of_rows, geometry_row
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.structure import Structure
from aenetpy.data.training_set import TrainingSet
from aenetpy.descriptors.base import make_descriptor, make_descriptors
from aenetpy.descriptors.cosine_convention import CosineConvention
from aenetpy.descriptors.featurise import batch_fingerprints, structure_fingerprints
from aenetpy.descriptors.jacobians import RecomputedJacobians, StoredJacobians
from aenetpy.descriptors.statistics import RunningStatistics
from aenetpy.models.network import Network
from aenetpy.models.potential import Potential
from aenetpy.parallel import Workers
from aenetpy.training.forces import Forces, ForceWeights
from aenetpy.training.methods.lbfgs import LBFGS
from aenetpy.training.normalise import normalise
from aenetpy.training.objective import Objective
from aenetpy.training.weights import initial_weights
from tests.training import statistics_of


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
    from aenetpy.structures.xsf import read_xsf

    trainset = random_trainset([len(read_xsf(path)) for path in files], 44)
    nodes_l = (44, 15, 15, 1)
    networks = [
        Network(nodes_l, ("tanh", "tanh", "linear"), initial_weights(nodes_l, symbol, 1))
        for symbol in trainset.species
    ]
    test_s = np.arange(0, len(files), 10)
    train_s = np.setdiff1d(np.arange(len(files)), test_s)
    objective = Objective(trainset, train_s, networks, workers)
    objective_test = Objective(trainset, test_s, networks, workers)
    weights_w = np.concatenate([network.weights_w for network in networks])
    method = LBFGS(len(weights_w))

    def epoch() -> None:
        nonlocal weights_w
        evaluation = objective.evaluate(weights_w)
        objective_test.energies(weights_w)
        weights_w = method.advance(weights_w, evaluation.value, evaluation.gradient_w)

    return epoch, trainset.n_atoms


def force_objective(
    structures: Sequence[Structure], setups: Sequence[Setup], way: str, workers: Workers
) -> tuple[Objective, np.ndarray]:
    """Return energies and all forces of structures as an objective, and random weights.

    Derivatives are ``kept``, ``kept single``, or ``recomputed``.
    """
    species = tuple(setup.species for setup in setups)
    descriptors = make_descriptors(setups)
    found = batch_fingerprints(structures, species, descriptors)
    features_tng = tuple(
        np.concatenate([one.features_tng[t] for one in found]) for t in range(len(species))
    )
    n_atoms_s = np.array([len(one) for one in structures], np.int32)
    per_atom_s = np.random.default_rng(1).uniform(-9, -7, len(structures))
    raw = TrainingSet(
        species=species,
        atomic_energies_t=np.zeros(len(species)),
        normalized=False,
        scale=1.0,
        shift=0.0,
        names_s=tuple(one.name for one in structures),
        n_atoms_s=n_atoms_s,
        n_species_s=np.full(len(structures), len(species), np.int32),
        energies_s=per_atom_s * n_atoms_s,
        types_n=np.concatenate([one.types_n for one in found]),
        positions_nc=np.concatenate([one.positions_nc for one in structures]),
        forces_nc=np.concatenate([one.forces_nc for one in structures]),
        features_tng=features_tng,
        energy_average=float(per_atom_s.mean()),
        energy_minimum=float(per_atom_s.min()),
        energy_maximum=float(per_atom_s.max()),
        setups_t=tuple(
            setup.with_statistics(statistics_of(features_ng))
            for setup, features_ng in zip(setups, features_tng, strict=True)
        ),
    )
    trainset = normalise(raw).trainset
    geometry = geometry_of_rows(np.array([geometry_row(one) for one in structures]))
    layouts = [(setup.n_features, 15, 15, 1) for setup in setups]
    networks = [
        Network(nodes_l, ("tanh", "tanh", "linear"), initial_weights(nodes_l, symbol, 1))
        for nodes_l, symbol in zip(layouts, species, strict=True)
    ]
    everything = np.arange(len(structures))
    derivatives = (
        RecomputedJacobians(structures.__getitem__, species, descriptors)
        if way == "recomputed"
        else StoredJacobians(
            structures.__getitem__,
            species,
            descriptors,
            False,
            everything,
            trainset.counts_st,
            way == "kept single",
            workers,
        )
    )
    forces = Forces(trainset, geometry, ForceWeights(), derivatives, everything)
    objective = Objective(trainset, everything, networks, workers, forces)
    return objective, np.concatenate([network.weights_w for network in networks])
