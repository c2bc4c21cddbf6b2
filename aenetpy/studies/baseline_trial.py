"""Fitted models of a study, behind one question: the energies of structures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.baselines import Model, Samples, make_model
from aenetpy.commands.generate import read_setups
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import Descriptor, make_descriptors
from aenetpy.descriptors.featurise import structure_fingerprints
from aenetpy.formats.trainset import read_trainset
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.models.potential import Potential
from aenetpy.parallel import one_blas_thread
from aenetpy.reports.listener import Listener
from aenetpy.studies.plan import TRAINING_SET, Trial

MEV = 1000.0
PERMUTATIONS = 3
"""Permutations of each component; the report has the mean of their effects."""

IMPORTANCE = 3
"""Stream of random numbers."""


class FittedModel(Protocol):
    """A model that has been fitted; energies are less the atomic energies of its trial."""

    def energies(self, structures: Sequence[Structure]) -> Float:
        """Return the energies, eV, (s,)."""
        ...

    def force_errors(self, structures: Sequence[Structure]) -> Float:
        """Return the errors of the forces, eV/Å, (n, 3); (0, 3) if it knows none."""
        ...

    def samples(self, structures: Sequence[Structure]) -> Samples:
        """Return the fingerprints."""
        ...

    def energies_of(self, samples: Samples) -> Float:
        """Return the energies of fingerprints, eV, (s,)."""
        ...

    @property
    def components(self) -> list[list[str]]:
        """Names of the components of each species."""
        ...


class FittedNetworks:
    """Our networks."""

    def __init__(self, potential: Potential) -> None:
        self._potential = potential
        self._atomic_t = potential.atomic_potentials

    def energies(self, structures: Sequence[Structure]) -> Float:
        """Return the energies, eV, (s,)."""
        found = (self._potential.evaluate(structure, forces=False) for structure in structures)
        return np.array([one.cohesive_energy for one in found])

    def force_errors(self, structures: Sequence[Structure]) -> Float:
        """Return the errors of the forces; none if a structure has no forces."""
        errors = [np.empty((0, 3))]
        for structure in structures:
            if structure.forces_nc is None:
                return np.empty((0, 3))
            found = self._potential.evaluate(structure)
            assert found.forces_nc is not None, "forces are asked for"
            errors.append(found.forces_nc - structure.forces_nc)
        return np.concatenate(errors)

    def samples(self, structures: Sequence[Structure]) -> Samples:
        """Return the fingerprints."""
        descriptors = [atomic.descriptor for atomic in self._atomic_t]
        return fingerprint_samples(structures, self._potential.species, descriptors)

    def energies_of(self, samples: Samples) -> Float:
        """Return the sums over the atoms."""
        energies_s = np.zeros(len(samples.counts_st))
        for atomic, x_ng, structures_n in zip(
            self._atomic_t, samples.features_tng, samples.structures_tn, strict=True
        ):
            energies_n = atomic.energies(x_ng)
            energies_s += np.bincount(structures_n, energies_n, minlength=len(energies_s))
        return energies_s

    @property
    def components(self) -> list[list[str]]:
        """Names of the components of each species."""
        return component_names(atomic.descriptor for atomic in self._atomic_t)


class FittedBaseline:
    """A baseline over fingerprints."""

    def __init__(self, model: Model, species: Sequence[str], setups_t: Sequence[Setup]) -> None:
        self._model, self._species = model, species
        self._descriptors = make_descriptors(setups_t)

    @property
    def history(self) -> list[float]:
        """RMSE of training after each epoch, eV."""
        return self._model.history

    def energies(self, structures: Sequence[Structure]) -> Float:
        """Return the energies, eV, (s,)."""
        return self.energies_of(self.samples(structures)) if structures else np.empty(0)

    def force_errors(self, structures: Sequence[Structure]) -> Float:
        """Return none."""
        return np.empty((0, 3))

    def samples(self, structures: Sequence[Structure]) -> Samples:
        """Return the fingerprints."""
        return fingerprint_samples(structures, self._species, self._descriptors)

    def energies_of(self, samples: Samples) -> Float:
        """Return the energies of the model."""
        with one_blas_thread():
            return self._model.energies(samples)

    @property
    def components(self) -> list[list[str]]:
        """Names of the components of each species."""
        return component_names(self._descriptors)


def component_names(descriptors: Iterable[Descriptor]) -> list[list[str]]:
    """Return the names of the components of each species, such as ``Ti radial 0``."""
    return [[f"{one.setup.species} {name}" for name in one.names()] for one in descriptors]


def fingerprint_samples(
    structures: Sequence[Structure], species: Sequence[str], descriptors: Sequence[Descriptor]
) -> Samples:
    """Return the fingerprints of structures, at least one."""
    found = [structure_fingerprints(structure, species, descriptors) for structure in structures]
    counts: Long = np.array(
        [[len(x_ng) for x_ng in one.features_tng] for one in found], dtype=np.int64
    )
    features = [np.concatenate([one.features_tng[t] for one in found]) for t in range(len(species))]
    return Samples.of(features, counts)


def fitted_baseline(trial: Trial, settings: GenerateInput, listener: Listener) -> FittedBaseline:
    """Fit the model of a trial to its training set."""
    variant = trial.variant
    trainset = read_trainset(trial.folder / TRAINING_SET)
    samples = Samples.of(trainset.features_tng, trainset.counts_st)
    model = make_model(variant.model, variant.parameters, variant.labels, trial.seed)
    with one_blas_thread():
        model.fit(samples, trainset.energies_s)
    names = f"{variant.model}, targets {variant.targets}, labels {variant.labels}"
    listener.tell(lambda: f"{names}\n{model.remark()}\n")
    return FittedBaseline(model, settings.species, read_setups(settings, Path(trial.folder)))


def permutation_importance(
    model: FittedModel, structures: Sequence[Structure], targets_s: Float, seed: int
) -> tuple[Float, list[str]]:
    """Return by how much errors grow when a component of the fingerprint tells nothing.

    ``RMSE(permuted) - RMSE`` of the energy per atom over the structures, meV: the values of
    a component change places among all atoms of its species, the mean of three times.

    Notes
    -----
    Breiman, Machine Learning 45 (2001) 5.
    """
    samples = model.samples(structures)
    stream = np.random.default_rng([seed, IMPORTANCE])

    def rmse(samples: Samples) -> float:
        errors_s = (model.energies_of(samples) - targets_s) / samples.n_atoms_s
        return MEV * float(np.sqrt(np.mean(errors_s**2)))

    before = rmse(samples)
    importances: list[float] = []
    for t, x_ng in enumerate(samples.features_tng):
        for g in range(x_ng.shape[1]):
            grown = 0.0
            for _ in range(PERMUTATIONS):
                mixed_ng = x_ng.copy()
                mixed_ng[:, g] = stream.permutation(x_ng[:, g])
                features = list(samples.features_tng)
                features[t] = mixed_ng
                grown += rmse(Samples.of(features, samples.counts_st)) - before
            importances.append(grown / PERMUTATIONS)
    return np.array(importances), [name for names in model.components for name in names]
