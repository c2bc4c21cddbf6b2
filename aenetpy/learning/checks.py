"""Checks before ``learn`` begins or goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aenetpy.commands.dynamics import checked_chain
from aenetpy.commands.generate import read_setups
from aenetpy.data.setup import Setup
from aenetpy.descriptors.species import check_species
from aenetpy.digests import digest_of
from aenetpy.errors import InputError
from aenetpy.files.files import read_bytes, within
from aenetpy.formats.network import read_network
from aenetpy.inputs.entries import parse_entry
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.learn import Learn, WalkInput
from aenetpy.inputs.lines import times
from aenetpy.inputs.train_in import TrainInput
from aenetpy.models.committee_file import MEMBER, member_folders
from aenetpy.structures.reading import iter_structures, read_atoms
from aenetpy.training.check_networks import check_existing

if TYPE_CHECKING:
    from ase import Atoms


def check_learning(settings: Learn, generate: GenerateInput, train: TrainInput, root: Path) -> None:
    """Refuse settings of the files that contradict each other."""
    if settings.select == "committee" and settings.lower is None:
        for missing, keyword in (
            (not train.test_percent, "TESTPERCENT"),
            (train.forces is None, "FORCES"),
        ):
            if missing:
                raise InputError(
                    "lower is auto, which needs forces of held-out structures",
                    file=settings.path,
                    line=settings.lines.get("lower"),
                    hint=f"give {keyword} in {settings.train}, or lower and upper in eV/Å",
                )
    if generate.taylor is not None and generate.taylor.outfile is not None:
        raise InputError(
            "DERIVATIVES writes an outfile, which every fit would write again",
            file=generate.path,
            line=generate.lines.get("DERIVATIVES"),
            hint="give the copies with TAYLOR, or without outfile",
        )
    setups = read_setups(generate, root)
    if settings.committee is not None:
        _check_committee(settings, train, setups, Path(within(root, settings.committee)))
    for walk in settings.explore:
        for structure in iter_structures(within(root, walk.start or walk.trajectory or "")):
            check_species(structure, setups)
        if walk.start is not None:
            atoms = start_atoms(walk, root)
            try:
                checked_chain(atoms, walk.ensemble)
            except InputError as error:
                raise walk.place.error(f"{walk.name}: {error.message}", error.hint) from None


def _check_committee(
    settings: Learn, train: TrainInput, setups: Sequence[Setup], folder: Path
) -> None:
    """Refuse a committee that later fits could not begin with."""
    members = member_folders(folder)
    if len(members) != settings.members:
        raise InputError(
            f"committee has {times(len(members), 'member')}, and members is {settings.members}",
            file=settings.path,
            line=settings.lines.get("committee"),
            hint=f"write members: {len(members)}",
        )
    types = tuple(setup.species for setup in setups)
    for member in members:
        for line in train.networks:
            setup = next(one for one in setups if one.species == line.species)
            network = read_network(member / line.file)
            check_existing(line, network, replace(setup, types=types), settings.train)


def start_atoms(walk: WalkInput, root: Path) -> Atoms:
    """Return the atoms that a walk starts from, with the constraints of their file."""
    assert walk.start is not None
    found = list(read_atoms(within(root, walk.start)))
    if len(found) != 1:
        raise walk.place.error(
            f"{walk.name}: start '{walk.start}' names {len(found)} structures", "choose one"
        )
    return found[0].atoms


def learning_digest(settings: Learn, generate: GenerateInput, root: Path) -> str:
    """Return a digest of all settings that may not change."""
    fixed = asdict(settings)
    for name in ("path", "folder", "wall_time", "properties", "all_data", "reference", "lines"):
        del fixed[name]
    if settings.select == "committee":
        del fixed["labels"]
    for walk in fixed["explore"]:
        del walk["place"]
    files = [within(root, settings.generate), within(root, settings.train)]
    files += [within(root, setup.text) for setup in generate.setups.values()]
    entries = [entry.text for entry in generate.files]
    entries += [walk.start or walk.trajectory or "" for walk in settings.explore]
    files += [within(root, parse_entry(entry).path) for entry in entries]
    if settings.committee is not None:
        folder = Path(within(root, settings.committee))
        files += [str(path) for path in sorted(folder.glob(f"{MEMBER}*/*.nn"))]
    contents = [read_bytes(file) for file in files if os.path.isfile(file)]
    return digest_of(json.dumps(fixed, sort_keys=True).encode(), *contents)
