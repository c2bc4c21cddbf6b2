"""``evaluate``: energies, forces and relaxation of structures that ASE reads (spec 11)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from aenetpy.errors import DataError, NumericalError
from aenetpy.fingerprints.domain import DomainChoice
from aenetpy.io.ase_input import AseInput
from aenetpy.io.report_ase import evaluation_report
from aenetpy.io.structures import structure_from_atoms
from aenetpy.models.potential import Evaluation, Potential
from aenetpy.models.reading import read_potential
from aenetpy.workflows.atoms import read_atoms, relaxed_name, write_atoms
from aenetpy.workflows.checks import check_contact, check_species
from aenetpy.workflows.extrapolation import Extrapolation

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger("aenetpy")


def evaluate(
    settings: AseInput,
    entries: Sequence[str],
    out: TextIO,
    *,
    format: str | None = None,
    forces: bool = False,
    force_tolerance: float | None = None,
    max_steps: int = 1000,
    jobs: int = 1,
    chebyshev_domain: DomainChoice = "auto",
) -> None:
    """Report the energies of structures, and of the relaxed ones.

    Parameters
    ----------
    settings
        The potentials.
    entries
        Structure files.
    out
        Receives the text.
    format
        ASE's name of their format, see `read_atoms`.
    forces
        Whether to report positions and forces.
    force_tolerance
        Relax until the longest force is below it, eV/Å, and write ``<name>-relaxed.<ext>``;
        None for no relaxation.
    max_steps
        Of a relaxation.
    jobs
        Threads; the result does not depend on it.
    chebyshev_domain
        As in `aenetpy.models.reading.read_potential`.

    Raises
    ------
    DataError
        If a potential or a structure is wrong.
    NumericalError
        If a relaxation does not converge.
    """
    potential = read_potential(settings.potentials, chebyshev_domain)
    for entry in entries:
        for named in read_atoms(entry, format):
            found = checked_evaluation(potential, named.atoms, named.name, forces, jobs)
            out.write(_report(named.name, named.atoms, found))
            if force_tolerance is None:
                continue
            relax(potential, named.atoms, named.name, force_tolerance, max_steps, jobs)
            target = relaxed_name(named)
            found = checked_evaluation(potential, named.atoms, target, forces, jobs)
            write_atoms(target, named.atoms, named.format)
            out.write(_report(target, named.atoms, found))


def checked_evaluation(
    potential: Potential, atoms: Atoms, name: str, forces: bool = False, jobs: int = 1
) -> Evaluation:
    """Evaluate atoms and refuse species without network and atoms closer than RMIN.

    Raises
    ------
    DataError
        Naming the species, or the pair of atoms.
    """
    structure = structure_from_atoms(atoms, name)
    missing = sorted(set(structure.species) - set(potential.species))
    if missing:
        raise DataError(
            f"no potential for {missing[0]}, only for {' '.join(potential.species)}",
            file=name,
            hint="add it to 'potentials'",
        )
    check_species(structure, potential.setups)
    found = potential.evaluate(structure, forces, jobs, excursions=True)
    check_contact(structure, found.closest, potential.setups)
    found.require_finite(name)
    extrapolation = Extrapolation(potential)
    assert found.excursions is not None, "asked for"
    for text in extrapolation.warnings(structure, found.excursions):
        log.warning("%s: %s", name, text)
    return found


def relax(
    potential: Potential,
    atoms: Atoms,
    name: str,
    force_tolerance: float,
    max_steps: int,
    jobs: int = 1,
) -> None:
    """Move the atoms, in place, until no force is longer than the tolerance (eV/Å).

    Raises
    ------
    NumericalError
        If that takes more than ``max_steps`` steps of ASE's BFGS.
    """
    from ase.optimize import BFGS

    from aenetpy.calculators import Calculator

    atoms.calc = Calculator(potential, jobs=jobs)
    with BFGS(atoms, logfile=None) as optimizer:
        converged = optimizer.run(fmax=force_tolerance, steps=max_steps)
    if not converged:
        raise NumericalError(
            f"not relaxed to {force_tolerance:g} eV/Å after {max_steps} steps",
            file=name,
            hint="allow more with --steps, or a larger force with --relax",
        )


def _report(name: str, atoms: Atoms, found: Evaluation) -> str:
    symbols = atoms.get_chemical_symbols()
    return evaluation_report(name, symbols, atoms.positions, found.energy, found.forces_nc)
