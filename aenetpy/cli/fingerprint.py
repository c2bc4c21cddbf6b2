"""``aenetpy fingerprint``, also installed as ``fingerprint.x``."""

from __future__ import annotations

import click

from aenetpy.cli.options import CUTOFF


@click.command("fingerprint")
@click.argument("structure", type=click.Path())
@click.argument("radial_cutoff", metavar="RC1", type=CUTOFF)
@click.argument("radial_order", metavar="N1", type=click.IntRange(min=0))
@click.argument("angular_cutoff", metavar="RC2", type=CUTOFF)
@click.argument("angular_order", metavar="N2", type=click.IntRange(min=0))
@click.argument("species", nargs=-1, required=True)
def fingerprint_command(
    structure: str,
    radial_cutoff: float,
    radial_order: int,
    angular_cutoff: float,
    angular_order: int,
    species: tuple[str, ...],
) -> None:
    """Print the Chebyshev fingerprint of STRUCTURE, averaged over its atoms.

    RC1 and N1 are the radial cutoff (Å) and order, RC2 and N2 the angular ones. The order
    of SPECIES fixes the species weights, as ENV does in a setup. The number of neighbours
    of each atom goes to standard error.

    \b
    aenetpy fingerprint rutile.xsf 8.0 16 6.5 4 Ti O
    """
    from aenetpy.commands.probe import mean_fingerprints
    from aenetpy.reports.probe import fingerprint_line, neighbor_counts

    radial, angular = (radial_cutoff, radial_order), (angular_cutoff, angular_order)
    for found in mean_fingerprints(structure, species, radial, angular):
        click.echo(neighbor_counts(found.name, found.n_neighbors_n), nl=False, err=True)
        click.echo(fingerprint_line(found.name, found.features_g), nl=False)
