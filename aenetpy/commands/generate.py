"""``generate``: structures in, training set out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aenetpy import __version__
from aenetpy.analysis.atomic_energies import EnergiesOfCompositions
from aenetpy.analysis.starting_energies import tell_of_better_ones
from aenetpy.commands.training_set_builder import StructureWithFingerprints, TrainingSetBuilder
from aenetpy.commands.zero_forces import ZeroForces
from aenetpy.data.copies import Families, is_copy
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.batches import batches_of_atoms
from aenetpy.descriptors.checks import check_contact, check_finite, check_setups
from aenetpy.descriptors.derivatives_file import atom_derivatives, derivatives_writer, is_chosen
from aenetpy.descriptors.env_order import warn_of_env_order
from aenetpy.descriptors.featurise import batch_fingerprints
from aenetpy.descriptors.repeats import RepeatedStructures
from aenetpy.descriptors.species import check_species
from aenetpy.errors import AenetpyError, DataError, InputError, located
from aenetpy.files.files import Opener, is_device, within
from aenetpy.files.lock import new_files
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.stp import read_stp
from aenetpy.parallel import ordered_map
from aenetpy.reports import generate as report
from aenetpy.reports.blocks import TrainingSetInfo
from aenetpy.reports.listener import SILENT, Listener
from aenetpy.structures.from_settings import read_structures

if TYPE_CHECKING:
    from aenetpy.augmentation.plan import CopyPlan

REPEATED = "they weigh more in training, and may be trained on and tested on at once"


class StructureOrCopies(NamedTuple):
    """A piece of work: structure number ``s`` itself, or some copies of it."""

    s: int
    parent: Structure
    numbers: range | None


def generate(
    settings: GenerateInput,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    jobs: int = 1,
) -> TrainingSetInfo:
    """Compute the fingerprints of all structures and write the training set.

    Structures are read, evaluated, written and forgotten one after the other, each
    with its displaced copies, if there are to be any; at most a few per thread are in memory.

    Parameters
    ----------
    settings
        Contents of ``generate.in``.
    folder
        Where the run takes place: names in the settings are seen from there.
    listener
        Receives the standard output of ``generate.x``, and each line of FILES.
    jobs
        Threads; the result does not depend on it.

    Returns
    -------
    TrainingSetInfo
        The training set that was written; its file is seen from the folder, too.

    Raises
    ------
    InputError
        If a setup is wrong.
    DataError
        If a structure is wrong or the training set exists already; nothing is left
        behind then.
    """
    setups_t = read_setups(settings, folder)
    with new_outputs(settings, folder) as opener:
        info = collect(settings, setups_t, folder, opener, listener, jobs)
    listener.tell(report.closing, info, datetime.now())
    return info


def collect(
    settings: GenerateInput,
    setups_t: Sequence[Setup],
    folder: str | Path,
    opener: Opener,
    listener: Listener,
    jobs: int,
) -> TrainingSetInfo:
    """Compute the fingerprints, write and report them; see `generate`."""
    listener.tell(report.opening, settings.species, len(settings.files), setups_t, __version__)

    descriptors = make_descriptors(setups_t)
    families = Families((entry.text for entry in settings.files), folder)
    plan = None
    if settings.taylor is not None:
        from aenetpy.augmentation.plan import make_copy_plan

        taylor = settings.taylor
        if taylor.potential is not None:
            taylor = replace(taylor, potential=within(folder, taylor.potential))
        zero_forces = ZeroForces()
        plan = make_copy_plan(zero_forces.watch(read_structures(settings, folder)), taylor)
        zero_forces.refuse()

    def evaluate(pieces: list[tuple[Structure, bool]]) -> list[StructureWithFingerprints]:
        structures = [structure for structure, _ in pieces]
        for structure in structures:
            check_species(structure, setups_t)
        energies = [target_energy(structure, settings) for structure in structures]
        found_s = batch_fingerprints(structures, settings.species, descriptors)
        evaluated = []
        for (structure, chosen), energy, found in zip(pieces, energies, found_s, strict=True):
            check_contact(structure, found.closest, setups_t)
            check_finite(structure, found, setups_t)
            atoms = atom_derivatives(structure, settings.species, descriptors) if chosen else None
            name = families.name(structure)
            evaluated.append(StructureWithFingerprints(structure, name, energy, found, atoms))
        return evaluated

    def evaluate_batch(batch: list[StructureOrCopies]) -> list[StructureWithFingerprints]:
        pieces = []
        for s, parent, numbers in batch:
            if numbers is None:
                chosen = settings.forces and is_chosen(s + 1, settings.forces_percent)
                pieces.append((parent, chosen))
            else:
                assert plan is not None, "without a plan there are no copies"
                pieces += [(copy, False) for copy in plan.copies(s, parent, numbers)]
        try:
            return evaluate(pieces)
        except AenetpyError:
            for piece in pieces:
                evaluate([piece])  # the first structure that is wrong is the one to name
            raise

    energies = EnergiesOfCompositions()
    with (
        TrainingSetBuilder(settings.output, folder, settings, setups_t, opener) as builder,
        copies_training_set(settings, folder, setups_t, opener) as with_copies,
        derivatives_writer(settings, folder) as derivatives,
    ):
        repeats, zero_forces = RepeatedStructures(), ZeroForces()
        structures = read_structures(settings, folder, listener.advance)
        parents = enumerate(zero_forces.watch(repeats.watch(structures)))
        for found in ordered_map(
            evaluate_batch, batches_of_atoms(structures_and_copies(parents, plan), n_atoms_of), jobs
        ):
            for evaluated in found:
                structure = evaluated.structure
                energies.add(structure)
                if with_copies is not None:
                    with_copies.add(evaluated)
                    if is_copy(structure.name):
                        continue
                listener.tell(report.structure_rows, *builder.add(evaluated))
                if derivatives is not None:
                    n_species = len(set(structure.species))
                    derivatives.append(evaluated.name, len(structure), n_species, evaluated.atoms)
        repeats.tell(settings, REPEATED)
        zero_forces.tell(settings)
        if with_copies is not None:
            with_copies.finish()
        info = builder.finish()
        if derivatives is not None:
            derivatives.finish()
    tell_of_better_ones(settings, energies)
    return info


def structures_and_copies(
    parents: Iterable[tuple[int, Structure]], plan: CopyPlan | None
) -> Iterator[StructureOrCopies]:
    """Yield each structure, then its copies in pieces of work."""
    for s, parent in parents:
        yield StructureOrCopies(s, parent, None)
        for numbers in plan.portions(s) if plan is not None else ():
            yield StructureOrCopies(s, parent, numbers)


def n_atoms_of(piece: StructureOrCopies) -> int:
    """Return how many atoms a piece of work has."""
    n_copies = 1 if piece.numbers is None else len(piece.numbers)
    return n_copies * len(piece.parent)


def copies_training_set(
    settings: GenerateInput, folder: str | Path, setups_t: Sequence[Setup], opener: Opener
) -> AbstractContextManager[TrainingSetBuilder | None]:
    """Return the training set of structures and copies, if it has a file of its own."""
    if settings.taylor is None or settings.taylor.outfile is None:
        return nullcontext()
    return TrainingSetBuilder(settings.taylor.outfile, folder, settings, setups_t, opener)


def new_outputs(settings: GenerateInput, folder: str | Path) -> AbstractContextManager[Opener]:
    """Return the openers of OUTPUT, and outfile of DERIVATIVES, as `new_files`."""
    output = within(folder, settings.output)
    if settings.forces and is_device(output):
        raise InputError(
            f"FORCES writes '{output}.forces', but OUTPUT is no file",
            file=settings.path,
            line=settings.lines["FORCES"],
            hint="name a file with OUTPUT, or remove FORCES",
        )
    others = {output: "name another file with OUTPUT"}
    if settings.taylor is not None and settings.taylor.outfile is not None:
        outfile = within(folder, settings.taylor.outfile)
        if os.path.realpath(outfile) == os.path.realpath(output):
            raise InputError(
                f"OUTPUT and outfile of DERIVATIVES are both '{output}'",
                file=settings.path,
                line=settings.lines["DERIVATIVES"],
                hint="OUTPUT holds the structures, outfile the structures and their copies",
            )
        others[outfile] = "name another file with outfile"
    return new_files(others, "generate")


def read_setups(settings: GenerateInput, folder: str | Path = ".") -> list[Setup]:
    """Read the setup of each species, in TYPES order."""
    setups: list[Setup] = []
    for symbol in settings.species:
        path, line = within(folder, settings.setups[symbol].text), settings.setups[symbol].line
        if not os.path.exists(path):
            raise InputError(
                f"setup file '{path}' not found",
                file=settings.path,
                line=line,
                hint="paths are relative to the folder of the run",
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
    with located(settings.path):
        warn_of_env_order(setups)
    return setups


def target_energy(structure: Structure, settings: GenerateInput) -> float:
    """Return the energy less the atomic energies, eV (spec 2.2, items 4 and 7)."""
    is_complete = structure.forces_nc is not None or structure.parent is not None
    if not is_complete and not settings.forces_optional:
        raise DataError(
            "no forces",
            file=structure.name,
            hint="give each atom its forces, remove the structure from FILES, "
            "or write FORCES_OPTIONAL",
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
