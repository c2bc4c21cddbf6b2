"""Which setup's symmetry functions describe an atom: not always its own (spec 6.3).

aenet stores the functions of a Behler2011 setup under the place of its species in TYPES, and
looks them up under the place of the central species in ENV of its own setup. Where ENV
is ordered unlike TYPES it finds the functions of another species. Training sets and potentials
hold such fingerprints, so that the look-up is imitated.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from aenetpy.data.setup import Setup
from aenetpy.errors import DataError

log = logging.getLogger("aenetpy")

CORRECTION = "write ENV of all setups in the order of TYPES, where each serves its own species"


def effective_species(setup: Setup, types: Sequence[str]) -> str:
    """Return the species whose functions are evaluated for the atoms of ``setup.species``.

    It is ``types[place of setup.species in ENV]``. The partners of these functions (type2,
    type3) are places too, and count in ENV of the central species.

    Notes
    -----
    Spec 6.3, central-type defect. Chebyshev setups always serve their own species.
    """
    if not setup.family.lists_functions:
        return setup.species
    environment = setup.environment
    if setup.species not in environment:
        raise DataError(
            f"{setup.species} is not in ENV ({' '.join(environment)}) of its own setup, "
            "so that aenet 2.0.4 finds no functions for it",
            hint=f"add {setup.species} to ENV of its setup",
        )
    places = {environment.index(symbol) + 1 for symbol in types if symbol in environment}
    places.update(setup.partners_g2[:, 0].tolist())
    places.update(setup.partners_g2[setup.functions_g >= 4, 1].tolist())
    if max(places) > len(types):
        raise DataError(
            f"ENV of {setup.species} ({' '.join(environment)}) has more species than TYPES "
            f"({' '.join(types)}), for which alone aenet 2.0.4 has places",
            hint="remove species that are not in TYPES from ENV",
        )
    return types[environment.index(setup.species)]


def effective_setups(setups: Sequence[Setup]) -> list[Setup]:
    """Return for each setup the one whose functions are evaluated instead of its own."""
    setup_of = {setup.species: setup for setup in setups}
    effective = []
    for setup in setups:
        symbol = effective_species(setup, setup.types or tuple(setup_of))
        if symbol not in setup_of:
            raise DataError(
                f"atoms of {setup.species} are described by the functions of {symbol} (ENV "
                f"{' '.join(setup.environment)} is ordered unlike TYPES {' '.join(setup.types)}), "
                f"and nothing is given for {symbol}",
                hint=f"add the network or setup of {symbol}",
            )
        found = setup_of[symbol]
        if found.n_features > setup.n_features:
            raise DataError(
                f"atoms of {setup.species} would be described by the {found.n_features} functions "
                f"of {symbol} instead of their own {setup.n_features} (ENV "
                f"{' '.join(setup.environment)} is ordered unlike TYPES); aenet 2.0.4 stops: "
                "number of symmetry functions exceeded",
                hint=CORRECTION,
            )
        effective.append(found)
    return effective


def warn_of_env_order(setups: Sequence[Setup]) -> None:
    """Warn once of all species that are described by the functions of another one."""
    pairs = zip(setups, effective_setups(setups), strict=True)
    exchanged = [(one.species, other.species) for one, other in pairs if one is not other]
    if exchanged:
        log.warning(
            "Behler2011 with ENV ordered unlike TYPES: as in aenet 2.0.4, %s; "
            "ENV of all setups in the order of TYPES corrects it in a new training set",
            ", ".join(f"the functions of {b} describe atoms of {a}" for a, b in exchanged),
        )
