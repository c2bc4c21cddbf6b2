"""The command ``aenetpy``: sub-commands loaded when called, and errors printed in one line."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Sequence

import click

from aenetpy import __version__
from aenetpy.cli.console import guarded
from aenetpy.parallel import refuse_ranks

COMMANDS = {
    "augment": "Add displaced copies of structures, energies from forces (PyITA).",
    "convert": "Structures to and from n2p2's input.data; lasp2.ini to learn.yaml.",
    "evaluate": "Energies, forces, relaxation from a JSON input (aenet-predict.py).",
    "explore": "Tell what a data set is, and what is wrong with it.",
    "fingerprint": "Mean Chebyshev fingerprint of a structure (fingerprint.x).",
    "generate": "Compute fingerprints and write a training set (generate.x).",
    "help": "Explain the keywords of an input file (train.in, generate.in, ...).",
    "init": "Write commented input files to start from.",
    "inspect": "Explain a training set, potential, setup or restart file (trnset_info.x).",
    "learn": "Teach a potential where a committee is unsure, while it is used.",
    "md": "Molecular dynamics (NVE, NVT, NPT) from a JSON input (aenet-md.py).",
    "neighbors": "Neighbours of an atom (neighbors.x).",
    "nnascii2bin": "Convert a potential from text to binary, or back (nnASCII2bin.x).",
    "parity": "Draw predicted against reference energies and forces, with MAE and RMSE.",
    "predict": "Energies and forces of structures (predict.x).",
    "study": "Compare kinds of training on a common test set, with statistics and figures.",
    "train": "Fit the networks to a training set (train.x).",
    "trainbin2ascii": "Convert a training set to text with its setups, or back (trainbin2ASCII.x).",
    "trnset2ascii": "Write a training set as text without setups (trnset2ASCII.x).",
    "upgrade": "Make potentials of aenet 2.0.3 and before, or a fork, right for 2.0.4.",
}


class LazyGroup(click.Group):
    """A group that imports the module of a sub-command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all sub-commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import ``aenetpy.cli.<name>`` and return its command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"aenetpy.cli.{cmd_name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the sub-command; the error for a misspelt one names the closest known one."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from aenetpy.inputs.lines import suggest

            ctx.fail(f"No such command '{args[0]}'{suggest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,  # it does something else in each version of click
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="aenetpy")
def cli() -> None:
    """Neural-network potentials in the file formats of aenet.

    \b
    aenetpy generate generate.in > generate.out
    aenetpy train    train.in    > train.out
    aenetpy predict  predict.in  > predict.out
    aenetpy help     train.in    # its keywords
    """


def run(arguments: Sequence[str], is_program: bool = False) -> int:
    """Run one command and return its exit code; every failure is one line on standard error.

    A program such as ``train.x`` ignores further words, see `AenetCommand`.
    """

    def command() -> int:
        # Not cli.main(), which has lines of its own to say about an interruption.
        with cli.make_context("aenetpy", list(arguments), obj=is_program) as context:
            if not arguments:
                click.echo(context.get_help(), err=True)
                return 2
            if not {"inspect", "--help", "-h"} & set(arguments):
                refuse_ranks()
            cli.invoke(context)
        return 0

    return guarded(command)


def complete(program: str, command: str | None = None) -> int | None:
    """Answer a shell that asks how a command line goes on; None if none asks.

    The shell asks in the variable ``_<PROGRAM>_COMPLETE``: ``bash_source`` for the script to
    install, ``bash_complete`` for the words that may come next (zsh, fish as well).
    """
    variable = f"_{re.sub('[^A-Za-z0-9]', '_', program).upper()}_COMPLETE"
    instruction = os.environ.get(variable)
    if not instruction:
        return None
    from click.shell_completion import shell_complete

    target = cli if command is None else cli.get_command(click.Context(cli), command)
    assert target is not None, "programs are commands"
    return shell_complete(target, {}, program, variable, instruction)
