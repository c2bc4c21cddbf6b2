"""``aenetpy train``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from aenetpy.cli.options import (
    STEPS,
    AenetCommand,
    input_argument,
    jobs_option,
    progress_bar,
    seed_option,
)


@click.command("train", cls=AenetCommand)
@input_argument
@jobs_option
@seed_option
@click.option(
    "--members",
    type=click.IntRange(min=2, max=100),
    default=None,
    help="Train a committee of so many, into the folders member-1, member-2 ...",
)
@click.option(
    "--until",
    type=STEPS,
    default=None,
    help="Train until there are so many epochs in all calls together, for chains of jobs;"
    " ITERATIONS counts the epochs of one call, as in aenet.",
)
def train_command(
    input_file: str, jobs: int, seed: int | None, members: int | None, until: int | None
) -> None:
    """Fit the networks to the energies of a training set.

    \b
    aenetpy train train.in > train.out
    aenetpy help train.in    # what may stand there
    """
    from aenetpy.commands.train import train
    from aenetpy.inputs.train_in import read_train_in
    from aenetpy.reports.listener import TextListener

    settings = read_train_in(Path(input_file))
    if seed is not None:
        settings = replace(settings, seed=seed)
    if members is not None and until is not None:
        raise click.UsageError(
            "--until does not go with --members, where an interrupted call"
            " goes on to ITERATIONS epochs of each member"
        )
    if members is not None:
        from aenetpy.commands.train_members import train_members

        with progress_bar(members, "members") as advance:
            train_members(settings, ".", TextListener(sys.stdout, advance), jobs, members)
        return
    with progress_bar(max(until or settings.iterations, 0), "epochs") as advance:
        train(settings, ".", TextListener(sys.stdout, advance), jobs, until=until)
