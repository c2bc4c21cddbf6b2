"""What must hold before ``learn`` begins or goes on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from aenetpy.digests import digest_of
from aenetpy.errors import InputError
from aenetpy.io.files import read_bytes, within
from aenetpy.io.generate_in import GenerateInput
from aenetpy.io.learn_in import Learn, WalkInput
from aenetpy.io.structures import iter_structures
from aenetpy.io.train_in import TrainInput
from aenetpy.workflows.atoms import read_atoms

if TYPE_CHECKING:
    from ase import Atoms


def check_learning(settings: Learn, train: TrainInput, root: Path) -> None:
    """Refuse what the files say only together.

    Raises
    ------
    InputError
        Naming the key.
    """
    if settings.select == "committee" and settings.lower is None and not train.test_percent:
        raise InputError(
            "lower is auto, which needs held-out structures",
            file=settings.path,
            line=settings.lines.get("lower"),
            hint=f"give TESTPERCENT in {settings.train}, or lower and upper in eV/Å",
        )
    for walk in settings.explore:
        for _ in iter_structures(within(root, walk.start or walk.trajectory or "")):
            break
        if walk.start is not None:
            start_atoms(walk, root)


def start_atoms(walk: WalkInput, root: Path) -> Atoms:
    """Return the atoms that a walk starts from, with the constraints of their file.

    Raises
    ------
    InputError
        If it is not one structure.
    """
    assert walk.start is not None
    found = list(read_atoms(within(root, walk.start)))
    if len(found) != 1:
        raise walk.place.error(
            f"{walk.name}: start '{walk.start}' names {len(found)} structures", "choose one"
        )
    return found[0].atoms


def learning_digest(settings: Learn, generate: GenerateInput, root: Path) -> str:
    """Return a digest of all that the result depends on but what may change."""
    fixed = asdict(settings)
    for name in ("path", "folder", "wall_time", "properties", "lines"):
        del fixed[name]
    if settings.select == "committee":
        del fixed["labels"]
    for name in ("timeout", "parallel", "place"):
        del fixed["reference"][name]
    for walk in fixed["explore"]:
        del walk["place"]
    files = [within(root, settings.generate), within(root, settings.train)]
    files += [within(root, setup.text) for setup in generate.setups.values()]
    return digest_of(
        json.dumps(fixed, sort_keys=True).encode(), *(read_bytes(file) for file in files)
    )
