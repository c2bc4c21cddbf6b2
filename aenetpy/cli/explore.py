"""``aenetpy explore``."""

from __future__ import annotations

import click

from aenetpy.cli.options import CUTOFF, progress_bar


@click.command("explore")
@click.argument("files", metavar="FILES...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--cutoff",
    "cutoffs",
    multiple=True,
    type=CUTOFF,
    help="Å; cell heights and neighbours are told for it. Once for each; by default those that"
    " the data suggest.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of text.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False),
    help="Also write a page with figures, one file. It is replaced.",
)
def explore_command(
    files: tuple[str, ...], cutoffs: tuple[float, ...], as_json: bool, page: str | None
) -> None:
    """Tell what a data set is, and what is wrong with it.

    FILES as in generate.in. Sizes, compositions, energies, forces, distances, cells; equal and
    nearly equal structures, energies that do not go with the others, net forces, what is
    missing; atomic energies, RMIN and cutoffs for the input files.

    \b
    aenetpy explore xsf/*.xsf
    aenetpy explore run.traj@: --html run.html
    """
    from aenetpy import __version__
    from aenetpy.commands.exploration_output import exploration_page, exploration_summary
    from aenetpy.commands.explore import explore
    from aenetpy.files.files import write_text
    from aenetpy.reports.explore import exploration_json, exploration_text

    with progress_bar(len(files), "files") as advance:
        found = explore(files, cutoffs, lambda: advance(1))
    summary = exploration_summary(found)
    if page is not None:
        write_text(page, exploration_page(found))
    text = exploration_json(summary, __version__) if as_json else exploration_text(summary)
    click.echo(text, nl=False)
