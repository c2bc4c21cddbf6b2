"""The structures of FILES, or of the command line, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.files.files import within
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.lines import Place, times
from aenetpy.interruption import interruptible
from aenetpy.structures.reading import Unread, iter_outcomes

if TYPE_CHECKING:
    from aenetpy.inputs.predict_in import PredictInput


def read_structures(
    settings: GenerateInput | PredictInput,
    folder: str | Path = ".",
    on_entry: Callable[[], object] = lambda: None,
) -> Iterator[Structure]:
    """Yield the structures of all entries, seen and named from a folder.

    ``on_entry`` is called after each entry. Structures for ``generate`` that did not converge are
    left out and counted, unless UNCONVERGED takes them.
    """
    leaves_out = isinstance(settings, GenerateInput) and settings.unconverged != "keep"
    left_out: list[str] = []
    for outcome in read_outcomes(settings, folder, on_entry):
        if isinstance(outcome, Unread):
            raise outcome.error
        if leaves_out and not outcome.converged:
            left_out.append(outcome.name)
        else:
            yield outcome
    if left_out:
        Place(settings.path, settings.lines.get("FILES")).warn(
            f"{times(len(left_out), 'structure')} whose electronic steps did not converge left out"
            f" ('{left_out[0]}'{', ...' * (len(left_out) > 1)}); UNCONVERGED keep takes them"
        )


def read_outcomes(
    settings: GenerateInput | PredictInput,
    folder: str | Path = ".",
    on_entry: Callable[[], object] = lambda: None,
) -> Iterator[Structure | Unread]:
    """Yield as `read_structures`, and go on after structures that cannot be read."""
    for entry in interruptible(settings.files):
        # Line 0: the structure was named on the command line.
        place = (settings.path, entry.line) if entry.line else (None, None)
        path = within(folder, entry.text)
        seen_from = path.removesuffix(entry.text)
        try:
            for outcome in iter_outcomes(path, *place):
                yield replace(outcome, name=outcome.name.removeprefix(seen_from))
        except DataError as error:
            yield Unread(entry.text, error)
        on_entry()
