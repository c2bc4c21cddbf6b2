"""How many work: threads over independent pieces, in their order; one process, not several."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from aenetpy.errors import UsageError
from aenetpy.interruption import interruptible

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger("aenetpy")


def available_cores() -> int:
    """Return how many cores this process may use (SLURM and taskset respected)."""
    if slurm := os.environ.get("SLURM_CPUS_PER_TASK", ""):
        return max(1, int(slurm)) if slurm.isdigit() else 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


RANKS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpirun"),  # Open MPI
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "mpirun"),  # MVAPICH
    ("PMI_RANK", "PMI_SIZE", "mpirun"),  # MPICH, Intel MPI
    ("PMIX_RANK", "SLURM_STEP_NUM_TASKS", "mpirun or srun"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "srun"),
)
"""Variables of the launchers: rank, number of ranks. The first that are set decide: a program
that mpirun has started may have inherited those of the batch system."""


def refuse_ranks() -> None:
    """Refuse to be one of several processes that a launcher of MPI has started.

    They would all do the same work and write the same files. The first of them works.

    Raises
    ------
    UsageError
        On any other.
    """
    for rank_name, size_name, launcher in RANKS:
        rank, size = os.environ.get(rank_name, ""), os.environ.get(size_name, "")
        if not rank.isdecimal():
            continue
        several = size.isdecimal() and int(size) > 1
        of = f"rank {rank} of {size}" if several else f"rank {rank}"
        if int(rank) > 0:
            raise UsageError(
                f"{of}: aenetpy does not use MPI yet",
                hint=f"start it without {launcher} and use --jobs",
            )
        if several:
            log.warning(
                "%s works alone: aenetpy does not use MPI yet; start it without %s and use --jobs",
                of,
                launcher,
            )
        return


def machine_memory() -> int:
    """Return the memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread: ``--jobs`` is the number of threads, and sums keep their order."""
    from threadpoolctl import threadpool_limits  # not needed for --help

    with threadpool_limits(1, user_api="blas"):
        yield


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` in the order of ``items``, ``jobs`` at a time.

    The caller's thread is one of them: while it would wait, it works on what nobody has begun.
    One thread more would have all of them wait for the interpreter's lock more often.
    ``items`` is drawn only a few pieces ahead, so that a stream of structures
    never sits in memory as a whole. A signal is answered between two pieces.
    """
    if jobs <= 1:
        yield from map(function, interruptible(items))
        return
    pending: deque[_Piece[Item, Result]] = deque()
    failures: list[Exception] = []
    with ThreadPoolExecutor(jobs - 1) as pool:
        try:
            for item in _drawn(items, failures):
                pending.append(_Piece(item, pool.submit(function, item)))
                if len(pending) >= 4 * jobs:
                    yield _first_result(function, pending)
            while pending:
                yield _first_result(function, pending)
            if failures:
                raise failures[0]
        finally:
            for piece in pending:
                piece.future.cancel()


def _drawn(items: Iterable[Item], failures: list[Exception]) -> Iterator[Item]:
    """Yield the items; an error ends them, to be raised after the results of those before."""
    try:
        yield from interruptible(items)
    except Exception as error:
        failures.append(error)


@dataclass
class _Piece(Generic[Item, Result]):
    """An item and what becomes of it."""

    item: Item
    future: Future[Result]


def _first_result(
    function: Callable[[Item], Result], pending: deque[_Piece[Item, Result]]
) -> Result:
    """Take the first piece away and return its result; work on others until it is there."""
    for piece in list(pending):
        if pending[0].future.done():
            break
        if piece.future.cancel():  # nobody has begun
            piece.future = Future()
            try:
                piece.future.set_result(function(piece.item))
            except Exception as error:
                piece.future.set_exception(error)
    return pending.popleft().future.result()
