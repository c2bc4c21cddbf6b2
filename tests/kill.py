"""Processes that kill themselves before their k-th change of a folder."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

CHANGES = ("link", "mkdir", "rename", "replace", "rmdir", "unlink")


def killed_everywhere(work: Callable[[], int]) -> Iterator[int]:
    """Yield k = 1, 2, ... after ``work`` was killed before its k-th change, until it is not."""
    k = 1
    while is_killed(work, k):
        yield k
        k += 1
    assert k > 1, "nothing was changed"


def is_killed(work: Callable[[], int], k: int) -> bool:
    """Run ``work`` in a child that SIGKILL ends before its k-th change; False if it has fewer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork where BLAS has threads
        child = os.fork()
    if child == 0:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (1, 2):
                os.dup2(null, stream)
            count_down(k)
            code = work()
        except BaseException:
            code = 99
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def count_down(k: int) -> None:
    """Let the k-th call of a function of ``os`` that changes a folder be the end."""
    left = k

    def counted(function: Callable) -> Callable:
        def call(*args, **options):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **options)

        return call

    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of all files, hidden ones included."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
