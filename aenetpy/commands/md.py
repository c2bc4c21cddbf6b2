"""``md``: molecular dynamics (spec 11)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TextIO

import numpy as np

from aenetpy.commands.dynamics import make_dynamics
from aenetpy.commands.evaluate import checked_evaluation
from aenetpy.descriptors.cosine_convention import ConventionChoice
from aenetpy.errors import DataError, InputError, NumericalError, located
from aenetpy.files.files import check_new
from aenetpy.inputs.md_json import AseInput
from aenetpy.models.reading import read_potential
from aenetpy.reports.scripts import MD_HEADER, md_row
from aenetpy.seeds import fresh_seed
from aenetpy.structures.atoms import NamedAtoms
from aenetpy.structures.reading import read_atoms

if TYPE_CHECKING:
    from ase import Atoms

log = logging.getLogger("aenetpy")


def md(
    settings: AseInput, out: TextIO, jobs: int = 1, chebyshev_domain: ConventionChoice = "auto"
) -> None:
    """Move the atoms of a structure, in the ensemble of the settings; see `make_dynamics`."""
    from ase.io.trajectory import Trajectory

    from aenetpy.calculators import Calculator

    assert settings.structure_file is not None
    assert settings.time_step is not None
    assert settings.md_steps is not None
    assert settings.print_steps is not None

    _check_trajectory(settings)
    potential = read_potential(settings.potentials, chebyshev_domain)
    named = _start(settings)
    atoms = named.atoms
    checked_evaluation(potential, atoms, named.name, jobs=jobs)
    seed = settings.seed if settings.seed is not None else fresh_seed()
    drawn = _start_moving(settings, named, seed)
    if settings.seed is None and (drawn or settings.ensemble.is_random):
        log.info('"seed": %d repeats the random numbers of this run', seed)
    if settings.md_steps == 0:
        log.warning("%s: md_steps is 0, only the start is evaluated", settings.path)

    atoms.calc = Calculator(potential, jobs=jobs)
    with located(settings.path):
        dynamics = make_dynamics(atoms, settings.ensemble, settings.time_step, seed)

    def report() -> None:
        energy, kinetic = atoms.get_potential_energy(), atoms.get_kinetic_energy()
        step = dynamics.get_number_of_steps()
        if not np.isfinite(energy + kinetic):
            raise NumericalError("the energy is not finite")
        n = len(atoms)
        outside = atoms.calc.results.get("extrapolation", {"atoms": 0, "worst": ""})
        row = energy / n, kinetic / n, atoms.get_temperature()
        out.write(md_row(step, *row, outside["atoms"], outside["worst"]))
        out.flush()

    def summarise() -> None:
        if summary := atoms.calc.extrapolation_summary():
            log.warning("%s", summary)

    out.write(MD_HEADER)
    try:
        with (
            dynamics,
            Trajectory(settings.trajectory_file, "w", atoms) as trajectory,
            np.errstate(all="ignore"),  # the energies tell whether numbers are finite
        ):
            dynamics.attach(report, interval=settings.print_steps)
            dynamics.attach(trajectory.write, interval=settings.print_steps)
            try:
                dynamics.run(settings.md_steps)
            finally:
                summarise()
    except (DataError, NumericalError) as error:
        raise NumericalError(
            f"the dynamics ends after {dynamics.get_number_of_steps()} steps: {error.message}",
            file=settings.path,
            hint="try a smaller time_step or temperature",
        ) from None
    except OSError as error:
        if error.filename != settings.trajectory_file:
            raise
        raise DataError(
            f"cannot be written ({error.strerror})", file=settings.trajectory_file
        ) from None


def draw_velocities(atoms: Atoms, temperature: float, seed: int) -> None:
    """Draw velocities from the Maxwell-Boltzmann distribution, p = sqrt(m k T) N(0, 1)."""
    from ase import units

    random_nc = np.random.default_rng(seed).standard_normal((len(atoms), 3))
    widths_n = np.sqrt(atoms.get_masses() * units.kB * temperature)
    atoms.set_momenta(widths_n[:, None] * random_nc)


def _start(settings: AseInput) -> NamedAtoms:
    """Return the structure that the dynamics starts from."""
    assert settings.structure_file is not None
    found = list(read_atoms(settings.structure_file))
    if len(found) != 1:
        raise InputError(
            f"structure_file '{settings.structure_file}' names {len(found)} structures",
            file=settings.path,
            hint="choose one, as in run.traj@-1",
        )
    return found[0]


def _start_moving(settings: AseInput, named: NamedAtoms, seed: int) -> bool:
    """Keep the velocities of the structure or draw new ones; return whether they are drawn.

    A temperature belongs to the heat bath; without a bath it asks for new velocities.
    """
    ensemble, atoms = settings.ensemble, named.atoms
    are_there = bool(atoms.get_momenta().any())
    if are_there and (ensemble.name != "nve" or ensemble.temperature is None):
        log.info("%s: goes on with its velocities (%.0f K)", named.name, atoms.get_temperature())
        return False
    if ensemble.temperature is None:
        raise InputError(
            f"'{named.name}' has no velocities, and key 'temperature' is missing",
            file=settings.path,
            hint="add it (K), or go on from a trajectory that 'aenetpy md' has written",
        )
    if are_there:
        log.info(
            "%s: its velocities (%.0f K) give way to new ones of %g K; without 'temperature' they"
            " are kept",
            named.name,
            atoms.get_temperature(),
            ensemble.temperature,
        )
    draw_velocities(atoms, ensemble.temperature, seed)
    return True


def _check_trajectory(settings: AseInput) -> None:
    """Refuse to replace a file, such as the trajectory of a run that was interrupted."""
    target = settings.trajectory_file
    check_new(
        target,
        f'name another trajectory_file; "structure_file": "{target}" goes on from its last'
        " structure",
    )
