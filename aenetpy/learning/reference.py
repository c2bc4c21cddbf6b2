"""One reference calculation: a structure in, its label out, or one line that says why not."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.errors import ReferenceFailed
from aenetpy.inputs.properties import Property
from aenetpy.inputs.reference import Reference
from aenetpy.learning.calculator import make_calculator, words_of
from aenetpy.structures.atoms import atoms_from_structure

if TYPE_CHECKING:
    from ase import Atoms

    from aenetpy.analysis.properties import Measured

OUTPUT = "output.log"
"""Standard output and error of a calculation, in its folder."""

_MOVED = 1e-4  # Å
_UNCONVERGED = (
    "convergence NOT achieved",  # Quantum ESPRESSO
    "SCF run NOT converged",  # CP2K
    "SCF_NOT_CONV",  # SIESTA
    "was not enough SCF cycles to converge",  # ABINIT
    "SCF NOT CONVERGED",  # ORCA
)
"""Texts of codes that end as if all were well, or only with a number."""

_LARGEST_OUTPUT = 50_000_000
"""Bytes of a file that is searched for these words."""


@dataclass(frozen=True)
class Label:
    """Result of a reference calculation.

    Parameters
    ----------
    structure
        With energy (eV), forces (eV/Å) and, if the calculator gives it, stress (eV/Å^3).
    seconds
        That it took.
    """

    structure: Structure
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Why a structure has no label."""

    structure: Structure
    reason: str
    seconds: float


def calculate(structure: Structure, reference: Reference, folder: str, threads: int) -> Label:
    """Return a structure with the reference results; runs in a process of its own."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    begin = time.perf_counter()
    calculator = make_calculator(reference)
    _go_into(folder)
    bare = replace(structure, energy=None, cohesive_energy=None, forces_nc=None, stress_cc=None)
    atoms = atoms_from_structure(bare)
    _check_distances(atoms, reference.min_distance)
    try:
        results = _results(calculator, atoms)
        if _is_unconverged(calculator, folder):
            raise ReferenceFailed("the reference calculation did not converge")
        _check_atoms(calculator, atoms, structure)
        found = _labelled(bare, results, reference.max_force)
    except ReferenceFailed:
        raise
    except BaseException as error:  # their code may raise anything, SystemExit too
        raise ReferenceFailed(_reason(error, folder)) from error
    return Label(found, time.perf_counter() - begin)


def measure_reference(
    properties: Sequence[Property], reference: Reference, folder: str
) -> Measured:
    """Measure properties of crystals; runs in a process of its own, in a folder that exists."""
    from aenetpy.analysis.properties import measure

    calculator = make_calculator(reference)
    _go_into(folder)
    try:
        found = measure(properties, calculator)
        is_unconverged = _is_unconverged(calculator, folder)
    except BaseException as error:  # their code may raise anything, SystemExit too
        raise ReferenceFailed(_reason(error, folder)) from error
    if is_unconverged:
        raise ReferenceFailed("the reference calculation did not converge")
    return found


def construct(reference: Reference) -> None:
    """Make the calculator, and nothing with it; runs in a process of its own."""
    make_calculator(reference)


def _go_into(folder: str) -> None:
    """Make a folder the current one; the output of codes goes to a file there."""
    os.chdir(folder)
    descriptor = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _results(calculator: Any, atoms: Atoms) -> dict[str, Any]:
    """Return energy, forces and stress of one calculation; stress only if the calculator has it."""
    wanted = ["energy", "forces"]
    implemented = getattr(calculator, "implemented_properties", ())
    if "stress" in implemented and atoms.pbc.all():
        try:
            return _all_of(calculator, atoms, [*wanted, "stress"])
        except NotImplementedError:  # not with these settings
            pass
    return _all_of(calculator, atoms, wanted)


def _all_of(calculator: Any, atoms: Atoms, wanted: Sequence[str]) -> dict[str, Any]:
    """Return properties; an external code is run once for all of them, not once for each."""
    from ase.calculators.calculator import BaseCalculator, all_changes

    if isinstance(calculator, BaseCalculator):
        calculator.calculate(atoms, list(wanted), all_changes)
        results = dict(calculator.results)
    else:
        results = {name: calculator.get_property(name, atoms) for name in wanted}
    for name in ("energy", "forces"):
        if results.get(name) is None:
            raise ReferenceFailed(f"the calculator gives no {name}")
    return {name: results[name] for name in wanted if results.get(name) is not None}


def _reason(error: BaseException, folder: str) -> str:
    """Return one line about an exception of a calculator."""
    from subprocess import CalledProcessError

    text = words_of(error)
    if "converge" in f"{type(error).__name__} {text}".lower() or type(error).__name__ == "SCFError":
        return f"the reference calculation did not converge: {text}"
    if _is_written(folder):
        return "the reference calculation did not converge"
    if isinstance(error, CalledProcessError):
        program = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd))
        code = error.returncode
        how = f"crashed (signal {-code})" if code < 0 else f"ended with exit code {code}"
        return f"'{program}' {how}; see {folder}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"the reference calculation failed: {type(error).__name__}: {text}"


def _is_unconverged(calculator: Any, folder: str) -> bool:
    """Return whether a calculator, or the output of its code, reports no convergence."""
    for holder in (calculator, getattr(calculator, "scf", None)):
        for name in ("converged", "scf_converged"):
            flag = getattr(holder, name, None)
            if isinstance(flag, bool | np.bool_) and not flag:
                return True
    return _is_written(folder)


def _is_written(folder: str) -> bool:
    """Return whether a file of the calculation says that it did not converge."""
    for path in sorted(Path(folder).rglob("*")):
        with suppress(OSError):  # removed meanwhile, or not for us to read
            if path.is_file() and path.stat().st_size <= _LARGEST_OUTPUT:
                content = path.read_bytes()
                if any(words.encode() in content for words in _UNCONVERGED):
                    return True
    return False


def _check_distances(atoms: Atoms, least: float) -> None:
    """Refuse atoms on top of each other, of which codes make nonsense or nothing."""
    from ase.neighborlist import neighbor_list

    first_p, second_p, distances_p = neighbor_list("ijd", atoms, least)
    if len(distances_p):
        pair = int(distances_p.argmin())
        raise ReferenceFailed(
            f"atoms {first_p[pair] + 1} and {second_p[pair] + 1} are {distances_p[pair]:.3g} Å"
            f" apart (min_distance is {least:g} Å)"
        )


def _check_atoms(calculator: Any, atoms: Atoms, structure: Structure) -> None:
    """Refuse results that belong to other atoms, or to these in another order."""
    for found in (atoms, getattr(calculator, "atoms", None)):
        if found is None:
            continue
        symbols = tuple(found.get_chemical_symbols())
        if len(symbols) != len(structure):
            raise ReferenceFailed(
                f"the calculator returns {len(symbols)} atoms, not {len(structure)}"
            )
        if symbols != structure.species:
            raise ReferenceFailed("the calculator returns the atoms in another order")
        if not np.abs(found.positions - structure.positions_nc).max() < _MOVED:
            raise ReferenceFailed("the calculator returns the atoms at other positions")
        periodic_c = list(structure.pbc_c)  # around a molecule, codes may put any box
        cell_cc = np.zeros((3, 3)) if structure.cell_cc is None else structure.cell_cc
        moved_cc = np.abs(found.cell.array - cell_cc)[periodic_c]
        if not moved_cc.max(initial=0.0) < _MOVED:
            raise ReferenceFailed("the calculator returns the atoms in another cell")


def _labelled(structure: Structure, results: dict[str, Any], max_force: float) -> Structure:
    """Return the structure with its results, if they can be believed."""
    from ase.stress import voigt_6_to_full_3x3_stress

    n = len(structure)
    energy = float(_numbers(results, "energy", [(), (1,)]).reshape(()))
    forces_nc = _numbers(results, "forces", [(n, 3)])
    wrong_n = ~np.isfinite(forces_nc).all(axis=1)
    if not np.isfinite(energy):
        raise ReferenceFailed(f"energy is {energy}")
    if wrong_n.any():
        raise ReferenceFailed(f"the force on atom {int(wrong_n.argmax()) + 1} is not finite")
    largest = float(np.abs(forces_nc).max())
    if largest > max_force:
        raise ReferenceFailed(
            f"a force of {largest:.4g} eV/Å is larger than max_force, {max_force:g}"
        )
    stress_cc = None
    if "stress" in results:
        stress = _numbers(results, "stress", [(6,), (3, 3)])
        stress_cc = stress if stress.shape == (3, 3) else voigt_6_to_full_3x3_stress(stress)
        if not np.isfinite(stress_cc).all():
            raise ReferenceFailed("the stress is not finite")
    return replace(structure, energy=energy, forces_nc=forces_nc, stress_cc=stress_cc)


def _numbers(results: dict[str, Any], name: str, shapes: Sequence[tuple[int, ...]]) -> Float:
    """Return a result as numbers of one of some shapes."""
    try:
        found = np.asarray(results[name])
    except ValueError:  # rows of different lengths
        found = np.array(None)
    if found.dtype.kind not in "iuf":
        raise ReferenceFailed(f"{name} of the calculator holds no real numbers")
    if name == "forces" and found.shape[1:] == (3,) and found.shape not in shapes:
        raise ReferenceFailed(
            f"the calculator returns {len(found)} forces for {shapes[0][0]} atoms"
        )
    if found.shape not in shapes:
        raise ReferenceFailed(
            f"the calculator returns {name} of shape {found.shape}, not {shapes[-1]}"
        )
    return np.array(found, np.float64)
