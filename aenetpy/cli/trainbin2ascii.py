"""``aenetpy trainbin2ascii``, also installed as ``trainbin2ASCII.x``."""

from __future__ import annotations

import click

from aenetpy.cli.options import source_argument, target_argument


@click.command("trainbin2ascii")
@click.option("--to-ascii", is_flag=True, help="Accepted for old scripts; IN decides.")
@click.option("--to-binary", is_flag=True, help="Accepted for old scripts; IN decides.")
@source_argument
@target_argument
def trainbin2ascii_command(to_ascii: bool, to_binary: bool, source: str, target: str) -> None:
    """Convert the training set IN to OUT: binary to text with setups, or text to binary.

    The direction follows from the content of IN (the options of the original program
    are swapped there, and both are accepted).

    \b
    aenetpy trainbin2ascii TiO2.train TiO2.train.ascii
    aenetpy trainbin2ascii TiO2.train.ascii TiO2.train
    """
    from aenetpy.commands.convert import convert_trainset

    convert_trainset(source, target)
