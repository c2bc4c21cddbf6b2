"""``aenetpy parity``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aenetpy.cli.options import convention_option, input_argument, jobs_option, progress_bar

if TYPE_CHECKING:
    from aenetpy.descriptors.cosine_convention import ConventionChoice


@click.command("parity")
@input_argument
@click.argument("structures", nargs=-1, type=click.Path())
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    default="parity.png",
    show_default=True,
    help="Figure to draw; the suffix is the format (png, pdf, svg). It is replaced.",
)
@jobs_option
@convention_option
@click.option(
    "--committee",
    type=click.Path(),
    help="Folder of a committee, used instead of NETWORKS: its mean, with error bars.",
)
def parity_command(
    input_file: str,
    structures: tuple[str, ...],
    output: str,
    jobs: int,
    chebyshev_domain: ConventionChoice,
    committee: str | None,
) -> None:
    """Draw predicted against reference energies, forces and stress.

    INPUT is a predict.in; structures, in any format that FILES takes, are compared with the
    energies, forces and stress that their files hold: test and training set each, where
    energies.test.0 and energies.train.0 (SAVE_ENERGIES of train.in) are beside the networks.

    \b
    aenetpy parity predict.in
    aenetpy parity predict.in test.xyz@: -o test.pdf
    """
    from aenetpy.commands.parity import parity
    from aenetpy.inputs.predict_in import read_predict_in

    settings = read_predict_in(Path(input_file), structures)
    with progress_bar(len(settings.files), "structures") as advance:
        parity(
            settings,
            output,
            sys.stdout,
            jobs,
            lambda: advance(1),
            chebyshev_domain,
            committee,
        )
