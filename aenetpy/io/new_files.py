"""Files that no run replaces, and that appear together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from aenetpy.io.files import (
    Opener,
    check_new,
    check_no_folder,
    is_passed_on,
    open_temporary,
    replace_file,
)
from aenetpy.io.lock import locked_name
from aenetpy.io.temporary import Temporary, dead_temporaries


@contextmanager
def new_files(others: Mapping[str, str], command: str) -> Iterator[Opener]:
    """Claim names, and let files appear there when all of them are complete.

    Other files that are opened appear just before, in place of what had their name.

    Each file is linked to its name, and loses its temporary name only when all are there. So
    a run that is killed in between leaves names that are known to be a part of a set: the
    next run that claims them takes them away.

    Parameters
    ----------
    others
        What to do if a name is taken, for each, such as "name another file with OUTPUT".
        Those of devices and FIFOs never are.
    command
        What another run is told that we are.

    Yields
    ------
    Opener
        Opens a file for writing, as `replace_file` does.

    Raises
    ------
    DataError
        If a file exists already, if another run is writing it, or if it cannot be written.
        Then and after any other exception none is left behind.
    """
    names = [path for path in others if not is_passed_on(path)]
    complete: dict[str, Temporary] = {}
    with ExitStack() as stack:
        for path in names:
            check_no_folder(path)
            stack.enter_context(locked_name(path, command, others[path]))
        _take_away_parts([os.path.realpath(path) for path in names])
        for path in names:
            check_new(path, f"remove it, or {others[path]}")

        @contextmanager
        def opened(path: str | Path) -> Iterator[BinaryIO]:
            if is_passed_on(path):
                with replace_file(path) as file:
                    yield file
                return
            temporary = stack.enter_context(open_temporary(path))
            yield temporary.file
            temporary.complete()
            complete[str(path)] = temporary

        yield opened
        _appear(complete, others)


def _take_away_parts(targets: Sequence[str]) -> None:
    """Remove what killed runs have left, but for sets that are whole."""
    is_whole = all(map(os.path.exists, targets))
    for target in targets:
        for left in dead_temporaries(target):
            if not is_whole and os.path.exists(target) and os.path.samefile(left, target):
                os.unlink(target)
            os.unlink(left)


def _appear(complete: Mapping[str, Temporary], others: Mapping[str, str]) -> None:
    """Give all files their names, or none."""
    done = []
    try:
        for path, temporary in sorted(complete.items(), key=lambda item: item[0] in others):
            if path in others:
                check_new(path, f"remove it, or {others[path]}")
                _link(temporary.path, temporary.target)
            else:
                os.replace(temporary.path, temporary.target)
            done.append(temporary.target)
    except BaseException:
        for target in done:
            with suppress(OSError):
                os.unlink(target)
        raise


def _link(source: str, target: str) -> None:
    """Give a file a second name, which nobody has taken; rename it where it can have only one."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        os.rename(source, target)
