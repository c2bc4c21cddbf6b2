"""``aenetpy augment``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import jobs_option, progress_bar
from aenetpy.inputs.taylor import TAYLOR_KEYS, make_taylor

if TYPE_CHECKING:
    from aenetpy.augmentation.plan import CopyPlan


def _taylor_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each key of TAYLOR, in the order of its table."""
    for item in reversed(TAYLOR_KEYS):
        unit = f" ({item.unit})" if item.unit else ""
        sentence = item.sentence[0].upper() + item.sentence[1:]
        default = None if item.default is None or item.required else str(item.default)
        command = click.option(
            *(["-a"] if item.name == "a" else []),
            f"--{item.name.replace('_', '-')}",
            required=item.required,
            default=default,
            show_default=True,
            help=f"{sentence}{unit}.".replace("`", ""),
        )(command)
    return command


@click.command("augment")
@click.argument("input_file", metavar="[INPUT]", default="generate.in")
@_taylor_options
@click.option(
    "--folder", default="augmented", show_default=True, help="Folder for the copies, a new one."
)
@click.option(
    "--output",
    default="generate-augmented.in",
    show_default=True,
    help="The new generate.in, with the copies behind the structures.",
)
@click.option(
    "--for-aenet",
    is_flag=True,
    help="Write the forces of the parent into each copy, which aenet's generate.x wants to see.",
)
@click.option("--force", is_flag=True, help="Replace an existing folder and generate.in.")
@click.option("--dry-run", is_flag=True, help="Tell how many copies, and how much disk they take.")
@jobs_option
def augment_command(
    input_file: str,
    folder: str,
    output: str,
    for_aenet: bool,
    force: bool,
    dry_run: bool,
    jobs: int,
    **given: str | None,
) -> None:
    """Add displaced copies of the structures in FILES, with energies estimated from the forces.

    \b
    aenetpy augment --delta 0.03 --a 6
    aenetpy generate generate-augmented.in > generate.out
    """
    from aenetpy.commands.augment import AugmentTask, augment, plan_copies
    from aenetpy.errors import UsageError
    from aenetpy.inputs.generate_in import read_generate_in
    from aenetpy.reports.listener import TextListener

    try:
        taylor = make_taylor({key: value for key, value in given.items() if value is not None})
    except ValueError as reason:
        raise UsageError(str(reason), hint="see 'aenetpy augment --help'") from None
    settings = read_generate_in(Path(input_file))
    task = AugmentTask(settings, taylor, folder, output, force, for_aenet)
    if dry_run:
        plan = plan_copies(task)
        size = f"{plan.n_bytes / 1e6:.1f} MB on disk"
        click.echo(f"{plan.n_copies} copies of {_parents(plan)}, {size} in {folder}")
        return
    with progress_bar(len(settings.files), "structures", silent=True) as advance:
        done = augment(task, ".", TextListener(sys.stdout, advance), jobs)
    n_copies = len(done.files)
    click.echo(f"{n_copies} copies of {_parents(done.plan)} in {folder}, listed in {output}")


def _parents(plan: CopyPlan) -> str:
    return f"{plan.n_parents} of {len(plan.counts_s)} structures"
