"""The structures of FILES, or of the command line, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from aenetpy.interruption import interruptible
from aenetpy.io.structure import Structure
from aenetpy.io.structures import iter_structures

if TYPE_CHECKING:
    from aenetpy.io.generate_in import GenerateInput
    from aenetpy.io.predict_in import PredictInput


def read_structures(
    settings: GenerateInput | PredictInput, on_entry: Callable[[], object] = lambda: None
) -> Iterator[Structure]:
    """Yield the structures of all entries; ``on_entry`` is called after each entry."""
    for entry in interruptible(settings.files):
        # Line 0: the structure was named on the command line.
        place = (settings.path, entry.line) if entry.line else (None, None)
        yield from iter_structures(entry.text, *place)
        on_entry()
