"""``aenetpy convert``."""

from __future__ import annotations

import click


@click.command("convert")
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
def convert_command(sources: tuple[str, ...], target: str) -> None:
    """Write what stands in the files IN as OUT, which must not exist.

    IN is what generate reads: XSF files, files of ASE (run.traj@:), input.data of n2p2. OUT is
    an input.data if it names units, and otherwise a folder, for one XSF file (eight decimals) each.
    From the lasp2.ini of LASP2 a learn.yaml is made.

    \b
    aenetpy convert xsf/*.xsf 'input.data#units=eV,Angstrom'
    aenetpy convert 'input.data@:#units=Hartree,Bohr' xsf/
    aenetpy convert lasp2.ini learn.yaml
    """
    from aenetpy.commands.convert_structures import convert

    click.echo(convert(sources, target), err=True)
