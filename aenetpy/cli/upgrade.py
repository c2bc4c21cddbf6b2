"""``aenetpy upgrade``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import convention_option

if TYPE_CHECKING:
    from aenetpy.descriptors.cosine_convention import ConventionChoice


@click.command("upgrade")
@click.argument("old", metavar="OLD.nn", type=click.Path())
@click.argument("new", metavar="NEW.nn", type=click.Path())
@convention_option
def upgrade_command(old: str, new: str, chebyshev_domain: ConventionChoice) -> None:
    """Make a potential of aenet 2.0.3 or before, or of a fork, right for aenet 2.0.4.

    Until November 2019 aenet took the cosine of an angle for the angle itself; a fork takes
    (1 + cos(theta))/2. Such potentials run with aenet 2.0.4, and give wrong energies.
    The upgraded file gives the energies of the old one, with aenet and aenetpy alike; the
    standard deviations and ranges of its angular fingerprints are nominal.

    \b
    aenetpy upgrade Ti.nn new/Ti.nn
    """
    from aenetpy.commands.upgrade import upgrade

    setup = upgrade(old, new, chebyshev_domain).setup
    click.echo(f"{new}: potential of {setup.species} with the energies of {old}")
