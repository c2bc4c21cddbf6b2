"""``aenetpy init``."""

from __future__ import annotations

import click


@click.command("init")
@click.argument("files", nargs=-1, type=click.Path())
@click.option(
    "-s",
    "--species",
    "species",
    multiple=True,
    help="Chemical symbol; once for each species, in the order of TYPES.",
)
@click.option(
    "--basis",
    type=click.Choice(["chebyshev", "behler2011"]),
    default="chebyshev",
    show_default=True,
    help="Kind of fingerprint.",
)
@click.option("--forces", is_flag=True, help="Train on forces, too: better potentials, minutes.")
@click.option("--learn", is_flag=True, help="Learn on the fly: learn.yaml, too; implies --forces.")
def init_command(
    files: tuple[str, ...], species: tuple[str, ...], basis: str, forces: bool, learn: bool
) -> None:
    """Write commented input files into this folder, ready to be completed.

    With structures (FILES, as in generate.in) nothing is left to fill in: they give the species,
    atomic energies fitted to their energies, RMIN and cutoffs.

    \b
    aenetpy init -s Ti -s O
    aenetpy init run.xyz@:
    aenetpy init --forces run.xyz@:
    aenetpy init --learn run.xyz@:
    """
    from aenetpy.commands.init import write_inputs

    if not species and not files:
        raise click.UsageError("name the species (-s Ti -s O), or files with structures")
    for name in write_inputs(species, basis, files, forces or learn, learn):
        click.echo(name)
