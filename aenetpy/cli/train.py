"""``aenetpy train``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from aenetpy.cli.options import input_argument, jobs_option, progress_bar, seed_option


@click.command("train")
@input_argument
@jobs_option
@seed_option
def train_command(input_file: str, jobs: int, seed: int | None) -> None:
    """Fit the networks to the energies of a training set.

    \b
    aenetpy train train.in > train.out
    aenetpy help train.in    # what may stand there
    """
    from aenetpy.io.train_in import read_train_in
    from aenetpy.reports.listener import TextListener
    from aenetpy.workflows.train import train

    settings = read_train_in(Path(input_file))
    if seed is not None:
        settings = replace(settings, seed=seed)
    with progress_bar(max(settings.iterations, 0), "epochs") as advance:
        train(settings, ".", TextListener(sys.stdout, advance), jobs)
