"""``aenetpy learn``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from aenetpy.cli.options import jobs_option, progress_bar
from aenetpy.reports import learn as report
from aenetpy.reports.listener import TextListener

STATUS = "status"


@click.command("learn")
@click.argument("words", metavar="[status] INPUT", nargs=-1, type=click.Path())
@jobs_option
def learn_command(words: tuple[str, ...], jobs: int) -> None:
    """Use a potential, and teach it where a committee is unsure.

    \b
    aenetpy init --learn          # commented learn.yaml to start from
    aenetpy learn learn.yaml
    aenetpy learn status          # one line per cycle
    aenetpy help learn.yaml       # what may stand there

    Results go to a folder named like INPUT: labels.xyz, the committee of each cycle, report.md.
    The same command goes on where an earlier one was stopped or killed. INPUT is learn.yaml by
    default.
    """
    from aenetpy.inputs.learn import read_learn
    from aenetpy.learning.learn import STATE, learn
    from aenetpy.learning.state import read_state

    asks = words[:1] == (STATUS,)
    files = words[1:] if asks else words
    if len(files) > 1:
        raise click.UsageError("name one file")
    settings = read_learn(files[0] if files else "learn.yaml")
    if asks:
        state = read_state(Path(settings.folder) / STATE)
        never_ran = [walk.name for walk in settings.explore[state.walk + 1 :]]
        text = report.status(state.cycles, state.stage, state.ended, never_ran)
        click.echo(text, nl=False)
        return
    n_steps = sum(walk.steps for walk in settings.explore if walk.trajectory is None)
    with progress_bar(n_steps, "steps", silent=True) as advance:
        learn(settings, ".", _Progress(sys.stdout, advance), jobs)


class _Progress(TextListener):
    """Writes a line for each fit and label; what changes at every check goes to the bar."""

    def __init__(self, out: TextIO, advance: Callable[..., object]) -> None:
        super().__init__(out)
        self._show = advance
        self._at: dict[str, int] = {}

    def tell(self, event: Callable[..., str], *content: Any) -> None:
        """Write the event, or show it."""
        if event is not report.checked:
            super().tell(event, *content)
            return
        walk, step, _ = content
        done, self._at[walk] = self._at.get(walk, 0), max(step, self._at.get(walk, 0))
        self._show(self._at[walk] - done, event(*content).rstrip())
