"""``aenetpy study``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aenetpy.cli.options import JOBS, input_argument, progress_bar
from aenetpy.parallel import available_cores


@click.command("study")
@input_argument
@click.option(
    "-j",
    "--jobs",
    type=JOBS,
    default=available_cores,
    show_default="all cores",
    help="Trials at a time, one thread each; the results do not depend on it.",
)
@click.option("--dry-run", is_flag=True, help="List the trials and what is done already.")
def study_command(input_file: str, jobs: int, dry_run: bool) -> None:
    """Compare kinds of training on structures that none of them has seen.

    \b
    aenetpy study study.yaml
    aenetpy help study.yaml    # what may stand there

    Results go to a folder named like INPUT: trials.csv, report.md and
    .html, figures. The same command goes on where an earlier one was stopped.
    """
    from aenetpy.inputs.study import read_study
    from aenetpy.reports.listener import TextListener
    from aenetpy.studies.plan import make_study_plan
    from aenetpy.studies.study import state_of, study

    settings = read_study(Path(input_file))
    if dry_run:
        for trial in make_study_plan(settings).in_file_order():
            click.echo(f"{state_of(trial):<8} {trial.folder}")
        return
    with progress_bar(settings.n_trials, "trials", silent=True) as advance:
        results = study(settings, ".", TextListener(sys.stdout, advance), jobs)
    from aenetpy.studies.report import summary_text

    click.echo(summary_text(settings, results), nl=False)
