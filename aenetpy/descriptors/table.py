"""Fingerprints of a structure with the names of their components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors import featurise
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.env_order import warn_of_env_order
from aenetpy.descriptors.species import check_species
from aenetpy.errors import DataError
from aenetpy.inputs.stp import read_stp
from aenetpy.structures.atoms import as_structure

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class SpeciesFingerprints:
    """Fingerprints of the atoms of one species.

    Parameters
    ----------
    atoms_a
        Indices of these atoms in the structure, (a,) int64.
    features_ag
        Raw fingerprints, one row per atom, (a, g) float64.
    names_g
        Name of each component, such as "weighted angular 2".
    """

    atoms_a: Long
    features_ag: Float
    names_g: tuple[str, ...]


def fingerprints(
    structure: Structure | Atoms,
    setups: Iterable[Setup | str | Path] | Mapping[str, Setup | str | Path],
) -> dict[str, SpeciesFingerprints]:
    """Return the fingerprints of all atoms, species by species.

    Parameters
    ----------
    structure
        A `Structure` or an ASE ``Atoms`` object.
    setups
        One per species: a ``.stp`` file or the result of ``read_stp``, in a list or
        by species, in the order of TYPES (which matters for Behler2011 setups with
        another order in ENV, see `aenetpy.descriptors.env_order`). ``potential.setups`` are
        the setups of a potential.

    Returns
    -------
    dict
        By species, in the order of ``setups``; species without atoms have no rows.

    Raises
    ------
    InputError
        If a setup file is wrong.
    DataError
        If there is no setup for a species, or two; if the setup of one species does
        not know another one; if the structure is not finite.
    """
    structure = as_structure(structure)
    setup_of = _by_species(setups)
    check_species(
        structure,
        list(setup_of.values()),
        "no setup for species {missing}; those of {known} are given",
        hint=None,
    )
    species = tuple(setup_of)
    warn_of_env_order(list(setup_of.values()))
    descriptors = make_descriptors(list(setup_of.values()))
    found = featurise.structure_fingerprints(structure, species, descriptors)
    return {
        symbol: SpeciesFingerprints(
            np.flatnonzero(found.types_n == t), found.features_tng[t], tuple(descriptors[t].names())
        )
        for t, symbol in enumerate(species)
    }


def _by_species(
    setups: Iterable[Setup | str | Path] | Mapping[str, Setup | str | Path],
) -> dict[str, Setup]:
    """Read setups from where they are still files, and sort them by species."""
    if isinstance(setups, str | Path | Setup):
        setups = [setups]
    named = isinstance(setups, Mapping)
    items = setups.items() if isinstance(setups, Mapping) else ((None, one) for one in setups)
    found: dict[str, Setup] = {}
    for symbol, one in items:
        setup = one if isinstance(one, Setup) else read_stp(one)
        if named and symbol != setup.species:
            raise DataError(f"the setup given for {symbol} belongs to {setup.species}")
        if setup.species in found:
            raise DataError(f"two setups are of {setup.species}")
        found[setup.species] = setup
    return found
