"""Warnings for the setups in training sets and potentials, whichever program wrote them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from aenetpy.arrays import Mask
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.descriptors.env_order import warn_of_env_order
from aenetpy.models.network import Network
from aenetpy.models.scaling import deviations, rounding_noise

log = logging.getLogger("aenetpy")


def warn_of_setups(setups: Sequence[Setup]) -> None:
    """Warn where aenet evaluates setups of a file in another way than they say."""
    warn_of_env_order(setups)
    warn_of_stale_weights(setups)


def warn_of_stale_weights(setups: Sequence[Setup]) -> None:
    """Warn of species weights that aenet takes wrongly, each kind once."""
    for remark in dict.fromkeys(setup.stale_weights for setup in setups if setup.stale_weights):
        species = [setup.species for setup in setups if setup.stale_weights == remark]
        log.warning("setup of %s: %s", ", ".join(species), remark)


def warn_of_constants(setup: Setup) -> None:
    """Warn of components that were the same for all atoms of a training set."""
    constant_g = deviations(setup.known_statistics) == 0.0
    if constant_g.any():
        log.warning(
            "%s: fingerprint components %s are the same for all atoms and are not used",
            setup.species,
            numbers(constant_g),
        )


def warn_of_noise(file: SpeciesPotential) -> None:
    """Warn of components in a potential whose rounding aenet takes for variation."""
    noise_g = rounding_noise(file.setup.known_statistics)
    if not noise_g.any():
        return
    first = Network(file.nodes_l, file.activations, file.weights_w).matrices_l[0]
    log.warning(
        "%s: fingerprint components %s were the same in training but for rounding, and %s",
        file.setup.species,
        numbers(noise_g),
        "add nothing to forces; where they are others now, energies and forces of aenet 2.0.4"
        " mean nothing"
        if first[:, :-1][:, noise_g].any()
        else "have no effect",
    )


def numbers(chosen_g: Mask) -> str:
    """Return which components are chosen: ``2, 4 of 5``."""
    return f"{', '.join(str(g + 1) for g in np.flatnonzero(chosen_g))} of {len(chosen_g)}"
