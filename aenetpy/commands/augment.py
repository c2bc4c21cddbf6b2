"""``augment``: structures in, displaced copies with estimated energies out."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aenetpy.augmentation.plan import CopyPlan, make_copy_plan
from aenetpy.commands.zero_forces import ZeroForces
from aenetpy.data.structure import Structure
from aenetpy.descriptors.repeats import RepeatedStructures
from aenetpy.errors import DataError, InputError, UsageError
from aenetpy.files.files import (
    check_new,
    read_text,
    replace_file,
    within,
    writing_error,
)
from aenetpy.files.lock import locked_name
from aenetpy.inputs.generate_in import GenerateInput, read_generate_in, with_more_files
from aenetpy.inputs.taylor import TaylorInput
from aenetpy.parallel import ordered_map
from aenetpy.reports.listener import SILENT, Listener
from aenetpy.structures.from_settings import read_structures
from aenetpy.structures.pyita import format_pyita
from aenetpy.structures.xsf import format_xsf

TAKEN = "remove it, name another, or use --force"
_BYTES = ("utf-8", "surrogateescape")

log = logging.getLogger("aenetpy")


@dataclass(frozen=True)
class AugmentTask:
    """The settings of ``augment``.

    Parameters
    ----------
    settings
        Contents of ``generate.in``.
    taylor
        Which copies are wanted.
    copies
        Folder for the copies.
    output
        The new ``generate.in``.
    force
        Whether earlier results are replaced.
    for_aenet
        Whether copies carry the forces of their parents, without which ``generate.x`` refuses them.
    """

    settings: GenerateInput
    taylor: TaylorInput
    copies: str = "augmented"
    output: str = "generate-augmented.in"
    force: bool = False
    for_aenet: bool = False

    def in_folder(self, folder: str | Path) -> AugmentTask:
        """Return the task with its outputs, and its potential, as seen from here."""
        potential = self.taylor.potential
        return replace(
            self,
            taylor=replace(self.taylor, potential=potential and within(folder, potential)),
            copies=within(folder, self.copies),
            output=within(folder, self.output),
        )


@dataclass(frozen=True)
class AugmentResult:
    """Files that `augment` has written."""

    files: tuple[str, ...]
    plan: CopyPlan


def plan_copies(task: AugmentTask, folder: str | Path = ".") -> CopyPlan:
    """Read all structures once and decide on the copies; nothing is written."""
    check_places(task, folder)
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
        return len(as_file(parent, parent, task, folder))

    repeats, zero_forces = RepeatedStructures(), ZeroForces()
    structures = zero_forces.watch(repeats.watch(read_structures(settings, folder)))
    plan = make_copy_plan(structures, task.in_folder(folder).taylor, size)
    zero_forces.refuse()
    zero_forces.tell(settings)
    repeats.tell(settings, "each gets copies of its own")
    return plan


def augment(
    task: AugmentTask,
    folder: str | Path = ".",
    listener: Listener = SILENT,
    jobs: int = 1,
) -> AugmentResult:
    """Write displaced copies, and a ``generate.in`` that lists them behind the structures.

    The folder of the copies and the ``generate.in`` appear when all copies are there.

    Parameters
    ----------
    task
        The settings.
    folder
        Where the run takes place: names in the task are seen from there.
    listener
        Hears of each line of FILES.
    jobs
        Threads; the files do not depend on it.

    Raises
    ------
    UsageError, InputError, DataError
        If the task cannot be done, or if a file cannot be written or exists already; nothing is
        left behind then.
    """
    here = task.in_folder(folder)
    with claimed(task, folder):
        plan = plan_copies(task, folder)
        check_space(here, plan)
        with hidden_folder(here.copies) as hidden:
            names = write_copies(task, plan, hidden, folder, listener, jobs)
            finish(hidden, here, text_with_copies(task, names))
    if plan.n_copies > len(names):
        n_left_out = plan.n_copies - len(names)
        log.info("%d copies have atoms closer than min_distance and are left out", n_left_out)
    return AugmentResult(tuple(names), plan)


def write_copies(
    task: AugmentTask,
    plan: CopyPlan,
    hidden: str,
    folder: str | Path,
    listener: Listener,
    jobs: int,
) -> list[str]:
    """Write the copies into a hidden folder; return how they will be listed."""
    width = 4 if task.taylor.strategy == "pyita" else max(4, len(str(plan.n_copies)))
    names: list[str] = []

    def make(portion: tuple[int, Structure, range]) -> list[str]:
        s, parent, numbers = portion
        copies = plan.copies(s, parent, numbers)
        return [as_file(copy, parent, task, folder) for copy in copies]

    parents = enumerate(read_structures(task.settings, folder, listener.advance))
    portions = ((s, parent, numbers) for s, parent in parents for numbers in plan.portions(s))
    with closing(ordered_map(make, portions, jobs)) as made:
        for texts in made:
            for text in texts:
                name = f"structure{len(names) + 1:0{width}d}.xsf"
                Path(hidden, name).write_bytes(text.encode(*_BYTES))
                names.append(os.path.join(task.copies, name))
    return names


def text_with_copies(task: AugmentTask, names: list[str]) -> str:
    """Return the new ``generate.in``."""
    settings = task.settings
    return with_more_files(read_text(settings.path), settings, names, own_output(task))


def own_output(task: AugmentTask) -> str | None:
    """Return the training set of the new ``generate.in``: ``TiO2-augmented.train``.

    PyITA keeps OUTPUT, so that two runs of generate want the same file.
    """
    if task.taylor.strategy == "pyita":
        return None
    root, suffix = os.path.splitext(task.settings.output)
    return f"{root}-augmented{suffix}"


def as_file(copy: Structure, parent: Structure, task: AugmentTask, folder: str | Path) -> str:
    """Return the text of the file of a copy; it names its parent as seen from its folder."""
    if task.taylor.strategy != "pyita":
        seen = parent.name
        if not os.path.isabs(seen):
            seen = os.path.relpath(within(folder, seen), within(folder, task.copies))
        forces_nc = parent.forces_nc if task.for_aenet else None
        return format_xsf(replace(copy, parent=seen, forces_nc=forces_nc))
    assert parent.forces_nc is not None, "checked by summarise_dataset"
    return format_pyita(copy, parent.forces_nc)


def check_places(task: AugmentTask, folder: str | Path) -> None:
    """Refuse targets that would mix copies with the structures as given, or replace an input."""
    settings, here, output = task.settings, Path(folder).resolve(), within(folder, task.output)
    target = Path(within(folder, task.copies)).resolve()
    if task.copies.strip() != task.copies or not task.copies.isprintable():
        raise UsageError(
            f"folder {task.copies!r} cannot stand in FILES", hint="name another with --folder"
        )
    files = [within(folder, entry.text) for entry in settings.files]
    for source in sorted({Path(path).parent.resolve() for path in files}):
        # The folder of the run may hold structures; a folder of its own inside it is fine.
        if target == source or (source in target.parents and not here.is_relative_to(source)):
            raise UsageError(
                f"folder '{task.copies}' lies in '{os.path.relpath(source, here)}', which holds "
                "the structures as given",
                hint="name a folder elsewhere with --folder",
            )
    setups = [within(folder, entry.text) for entry in settings.setups.values()]
    if os.path.realpath(output) in map(os.path.realpath, (settings.path, *files, *setups)):
        raise UsageError(f"'{output}' is an input", hint="name another file with --output")
    if os.path.isdir(output) or not os.path.isdir(os.path.dirname(output) or "."):
        problem = "is a folder" if os.path.isdir(output) else "its folder does not exist"
        raise DataError(problem, file=output, hint="name another file with --output")


@contextmanager
def claimed(task: AugmentTask, folder: str | Path) -> Iterator[None]:
    """Keep the folder of the copies and the new ``generate.in`` to ourselves."""
    check_places(task, folder)
    here = task.in_folder(folder)
    try:
        os.makedirs(os.path.dirname(os.path.realpath(here.copies)), exist_ok=True)
    except OSError as error:
        raise writing_error(here.copies, error) from None
    with (
        locked_name(here.copies, "augment", "name another with --folder"),
        locked_name(here.output, "augment", "name another with --output"),
    ):
        check_copy_targets(here, folder)
        yield


def check_copy_targets(task: AugmentTask, folder: str | Path) -> None:
    """Refuse to replace existing files.

    With ``force`` the result of an earlier call may be replaced, and nothing else.
    """
    if os.path.lexists(task.copies):
        if not task.force:
            raise DataError("exists already", file=task.copies, hint=TAKEN)
        check_replaceable(task, folder)
    if not task.force:
        check_new(task.output, TAKEN)


def check_replaceable(task: AugmentTask, folder: str | Path) -> None:
    """Refuse to replace a folder that is not the result of an earlier call."""
    if not os.path.isdir(task.copies):
        raise DataError("is no folder", file=task.copies, hint="name another with --folder")
    listed: set[str] = set()
    if os.path.exists(task.output):
        names = (os.path.split(entry.text) for entry in read_generate_in(task.output).files)
        path = os.path.realpath(task.copies)
        listed = {name for at, name in names if os.path.realpath(within(folder, at)) == path}
    foreign = sorted(set(os.listdir(task.copies)) - listed)
    if foreign:
        raise DataError(
            f"is not replaced: {task.output} does not list {foreign[0]}",
            file=task.copies,
            hint="remove the folder, or name another with --folder",
        )


def check_space(task: AugmentTask, plan: CopyPlan) -> None:
    """Refuse copies that do not fit on the disk."""
    folder = Path(task.copies).resolve().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if plan.n_bytes > free:
        raise DataError(
            f"{plan.n_copies} copies need {plan.n_bytes / 1e6:.0f} MB, the disk has "
            f"{free / 1e6:.0f} MB",
            file=task.copies,
            hint="lower a, use the block TAYLOR, which needs no files, or make room",
        )


@contextmanager
def hidden_folder(copies: str) -> Iterator[str]:
    """Make a hidden folder for copies; remove it unless it has been renamed."""
    path = Path(copies).resolve()
    hidden = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        hidden.mkdir()
        yield str(hidden)
    except OSError as error:
        raise writing_error(copies, error) from None
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def finish(hidden: str, task: AugmentTask, text: str) -> None:
    """Replace the result of an earlier call by the finished folder and its ``generate.in``."""
    copies = os.path.realpath(task.copies)
    with replace_file(task.output) as file:
        file.write(text.encode(*_BYTES))
        file.flush()  # a full disk is noticed here
        if task.force:
            shutil.rmtree(copies, ignore_errors=True)
    os.rename(hidden, copies)  # last: a run that is killed before leaves a list of no files
