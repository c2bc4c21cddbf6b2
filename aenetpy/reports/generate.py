"""The text output of generate (spec 10.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.formats.columns import integer, scientific
from aenetpy.reports.blocks import (
    TrainingSetInfo,
    copyright_notice,
    ending,
    section,
    setup_report,
    title,
    training_set_info,
)


def opening(
    species: Sequence[str], n_structures: int, setups_t: Iterable[Setup], version: str
) -> str:
    """Return all up to the first structure: banner, types, setups, heading of the table."""
    types = "".join(f"   {name:<2} " for name in species)
    return (
        title("generate.x - training set generation", rule="=")
        + copyright_notice(version)
        + section("Generation of training set started")
        + f" Number of atom types  : {len(species)}\n"
        + f" types                 : {types}\n"
        + f" Number of structures  : {n_structures}\n"
        + "\n"
        + section("Structural fingerprint basis set-up")
        + "".join(map(setup_report, setups_t))
        + section("Adding structures to the training set")
        + "#     N  nAtoms  nTypes           E/atom  structure file (xsf)\n"
    )


def structure_rows(
    number: int, structure: Structure, energy_per_atom: float, neighbors_n: Iterable[int]
) -> str:
    """Return the row of a structure and one row per atom."""
    species = structure.species
    head = (
        f" {integer(number, 6)}  {integer(len(species), 6)}  {integer(len(set(species)), 6)}"
        f"  {scientific(energy_per_atom, 15, 8)}  {structure.name}\n"
    )
    atoms = enumerate(zip(species, neighbors_n, strict=True), start=1)
    return head + "".join(
        [f" {integer(atom, 6)}  {name:>2}  {integer(count, 6)}\n" for atom, (name, count) in atoms]
    )


def closing(info: TrainingSetInfo, now: datetime) -> str:
    """Return the text behind the last structure: the training set and the end of the output."""
    return "\n" + training_set_info(info) + ending("Training set generation done.", now)
