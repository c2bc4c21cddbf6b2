"""``upgrade``: potentials of aenet 2.0.3 and before made into ones for later versions."""

from __future__ import annotations

from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.descriptors.cosine_convention import ConventionChoice, proven_convention
from aenetpy.errors import DataError
from aenetpy.io.files import check_new
from aenetpy.io.network import read_network, write_network
from aenetpy.io.network_ascii import write_network_ascii
from aenetpy.models.upgrade import upgrade_network


def upgrade(old: str, new: str, convention: ConventionChoice = "auto") -> SpeciesPotential:
    """Write the potential that gives the same energies with aenet 2.0.4.

    Parameters
    ----------
    old
        Potential of aenet 2.0.3 or before, binary or text.
    new
        The file to make; text if its name ends in ``.ascii``.
    convention
        "auto" requires that the file proves to be old, "old" believes it.

    Returns
    -------
    SpeciesPotential
        What was written.

    Raises
    ------
    DataError
        If ``new`` exists, ``old`` is not an old potential, or a file cannot be read or written.
    """
    check_new(new)
    file = read_network(old)
    _check_old(old, file, convention)
    upgraded = upgrade_network(file)
    write = write_network_ascii if new.endswith(".ascii") else write_network
    write(new, upgraded)
    return upgraded


def _check_old(path: str, file: SpeciesPotential, convention: ConventionChoice) -> None:
    """Raise DataError unless the file is, or is said to be, of the old convention."""
    if not file.setup.family.has_cosine_convention:
        raise DataError(
            f"has a {file.setup.kind} fingerprint, which is the same in all versions of aenet",
            file=path,
            hint="use it as it is",
        )
    if convention == "new" or proven_convention(file.setup) == "new":
        raise DataError(
            "takes cos(theta) as aenet 2.0.4 does, so there is nothing to upgrade",
            file=path,
            hint="use it as it is",
        )
    if convention == "auto" and proven_convention(file.setup) is None:
        raise DataError(
            "does not tell whether it is older than aenet 2.0.4",
            file=path,
            hint="give --chebyshev-domain old if you know that it is",
        )
