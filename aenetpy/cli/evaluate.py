"""``aenetpy evaluate``, also installed as ``aenet-predict.py``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import FORCE, STEPS, convention_option, jobs_option

if TYPE_CHECKING:
    from aenetpy.descriptors.cosine_convention import ConventionChoice


@click.command("evaluate")
@click.argument("input_file", metavar="INPUT.json", type=click.Path())
@click.argument("structures", metavar="STRUCTURE...", nargs=-1, required=True, type=click.Path())
@click.option("--format", "-F", "file_format", help="ASE's name of the format of STRUCTURE.")
@click.option("--forces", "-f", is_flag=True, help="Print positions and forces.")
@click.option(
    "--relax",
    "force_tolerance",
    metavar="FMAX",
    type=FORCE,
    help="Relax to forces below FMAX (eV/Å) and write <name>-relaxed.<ext>.",
)
@click.option(
    "--steps",
    type=STEPS,
    default=1000,
    show_default=True,
    help="Largest number of steps of a relaxation.",
)
@jobs_option
@convention_option
def evaluate_command(
    input_file: str,
    structures: tuple[str, ...],
    file_format: str | None,
    forces: bool,
    force_tolerance: float | None,
    steps: int,
    jobs: int,
    chebyshev_domain: ConventionChoice,
) -> None:
    """Energies and forces of STRUCTUREs, in any format that ASE reads.

    INPUT.json names the potentials: {"potentials": {"Ti": "Ti.nn", "O": "O.nn"}}

    \b
    aenetpy evaluate input.json rutile.xsf anatase.cif --forces
    aenetpy evaluate input.json POSCAR --relax 0.01
    """
    from aenetpy.commands.evaluate import evaluate
    from aenetpy.inputs.md_json import read_ase_input

    settings = read_ase_input(input_file)
    evaluate(
        settings,
        structures,
        sys.stdout,
        format=file_format,
        forces=forces,
        force_tolerance=force_tolerance,
        max_steps=steps,
        jobs=jobs,
        chebyshev_domain=chebyshev_domain,
    )
