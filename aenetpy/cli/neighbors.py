"""``aenetpy neighbors``, also installed as ``neighbors.x``."""

from __future__ import annotations

import click

from aenetpy.cli.options import CUTOFF


@click.command("neighbors")
@click.argument("structure", type=click.Path())
@click.argument("atom", type=click.IntRange(min=1))
@click.argument("cutoff", type=CUTOFF)
def neighbors_command(structure: str, atom: int, cutoff: float) -> None:
    """Print the neighbours of ATOM (from 1) of STRUCTURE within CUTOFF (Å), nearest first.

    The output is an XYZ file with the places of the periodic images.

    \b
    aenetpy neighbors rutile.xsf 1 3.0
    """
    from aenetpy.commands.probe import neighborhood, single_structure
    from aenetpy.reports.probe import neighbor_table

    found = neighborhood(single_structure(structure), atom, cutoff)
    click.echo(neighbor_table(atom, cutoff, found.species_p, found.positions_pc), nl=False)
