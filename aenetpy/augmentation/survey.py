"""What must be known of all structures before the first copy is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aenetpy.augmentation.displacements import displacement, n_possible
from aenetpy.augmentation.taylor import displaced
from aenetpy.errors import DataError
from aenetpy.io.structure import Structure
from aenetpy.io.taylor_in import TaylorInput
from aenetpy.io.xsf import format_xsf
from aenetpy.models.curvature import hessian_product
from aenetpy.models.potential import Potential

Float = NDArray[np.float64]
Count = NDArray[np.int64]


class Trial(NamedTuple):
    """A displacement u of size one, drawn to find delta: F . u, u . u and u . H u."""

    slope: float
    square: float
    curvature: float


@dataclass(eq=False)
class Survey:
    """Numbers of all structures, in the order of FILES.

    Parameters
    ----------
    n_atoms_s
        Atoms of each structure; 0 for structures that get no copies: they are copies
        themselves, or a force is too large.
    n_large, n_derived
        How many have a large force, how many are copies themselves.
    groups_s
        Composition of each structure, and which kind of energy it has.
    energies_s, square_forces_s
        Energy, eV, and sum of the squares of all forces, (eV/Å)^2.
    trials_s
        A displacement of each structure; only where delta is to be found.
    n_bytes_s
        Length of a copy as an XSF file.
    digest
        Of all coordinates, forces and energies.
    """

    n_atoms_s: list[int] = field(default_factory=list)
    n_large: int = 0
    n_derived: int = 0
    groups_s: list[tuple[object, ...]] = field(default_factory=list)
    energies_s: list[float] = field(default_factory=list)
    square_forces_s: list[float] = field(default_factory=list)
    trials_s: list[Trial] = field(default_factory=list)
    n_bytes_s: list[int] = field(default_factory=list)
    digest: str = ""


def survey(
    structures: Iterable[Structure], taylor: TaylorInput, potential: Potential | None
) -> Survey:
    """Look at all structures, one at a time.

    Raises
    ------
    DataError
        If a structure has no energy or no forces.
    """
    found = Survey()
    digest = hashlib.sha256()
    for s, structure in enumerate(structures):
        if structure.parent is not None:
            found.n_derived += 1
            found.n_atoms_s.append(0)
            found.n_bytes_s.append(0)
            continue
        forces_nc, energy = _labels(structure)
        square_n = (forces_nc**2).sum(axis=1)
        digest.update(repr((structure.name, structure.species, energy)).encode("utf-8", "replace"))
        for array in (structure.positions_nc, forces_nc, structure.cell_cc):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        is_large = taylor.max_force is not None and square_n.max() > taylor.max_force**2
        found.n_large += is_large
        found.n_atoms_s.append(0 if is_large else len(structure))
        found.n_bytes_s.append(0 if is_large else len(format_xsf(_as_copy(structure, taylor))))
        composition = tuple(sorted(structure.species))
        found.groups_s.append((bool(structure.cohesive_energy), composition))
        found.energies_s.append(energy)
        found.square_forces_s.append(float(square_n.sum()))
        if taylor.delta is None and not is_large and n_possible(taylor.strategy, len(structure)):
            found.trials_s.append(_trial(structure, forces_nc, taylor, s, potential))
    found.digest = digest.hexdigest()
    return found


def _as_copy(structure: Structure, taylor: TaylorInput) -> Structure:
    """Return a copy that has not moved: as long as any other."""
    if taylor.strategy == "pyita":
        return structure
    return displaced(structure, np.zeros_like(structure.positions_nc), 0.0, structure.name)


def _labels(structure: Structure) -> tuple[Float, float]:
    energy = structure.cohesive_energy or structure.energy
    if structure.forces_nc is None or energy is None:
        missing = "forces" if structure.forces_nc is None else "energy"
        raise DataError(
            f"no {missing}",
            file=structure.name,
            hint="the energy of a copy is estimated from both; remove the structure from FILES",
        )
    return structure.forces_nc, energy


def _trial(
    structure: Structure,
    forces_nc: Float,
    taylor: TaylorInput,
    s: int,
    potential: Potential | None,
) -> Trial:
    u_nc = displacement(taylor, 1.0, structure.species, s, k=0, n=1)
    curvature = np.nan
    if potential is not None:
        curvature = float((u_nc * hessian_product(potential, structure, u_nc)).sum())
    return Trial(float((forces_nc * u_nc).sum()), float((u_nc**2).sum()), curvature)


def copies_per_structure(taylor: TaylorInput, n_atoms_s: Count) -> Count:
    """Return how many copies each structure gets, (s,) int64.

    a of each, as far as it has as many displacements; of ``pyita`` all displacements of one
    structure after the other until there are ``a`` times the number of structures. With
    ``fraction`` that share of the 3N coordinates. ``n_max`` thins them out evenly.
    """
    possible_s = np.array([n_possible(taylor.strategy, n) for n in n_atoms_s.tolist()])
    if taylor.strategy == "pyita":
        so_far_s = np.minimum(np.cumsum(possible_s), taylor.a * len(n_atoms_s))
        return np.diff(so_far_s, prepend=0).astype(np.int64)
    wanted_s = np.full(len(n_atoms_s), float(taylor.a))
    if taylor.fraction is not None:
        wanted_s = np.maximum(np.rint(taylor.fraction / 100.0 * 3 * n_atoms_s), 1)
    counts_s = np.minimum(wanted_s, np.where(n_atoms_s > 0, possible_s, 0)).astype(np.int64)
    total = int(counts_s.sum())
    if taylor.n_max is not None and total > taylor.n_max:
        counts_s = np.diff(np.cumsum(counts_s) * taylor.n_max // total, prepend=0)
    return counts_s
