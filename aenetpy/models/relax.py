"""RELAX: the geometry of lowest energy, next to the given one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.descriptors.batch import Contact
from aenetpy.descriptors.checks import too_close
from aenetpy.errors import CoincidentAtoms, DataError, NumericalError
from aenetpy.inputs.predict_in import RelaxOptions
from aenetpy.models.committee import Committee, CommitteeEvaluation
from aenetpy.models.descent import Point, descend
from aenetpy.models.potential import Evaluation, Potential


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A relaxed structure and the way to it.

    Parameters
    ----------
    structure, evaluation
        The last geometry, and its energy, forces and stress.
    energies_k, rms_forces_k
        Cohesive energy (eV) and RMS force (eV/Å) of each geometry, the given one first.
    largest_force
        Largest component of the forces and the lattice force in the end, eV/Å.
    last_change
        Of the energy by the last step, eV; 0 without steps.
    converged
        Whether the criteria are met.
    """

    structure: Structure
    evaluation: Evaluation
    energies_k: list[float]
    rms_forces_k: list[float]
    largest_force: float
    last_change: float
    converged: bool

    @property
    def n_steps(self) -> int:
        """Steps taken."""
        return len(self.energies_k) - 1

    @property
    def is_optimized(self) -> bool:
        """False if there was nothing but the input: RELAX with ``steps=0``."""
        return self.converged or self.n_steps > 0


class NotRelaxed(NumericalError):
    """The relaxation was given up: a step led to a geometry that is not a structure."""

    def __init__(self, message: str, *, file: str, hint: str, relaxation: Relaxation) -> None:
        super().__init__(message, file=file, hint=hint)
        self.relaxation = relaxation


def relax(
    potential: Potential | Committee,
    structure: Structure,
    evaluation: Evaluation,
    options: RelaxOptions,
    jobs: int = 1,
    r_min: float = 0.0,
) -> Relaxation:
    """Relax the atoms of a structure, and its lattice if asked for, by L-BFGS.

    Converged if no force component exceeds F_conv and the last step changed the energy by
    E_conv at most. The lattice, with ``cell=yes``, moves by the exponential map of ASE's
    FrechetCellFilter, and -virial per atom counts among the forces. The energy never rises.
    """
    if options.cell and not all(structure.pbc_c):
        raise DataError(
            "has no periodic lattice that RELAX could change",
            file=structure.name,
            hint="remove cell=yes from the line below RELAX",
        )
    surface = _LatticeSurface if options.cell else _Surface
    here = surface(potential, structure, evaluation, jobs)
    energies_k: list[float] = []
    rms_forces_k: list[float] = []
    largest, change, converged = np.inf, 0.0, False
    good = here.structure, here.evaluation

    def relaxation() -> Relaxation:
        return Relaxation(
            *good,
            energies_k,
            rms_forces_k,
            largest_force=largest,
            last_change=change,
            converged=converged,
        )

    for point in descend(here.at, here.coordinates(), options.dmax_c):
        problem = _problem(point, here.evaluation.closest, r_min)
        if problem:
            raise NotRelaxed(
                f"{problem} after {len(energies_k)} steps of RELAX",
                file=structure.name,
                hint="the geometry before is the one reported; the potential is far outside of "
                "its training range: try a smaller dmax, or another structure",
                relaxation=relaxation(),
            )
        good = here.structure, here.evaluation
        energies_k.append(point.energy)
        rms_forces_k.append(float(np.sqrt((here.forces_nc**2).sum(axis=1).mean())))
        largest = float(abs(point.forces_rc).max())
        change = abs(energies_k[-1] - energies_k[-2]) if len(energies_k) > 1 else 0.0
        converged = largest <= options.force_tolerance and change <= options.energy_tolerance
        if converged or len(energies_k) > options.steps:
            break
    return relaxation()


def _problem(point: Point, closest: Contact, r_min: float) -> str:
    """Return why a geometry is not a structure; empty if it is one."""
    if not (np.isfinite(point.energy) and np.isfinite(point.forces_rc).all()):
        return "the energy is not finite"
    return too_close(closest, r_min) if closest.distance < r_min else ""


class _Surface:
    """The potential energy surface of the atoms of one structure."""

    def __init__(
        self,
        potential: Potential | Committee,
        structure: Structure,
        evaluation: Evaluation,
        jobs: int,
    ) -> None:
        self._potential = potential
        self._jobs = jobs
        self.structure = structure
        self.evaluation = evaluation

    def coordinates(self) -> Float:
        """Return the coordinates that vary, (r, 3)."""
        return self.structure.positions_nc

    def at(self, x_rc: Float) -> tuple[float, Float]:
        """Go there; return energy and forces. Atoms in one place have an infinite energy."""
        try:
            return self._reach(x_rc)
        except CoincidentAtoms:
            return np.inf, np.zeros_like(x_rc)

    def _reach(self, x_rc: Float) -> tuple[float, Float]:
        self._go(x_rc, self.structure.cell_cc)
        return self.evaluation.cohesive_energy, self.forces_nc

    @property
    def forces_nc(self) -> Float:
        """Forces on the atoms where we are, eV/Å."""
        assert self.evaluation.forces_nc is not None, "RELAX implies FORCES"
        return self.evaluation.forces_nc

    def _go(self, positions_nc: Float, cell_cc: Float | None) -> None:
        """Move the atoms and evaluate, unless we are there."""
        here = self.structure
        if np.array_equal(positions_nc, here.positions_nc) and (
            cell_cc is None or here.cell_cc is None or np.array_equal(cell_cc, here.cell_cc)
        ):
            return
        there = replace(here, positions_nc=positions_nc, cell_cc=cell_cc)
        found = self._potential.evaluate(there, jobs=self._jobs, out_of_range=True)
        self.evaluation = found.mean if isinstance(found, CommitteeEvaluation) else found
        self.structure = there


class _LatticeSurface(_Surface):
    """The surface of the atoms and the lattice together, by way of a filter of ASE.

    The filter sees atoms of no species, and this object as their calculator, for which
    ASE takes anything with the methods below.
    """

    def __init__(
        self,
        potential: Potential | Committee,
        structure: Structure,
        evaluation: Evaluation,
        jobs: int,
    ) -> None:
        from ase import Atoms
        from ase.filters import FrechetCellFilter

        super().__init__(potential, structure, evaluation, jobs)
        atoms = Atoms(
            numbers=np.zeros(len(structure), dtype=int),
            positions=structure.positions_nc,
            cell=structure.cell_cc,
            pbc=structure.pbc_c,
        )
        atoms.calc = self
        self._filter: Any = FrechetCellFilter(atoms)

    def coordinates(self) -> Float:
        """Return positions before the deformation, and its logarithm times the atoms."""
        coordinates_rc: Float = self._filter.get_positions()
        return coordinates_rc

    def _reach(self, x_rc: Float) -> tuple[float, Float]:
        """Go there; return energy and forces, those on the lattice last."""
        self._filter.set_positions(x_rc)
        forces_rc: Float = self._filter.get_forces()
        return self.evaluation.cohesive_energy, forces_rc

    def get_potential_energy(self, atoms: Any, force_consistent: bool = False) -> float:
        """Return the energy, eV."""
        self._go(atoms.positions.copy(), atoms.cell.array.copy())
        return self.evaluation.cohesive_energy

    def get_forces(self, atoms: Any) -> Float:
        """Return the forces, eV/Å, (n, 3)."""
        self._go(atoms.positions.copy(), atoms.cell.array.copy())
        return self.forces_nc

    def get_stress(self, atoms: Any) -> Float:
        """Return the stress, virial / volume, eV/Å^3, (6,) in Voigt's order."""
        self._go(atoms.positions.copy(), atoms.cell.array.copy())
        virial_cc = self.evaluation.virial_cc
        assert virial_cc is not None, "RELAX implies FORCES"
        stress: Float = virial_cc[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] / atoms.get_volume()
        return stress
