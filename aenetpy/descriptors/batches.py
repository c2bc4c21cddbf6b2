"""Pieces of work that threads take together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

BATCH = 2000
"""Atoms that go through each step together: one step after the other for each small structure
would push the code of all of them out of the cache, and threads would meet too often."""


def batches_of_atoms(
    items: Iterable[Item], n_atoms_of: Callable[[Item], int], size: int = BATCH
) -> Iterator[list[Item]]:
    """Gather items until they have ``size`` atoms.

    What could be had before an error is handed out before it is raised.
    """
    batch: list[Item] = []
    n_atoms = 0
    try:
        for item in items:
            batch.append(item)
            n_atoms += n_atoms_of(item)
            if n_atoms >= size:
                full, batch, n_atoms = batch, [], 0
                yield full
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
