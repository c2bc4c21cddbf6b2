"""A training set in the making: structure by structure, statistics at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.featurise import Fingerprints
from aenetpy.descriptors.statistics import RunningStatistics
from aenetpy.errors import DataError
from aenetpy.files.files import Opener, is_device, within
from aenetpy.formats.derivatives import AtomDerivatives
from aenetpy.formats.trainset import TrainingSetWriter
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.models.remarks import warn_of_constants
from aenetpy.reports.blocks import TrainingSetInfo
from aenetpy.structures.companion import GeometryWriter


class StructureWithFingerprints(NamedTuple):
    """A structure, its name in the set, target energy, fingerprints, derivatives if chosen."""

    structure: Structure
    name: str
    energy: float
    fingerprints: Fingerprints
    atoms: list[AtomDerivatives] | None


class TrainingSetBuilder:
    """A training set in the making, with the statistics that stand at its end.

    A context manager like `TrainingSetWriter`.
    """

    def __init__(
        self,
        name: str,
        folder: str | Path,
        settings: GenerateInput,
        setups_t: Sequence[Setup],
        opener: Opener,
    ) -> None:
        self._name, self._species, self._setups_t = name, settings.species, setups_t
        self._path, self._opener = within(folder, name), opener
        self._geometry = GeometryWriter(self._path)
        self._writer = TrainingSetWriter(
            self._path, settings.species, settings.atomic_energies_t, opener=opener
        )
        self._statistics_t = [RunningStatistics(setup.n_features) for setup in setups_t]
        self._energies_per_atom: list[float] = []

    def __enter__(self) -> TrainingSetBuilder:
        self._writer.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._writer.__exit__(*exception)

    def add(
        self, evaluated: StructureWithFingerprints
    ) -> tuple[int, Structure, float, Sequence[int]]:
        """Add a structure; return number, structure, energy per atom, neighbours of the atoms."""
        structure, name, energy, found, _ = evaluated
        for statistics, features_ng in zip(self._statistics_t, found.features_tng, strict=True):
            statistics.update(features_ng)
        self._energies_per_atom.append(energy / len(structure))
        forces_nc, positions_nc = structure.forces_nc, structure.positions_in_cell()
        self._geometry.append(structure, name, found.types_n, positions_nc)
        self._writer.append(
            name,
            found.types_n,
            positions_nc,
            np.full((len(structure), 3), np.nan) if forces_nc is None else forces_nc,
            energy,
            found.features_tng,
        )
        n, energy_per_atom = len(self._energies_per_atom), self._energies_per_atom[-1]
        return n, structure, energy_per_atom, found.n_neighbors_n.tolist()

    def finish(self) -> TrainingSetInfo:
        """Write the records behind the last structure."""
        if not self._energies_per_atom:
            raise DataError(
                "no structures are left for the training set",
                file=self._name,
                hint="name others in FILES, or take those that did not converge: UNCONVERGED keep",
            )
        statistics = energy_statistics(self._energies_per_atom)
        setups_t = with_statistics(self._setups_t, self._statistics_t)
        self._writer.finish(*statistics, setups_t)
        if not is_device(self._path):
            self._geometry.finish(self._opener)
        for setup in setups_t:
            if setup.known_statistics.count:
                warn_of_constants(setup)
        n_structures = len(self._energies_per_atom)
        return TrainingSetInfo(self._name, n_structures, self._species, *statistics)


def energy_statistics(energies_per_atom: Sequence[float]) -> tuple[float, float, float]:
    """Return average, minimum and maximum, as they stand in the footer (spec 7.2, F2)."""
    energies = np.array(energies_per_atom)
    return float(energies.mean()), float(energies.min()), float(energies.max())


def with_statistics(
    setups_t: Sequence[Setup], statistics_t: Sequence[RunningStatistics]
) -> list[Setup]:
    """Return the setups with the statistics of their species."""
    return [
        setup.with_statistics(statistics.result())
        for setup, statistics in zip(setups_t, statistics_t, strict=True)
    ]
