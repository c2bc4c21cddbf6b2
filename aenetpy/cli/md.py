"""``aenetpy md``, also installed as ``aenet-md.py``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import convention_option, jobs_option

if TYPE_CHECKING:
    from aenetpy.descriptors.cosine_convention import ConventionChoice


@click.command("md")
@click.argument("input_file", metavar="INPUT.json", type=click.Path())
@jobs_option
@convention_option
def md_command(input_file: str, jobs: int, chebyshev_domain: ConventionChoice) -> None:
    """Molecular dynamics; prints step, energies per atom, temperature.

    INPUT.json has the keys potentials (a folder, or a file per species), structure_file,
    time_step (fs), md_steps, print_steps, and those that keep temperature and pressure;
    'aenetpy help md' explains them all.

    \b
    aenetpy md input.json > md.out
    """
    from aenetpy.commands.md import md
    from aenetpy.inputs.md_json import read_ase_input

    md(read_ase_input(input_file, md=True), sys.stdout, jobs, chebyshev_domain)
