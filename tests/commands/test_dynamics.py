"""Heat baths and barostats: what they keep, and how it fluctuates."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from ase import units
from ase.constraints import FixAtoms

import aenetpy
from aenetpy.commands.dynamics import make_dynamics
from aenetpy.commands.md import draw_velocities
from aenetpy.errors import InputError
from aenetpy.inputs.md_json import Ensemble
from tests.dynamics import POTENTIAL, rutile

TEMPERATURE = 400.0
LANGEVIN = Ensemble("nvt", TEMPERATURE, "langevin", 20.0)
CHAIN = Ensemble("nvt", TEMPERATURE, "nose-hoover", 30.0)
NPT = {"thermostat_time": 30.0, "pressure": 4.0, "barostat_time": 100.0}
SCALED = Ensemble("npt", TEMPERATURE, **NPT)
STRAINED = Ensemble("npt", TEMPERATURE, **NPT, cell="free")


class Record:
    """A run of one cell of rutile, its first part left out."""

    def __init__(self, ensemble: Ensemble, n_steps: int, n_left_out: int, seed: int = 1):
        self.atoms = atoms = rutile()
        atoms.calc = aenetpy.Calculator(POTENTIAL)
        draw_velocities(atoms, TEMPERATURE, seed)
        rows, stresses = [], []
        with make_dynamics(atoms, ensemble, 1.0, seed) as run:
            run.run(n_left_out)
            conserved = getattr(run, "get_conserved_energy", lambda: np.nan)

            def note():
                energies = atoms.get_total_energy(), conserved()
                rows.append((atoms.get_temperature(), atoms.get_volume(), *energies))
                stresses.append(atoms.get_stress(include_ideal_gas=True) / units.GPa)

            run.attach(note, interval=2)
            run.run(n_steps)
        self.temperatures, self.volumes, self.energies, self.conserved = np.array(rows).T
        self.stresses_tv = np.array(stresses)


@cache
def record(ensemble: Ensemble) -> Record:
    """Return a run of 2 ps, unless ASE is too old."""
    if not ensemble.is_random:
        try:
            with make_dynamics(rutile(), ensemble, 1.0, 1):
                pass
        except InputError as error:
            pytest.skip(str(error))
    return Record(ensemble, 2000, 300)


def mean_and_error(values):
    """Return the mean and its standard error, from eight pieces that hardly know each other."""
    pieces = [piece.mean() for piece in np.array_split(values, 8)]
    return np.mean(pieces), np.std(pieces, ddof=1) / np.sqrt(len(pieces))


@pytest.mark.parametrize(
    "ensemble",
    [LANGEVIN, CHAIN, SCALED, STRAINED],
    ids=lambda e: f"{e.name}-{e.thermostat}-{e.cell}",
)
def test_kinetic_energy_is_that_of_the_temperature(ensemble):
    run = record(ensemble)
    mean, error = mean_and_error(run.temperatures)
    assert error < 0.1 * TEMPERATURE
    assert abs(mean - TEMPERATURE) < 5 * error
    # Canonical: the variance of T is 2 T^2 / 3N, where scaled velocities have less.
    width = TEMPERATURE * np.sqrt(2 / (3 * 6))
    assert run.temperatures.std() == pytest.approx(width, rel=0.25)
    assert (np.ptp(run.volumes) == 0.0) == (ensemble.name == "nvt")


@pytest.mark.parametrize(
    "ensemble", [SCALED, STRAINED], ids=lambda e: f"{e.name}-{e.thermostat}-{e.cell}"
)
def test_stress_is_that_of_the_barostat(ensemble):
    run = record(ensemble)
    mean, error = mean_and_error(-run.stresses_tv[:, :3].mean(axis=1))
    assert error < 0.2
    assert abs(mean - 4.0) < 5 * error + 0.02
    shape = run.atoms.cell.cellpar() / rutile().cell.cellpar()
    if ensemble.cell == "isotropic":
        np.testing.assert_allclose(shape[:3], shape[0], rtol=1e-10)
    else:  # each direction has its own balance
        assert abs(run.stresses_tv[:, :3].mean(axis=0) + 4.0).max() < 0.3
        assert np.ptp(shape[:3]) > 1e-3


@pytest.mark.parametrize(
    "ensemble", [CHAIN, SCALED, STRAINED], ids=lambda e: f"{e.name}-{e.thermostat}-{e.cell}"
)
def test_atoms_and_heat_bath_together_conserve_their_energy(ensemble):
    run = record(ensemble)
    assert run.conserved.std() < 0.05 * run.energies.std()


def test_random_forces_follow_the_seed():
    one, same, other = (Record(LANGEVIN, 20, 20, seed).atoms for seed in (1, 1, 2))
    assert (one.positions == same.positions).all()
    assert (one.positions != other.positions).any()
    # and are not the numbers of the first velocities
    atoms = rutile()
    draw_velocities(atoms, TEMPERATURE, seed=1)
    first = np.random.default_rng(1).standard_normal(3)
    with make_dynamics(atoms, LANGEVIN, 1.0, 1) as dynamics:
        bath = dynamics.rng.standard_normal(3)
    assert abs(first - bath).min() > 1e-3


def test_structures_that_do_not_suit_are_refused():
    slab, fixed = rutile(), rutile()
    slab.pbc = (True, True, False)
    fixed.set_constraint(FixAtoms([0]))
    with pytest.raises(InputError, match="not periodic in three directions has no pressure"):
        make_dynamics(slab, SCALED, 1.0, 1)
    for ensemble in (CHAIN, SCALED, STRAINED):
        with pytest.raises(InputError, match="move all atoms, but some are fixed"):
            make_dynamics(fixed, ensemble, 1.0, 1)
    with make_dynamics(fixed, LANGEVIN, 1.0, 1):
        pass
