"""``aenetpy predict``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aenetpy.cli.options import input_argument, jobs_option, progress_bar


@click.command("predict")
@input_argument
@click.argument("structures", nargs=-1, type=click.Path())
@jobs_option
def predict_command(input_file: str, structures: tuple[str, ...], jobs: int) -> None:
    """Evaluate the structures in FILES, or those named on the command line.

    \b
    aenetpy predict predict.in > predict.out
    aenetpy predict predict.in one.xsf run.traj@: > predict.out
    """
    from aenetpy.io.predict_in import read_predict_in
    from aenetpy.workflows.predict import predict

    settings = read_predict_in(Path(input_file), structures)
    with progress_bar(len(settings.files), "structures") as advance:
        predict(settings, sys.stdout, jobs=jobs, on_entry=lambda: advance(1))
