"""The folder of a committee: its members, and ``committee.json``, which names them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aenetpy.digests import digest_of
from aenetpy.errors import DataError
from aenetpy.files.files import read_bytes
from aenetpy.files.sealed import read_sealed, write_sealed
from aenetpy.formats.network import NetworkSource
from aenetpy.models.calibration import Calibration, Spread

MEMBER = "member-"
"""Name of the folder of each member of a committee, before its number."""

COMMITTEE = "committee.json"
"""Beside the folders of the members: their networks, and the calibration of the spread."""

PROGRESS = "train.members"
"""Beside them during training: the progress of ``train --members``."""

FORMAT = "aenetpy committee 2"

log = logging.getLogger("aenetpy")


def write_committee(
    folder: str | Path, networks: Sequence[str], calibration: Calibration | None
) -> None:
    """Write ``committee.json``."""
    content = {
        "format": FORMAT,
        "networks": {name: digest_of(read_bytes(Path(folder) / name)) for name in networks},
        "calibration": None if calibration is None else asdict(calibration),
    }
    write_sealed(Path(folder) / COMMITTEE, content, indent=1)


def committee_members(folder: str | Path) -> tuple[list[NetworkSource], Calibration | None]:
    """Return the source of each member of a committee, and its calibration.

    The members are those that ``committee.json`` names; without it all folders ``member-1`` ...
    """
    folders = member_folders(folder)
    path = Path(folder) / COMMITTEE
    if not path.exists():
        if (Path(folder) / PROGRESS).exists():
            raise DataError(
                "the members of this committee are not trained to the end",
                file=Path(folder) / PROGRESS,
                hint="repeat the same 'aenetpy train --members'",
            )
        return [*folders], None
    found = read_sealed(
        path, FORMAT, "remove it to do without calibration, or train the committee again"
    )
    networks_of: dict[str, list[Path]] = {}
    for name, digest in found["networks"].items():
        network = Path(folder) / name
        if not network.exists() or digest_of(read_bytes(network)) != digest:
            raise DataError(
                f"{'has changed' if network.exists() else 'is gone'}, and {path} counts on it",
                file=network,
                hint="repeat 'aenetpy train --members', or remove that file to do without it",
            )
        networks_of.setdefault(name.split("/")[0], []).append(network)
    others = [own.name for own in folders if own.name not in networks_of]
    if others:
        log.info("%s is left out: %s does not name it", ", ".join(others), path)
    calibration = found["calibration"]
    return [*networks_of.values()], None if calibration is None else _calibration(calibration)


def member_folders(folder: str | Path) -> list[Path]:
    """Return the folders ``member-1``, ``member-2`` ... of a committee, by number."""
    numbers = []
    for path in sorted(Path(folder).glob(f"{MEMBER}*")):
        text = path.name.removeprefix(MEMBER)
        if not (text.isdecimal() and path.is_dir()):
            continue
        if path.name != f"{MEMBER}{int(text)}" or int(text) == 0:
            raise DataError(
                f"members are called {MEMBER}1, {MEMBER}2 ...",
                file=path,
                hint="rename or remove it",
            )
        numbers.append(int(text))
    if not numbers:
        raise DataError(
            f"no folders {MEMBER}1, {MEMBER}2 ... in this one",
            file=folder,
            hint="name the folder in which a committee was trained, or a list of potentials",
        )
    return [Path(folder) / f"{MEMBER}{number}" for number in sorted(numbers)]


def _calibration(found: dict[str, Any]) -> Calibration:
    energy, force = found["energy"], found["force"]
    return Calibration(
        found["n_structures"], _spread(energy), None if force is None else _spread(force)
    )


def _spread(found: dict[str, Any]) -> Spread:
    pairs = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
    return Spread(**{**found, **pairs})
