"""Frames of extended XYZ, and of the formats that ASE and dpdata read."""

from __future__ import annotations

import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aenetpy.errors import DataError
from aenetpy.lazy import require_library
from aenetpy.structures.ase_database import chosen_numbers, iter_database, selected_rows
from aenetpy.structures.calculation_notes import unconverged_steps
from aenetpy.structures.compressed import opener_of
from aenetpy.structures.extxyz import iter_xyz

if TYPE_CHECKING:
    from ase import Atoms

INVENTED = {"lammps-dump-text": ("energy",), "lammps-dump-binary": ("energy",)}
"""Results that a reader of ASE makes up, as the file does not have them."""

log = logging.getLogger("aenetpy")

_WITHOUT_UNITS = {"qbox": "Hartree and Bohr, which ASE does not convert"}
_HEAD_BYTES = 1 << 16


def read_frames(path: str, index: int | str, format: str | None) -> Iterator[Atoms]:
    """Yield the frames that an index of ASE, or a selection from a database, chooses.

    Whatever a reader raises passes.
    """
    from ase.io.formats import ioformats

    format = format or _recognised(path)
    if format in ("xyz", "extxyz"):
        yield from choose(lambda start: iter_xyz(path, start), index)
    elif format in ioformats:
        _check(path, format)
        for atoms in _kept_from(_read_ase(path, index, format)):
            for label in INVENTED.get(format, ()):
                if atoms.calc is not None:
                    atoms.calc.results.pop(label, None)
            yield atoms
    elif "/" in format:
        frames = _read_dpdata(path, format)
        yield from choose(lambda start: islice(frames, start, None), index)
    else:
        raise _unknown(path, format)


def _read_ase(path: str, index: int | str, format: str) -> Iterator[Atoms]:
    """Yield frames of a file as ASE reads them."""
    from ase.io import iread

    if format == "db":
        yield from iter_database(path, index)
        return
    if format == "json":
        from ase.db import connect

        yield from selected_rows(connect(path, type="json"), index)
        return
    read = partial(iread, path, format=format, do_not_split_by_at_sign=True)
    unconverged = unconverged_steps(path, format, opener_of(path))
    if not any(unconverged):
        yield from read(index=index)
        return
    steps = list(zip(read(index=":"), unconverged, strict=False))  # the last may be incomplete
    for k in chosen_numbers(index, len(steps)):
        atoms, is_unconverged = steps[int(k)]
        if is_unconverged:
            atoms.info["converged"] = False
        yield atoms


def _recognised(path: str) -> str:
    """Return ASE's name of the format of a file."""
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    format = filetype(path)
    if format not in ioformats:
        raise UnknownFileTypeError(format)
    return format


def choose(frames_from: Callable[[int], Iterator[Any]], index: int | str) -> Iterator[Any]:
    """Yield one frame, or all from a number on (``:`` and ``5:``)."""
    if isinstance(index, str) and index.endswith(":"):
        return frames_from(int(index[:-1] or 0))
    number = int(index)
    if number >= 0:
        return islice(frames_from(number), 1)
    last = deque(frames_from(0), maxlen=-number)
    return iter([last[0]] if len(last) == -number else [])


@contextmanager
def _standard_streams_kept() -> Iterator[None]:
    """Keep a reader from our standard input, output and errors."""
    copies = []
    for one in (0, 1, 2):
        with suppress(OSError):  # closed
            copies.append((one, os.dup(one)))
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        yield
    finally:
        os.close(nothing)
        for one, copy in copies:
            os.dup2(copy, one)
            os.close(copy)


def _kept_from(frames: Iterator[Atoms]) -> Iterator[Atoms]:
    """Yield frames whose reader cannot reach our standard streams."""
    while True:
        with _standard_streams_kept():
            atoms = next(frames, None)
        if atoms is None:
            return
        yield atoms


def _check(path: str, format: str) -> None:
    """Refuse files of which a reader of ASE makes something else than the file says."""
    if format in _WITHOUT_UNITS:
        raise DataError(f"its numbers are in {_WITHOUT_UNITS[format]}", file=path)
    if format not in ("lammps-dump-text", "jsv"):
        return
    with Path(path).open(errors="replace") as file:
        head = file.read(_HEAD_BYTES)
    columns = re.search(r"^ITEM: ATOMS(.*)$", head, re.MULTILINE)
    if columns and not {"element", "mass"} & set(columns[1].split()):
        raise DataError(
            "numbers the types of its atoms, and names no elements",
            file=path,
            hint="let LAMMPS write the column element (dump_modify ... element Ti O)",
        )
    group = re.search(r"^\[space_group\](.*)$", head, re.MULTILINE | re.IGNORECASE)
    if group and len(group[1].split()) > 2:  # ASE opens, and closes, a third number as a file
        raise DataError(f"[space_group]{group[1]} is not a number and a setting", file=path)


def _read_dpdata(path: str, format: str) -> Iterator[Atoms]:
    """Yield the frames of a format that dpdata knows."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    require_library("dpdata", "dpdata", "dpdata", f"#format={format}")
    import dpdata
    from dpdata.format import Format

    if format not in Format.get_formats():
        raise _unknown(path, format)
    with _standard_streams_kept():
        try:
            data: dict[str, Any] = dpdata.LabeledSystem(path, fmt=format).data
        except (DataError, KeyboardInterrupt):
            raise
        except Exception as reason:  # a system without labels, or a damaged one
            data = dpdata.System(path, fmt=format).data
            log.warning("%s: no energies are read (dpdata: %s)", path, reason)
    symbols = [data["atom_names"][k] for k in data["atom_types"]]
    for k, positions_nc in enumerate(data["coords"]):
        isolated = bool(data.get("nopbc", False))
        atoms = Atoms(symbols, positions_nc, cell=data["cells"][k], pbc=not isolated)
        known = {"energy": "energies", "forces": "forces"}
        results = {key: data[name][k] for key, name in known.items() if name in data}
        if results:
            atoms.calc = SinglePointCalculator(atoms, **results)
        if "virials" in data:
            atoms.info["virial"] = data["virials"][k]
        yield atoms


def _unknown(path: str, format: str) -> DataError:
    return DataError(
        f"ASE cannot read it: there is no format '{format}'",
        file=path,
        hint="write ASE's name (vasp-xml, extxyz) or dpdata's (deepmd/npy, cp2k/aimd_output)",
    )
