"""``upgrade``: potentials of aenet 2.0.3 and before, and of a fork, rewritten for 2.0.4."""

from __future__ import annotations

from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.descriptors.cosine_convention import (
    ConventionChoice,
    CosineConvention,
    proven_convention,
)
from aenetpy.errors import DataError
from aenetpy.files.files import check_new
from aenetpy.formats.network import read_network, write_network, write_network_ascii
from aenetpy.models.upgrade import upgrade_network


def upgrade(old: str, new: str, convention: ConventionChoice = "auto") -> SpeciesPotential:
    """Write the potential that gives the same energies with aenet 2.0.4."""
    check_new(new)
    file = read_network(old)
    upgraded = upgrade_network(file, _old_convention(old, file, convention))
    write = write_network_ascii if new.endswith(".ascii") else write_network
    write(new, upgraded)
    return upgraded


def _old_convention(
    path: str, file: SpeciesPotential, choice: ConventionChoice
) -> CosineConvention:
    """Return the convention, other than of aenet 2.0.4, of a file; DataError without."""
    if not file.setup.family.has_cosine_convention:
        raise DataError(
            f"has a {file.setup.kind} fingerprint, which is the same in all versions of aenet",
            file=path,
            hint="use it as it is",
        )
    proven = proven_convention(file.setup)
    if "new" in (choice, proven):
        raise DataError(
            "takes cos(theta) as aenet 2.0.4 does, so there is nothing to upgrade",
            file=path,
            hint="use it as it is",
        )
    convention = proven if choice == "auto" else choice
    if convention is None:
        raise DataError(
            "does not show whether it is older than aenet 2.0.4 or of a fork",
            file=path,
            hint="give --chebyshev-domain old or half if you know that it is",
        )
    return convention
