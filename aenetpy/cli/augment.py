"""``aenetpy augment``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import jobs_option, progress_bar

if TYPE_CHECKING:
    from aenetpy.augmentation.plan import CopyPlan


@click.command("augment")
@click.argument("input_file", metavar="[INPUT]", default="generate.in")
@click.option(
    "--delta",
    required=True,
    help="Displacement in Å; 'Ti:0.02,O:0.03' by species; 'auto' from the data.",
)
@click.option("-a", "--a", required=True, help="Copies per structure, 1 or more.")
@click.option(
    "--strategy",
    default="axis",
    show_default=True,
    help="axis: one atom along one axis, spread over all structures; random: all atoms at once; "
    "pyita: files and order of PyITA, with its defects.",
)
@click.option(
    "--spread",
    default="even",
    show_default=True,
    help="Which atoms and axes the strategy axis takes: even or random.",
)
@click.option("--seed", default="1", show_default=True, help="Seed of all random numbers.")
@click.option("--max-force", help="No copies of structures with a larger force, eV/Å.")
@click.option("--min-distance", help="No copies with atoms closer than this, Å.")
@click.option(
    "--order", default="1", show_default=True, help="2 adds the curvature of --potential."
)
@click.option("--potential", help="Folder of .nn files, for --order 2 or --delta auto.")
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
    from aenetpy.inputs.taylor import make_taylor
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
