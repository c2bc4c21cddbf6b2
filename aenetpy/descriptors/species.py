"""Which species a fingerprint knows."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from aenetpy.data.setup import Setup
from aenetpy.errors import DataError

log = logging.getLogger("aenetpy")


def check_environments(present: Collection[str], setups: Sequence[Setup], name: str) -> None:
    """Refuse species that the setup of another species in the structure does not know.

    aenet computes such fingerprints from undefined weights (spec 6.2, 6.3). With a
    single species in ENV the Chebyshev values have no weights and are defined,
    although blind to the species; that is let through with a warning.

    Parameters
    ----------
    present
        Species in the structure.
    setups
        One per species; those of absent species play no role.
    name
        The structure, for messages.

    Raises
    ------
    DataError
        Naming the species and the setup.
    """
    for setup in setups:
        foreign = sorted(set(present) - set(setup.environment))
        if setup.species not in present or not foreign:
            continue
        blind = f"{foreign[0]} is not in ENV ({' '.join(setup.environment)}) of {setup.species}"
        if setup.family.is_blind(setup):
            log.warning("%s: it counts like any other neighbour", blind)
            continue
        raise DataError(
            blind,
            file=name,
            hint="add the species to ENV of the setup, or remove the structure",
        )
