"""Notes of files on a calculation beside energies and forces: convergence, isolated atoms."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from aenetpy.data.structure import Structure
from aenetpy.interruption import interruptible

if TYPE_CHECKING:
    from ase import Atoms

_CONVERGED = re.compile(r"(is_)?((dft|scf|elec\w*)_)?converged(_(scf|elec\w*))?", re.IGNORECASE)
"""Keys under which files and calculators say whether the electronic steps converged."""

_NO = ("false", "f", "no", "0")
_NELM_XML = re.compile(rb'name="NELM">\s*(\d+)')
_NELM_TEXT = re.compile(rb"^\s*NELM\s*=\s*(\d+)")


def unconverged_steps(
    path: str, format: str, opener: Callable[[str], IO[bytes]] | None
) -> list[bool]:
    """Return for each step of a VASP run whether it used all of NELM; empty for other formats.

    ``OUTCAR`` says so where EDIFF was reached in the last step of NELM; ``vasprun.xml`` does not.
    """
    scan = {"vasp-xml": _scan_xml, "vasp-out": _scan_outcar}.get(format)
    if scan is None or not Path(path).is_file():
        return []
    with opener(path) if opener else Path(path).open("rb") as file:
        return scan(file)


def _scan_xml(file: IO[bytes]) -> list[bool]:
    most = math.inf
    counts: list[int] = []
    for line in interruptible(file):
        if match := _NELM_XML.search(line):
            most = int(match[1])
        elif b"<calculation" in line:
            counts.append(0)
        elif b"<scstep" in line and counts:
            counts[-1] += 1
    return [n >= most for n in counts]


def _scan_outcar(file: IO[bytes]) -> list[bool]:
    most, n = math.inf, 0
    reached: bool | None = None
    unconverged = []
    for line in interruptible(file):
        if match := _NELM_TEXT.match(line):
            most = int(match[1])
        elif b" Iteration " in line:
            n += 1
        elif b"aborting loop" in line:  # VASP 6 also says that EDIFF was not reached
            reached = b"EDIFF is reached" in line
        elif b"FREE ENERGIE OF THE ION-ELECTRON SYSTEM" in line:
            unconverged.append(n >= most if reached is None else not reached)
            n, reached = 0, None
    return unconverged


def says_unconverged(atoms: Atoms) -> bool:
    """Return whether the file, or the results of the calculator, say that it did not converge."""
    results = getattr(atoms.calc, "results", None) or {}
    return any(
        _CONVERGED.fullmatch(str(key)) and str(value).strip().lower() in _NO
        for known in (atoms.info, results)
        for key, value in known.items()
    )


def names_isolated_atom(atoms: Atoms) -> bool:
    """Return whether ``config_type`` says that this is an isolated atom, in any case."""
    return any(
        re.sub(r"[\W_]", "", str(value)).lower() in ("isolatedatom", "isolatedatoms")
        for key, value in atoms.info.items()
        if str(key).lower() == "config_type"
    )


def notes_of(structure: Structure) -> dict[str, object]:
    """Return the notes on a structure for the ``info`` of an ``Atoms`` object."""
    notes: dict[str, object] = {} if structure.converged else {"converged": False}
    return notes | ({"config_type": "IsolatedAtom"} if structure.named_isolated else {})
