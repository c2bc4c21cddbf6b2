"""Small training sets for the tests of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.data.setup import FeatureStatistics, Setup
from aenetpy.data.training_set import TrainingSet
from aenetpy.models.network import Network, n_weights


def statistics_of(features_ng: np.ndarray) -> FeatureStatistics:
    if not len(features_ng):
        zeros = np.zeros(features_ng.shape[1])
        return FeatureStatistics(0, zeros, zeros, zeros, zeros)
    return FeatureStatistics(
        len(features_ng),
        features_ng.min(axis=0),
        features_ng.max(axis=0),
        features_ng.mean(axis=0),
        (features_ng**2).mean(axis=0),
    )


def setup_of(species: str, features_ng: np.ndarray) -> Setup:
    n = features_ng.shape[1]
    return Setup(
        species,
        ("Ti", "O"),
        0.75,
        8.0,
        "Behler2011",
        np.ones(n, np.int32),  # G1
        np.full((n, 4), 8.0),
        np.ones((n, 2), np.int32),
        statistics_of(features_ng),
    )


def small_trainset(
    types: Sequence[str] = ("TOO", "OTO", "TT", "O", "OOTT"),
    n_features: tuple[int, int] = (4, 3),
    seed: int = 0,
) -> TrainingSet:
    """Make a set of random numbers; a structure is written as its species, T(i) or O."""
    rng = np.random.default_rng(seed)
    types_n = np.array(["TO".index(letter) for word in types for letter in word], dtype=np.int32)
    n_atoms_s = np.array([len(word) for word in types], dtype=np.int32)
    energies_s = rng.uniform(-9, -7, len(types)) * n_atoms_s
    features_tng = tuple(
        rng.uniform(0, 5, ((types_n == t).sum(), n)) for t, n in enumerate(n_features)
    )
    per_atom_s = energies_s / n_atoms_s
    return TrainingSet(
        ("Ti", "O"),
        np.array([-1604.6, -432.5]),
        False,
        1.0,
        0.0,
        tuple(f"structure{k + 1}.xsf" for k in range(len(types))),
        n_atoms_s,
        np.array([len(set(word)) for word in types], dtype=np.int32),
        energies_s,
        types_n,
        rng.normal(size=(len(types_n), 3)),
        rng.normal(size=(len(types_n), 3)),
        features_tng,
        float(per_atom_s.mean()),
        float(per_atom_s.min()),
        float(per_atom_s.max()),
        tuple(map(setup_of, ("Ti", "O"), features_tng)),
    )


def small_networks(n_features: tuple[int, int] = (4, 3), seed: int = 1) -> list[Network]:
    rng = np.random.default_rng(seed)
    layouts = [(n, 3, 2, 1) for n in n_features]
    return [
        Network(nodes, ("tanh", "twist", "linear"), 0.5 * rng.normal(size=n_weights(nodes)))
        for nodes in layouts
    ]


def weights_of(networks: Sequence[Network]) -> np.ndarray:
    return np.concatenate([network.weights_w for network in networks])
