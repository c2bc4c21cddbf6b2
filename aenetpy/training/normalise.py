"""From the training set of ``generate`` to numbers of order one (spec 3.5)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.limits import LARGEST
from aenetpy.data.setup import Setup
from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError, InputError
from aenetpy.models.remarks import warn_of_constants
from aenetpy.models.scaling import inverse, raw_deviations, rounding_noise

LARGEST_SCALED_ENERGY = 1.001
"""Structures above it, per atom in scaled units, are left out."""

EQUAL = 1e-6
"""eV per atom: energies that differ by less set no scale for forces."""

log = logging.getLogger("aenetpy")


class Normalisation(NamedTuple):
    """The normalised training set, and how many structures were left out."""

    trainset: TrainingSet
    n_removed: int


def normalise(
    trainset: TrainingSet, max_energy: float | None = None, with_forces: bool = False
) -> Normalisation:
    """Scale energies per atom to [-1, 1] and fingerprints to unit variance.

    With ``E_max' = min(E_max, max_energy)``, ``scale = 2 / (E_max' - E_min)`` and
    ``shift = (E_max' + E_min) / 2``: energies become ``scale (E - N shift)``, forces
    ``scale F`` and fingerprints ``(G - mean) / sqrt(mean square - mean^2)``. Structures
    with scaled E/N above 1.001 are left out. A set that is already normalised is
    returned as it is.

    Notes
    -----
    Spec 3.5; the order of operations is as in aenet, so that files agree in bytes.
    """
    check_trainable(trainset)
    for setup, features_ng in zip(trainset.setups_t or (), trainset.features_tng, strict=True):
        if len(features_ng) and setup.statistics is not None:
            warn_of_constants(setup)
    if trainset.normalized:
        return Normalisation(trainset, 0)
    scale, shift = _energy_scaling(trainset, max_energy, with_forces)
    energies_s = scale * (trainset.energies_s - trainset.n_atoms_s * shift)
    per_atom_s = energies_s / trainset.n_atoms_s
    keep_s = per_atom_s <= LARGEST_SCALED_ENERGY
    keep_n = np.repeat(keep_s, trainset.n_atoms_s)
    kept_s = per_atom_s[keep_s]
    assert trainset.setups_t is not None
    scaled = replace(
        trainset,
        normalized=True,
        scale=scale,
        shift=shift,
        names_s=tuple(name for name, keep in zip(trainset.names_s, keep_s, strict=True) if keep),
        n_atoms_s=trainset.n_atoms_s[keep_s],
        n_species_s=trainset.n_species_s[keep_s],
        energies_s=energies_s[keep_s],
        types_n=trainset.types_n[keep_n],
        positions_nc=trainset.positions_nc[keep_n],
        forces_nc=scale * trainset.forces_nc[keep_n],
        features_tng=tuple(
            _normalise_features(setup, features_ng[keep_n[trainset.types_n == t]])
            for t, (setup, features_ng) in enumerate(
                zip(trainset.setups_t, trainset.features_tng, strict=True)
            )
        ),
        energy_average=float(np.cumsum(kept_s)[-1] / len(kept_s)),
        energy_minimum=float(kept_s.min()),
        energy_maximum=float(kept_s.max()),
    )
    return Normalisation(scaled, int(np.count_nonzero(~keep_s)))


def check_trainable(trainset: TrainingSet) -> None:
    """Refuse a training set that cannot be trained on."""
    if trainset.n_structures == 0:
        raise DataError("the training set holds no structures")
    if trainset.setups_t is None:
        raise DataError(
            "the training set holds no fingerprint setups",
            hint="train on a file written by 'aenetpy generate'",
        )


def _energy_scaling(
    trainset: TrainingSet, max_energy: float | None, with_forces: bool
) -> tuple[float, float]:
    """Scale 2 / (E_max' - E_min) and shift (E_max' + E_min) / 2, E_max' = min(E_max, limit)."""
    low, high = trainset.energy_minimum, trainset.energy_maximum
    if with_forces and high - low < EQUAL:
        return 1.0, low
    if not high - low > 2.0 / LARGEST:
        raise DataError(
            f"all structures have the same energy of {low:.6f} eV per atom",
            hint="training needs structures of different energy, or FORCES with their forces",
        )
    if max_energy is not None and not max_energy > low:
        raise InputError(
            f"MAXENERGY {max_energy:g} leaves no structures: the lowest energy"
            f" is {low:.6f} eV per atom",
            hint="MAXENERGY is the target energy per atom, that is without the atomic energies",
        )
    high = high if max_energy is None else min(high, max_energy)
    return 2.0 / (high - low), 0.5 * (high + low)


def _normalise_features(setup: Setup, features_ng: Float) -> Float:
    """Normalised x = (G - mean) / sigma; constant components of aenet become 0."""
    if setup.statistics is None:
        raise DataError(f"the setup of {setup.species} holds no statistics")
    if not len(features_ng):
        log.warning("%s: no atoms in the training set; its network is not trained", setup.species)
    x_ng = features_ng - setup.statistics.mean_g
    x_ng *= inverse(raw_deviations(setup.statistics))
    return x_ng


def without_constants(trainset: TrainingSet) -> TrainingSet:
    """Return a normalised set with 0 for components that only rounding makes vary.

    Notes
    -----
    See `aenetpy.models.scaling`; on disk the set is as aenet writes it.
    """
    assert trainset.setups_t is not None, "normalise refuses sets without setups"
    features_tng = list(trainset.features_tng)
    for t, setup in enumerate(trainset.setups_t):
        noise_g = rounding_noise(setup.known_statistics)
        if noise_g.any():
            features_tng[t] = np.where(noise_g, 0.0, features_tng[t])
    return replace(trainset, features_tng=tuple(features_tng))
