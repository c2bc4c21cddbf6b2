"""Structures labelled by the reference calculator, several at a time, each on its own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aenetpy.analysis.properties import Measured
from aenetpy.data.structure import Structure
from aenetpy.errors import AenetpyError, ReferenceFailed, TimedOut
from aenetpy.files.files import writing_error
from aenetpy.inputs.properties import Property
from aenetpy.inputs.reference import Reference
from aenetpy.interruption import check
from aenetpy.learning.reference import (
    OUTPUT,
    Failure,
    Label,
    calculate,
    construct,
    measure_reference,
)
from aenetpy.parallel import available_cores
from aenetpy.processes import Processes
from aenetpy.structures.atoms import as_structure

if TYPE_CHECKING:
    from ase import Atoms

_MOMENT = 0.2
"""Seconds between two looks at signals."""

CALCULATIONS = 34
"""That a property takes, or less: by as much more time it has than a label."""

_PATIENCE = 120.0
"""Seconds in which a calculator is imported and made."""


def check_reference(reference: Reference) -> None:
    """Make the calculator in a process of its own, so that its keywords are known to be right."""
    processes = Processes(at_once=True)
    try:
        _watched(processes, construct, reference, timeout=_PATIENCE)
    except AenetpyError as error:
        if reference.calculator not in error.message:  # its process has crashed, or hung
            error.message = f"calculator '{reference.calculator}' {error.message}"
        error.file, error.line = reference.place.file or None, reference.place.line
        raise


def measure_with(
    properties: Sequence[Property], reference: Reference, folder: str | Path, lock: int
) -> Measured:
    """Measure properties of crystals with the reference calculator, in a process of its own."""
    processes = Processes(lock, at_once=True)
    own = Path(folder).absolute()
    _make_empty(own)
    timeout = CALCULATIONS * len(properties) * reference.timeout
    try:
        return _watched(
            processes, measure_reference, properties, reference, str(own), timeout=timeout
        )
    except AenetpyError as error:
        raise ReferenceFailed(
            f"properties by '{reference.calculator}': {error.message}", file=own, hint=error.hint
        ) from None
    finally:
        _tidy(own)


def _watched(
    processes: Processes, function: Callable[..., Any], *arguments: Any, **how: Any
) -> Any:
    """Return the result of a function in a process of its own, which a signal ends."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(processes.run, function, *arguments, **how)
        try:
            while not future.done():
                check()
                wait([future], _MOMENT)
            return future.result()
        except AenetpyError:
            raise
        except BaseException:
            processes.end()
            raise


def label(
    structures: Sequence[Structure | Atoms],
    reference: Reference,
    folder: str | Path,
    *,
    lock: int | None = None,
    on_result: Callable[[int, Label | Failure], object] = lambda index, result: None,
) -> list[Label | Failure]:
    """Label structures with the reference calculator."""
    todo = [as_structure(structure) for structure in structures]
    folders = [Path(folder).absolute() / f"{n:04d}" for n in range(1, len(todo) + 1)]
    threads = max(1, available_cores() // reference.parallel)
    processes = Processes(lock, at_once=True)
    results: dict[int, Label | Failure] = {}

    def work(index: int) -> Label | Failure:
        begin = time.perf_counter()
        _make_empty(folders[index])
        arguments = (todo[index], reference, str(folders[index]), threads)
        try:
            return processes.run(calculate, *arguments, timeout=reference.timeout)
        except TimedOut:
            reason = f"ended after {reference.timeout:g} s (timeout)"
        except AenetpyError as error:
            reason = str(error)
        finally:
            _tidy(folders[index])
        return Failure(todo[index], reason, time.perf_counter() - begin)

    with ThreadPoolExecutor(min(reference.parallel, max(1, len(todo)))) as pool:
        try:
            waiting = {pool.submit(work, index): index for index in range(len(todo))}
            while waiting:
                check()
                ended, _ = wait(waiting, _MOMENT, return_when=FIRST_COMPLETED)
                for future in ended:
                    index = waiting.pop(future)
                    results[index] = future.result()
                    on_result(index, results[index])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.end()
            raise
    return [results[index] for index in range(len(todo))]


def _make_empty(folder: Path) -> None:
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise writing_error(folder, error) from None


def _tidy(folder: Path) -> None:
    """Remove empty output, and then an empty folder."""
    with suppress(OSError):
        if (folder / OUTPUT).stat().st_size == 0:
            (folder / OUTPUT).unlink()
        os.rmdir(folder)
