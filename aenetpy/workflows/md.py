"""``md``: molecular dynamics at constant energy (spec 11)."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, TextIO

import numpy as np

from aenetpy.errors import DataError, InputError, NumericalError
from aenetpy.fingerprints.domain import DomainChoice
from aenetpy.io.ase_input import AseInput
from aenetpy.io.report_ase import MD_HEADER, md_row
from aenetpy.models.reading import read_potential
from aenetpy.workflows.atoms import NamedAtoms, read_atoms
from aenetpy.workflows.evaluate import checked_evaluation

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger("aenetpy")


def md(
    settings: AseInput, out: TextIO, jobs: int = 1, chebyshev_domain: DomainChoice = "auto"
) -> None:
    """Run velocity Verlet from velocities of a Maxwell-Boltzmann distribution (NVE).

    Parameters
    ----------
    settings
        Contents of the JSON file, those of the dynamics included.
    out
        Receives a row (step, energies in eV per atom, temperature in K) at the start
        and every ``print_steps`` steps; the trajectory file receives the structures.
    jobs
        Threads; the result does not depend on it.
    chebyshev_domain
        As in `aenetpy.models.reading.read_potential`.

    Raises
    ------
    InputError
        If the trajectory would replace one of the files that are read.
    DataError
        If a potential or the structure is wrong, or the trajectory cannot be written.
    NumericalError
        If the energy is no longer finite.
    """
    from ase import units
    from ase.io.trajectory import Trajectory
    from ase.md.verlet import VelocityVerlet

    from aenetpy.calculators import Calculator

    assert settings.structure_file is not None
    assert settings.temperature is not None
    assert settings.time_step is not None
    assert settings.md_steps is not None
    assert settings.print_steps is not None

    _check_trajectory(settings)
    potential = read_potential(settings.potentials, chebyshev_domain)
    named = _start(settings)
    atoms = named.atoms
    checked_evaluation(potential, atoms, named.name, jobs=jobs)
    seed = settings.seed if settings.seed is not None else _fresh_seed()
    heat(atoms, settings.temperature, seed)
    if settings.md_steps == 0:
        log.warning("%s: md_steps is 0, only the start is evaluated", settings.path)

    atoms.calc = Calculator(potential, jobs=jobs)
    dynamics = VelocityVerlet(atoms, timestep=settings.time_step * units.fs)

    def report() -> None:
        energy, kinetic = atoms.get_potential_energy(), atoms.get_kinetic_energy()
        step = dynamics.get_number_of_steps()
        if not np.isfinite(energy + kinetic):
            raise NumericalError(
                f"the energy is not finite at step {step}",
                file=settings.path,
                hint="try a smaller time_step or temperature",
            )
        n = len(atoms)
        out.write(md_row(step, energy / n, kinetic / n, atoms.get_temperature()))
        out.flush()

    out.write(MD_HEADER)
    try:
        with dynamics, Trajectory(settings.trajectory_file, "w", atoms) as trajectory:
            dynamics.attach(report, interval=settings.print_steps)
            dynamics.attach(trajectory.write, interval=settings.print_steps)
            dynamics.run(settings.md_steps)
    except OSError as error:
        if error.filename != settings.trajectory_file:
            raise
        raise DataError(
            f"cannot be written ({error.strerror})", file=settings.trajectory_file
        ) from None


def heat(atoms: Atoms, temperature: float, seed: int) -> None:
    """Draw velocities from the Maxwell-Boltzmann distribution, p = sqrt(m k T) N(0, 1).

    Parameters
    ----------
    atoms
        Their momenta are replaced; those of fixed atoms become zero.
    temperature
        K.
    seed
        The same seed gives the same velocities, whatever the version of ASE.
    """
    from ase import units

    random_nc = np.random.default_rng(seed).standard_normal((len(atoms), 3))
    widths_n = np.sqrt(atoms.get_masses() * units.kB * temperature)
    atoms.set_momenta(widths_n[:, None] * random_nc)


def _start(settings: AseInput) -> NamedAtoms:
    """Return the structure that the dynamics starts from."""
    assert settings.structure_file is not None
    frames = list(read_atoms(settings.structure_file))
    if len(frames) > 1:
        raise InputError(
            f"structure_file '{settings.structure_file}' names {len(frames)} structures",
            file=settings.path,
            hint="choose the one to start from: @-1 is the last",
        )
    return frames[0]


def _fresh_seed() -> int:
    """Draw a seed and tell it, so that the run can be repeated."""
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    log.info('"seed": %d repeats the initial velocities of this run', seed)
    return seed


def _check_trajectory(settings: AseInput) -> None:
    """Refuse to replace a file that is read by the trajectory."""
    structure, target = settings.structure_file, settings.trajectory_file
    assert structure is not None
    if not os.path.exists(target):
        return
    for source in (
        settings.path,
        structure,
        structure.rpartition("@")[0],
        *settings.potentials.values(),
    ):
        if source and os.path.exists(source) and os.path.samefile(source, target):
            raise InputError(
                f"trajectory_file would replace '{source}'",
                file=settings.path,
                hint="name another trajectory_file",
            )
