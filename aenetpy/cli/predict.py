"""``aenetpy predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import (
    AenetCommand,
    convention_option,
    input_argument,
    jobs_option,
    progress_bar,
)

if TYPE_CHECKING:
    from aenetpy.descriptors.cosine_convention import ConventionChoice


@click.command("predict", cls=AenetCommand)
@input_argument
@click.argument("structures", nargs=-1, type=click.Path())
@jobs_option
@convention_option
@click.option(
    "--committee",
    type=click.Path(),
    help="Folder with member-1, member-2 ... of 'train --members', used instead of NETWORKS:"
    " tells their mean, and its standard deviation (calibrated by committee.json if it is there).",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of text.")
def predict_command(
    input_file: str,
    structures: tuple[str, ...],
    jobs: int,
    chebyshev_domain: ConventionChoice,
    committee: str | None,
    as_json: bool,
) -> None:
    """Evaluate or relax the structures in FILES, or those named on the command line.

    Says on standard error if atoms are unlike those of the training set; --json lists by
    how much, component by component.

    \b
    aenetpy predict predict.in > predict.out
    aenetpy predict predict.in one.xsf run.traj@: > predict.out
    aenetpy help predict.in    # what may stand there
    """
    from aenetpy.commands.predict import predict
    from aenetpy.commands.predict_output import JsonWriter, TextWriter
    from aenetpy.inputs.predict_in import read_predict_in

    settings = read_predict_in(Path(input_file), structures, needs_networks=committee is None)
    with progress_bar(len(settings.files), "structures") as advance:
        predict(
            settings,
            ".",
            (JsonWriter if as_json else TextWriter)(sys.stdout, advance),
            jobs,
            chebyshev_domain,
            committee,
        )
