"""Properties of all structures that are needed before the first copy is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.augmentation.displacements import displacement, n_possible
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.inputs.taylor import MOST_COPIES, TaylorInput
from aenetpy.models.curvature import hessian_product
from aenetpy.models.potential import Potential


@dataclass(eq=False)
class DatasetSummary:
    """Numbers of all structures.

    Parameters
    ----------
    n_atoms_s, n_bytes_s
        Atoms of each structure, in the order of FILES, and length of the file of a copy; 0 for
        structures that get no copies: they are copies themselves, or a force is too large.
    n_large, n_derived
        How many have a large force, how many are copies themselves.
    groups_p
        Composition of each structure that is no copy, and which kind of energy it has.
    energies_p, square_forces_p
        Their energies, eV, and the mean square of their force components, (eV/Å)^2.
    squares_p
        ``u . u`` of a displacement by ``delta = 1``.
    stiffness_p
        Mean second derivative by a coordinate, eV/Å^2; only with a potential.
    sizes_p
        Number of their atoms.
    """

    n_atoms_s: list[int] = field(default_factory=list)
    n_bytes_s: list[int] = field(default_factory=list)
    n_large: int = 0
    n_derived: int = 0
    groups_p: list[tuple[object, ...]] = field(default_factory=list)
    energies_p: list[float] = field(default_factory=list)
    square_forces_p: list[float] = field(default_factory=list)
    squares_p: list[float] = field(default_factory=list)
    stiffness_p: list[float] = field(default_factory=list)
    sizes_p: list[int] = field(default_factory=list)


def summarise_dataset(
    structures: Iterable[Structure],
    taylor: TaylorInput,
    potential: Potential | None = None,
    size: Callable[[Structure], int] = lambda _: 0,
) -> DatasetSummary:
    """Look at all structures, one at a time."""
    found = DatasetSummary()
    for s, structure in enumerate(structures):
        found.n_atoms_s.append(0)
        found.n_bytes_s.append(0)
        if structure.parent is not None:
            found.n_derived += 1
            continue
        forces_nc, energy = _labels(structure)
        if taylor.max_force is not None and (forces_nc**2).sum(axis=1).max() > taylor.max_force**2:
            found.n_large += 1
        elif n_possible(taylor.strategy, len(structure)):
            found.n_atoms_s[-1] = len(structure)
            found.n_bytes_s[-1] = size(structure)
        if taylor.delta is None:
            _add_curvature(found, structure, forces_nc, energy, taylor, s, potential)
    return found


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


def _add_curvature(
    found: DatasetSummary,
    structure: Structure,
    forces_nc: Float,
    energy: float,
    taylor: TaylorInput,
    s: int,
    potential: Potential | None,
) -> None:
    """Add the energies and forces for `estimate_delta`."""
    composition = tuple(sorted(structure.species))
    found.groups_p.append((bool(structure.cohesive_energy), composition))
    found.energies_p.append(energy)
    found.square_forces_p.append(float((forces_nc**2).mean()))
    found.sizes_p.append(len(structure))
    square = 0.0
    if n_possible(taylor.strategy, len(structure)):
        square = float((displacement(taylor, 1.0, structure.species, s, k=0, n=1) ** 2).sum())
    found.squares_p.append(square)
    if potential is not None:
        # The mean of v . H v over random v is the trace of H.
        v_nc = np.random.default_rng(s).standard_normal((len(structure), 3))
        curvature = float((v_nc * hessian_product(potential, structure, v_nc)).sum())
        found.stiffness_p.append(curvature / float((v_nc**2).sum()))


def count_copies(taylor: TaylorInput, n_atoms_s: Long) -> Long:
    """Return how many copies each structure gets, (s,) int64.

    a of each, as far as it has as many displacements; of ``pyita`` all displacements of one
    structure after the other until there are ``a`` times the number of structures. With
    ``fraction`` that share of the 3N coordinates. ``n_max`` thins them out evenly.
    """
    possible_s = np.array([n_possible(taylor.strategy, n) for n in n_atoms_s.tolist()])
    if taylor.strategy == "pyita":
        so_far_s = np.minimum(np.cumsum(possible_s), taylor.copies_per_structure * len(n_atoms_s))
        return np.diff(so_far_s, prepend=0).astype(np.int64)
    wanted_s = np.full(len(n_atoms_s), float(taylor.copies_per_structure))
    if taylor.fraction is not None:
        wanted_s = np.maximum(np.rint(taylor.fraction / 100.0 * 3 * n_atoms_s), 1)
        wanted_s = np.minimum(wanted_s, MOST_COPIES)
    counts_s = np.minimum(wanted_s, np.where(n_atoms_s > 0, possible_s, 0)).astype(np.int64)
    total = int(counts_s.sum())
    if taylor.n_max is not None and total > taylor.n_max:
        counts_s = np.diff(np.cumsum(counts_s) * taylor.n_max // total, prepend=0)
    return counts_s
