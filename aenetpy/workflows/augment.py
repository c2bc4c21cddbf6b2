"""``augment``: structures in, displaced copies with estimated energies out."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from aenetpy.augmentation.plan import CopyPlan, make_copy_plan
from aenetpy.data.structure import Structure
from aenetpy.errors import AenetpyError, DataError, InputError, UsageError
from aenetpy.io.files import check_new, exists_already, read_text, write_text, writing_error
from aenetpy.io.generate_in import GenerateInput, read_generate_in, with_more_files
from aenetpy.io.lock import locked_name
from aenetpy.io.pyita import format_pyita
from aenetpy.io.taylor_in import TaylorInput
from aenetpy.io.xsf import format_xsf
from aenetpy.parallel import ordered_map
from aenetpy.workflows.entries import read_structures
from aenetpy.workflows.repeats import Repeats

DIGEST = ".digest"
"""In an unfinished folder: what it is going to be."""

TAKEN = "remove it, name another, or use --force"

log = logging.getLogger("aenetpy")


@dataclass(frozen=True)
class AugmentTask:
    """What ``augment`` is asked to do.

    Parameters
    ----------
    settings
        Contents of ``generate.in``.
    taylor
        Which copies are wanted.
    folder
        For the copies.
    output
        The new ``generate.in``.
    force
        Whether earlier results are replaced.
    """

    settings: GenerateInput
    taylor: TaylorInput
    folder: str = "augmented"
    output: str = "generate-augmented.in"
    force: bool = False


def plan_copies(task: AugmentTask) -> CopyPlan:
    """Read all structures once and decide on the copies; nothing is written.

    Raises
    ------
    InputError, DataError
        If the task cannot be done.
    """
    settings = task.settings
    if settings.taylor is not None:
        raise InputError(
            "a block TAYLOR or DERIVATIVES asks for copies already",
            file=settings.path,
            hint="'aenetpy generate' makes them; remove the block to get files",
        )

    def size(parent: Structure) -> int:
        if not (parent.is_isolated or all(parent.pbc_c)):
            raise DataError(
                "periodic in some directions only, which an XSF file of aenet cannot say",
                file=parent.name,
                hint="the block TAYLOR in generate.in makes the copies without files",
            )
        return len(as_file(replace(parent, forces_nc=None), parent, task))

    repeats = Repeats()
    plan = make_copy_plan(repeats.watch(read_structures(settings)), task.taylor, size)
    repeats.tell(settings, "each gets copies of its own")
    return plan


def augment(
    task: AugmentTask, plan: CopyPlan, jobs: int = 1, on_copy: Callable[[], object] = lambda: None
) -> int:
    """Write the copies and a ``generate.in`` that lists them behind the structures.

    The folder appears when it is complete. What an interrupted run has written is kept
    aside, and the same command goes on from there.

    Parameters
    ----------
    task, plan
        From `plan_copies`.
    jobs
        Threads; the files do not depend on it.
    on_copy
        Called after each file.

    Returns
    -------
    int
        Number of copies.

    Raises
    ------
    DataError
        If a file cannot be written or exists already; nothing is left behind then.
    """
    check_space(task, plan)
    take_back(task, plan.digest)
    settings = task.settings
    width = 4 if task.taylor.strategy == "pyita" else max(4, len(str(plan.n_copies)))
    names: list[str] = []

    def make(portion: tuple[int, Structure, range]) -> list[str]:
        s, parent, numbers = portion
        return [as_file(copy, parent, task) for copy in plan.copies(s, parent, numbers)]

    with unfinished(task.folder, plan.digest) as part:
        n_written = len(os.listdir(part)) - 1
        parents = enumerate(read_structures(settings))
        portions = ((s, parent, numbers) for s, parent in parents for numbers in plan.portions(s))
        with closing(ordered_map(make, portions, jobs)) as made:
            for text in chain.from_iterable(made):
                names.append(f"structure{len(names) + 1:0{width}d}.xsf")
                if len(names) >= n_written:  # the last one may be incomplete
                    write_file(os.path.join(part, names[-1]), text, task.folder)
                on_copy()
        listed = [os.path.join(task.folder, name) for name in names]
        text = with_more_files(read_text(settings.path), settings, listed, own_output(task))
        finish(part, task, text)
    if plan.n_copies > len(names):
        n_left_out = plan.n_copies - len(names)
        log.info("%d copies have atoms closer than min_distance and are left out", n_left_out)
    return len(names)


def own_output(task: AugmentTask) -> str | None:
    """Return the training set of the new ``generate.in``: ``TiO2-augmented.train``.

    PyITA keeps OUTPUT, so that two runs of generate want the same file.
    """
    if task.taylor.strategy == "pyita":
        return None
    root, suffix = os.path.splitext(task.settings.output)
    return f"{root}-augmented{suffix}"


def as_file(copy: Structure, parent: Structure, task: AugmentTask) -> str:
    """Return the text of the file of a copy; it names its parent as seen from its folder."""
    if task.taylor.strategy != "pyita":
        seen = parent.name
        if not os.path.isabs(seen):
            seen = os.path.relpath(seen, task.folder)
        return format_xsf(replace(copy, parent=seen))
    assert parent.forces_nc is not None, "checked by summarise_dataset"
    return format_pyita(copy, parent.forces_nc)


def check_places(task: AugmentTask) -> None:
    """Refuse targets that would mix copies with the structures as given, or replace an input.

    Raises
    ------
    UsageError, DataError
        Naming the folder or the file.
    """
    settings, here = task.settings, Path.cwd()
    target = Path(task.folder).resolve()
    if task.folder.strip() != task.folder or not task.folder.isprintable():
        raise UsageError(
            f"folder {task.folder!r} cannot stand in FILES", hint="name another with --folder"
        )
    for source in sorted({Path(entry.text).parent.resolve() for entry in settings.files}):
        # The working directory may hold structures; a folder of its own inside it is fine.
        if target == source or (source in target.parents and not here.is_relative_to(source)):
            raise UsageError(
                f"folder '{task.folder}' lies in '{os.path.relpath(source)}', which holds the "
                "structures as given",
                hint="name a folder elsewhere with --folder",
            )
    inputs = (settings.path, *(e.text for e in (*settings.files, *settings.setups.values())))
    if os.path.realpath(task.output) in map(os.path.realpath, inputs):
        raise UsageError(f"'{task.output}' is an input", hint="name another file with --output")
    if os.path.isdir(task.output) or not os.path.isdir(os.path.dirname(task.output) or "."):
        problem = "is a folder" if os.path.isdir(task.output) else "its folder does not exist"
        raise DataError(problem, file=task.output, hint="name another file with --output")


@contextmanager
def claimed(task: AugmentTask) -> Iterator[None]:
    """Keep the folder and the new ``generate.in`` to ourselves, if they may be written.

    Raises
    ------
    UsageError, DataError
        If they are in wrong places, exist already, or another run is writing them.
    """
    check_places(task)
    try:
        os.makedirs(os.path.dirname(os.path.realpath(task.folder)), exist_ok=True)
    except OSError as error:
        raise writing_error(task.folder, error) from None
    with (
        locked_name(task.folder, "augment", "name another with --folder"),
        locked_name(task.output, "augment", "name another with --output"),
    ):
        if read_digest(task.folder) is None:
            check_copy_targets(task)
        yield


def take_back(task: AugmentTask, digest: str) -> None:
    """Make the folder an unfinished one again, if the same command was killed at its very end.

    Raises
    ------
    DataError
        As `check_copy_targets`, if it was not.
    """
    if read_digest(task.folder) != digest:
        check_copy_targets(task)
        return
    part = unfinished_name(task.folder)
    discard(part)
    os.rename(os.path.realpath(task.folder), part)


def check_copy_targets(task: AugmentTask) -> None:
    """Refuse to replace what exists.

    With ``force`` the result of an earlier call may be replaced, and nothing else.

    Raises
    ------
    DataError
        Naming the folder or the file.
    """
    if os.path.lexists(task.folder):
        if not task.force:
            raise exists_already(task.folder, TAKEN)
        check_replaceable(task)
    if not task.force:
        check_new(task.output, TAKEN)


def check_replaceable(task: AugmentTask) -> None:
    """Refuse to replace a folder that is not the result of an earlier call.

    Raises
    ------
    DataError
        If it holds a file that the existing ``generate.in`` with copies does not list.
    """
    if not os.path.isdir(task.folder):
        raise DataError("is no folder", file=task.folder, hint="name another with --folder")
    copies = {DIGEST}
    if os.path.exists(task.output):
        listed = (os.path.split(entry.text) for entry in read_generate_in(task.output).files)
        folder = os.path.realpath(task.folder)
        copies |= {name for path, name in listed if os.path.realpath(path) == folder}
    foreign = sorted(set(os.listdir(task.folder)) - copies)
    if foreign:
        raise DataError(
            f"is not replaced: {task.output} does not list {foreign[0]}",
            file=task.folder,
            hint="remove the folder, or name another with --folder",
        )


def check_space(task: AugmentTask, plan: CopyPlan) -> None:
    """Refuse what does not fit on the disk.

    Raises
    ------
    DataError
        With the space that is needed and that is free.
    """
    folder = Path(task.folder).resolve().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if plan.n_bytes > free:
        raise DataError(
            f"{plan.n_copies} copies need {plan.n_bytes / 1e6:.0f} MB, the disk has "
            f"{free / 1e6:.0f} MB",
            file=task.folder,
            hint="lower a, use the block TAYLOR, which needs no files, or make room",
        )


def read_digest(folder: str) -> str | None:
    """Return what an unfinished folder is going to be; None of any other."""
    note = Path(folder) / DIGEST
    return note.read_text(errors="replace") if note.is_file() else None


def discard(part: str) -> None:
    """Remove an unfinished folder: first its digest, lest a rest is taken for the whole."""
    Path(part, DIGEST).unlink(missing_ok=True)
    shutil.rmtree(part, ignore_errors=True)


def unfinished_name(folder: str) -> str:
    """Return where the copies are until all are there."""
    path = Path(folder).resolve()
    return str(path.with_name(f".{path.name}.unfinished"))


@contextmanager
def unfinished(folder: str, digest: str) -> Iterator[str]:
    """Open the folder for unfinished work, with what an interrupted run has left of the same.

    Yields
    ------
    str
        Its path. It is kept after an interruption and removed after any error.
    """
    part = unfinished_name(folder)
    try:
        if read_digest(part) != digest:
            if os.path.isdir(part):
                log.info("%s: unfinished copies of another command are discarded", folder)
                discard(part)
            os.makedirs(part)
            Path(part, DIGEST).write_text(digest)
        elif len(os.listdir(part)) > 1:
            log.info("%s: going on after %d copies", folder, len(os.listdir(part)) - 1)
        yield part
    except KeyboardInterrupt:
        log.warning("interrupted: the same command goes on; what is done lies in %s", part)
        raise
    except (OSError, AenetpyError) as error:
        discard(part)
        if isinstance(error, OSError):
            raise writing_error(folder, error) from None
        raise


def write_file(path: str, text: str, folder: str) -> None:
    """Write a file of an unfinished folder.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    try:
        with open(path, "wb", buffering=0) as file:
            content = text.encode("utf-8", "surrogateescape")
            if file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise writing_error(folder, error) from None


def finish(part: str, task: AugmentTask, listed: str) -> None:
    """Give the finished folder its name, in place of the result of an earlier call, and list it.

    It keeps its digest until the new ``generate.in`` is there, too: see `take_back`.
    """
    folder, replaced = os.path.realpath(task.folder), f"{part}.old"
    if task.force and os.path.isdir(folder):
        shutil.rmtree(replaced, ignore_errors=True)
        os.rename(folder, replaced)
    os.rename(part, folder)
    try:
        if not (os.path.isfile(task.output) and read_text(task.output) == listed):
            if not task.force:
                check_new(task.output, TAKEN)
            write_text(task.output, listed)
    except BaseException:
        os.rename(folder, part)
        if os.path.isdir(replaced):
            os.rename(replaced, folder)
        raise
    os.unlink(os.path.join(folder, DIGEST))
    shutil.rmtree(replaced, ignore_errors=True)
