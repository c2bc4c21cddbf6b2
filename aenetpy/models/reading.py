"""Potentials from files."""

from __future__ import annotations

import logging

from aenetpy.descriptors.cosine_convention import (
    ORIGINS,
    ConventionChoice,
    CosineConvention,
    proven_convention,
)
from aenetpy.errors import DataError
from aenetpy.formats.network import NetworkSource, read_networks
from aenetpy.models.potential import Potential
from aenetpy.models.remarks import warn_of_noise, warn_of_setups

log = logging.getLogger("aenetpy")


def read_potential(source: NetworkSource, chebyshev_domain: ConventionChoice = "auto") -> Potential:
    """Read a potential from its ``.nn`` files.

    Parameters
    ----------
    source
        A folder that holds one file of each species, one file, several files, or a
        mapping from species to file; see `aenetpy.formats.network.read_networks`.
    chebyshev_domain
        As in `Potential`. Where "auto" finds potentials of aenet 2.0.3 or before, or of a
        fork, a warning says so.

    Raises
    ------
    DataError
        If a file is missing, damaged, or belongs to another species, or if two files
        are of one species.
    """
    files, paths = {}, {}
    for symbol, (path, file) in read_networks(source).items():
        files[symbol], paths[symbol] = file, str(path)
    if not files:
        raise DataError("a potential needs at least one .nn file, and none is named")
    potential = Potential(files, paths, chebyshev_domain)
    _tell_conventions(potential, chebyshev_domain)
    warn_of_setups(potential.setups)
    for file in files.values():
        warn_of_noise(file)
    return potential


def _tell_conventions(potential: Potential, choice: ConventionChoice) -> None:
    """Warn of old potentials, of forks, and of a choice that the files contradict."""
    recognised: dict[CosineConvention, list[str]] = {}
    contradicting = []
    for symbol, convention in potential.cosine_conventions.items():
        if choice == "auto" and convention != "new":
            recognised.setdefault(convention, []).append(potential.paths[symbol])
        proven = proven_convention(potential.files[symbol].setup)
        if choice != "auto" and proven not in (convention, None):
            contradicting.append(potential.paths[symbol])
    for convention, paths in recognised.items():
        log.warning(
            "%s: fitted with %s; evaluated in that way (aenet 2.0.4 does not:"
            " --chebyshev-domain new, or in Python chebyshev_domain='new');"
            " 'aenetpy upgrade' makes files for both",
            ", ".join(paths),
            ORIGINS[convention],
        )
    if contradicting:
        log.warning(
            "%s: evaluated in the %s domain of cos(theta) as asked for, although fitted in"
            " another one; the energies are wrong",
            ", ".join(contradicting),
            choice,
        )
