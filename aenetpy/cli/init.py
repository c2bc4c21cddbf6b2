"""``aenetpy init``."""

from __future__ import annotations

import click


@click.command("init")
@click.option(
    "-s",
    "--species",
    "species",
    multiple=True,
    required=True,
    help="Chemical symbol; once for each species, in the order of TYPES.",
)
@click.option(
    "--basis",
    type=click.Choice(["chebyshev", "behler2011"]),
    default="chebyshev",
    show_default=True,
    help="Kind of fingerprint.",
)
def init_command(species: tuple[str, ...], basis: str) -> None:
    """Write commented input files into this folder, ready to be completed.

    \b
    aenetpy init -s Ti -s O
    """
    from aenetpy.workflows.init import write_inputs

    for name in write_inputs(species, basis):
        click.echo(name)
