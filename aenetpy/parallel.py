"""How many work: threads over independent pieces, in their order; one process, not several."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
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
that mpirun has started may have inherited the variables of the batch system."""


def refuse_ranks() -> None:
    """Refuse to be one of several processes that a launcher of MPI has started.

    They would all do the same work and write the same files. The first of them works.
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


class Workers:
    """Threads that share independent pieces of work, for the time of a ``with`` statement.

    Outside of one there are none, and `map` works through the pieces by itself. The one
    place that knows how many workers there are.
    """

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = max(1, jobs)
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Workers:
        if self.jobs > 1:
            self._pool = ThreadPoolExecutor(self.jobs - 1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield ``function(item)`` in the order of ``items``.

        The caller's thread is one of the workers: while it would wait, it works on a piece that
        no other has begun. One thread more would have all of them wait for the interpreter's lock
        more often. ``items`` is drawn only a few pieces ahead, so that a stream of structures
        never sits in memory as a whole.
        """
        is_one = isinstance(items, Sequence) and len(items) < 2  # not worth a thread
        if self._pool is None or is_one:
            return map(function, items)
        return self._map(self._pool, function, items)

    def _map(
        self,
        pool: ThreadPoolExecutor,
        function: Callable[[Item], Result],
        items: Iterable[Item],
    ) -> Iterator[Result]:
        pending: deque[_Piece[Item, Result]] = deque()
        failures: list[Exception] = []
        try:
            for item in _drawn(items, failures):
                pending.append(_Piece(item, pool.submit(function, item)))
                if len(pending) >= 4 * self.jobs:
                    yield _first_result(function, pending)
            while pending:
                yield _first_result(function, pending)
            if failures:
                raise failures[0]
        finally:
            for piece in pending:
                piece.future.cancel()


@dataclass
class _Piece(Generic[Item, Result]):
    """An item and its result."""

    item: Item
    future: Future[Result]


def _drawn(items: Iterable[Item], failures: list[Exception]) -> Iterator[Item]:
    """Yield the items; an error ends them, to be raised after the results of those before."""
    try:
        yield from items
    except Exception as error:
        failures.append(error)


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


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int
) -> Generator[Result, None, None]:
    """Yield as `Workers.map` with workers of its own; a signal is answered between two items."""
    with Workers(jobs) as workers:
        yield from workers.map(function, interruptible(items))
