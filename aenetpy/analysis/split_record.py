"""Which structures a potential was trained on, as the tables beside its networks record."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from aenetpy.analysis.comparison import SETS
from aenetpy.data.copies import copy_source
from aenetpy.errors import DataError
from aenetpy.formats.tables import names_in_energies
from aenetpy.models.potential import Potential

TEST, TRAINING, OTHER = SETS[:3]

log = logging.getLogger("aenetpy")


def set_of(potential: Potential, folder: str | Path = ".") -> Callable[[str], str]:
    """Return the set of each structure by its name; empty if nothing is recorded.

    ``energies.test.0`` and ``energies.train.0`` beside the networks record it. They name
    structures as seen from the folder of the run; the folder of a committee is above its members.
    """
    known: dict[str, str] = {}
    for beside in {os.path.dirname(path) or "." for path in potential.paths.values()}:
        for name, part in (("energies.train.0", TRAINING), ("energies.test.0", TEST)):
            path = Path(beside, name)
            if not path.exists():
                continue
            try:
                names_s = names_in_energies(path)
            except DataError as error:
                log.warning("%s; the sets of structures are not known", error)
                return lambda name: ""
            for base in (beside, Path(beside, ".."), folder):
                known.update((_place(base, copy_source(name)), part) for name in names_s)
    if not known:
        return lambda name: ""
    return lambda name: known.get(_place(folder, name), OTHER)


def _place(folder: str | Path, name: str) -> str:
    return os.path.realpath(os.path.join(folder, name))
