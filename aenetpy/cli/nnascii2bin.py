"""``aenetpy nnascii2bin``, also installed as ``nnASCII2bin.x``."""

from __future__ import annotations

import click

from aenetpy.cli.options import source_argument, target_argument


@click.command("nnascii2bin")
@click.option("--to-binary/--to-ascii", default=True, help="The direction; default to binary.")
@source_argument
@target_argument
def nnascii2bin_command(to_binary: bool, source: str, target: str) -> None:
    """Convert the potential IN from text (of aenet-PyTorch) to binary, or back, into OUT.

    \b
    aenetpy nnascii2bin Ti.nn.ascii Ti.nn
    aenetpy nnascii2bin --to-ascii Ti.nn Ti.nn.ascii
    """
    from aenetpy.commands.convert import convert_network

    convert_network(source, target, to_ascii=not to_binary)
