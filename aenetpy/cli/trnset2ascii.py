"""``aenetpy trnset2ascii``, also installed as ``trnset2ASCII.x``."""

from __future__ import annotations

import click

from aenetpy.cli.options import source_argument, target_argument


@click.command("trnset2ascii")
@click.option("--raw", is_flag=True, help="Write the numbers as they are, do not normalise.")
@click.option("--to-binary", is_flag=True, help="Convert text to binary; OUT must not exist.")
@source_argument
@target_argument
def trnset2ascii_command(raw: bool, to_binary: bool, source: str, target: str) -> None:
    """Write the training set IN as text to OUT, normalised as for training.

    The text holds no setups. To convert to text and back without loss, use trainbin2ascii.

    \b
    aenetpy trnset2ascii --raw TiO2.train TiO2.train.ascii
    """
    from aenetpy.commands.convert import trainset_from_text, trainset_to_text

    if to_binary:
        trainset_from_text(source, target)
    else:
        trainset_to_text(source, target, raw=raw)
