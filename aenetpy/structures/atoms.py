"""Structures as ASE's ``Atoms`` and back; atoms keep constraints and partial cells."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.limits import FINITE
from aenetpy.data.structure import Structure, spans_volume
from aenetpy.errors import DataError
from aenetpy.files.files import read_bytes, write_bytes
from aenetpy.inputs.entries import parse_entry
from aenetpy.structures.calculation_notes import names_isolated_atom, notes_of, says_unconverged
from aenetpy.structures.labels import Labels, Warn, labels_of
from aenetpy.structures.xsf import write_xsf

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger("aenetpy")


@dataclass(frozen=True, eq=False)
class NamedAtoms:
    """Atoms and where they come from."""

    name: str
    atoms: Atoms
    format: str | None


def as_structure(structure: Structure | Atoms) -> Structure:
    """Return a structure as it is, and an ASE ``Atoms`` object without its results."""
    if isinstance(structure, Structure):
        return structure
    return structure_from_atoms(structure, labels=False)


def structure_from_atoms(
    atoms: Atoms,
    name: str = "structure",
    labels: bool = True,
    choice: Mapping[str, str] | None = None,
    warn: Warn | None = None,
) -> Structure:
    """Return an ASE ``Atoms`` object as a structure."""
    if len(atoms) == 0:
        raise DataError("the structure has no atoms", file=name)
    found = Labels()
    if labels:
        warn = warn or partial(log.warning, "%s: %s", name)
        found = labels_of(atoms, _results(atoms, name), name, choice or {}, warn)
    pbc = tuple(bool(flag) for flag in atoms.pbc)
    return Structure(
        species=_symbols(atoms, name),
        positions_nc=_finite(atoms.positions, (len(atoms), 3), "a coordinate", name),
        cell_cc=_periodic_cell(atoms, name) if any(pbc) else None,
        pbc_c=(pbc[0], pbc[1], pbc[2]),
        energy=found.energy,
        forces_nc=found.forces_nc,
        stress_cc=found.stress_cc,
        name=name,
        converged=not says_unconverged(atoms),
        named_isolated=names_isolated_atom(atoms),
    )


def atoms_from_structure(structure: Structure) -> Atoms:
    """Return a structure as ASE ``Atoms``.

    Energy (eV), forces (eV/Å) and stress (eV/Å^3) become the results of a calculator that only
    holds them; the cohesive energy goes to ``info["cohesive_energy"]``.
    """
    from ase import Atoms
    from ase.data import atomic_numbers

    for symbol in structure.species:
        if symbol not in atomic_numbers:
            raise DataError(f"ASE knows no species '{symbol}'", file=structure.name)
    atoms = Atoms(
        structure.species, structure.positions_nc, cell=structure.cell_cc, pbc=structure.pbc_c
    )
    _attach(atoms, Labels(structure.energy, structure.forces_nc, structure.stress_cc))
    if structure.cohesive_energy is not None:
        atoms.info["cohesive_energy"] = structure.cohesive_energy
    atoms.info.update(notes_of(structure))
    return atoms


def labelled_atoms(atoms: Atoms, name: str, choice: Mapping[str, str], warn: Warn) -> Atoms:
    """Return atoms whose labels, under any names, have become results of a calculator."""
    labels = labels_of(atoms, _results(atoms, name), name, choice, warn)
    for key in labels.keys:
        atoms.info.pop(key, None)
        if key in atoms.arrays:
            del atoms.arrays[key]
    atoms.calc = None
    _attach(atoms, labels)
    return atoms


def _attach(atoms: Atoms, labels: Labels) -> None:
    """Give atoms a calculator that knows their labels, if there are any."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.stress import full_3x3_to_voigt_6_stress

    stress = labels.stress_cc
    results = {
        "energy": labels.energy,
        "forces": labels.forces_nc,
        "stress": None if stress is None else full_3x3_to_voigt_6_stress(stress),
    }
    known = {key: value for key, value in results.items() if value is not None}
    if known:
        atoms.calc = SinglePointCalculator(atoms, **known)


def _symbols(atoms: Atoms, name: str) -> tuple[str, ...]:
    """Return the symbols of the elements; ASE takes any number, and fails, or counts back."""
    from ase.data import chemical_symbols

    strange = [z for z in atoms.numbers.tolist() if not 0 <= z < len(chemical_symbols)]
    if strange:
        raise DataError(
            f"there is no element of atomic number {strange[0]}",
            file=name,
            hint=f"numbers go to {len(chemical_symbols) - 1}",
        )
    return tuple(atoms.get_chemical_symbols())


def _results(atoms: Atoms, name: str) -> Mapping[str, Any]:
    """Return the results of the calculator; nothing if they belong to other atoms."""
    results: Mapping[str, Any] = getattr(atoms.calc, "results", None) or {}
    if results and getattr(atoms.calc, "atoms", None) is not None and atoms.calc.check_state(atoms):
        log.warning(
            "%s: the results of the calculator belong to other atoms and are left out", name
        )
        return {}
    return results


def _finite(value: Any, shape: tuple[int, ...], what: str, name: str) -> Float:
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise DataError(f"{what} is missing or surplus: {array.shape} for {shape}", file=name)
    if (reason := FINITE.objection(array)) is not None:
        raise DataError(
            f"{what}: {reason}", file=name, hint="correct the structure, or leave it out"
        )
    return array


def _periodic_cell(atoms: Atoms, name: str) -> Float:
    cell_cc = _finite(atoms.cell.array, (3, 3), "a lattice vector", name)
    if cell_cc[atoms.pbc].any(axis=1).all():
        # Directions that are not periodic may have no vector.
        cell_cc = atoms.cell.complete().array
    if not spans_volume(cell_cc):
        raise DataError(
            "periodic, but the lattice vectors span no volume",
            file=name,
            hint="give a vector for each periodic direction, or set pbc to false",
        )
    return cell_cc


def relaxed_name(named: NamedAtoms, word: str = "relaxed") -> str:
    """Return ``<name>-relaxed.<ext>``, the frame in between if there are several.

    An ``input.data`` cannot say in which units it is: relaxed structures become XSF files.
    """
    entry = parse_entry(named.name)
    root, suffix = os.path.splitext(entry.path)
    suffix = suffix if entry.units is None else ".xsf"
    return f"{root}{'' if entry.index is None else f'-{entry.index}'}-{word}{suffix}"


def write_atoms(path: str, atoms: Atoms, format: str | None) -> None:
    """Write atoms in a given format, or in the format that the name says."""
    if format is None and path.lower().endswith(".xsf"):
        write_xsf(path, structure_from_atoms(atoms, path))
        return
    from ase.io import write
    from ase.io.formats import filetype

    with TemporaryDirectory() as folder:
        written = os.path.join(folder, os.path.basename(path))
        try:
            write(written, atoms, format=format or filetype(path, read=False))
        except Exception as reason:
            raise DataError(
                f"ASE cannot write it: {first_line(reason)}",
                file=path,
                hint="choose a format that ASE writes with --format",
            ) from None
        write_bytes(path, read_bytes(written))


def first_line(reason: Exception) -> str:
    """Return the kind of an exception and the first line of its message."""
    text = str(reason).strip().split("\n")[0]
    return f"{type(reason).__name__}{': ' * bool(text)}{text}"
