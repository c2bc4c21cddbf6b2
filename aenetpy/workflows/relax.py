"""RELAX: the geometry of lowest energy, next to the given one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import DataError, NumericalError
from aenetpy.io.predict_in import RelaxOptions
from aenetpy.io.structure import Structure
from aenetpy.models.potential import Evaluation, Potential

Float = NDArray[np.float64]

LONGEST_STEP = 0.2
"""No atom moves farther (Å) in one step, whatever dmax says: beyond, the quadratic model
of the energy means little."""


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A relaxed structure and the way to it.

    Parameters
    ----------
    structure, evaluation
        The last geometry, and what the potential says of it.
    energies_k, rms_forces_k
        Cohesive energy (eV) and RMS force (eV/Å) of each geometry, the given one first.
    largest_force
        Largest component in the end, that of the lattice included, eV/Å.
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


def relax(
    potential: Potential,
    structure: Structure,
    evaluation: Evaluation,
    options: RelaxOptions,
    jobs: int = 1,
) -> Relaxation:
    """Relax the atoms of a structure, and its lattice if asked for, by L-BFGS.

    Converged if no force component exceeds F_conv and the last step changed the energy by
    E_conv at most. The lattice, with ``cell=yes``, moves by the exponential map of ASE's
    FrechetCellFilter, and -virial per atom counts among the forces.

    Parameters
    ----------
    potential, structure, evaluation
        The energy, where to start, and what it is there, with forces.
    options
        Of RELAX.
    jobs
        Threads of one evaluation.

    Raises
    ------
    DataError
        If the lattice of an isolated structure is to be relaxed.
    NumericalError
        If the energy or a force is not finite.
    """
    if options.cell and not all(structure.pbc_c):
        raise DataError(
            "has no periodic lattice that RELAX could change",
            file=structure.name,
            hint="remove cell=yes from the line below RELAX",
        )
    surface = _Surface(potential, structure, evaluation, jobs)
    energies_k: list[float] = []
    rms_forces_k: list[float] = []
    target = surface.atoms()
    if options.cell:
        from ase.filters import FrechetCellFilter

        target = FrechetCellFilter(target)
    largest, change, converged = np.inf, 0.0, False
    for _ in _optimizer(target, options.dmax_c).irun(fmax=0.0, steps=options.steps):
        forces_rc = target.get_forces()
        here = surface.evaluation
        if not (np.isfinite(here.energy) and np.isfinite(forces_rc).all()):
            raise NumericalError(
                f"the energy is not finite after {len(energies_k)} steps of RELAX",
                file=structure.name,
                hint="the structure is far outside of the training range; start from another",
            )
        assert here.forces_nc is not None, "RELAX implies FORCES"
        energies_k.append(here.cohesive_energy)
        rms_forces_k.append(float(np.sqrt((here.forces_nc**2).sum(axis=1).mean())))
        largest = float(abs(forces_rc).max())
        change = abs(energies_k[-1] - energies_k[-2]) if len(energies_k) > 1 else 0.0
        converged = largest <= options.force_tolerance and change <= options.energy_tolerance
        if converged or largest == 0.0:
            break
    return Relaxation(
        structure=surface.structure,
        evaluation=surface.evaluation,
        energies_k=energies_k,
        rms_forces_k=rms_forces_k,
        largest_force=largest,
        last_change=change,
        converged=converged,
    )


class _Surface:
    """The potential energy surface of one structure, as ASE asks for it.

    ASE takes any object with these methods for a calculator; it need not know the
    species, which may be no chemical symbols.
    """

    def __init__(
        self, potential: Potential, structure: Structure, evaluation: Evaluation, jobs: int
    ) -> None:
        self._potential = potential
        self._jobs = jobs
        self.structure = structure
        self.evaluation = evaluation

    def atoms(self) -> Any:
        """Return the structure as ASE atoms on this surface."""
        from ase import Atoms

        structure = self.structure
        atoms = Atoms(
            numbers=np.zeros(len(structure), dtype=int),
            positions=structure.positions_nc,
            cell=structure.cell_cc,
            pbc=structure.pbc_c,
        )
        atoms.calc = self
        return atoms

    def _at(self, atoms: Any) -> Evaluation:
        """Evaluate, unless that is where we are."""
        positions_nc, cell_cc = self.structure.positions_nc, self.structure.cell_cc
        still = np.array_equal(atoms.positions, positions_nc)
        if not still or (cell_cc is not None and not np.array_equal(atoms.cell.array, cell_cc)):
            self.structure = replace(
                self.structure,
                positions_nc=atoms.positions.copy(),
                cell_cc=None if cell_cc is None else atoms.cell.array.copy(),
            )
            self.evaluation = self._potential.evaluate(
                self.structure, jobs=self._jobs, excursions=True
            )
        return self.evaluation

    def get_potential_energy(self, atoms: Any, force_consistent: bool = False) -> float:
        """Return the energy, eV."""
        return self._at(atoms).cohesive_energy

    def get_forces(self, atoms: Any) -> Float:
        """Return the forces, eV/Å, (n, 3)."""
        forces_nc = self._at(atoms).forces_nc
        assert forces_nc is not None
        return forces_nc

    def get_stress(self, atoms: Any) -> Float:
        """Return the stress, virial / volume, eV/Å^3, (6,) in Voigt's order."""
        virial_cc = self._at(atoms).virial_cc
        assert virial_cc is not None
        rows, columns = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
        stress: Float = virial_cc[rows, columns] / atoms.get_volume()
        return stress


def _optimizer(target: Any, dmax_c: tuple[float, float, float]) -> Any:
    """Return ASE's L-BFGS with a step scaled to fit into dmax_c and LONGEST_STEP."""
    import ase.optimize

    lbfgs: Any = ase.optimize.LBFGS

    class Limited(lbfgs):
        def determine_step(self, dr: Float) -> Float:
            steps_rc = dr.reshape(-1, 3)
            excess = max(
                float((abs(steps_rc) / dmax_c).max()),
                float(np.linalg.norm(steps_rc, axis=1).max()) / LONGEST_STEP,
                1.0,
            )
            return dr / excess

    return Limited(target, logfile=None)
