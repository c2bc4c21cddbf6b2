"""``aenetpy inspect``, also installed as ``trnset_info.x``."""

from __future__ import annotations

import json

import click


@click.command("inspect")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("-v", "--verbose", is_flag=True, help="List structures and fingerprint components.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, one line per file.")
def inspect_command(files: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    """Explain a training set, potential, setup, derivatives or restart file.

    What it is follows from the content: .train, .train.scaled, .nn and .nn.ascii, .stp,
    .forces, train.restart, train.rngstate, training sets as text.

    \b
    aenetpy inspect TiO2.train Ti.nn
    aenetpy inspect --json Ti.nn
    """
    from aenetpy.commands.inspect import inspect
    from aenetpy.reports.inspect import format_summary

    for path in files:
        summary = inspect(path)
        text = json.dumps(summary) + "\n" if as_json else format_summary(summary, verbose)
        click.echo(text, nl=False)
