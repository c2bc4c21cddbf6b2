"""Checks that aenet does not make, shared by generate and predict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.batch import Contact
from aenetpy.descriptors.featurise import Fingerprints
from aenetpy.errors import DataError, InputError, NumericalError


def check_contact(structure: Structure, closest: Contact, setups: Sequence[Setup]) -> None:
    """Refuse a structure with two atoms closer than RMIN."""
    r_min = smallest_distance(setups)
    if closest.distance >= r_min:
        return
    hint = "correct the structure, or lower RMIN in the setups"
    if structure.parent is not None:
        hint = f"use a smaller delta, or min_distance={r_min:g} to leave such copies out"
    raise DataError(too_close(closest, r_min), file=structure.name, hint=hint)


def smallest_distance(setups: Sequence[Setup]) -> float:
    """Return the shortest distance to expect, Å: the smallest RMIN, as for aenet."""
    return min(setup.r_min for setup in setups)


def too_close(closest: Contact, r_min: float) -> str:
    """Say which atoms (1-based) are closer than RMIN."""
    return (
        f"atoms {closest.first + 1} and {closest.second + 1} are {closest.distance:.3f} Å apart, "
        f"closer than RMIN = {r_min:g} Å"
    )


def check_finite(structure: Structure, found: Fingerprints, setups: Sequence[Setup]) -> None:
    """Refuse a structure whose fingerprints are not finite numbers."""
    for setup, features_ng in zip(setups, found.features_tng, strict=True):
        if not np.isfinite(features_ng).all():
            component = int(np.argmin(np.isfinite(features_ng).all(axis=0))) + 1
            raise NumericalError(
                f"fingerprint component {component} of {setup.species} is not a finite number",
                file=structure.name,
                hint="check the structure, and the parameters of the setup",
            )


def check_setups(setups: Sequence[Setup]) -> None:
    """Refuse setups of different kinds, as aenet does."""
    for setup in setups[1:]:
        if setup.family is not setups[0].family:
            raise InputError(
                f"basis {setup.kind} of {setup.species} cannot be mixed with "
                f"{setups[0].kind} of {setups[0].species}",
                hint="use the same type of basis for all species",
            )
