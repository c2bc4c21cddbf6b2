"""Options shared by several commands."""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from aenetpy.parallel import available_cores

_SHELL = re.compile(r"\d*[<>]|[|&;]")

log = logging.getLogger("aenetpy")


class AenetCommand(click.Command):
    """A command that, as a program of aenet, ignores words behind its input file.

    A wrapper may pass ``| tee train.out`` as words. `obj` of the context says whether the
    command runs as a program.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words before a pipe or redirection; note the words that are left over."""
        if not ctx.obj:
            return super().parse_args(ctx, args)
        ctx.allow_extra_args = ctx.ignore_unknown_options = True
        end = next((k for k, word in enumerate(args) if _SHELL.match(word)), len(args))
        ignored = [*super().parse_args(ctx, args[:end]), *args[end:]]
        if ignored and not ctx.resilient_parsing:
            log.warning("ignored behind the input file, as in aenet: %s", " ".join(ignored))
        return []


input_argument = click.argument("input_file", metavar="INPUT", type=click.Path(readable=False))


class _Range(click.FloatRange):
    """Numbers between two limits; not a number is out of range, too."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail("nan is not a number", param, ctx)
        return number


CUTOFF = _Range(min=0.0, min_open=True, max=1000.0)
"""Å."""

FORCE = _Range(min=0.0, min_open=True, max=1000.0)
"""eV/Å."""

source_argument = click.argument("source", metavar="IN", type=click.Path())

target_argument = click.argument("target", metavar="OUT", type=click.Path())

JOBS = click.IntRange(min=1, max=1024)

STEPS = click.IntRange(min=1, max=2**31 - 1)

jobs_option = click.option(
    "-j",
    "--jobs",
    type=JOBS,
    default=available_cores,
    show_default="all cores",
    help="Threads to use; the result does not depend on it.",
)

convention_option = click.option(
    "--chebyshev-domain",
    type=click.Choice(["auto", "new", "old", "half"]),
    default="auto",
    show_default=True,
    help="How Chebyshev potentials take cos(theta): new as aenet 2.0.4, old as 2.0.3 and before,"
    " half as a fork, (1 + cos(theta))/2, auto as the statistics in their files prove.",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**64 - 1),
    default=None,
    help="Seed of all random numbers; wins over SEED in the input.",
)


@contextmanager
def progress_bar(total: int, label: str, silent: bool = False) -> Iterator[Callable[..., Any]]:
    """Show a bar on standard error if that is a terminal; yields its advance function.

    Not where standard output is one too, unless the command is silent while it works: bar and
    table would run into each other. A second argument of the function is shown behind the bar.
    """
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not silent):
        yield lambda *_: None
        return
    with click.progressbar(
        length=total, label=label, file=sys.stderr, item_show_func=lambda text: text
    ) as bar:
        yield bar.update
