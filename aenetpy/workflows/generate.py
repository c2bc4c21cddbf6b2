"""``generate``: structures in, training set out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TextIO

import numpy as np

from aenetpy import __version__
from aenetpy.errors import DataError, InputError, located
from aenetpy.fingerprints.base import make_descriptor
from aenetpy.fingerprints.featurise import Fingerprints, fingerprints
from aenetpy.fingerprints.statistics import RunningStatistics
from aenetpy.io import report_generate as report
from aenetpy.io.derivatives import AtomDerivatives
from aenetpy.io.generate_in import GenerateInput
from aenetpy.io.report_common import TrainingSetInfo
from aenetpy.io.setup import Setup
from aenetpy.io.stp import read_stp
from aenetpy.io.structure import Structure
from aenetpy.io.trainset import TrainingSetWriter
from aenetpy.parallel import ordered_map
from aenetpy.workflows.checks import check_contact, check_finite, check_setups, check_species
from aenetpy.workflows.derivatives import atom_derivatives, derivatives_writer, is_chosen
from aenetpy.workflows.entries import read_structures
from aenetpy.workflows.timing import Timing


class Evaluated(NamedTuple):
    """A structure, its number from 1, target energy, fingerprints, and derivatives if chosen."""

    number: int
    structure: Structure
    energy: float
    fingerprints: Fingerprints
    atoms: list[AtomDerivatives] | None


def generate(
    settings: GenerateInput,
    out: TextIO,
    jobs: int = 1,
    on_entry: Callable[[], object] = lambda: None,
) -> None:
    """Compute the fingerprints of all structures and write the training set.

    Structures are read, evaluated, written and forgotten one after the other;
    at most a few per thread are in memory.

    Parameters
    ----------
    settings
        Contents of ``generate.in``.
    out
        Receives the text that ``generate.x`` writes to standard output.
    jobs
        Threads; the result does not depend on it.
    on_entry
        Called after each line of FILES.

    Raises
    ------
    InputError
        If a setup is wrong.
    DataError
        If a structure is wrong or the training set exists already; nothing is left
        behind then.
    """
    timing = Timing("generate.time" if settings.timing else None)
    setups_t = read_setups(settings)
    output = settings.output
    if os.path.isdir(output):
        raise DataError("is a folder", file=output, hint="name a file with OUTPUT")
    if os.path.exists(output):
        raise DataError(
            "the training set exists already",
            file=output,
            hint="remove it, or name another file with OUTPUT",
        )
    out.write(report.opening(settings.species, len(settings.files), setups_t, __version__))
    timing.milestone("setups read")

    descriptors = [make_descriptor(setup, settings.species) for setup in setups_t]
    statistics_t = [RunningStatistics(setup.n_features) for setup in setups_t]
    energies_per_atom: list[float] = []

    def evaluate(numbered: tuple[int, Structure]) -> Evaluated:
        number, structure = numbered
        check_species(structure, setups_t)
        energy = target_energy(structure, settings)
        with located(structure.name):
            found = fingerprints(structure, settings.species, descriptors)
        check_contact(structure, found.closest, setups_t)
        check_finite(structure, found, setups_t)
        chosen = settings.forces and is_chosen(number, settings.forces_percent)
        atoms = atom_derivatives(structure, found.types_n, descriptors) if chosen else None
        return Evaluated(number, structure, energy, found, atoms)

    # The training set is renamed last: as long as it is not there, nothing blocks a new run.
    with (
        TrainingSetWriter(output, settings.species, settings.atomic_energies_t) as writer,
        derivatives_writer(settings) as derivatives,
    ):
        numbered = enumerate(read_structures(settings, on_entry), start=1)
        for number, structure, energy, found, atoms in ordered_map(evaluate, numbered, jobs):
            assert structure.forces_nc is not None, "target_energy refuses structures without"
            for statistics, features_ng in zip(statistics_t, found.features_tng, strict=True):
                statistics.update(features_ng)
            energies_per_atom.append(energy / len(structure))
            writer.append(
                structure.name,
                found.types_n,
                structure.positions_in_cell(),
                structure.forces_nc,
                energy,
                found.features_tng,
            )
            if derivatives is not None:
                n_species = len(set(structure.species))
                derivatives.append(structure.name, len(structure), n_species, atoms)
            out.write(
                report.structure_rows(number, structure, energies_per_atom[-1], found.n_neighbors_n)
            )
        timing.milestone("fingerprints computed")
        average, minimum, maximum = energy_statistics(energies_per_atom)
        writer.finish(average, minimum, maximum, with_statistics(setups_t, statistics_t))
        if derivatives is not None:
            derivatives.finish()
    timing.milestone("training set written")
    timing.write()
    info = TrainingSetInfo(
        settings.output, len(energies_per_atom), settings.species, average, minimum, maximum
    )
    out.write(report.closing(info, datetime.now()))


def read_setups(settings: GenerateInput) -> list[Setup]:
    """Read the setup of each species, in TYPES order.

    Raises
    ------
    InputError
        If a setup belongs to another species or is of another kind than the first.
    """
    setups: list[Setup] = []
    for symbol in settings.species:
        path, line = settings.setups[symbol].text, settings.setups[symbol].line
        if not os.path.exists(path):
            raise InputError(
                f"setup file '{path}' not found",
                file=settings.path,
                line=line,
                hint="paths are relative to the working directory",
            )
        setup = read_stp(path)
        if setup.species != symbol:
            raise InputError(
                f"this setup is for {setup.species} (ATOM), but SETUPS names it for {symbol}",
                file=path,
                hint=f"correct {settings.path}:{line} or ATOM in the setup",
            )
        setups.append(setup)
    check_setups(setups)
    return setups


def target_energy(structure: Structure, settings: GenerateInput) -> float:
    """Return the energy less the atomic energies, eV (spec 2.2, items 4 and 7).

    Raises
    ------
    DataError
        If the structure has no energy or no forces.
    """
    if structure.forces_nc is None:
        raise DataError(
            "no forces",
            file=structure.name,
            hint="give each atom its forces, or remove the structure from FILES",
        )
    if structure.cohesive_energy:
        return structure.cohesive_energy
    if structure.energy is None:
        raise DataError(
            "no energy",
            file=structure.name,
            hint="add '# total energy = ... eV', or remove the structure from FILES",
        )
    atomic_energies = dict(zip(settings.species, settings.atomic_energies_t, strict=True))
    energy = structure.energy
    for symbol in structure.species:  # atom by atom, for the same last bit as aenet
        energy -= atomic_energies.get(symbol, 0.0)
    return energy


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
