"""Structures from one kind of file to another, and the input of LASP2 to ours."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from aenetpy.commands.lasp2 import dynamics_of, read_lasp2, translate
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError, UsageError, located
from aenetpy.files.files import check_new, write_text, writing_error
from aenetpy.inputs.entries import parse_entry
from aenetpy.interruption import interruptible
from aenetpy.structures.reading import iter_structures
from aenetpy.structures.runner import parse_units, write_input_data
from aenetpy.structures.xsf import write_xsf

START = "start.xsf"
"""Where walks of LASP2 begin, beside ``learn.yaml``."""


def convert(sources: Sequence[str], target: str) -> str:
    """Write sources as a target, whose name gives the format; return the summary."""
    if len(sources) == 1 and sources[0].lower().endswith(".ini"):
        check_new(target)
        lasp2 = read_lasp2(sources[0])
        found = dynamics_of(lasp2)
        if found is not None and found.structure is not None:
            start = Path(target).parent / START
            check_new(start)
            write_xsf(start, found.structure)
        write_text(target, translate(lasp2, found, START))
        return f"{target} is written; generate.in and train.in, which it names, are to be made"
    entry = parse_entry(target)
    path, units = entry.path, entry.units
    if units is not None:
        if entry.index is not None:
            raise UsageError(
                f"{target} cannot be a part of a file", hint=f"leave out @{entry.index}"
            )
        try:
            known = parse_units(units)
        except ValueError as reason:
            raise UsageError(
                str(reason), hint="write #units=eV,Angstrom or #units=Hartree,Bohr"
            ) from None
        check_new(path)
        n = write_input_data(path, _read(sources), known)
        return f"{path}: {n} structures in {units}"
    if not target.endswith("/") and Path(target).suffix:
        raise UsageError(
            f"what is '{target}' to be?",
            hint=f"write {target}#units=eV,Angstrom for n2p2, or a folder/ for XSF files",
        )
    return f"{target}: {_write_folder(Path(target), _read(sources))} XSF files"


def _read(sources: Sequence[str]) -> Iterator[Structure]:
    for source in interruptible(sources):
        yield from iter_structures(source)


def _write_folder(target: Path, structures: Iterator[Structure]) -> int:
    """Write one file for each structure into a new folder, all of them or none."""
    if target.exists():
        raise DataError("exists already", file=target, hint="remove it, or name another folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden = target.parent / f".{target.name}.{secrets.token_hex(4)}"
        hidden.mkdir()  # unlike a folder of tempfile, with the mode that umask gives
    except OSError as error:
        raise writing_error(target, error) from None
    try:
        n = 0
        for n, structure in enumerate(interruptible(structures), start=1):
            with located(structure.name):
                write_xsf(hidden / f"{n:06d}.xsf", structure)
        os.rename(hidden, target)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return n
