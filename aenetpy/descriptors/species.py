"""Which species a fingerprint knows: the one place where unknown ones are refused."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import numpy as np

from aenetpy.arrays import Int
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError

log = logging.getLogger("aenetpy")

NOT_IN_TYPES = "species {missing} is not in TYPES ({known})"
ADD_TO_TYPES = "add it to TYPES with a setup or network of its own, or remove the structure"


def type_indices(structure: Structure, species: Sequence[str]) -> Int:
    """Return the 0-based index of each atom's species."""
    index = {symbol: t for t, symbol in enumerate(species)}
    try:
        return np.array([index[symbol] for symbol in structure.species], dtype=np.int32)
    except KeyError:
        refuse_unknown(structure, species)
        raise


def refuse_unknown(
    structure: Structure,
    known: Collection[str],
    message: str = NOT_IN_TYPES,
    hint: str | None = ADD_TO_TYPES,
) -> None:
    """Refuse species that are not known."""
    missing = set(structure.species) - set(known)
    if missing:  # by mistake, they may be numbers
        names = " ".join(sorted(map(str, missing)))
        raise DataError(
            message.format(missing=names, known=" ".join(known)), file=structure.name, hint=hint
        )


def check_species(
    structure: Structure,
    setups: Sequence[Setup],
    message: str = NOT_IN_TYPES,
    hint: str | None = ADD_TO_TYPES,
) -> None:
    """Refuse species without a setup, or unknown to the setup of another one in the structure.

    aenet computes such fingerprints from undefined weights (spec 6.2, 6.3). With a
    single species in ENV the Chebyshev values have no weights and are defined,
    although blind to the species; that is let through with a warning.
    """
    refuse_unknown(structure, [setup.species for setup in setups], message, hint)
    present = set(structure.species)
    for setup in setups:
        foreign = sorted(present - set(setup.environment))
        if setup.species not in present or not foreign:
            continue
        blind = f"{foreign[0]} is not in ENV ({' '.join(setup.environment)}) of {setup.species}"
        if setup.family.is_blind(setup):
            log.warning("%s: it counts like any other neighbour", blind)
            continue
        raise DataError(
            blind,
            file=structure.name,
            hint="add the species to ENV of the setup, or remove the structure",
        )
