"""``evaluate``: energies, forces and relaxation of structures that ASE reads (spec 11)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TextIO

from aenetpy.descriptors.checks import check_contact, smallest_distance, too_close
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.errors import NumericalError, UsageError
from aenetpy.files.files import check_new
from aenetpy.inputs.md_json import AseInput
from aenetpy.models.potential import Evaluation, Potential
from aenetpy.models.range_report import Extrapolation
from aenetpy.models.reading import read_potential
from aenetpy.reports.scripts import evaluation_report
from aenetpy.structures.atoms import NamedAtoms, relaxed_name, structure_from_atoms, write_atoms
from aenetpy.structures.reading import read_atoms

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
    chebyshev_domain: ConventionChoice = "auto",
) -> None:
    """Report the energies of structures, and of the relaxed ones."""
    structures: Iterable[NamedAtoms] = chain.from_iterable(
        read_atoms(entry, format) for entry in entries
    )
    if force_tolerance is not None:
        structures = list(structures)
        check_relaxed_targets(structures)
    potential = read_potential(settings.potentials, chebyshev_domain)
    for named in structures:
        found = checked_evaluation(potential, named.atoms, named.name, forces, jobs)
        out.write(_report(named.name, named.atoms, found))
        if force_tolerance is None:
            continue
        try:
            relax_atoms(potential, named.atoms, named.name, force_tolerance, max_steps, jobs)
        except NumericalError as error:
            kept = relaxed_name(named, "last")
            write_atoms(kept, named.atoms, named.format)
            error.message += f" (the last good geometry is in {kept})"
            raise
        target = relaxed_name(named)
        found = checked_evaluation(potential, named.atoms, target, forces, jobs)
        write_atoms(target, named.atoms, named.format)
        out.write(_report(target, named.atoms, found))


def check_relaxed_targets(structures: Iterable[NamedAtoms]) -> None:
    """Refuse to replace relaxed structures, before any is relaxed."""
    targets: set[str] = set()
    for named in structures:
        target = relaxed_name(named)
        for name in (target, relaxed_name(named, "last")):
            check_new(name, "remove or rename it")
        if target in targets:
            raise UsageError(
                f"'{target}' would be written twice", hint="name each structure once only"
            )
        targets.add(target)


def checked_evaluation(
    potential: Potential, atoms: Atoms, name: str, forces: bool = False, jobs: int = 1
) -> Evaluation:
    """Evaluate atoms and refuse species without network and atoms closer than RMIN."""
    structure = structure_from_atoms(atoms, name)
    found = potential.evaluate(structure, forces, jobs, out_of_range=True)
    check_contact(structure, found.closest, potential.setups)
    found.require_finite(name)
    extrapolation = Extrapolation(potential)
    assert found.out_of_range is not None, "asked for"
    for text in extrapolation.warnings(structure, found.out_of_range):
        log.warning("%s: %s", name, text)
    return found


def relax_atoms(
    potential: Potential,
    atoms: Atoms,
    name: str,
    force_tolerance: float,
    max_steps: int,
    jobs: int = 1,
) -> None:
    """Move the atoms, in place, until no force is longer than the tolerance (eV/Å)."""
    from ase.optimize import BFGS

    from aenetpy.calculators import Calculator

    atoms.calc = Calculator(potential, jobs=jobs)
    r_min = smallest_distance(potential.setups)
    good_nc, converged = atoms.positions.copy(), False
    with BFGS(atoms, logfile=None) as optimizer:
        try:
            for converged in optimizer.irun(fmax=force_tolerance, steps=max_steps):  # noqa: B007
                if atoms.calc.closest.distance < r_min:
                    raise NumericalError(
                        f"{too_close(atoms.calc.closest, r_min)} after {optimizer.nsteps} steps",
                        hint="the potential is far outside of its training range",
                    )
                good_nc = atoms.positions.copy()
        except NumericalError as error:
            atoms.positions = good_nc
            atoms.get_forces()  # so that the calculator belongs to these positions again
            error.file = name
            raise
    if not converged:
        raise NumericalError(
            f"not relaxed to {force_tolerance:g} eV/Å after {max_steps} steps",
            file=name,
            hint="allow more with --steps, or a larger force with --relax",
        )


def _report(name: str, atoms: Atoms, found: Evaluation) -> str:
    symbols = atoms.get_chemical_symbols()
    return evaluation_report(name, symbols, atoms.positions, found.energy, found.forces_nc)
