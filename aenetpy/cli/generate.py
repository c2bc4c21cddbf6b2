"""``aenetpy generate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aenetpy.cli.options import AenetCommand, input_argument, jobs_option, progress_bar


@click.command("generate", cls=AenetCommand)
@input_argument
@jobs_option
def generate_command(input_file: str, jobs: int) -> None:
    """Compute fingerprints of the structures in FILES and write a training set.

    \b
    aenetpy generate generate.in > generate.out
    aenetpy help generate.in    # what may stand there
    """
    from aenetpy.commands.generate import generate
    from aenetpy.inputs.generate_in import read_generate_in
    from aenetpy.reports.listener import TextListener

    settings = read_generate_in(Path(input_file))
    with progress_bar(len(settings.files), "structures") as advance:
        generate(settings, ".", TextListener(sys.stdout, advance), jobs)
