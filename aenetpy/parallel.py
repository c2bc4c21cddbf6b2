"""Threads over independent pieces of work, results in the order of the pieces."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from aenetpy.interruption import interruptible

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_cores() -> int:
    """Return how many cores this process may use (SLURM and taskset respected)."""
    if slurm := os.environ.get("SLURM_CPUS_PER_TASK", ""):
        return max(1, int(slurm)) if slurm.isdigit() else 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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

    ``items`` is drawn only a few pieces ahead, so that a stream of structures
    never sits in memory as a whole. A signal is answered between two pieces.
    """
    if jobs <= 1:
        yield from map(function, interruptible(items))
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for item in interruptible(items):
                pending.append(pool.submit(function, item))
                if len(pending) >= 4 * jobs:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
