"""Molecular dynamics with and without heat bath and barostat, by ASE's integrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.errors import InputError
from aenetpy.inputs.md_json import Ensemble

if TYPE_CHECKING:
    from ase import Atoms
    from ase.md.md import MolecularDynamics

RANDOM_FORCES = 1
"""Number of the stream of the heat bath; the first velocities have another."""


def make_dynamics(
    atoms: Atoms, ensemble: Ensemble, time_step: float, seed: int
) -> MolecularDynamics:
    """Return the integrator of an ensemble for atoms that have a calculator and velocities.

    - ``nve``: velocity Verlet.
    - ``nvt``, ``langevin``: m dv/dt = F - m v/τ + R with random forces R of variance 2 m kT/τ
      (Vanden-Eijnden and Ciccotti, Chem. Phys. Lett. 429, 310 (2006)).
    - ``nvt``, ``nose-hoover``: a chain of three thermostats of period τ (Martyna, Klein and
      Tuckerman, J. Chem. Phys. 97, 2635 (1992)).
    - ``npt``: such a chain and a barostat (Martyna, Tobias and Klein, J. Chem. Phys. 101, 4177
      (1994)), which scales the cell, or strains it in all directions if it is ``free``.

    All 3N momenta take part in the exchange of heat, also that of the centre of mass.
    """
    from ase import units
    from ase.md.langevin import Langevin
    from ase.md.verlet import VelocityVerlet

    chain = checked_chain(atoms, ensemble)
    step, tau = time_step * units.fs, ensemble.thermostat_time * units.fs
    if ensemble.name == "nve":
        return VelocityVerlet(atoms, timestep=step)
    bath: dict[str, Any] = {"timestep": step, "temperature_K": ensemble.temperature}
    if ensemble.is_random:
        stream = np.random.SeedSequence(seed, spawn_key=(RANDOM_FORCES,))
        rng = np.random.default_rng(stream)
        return Langevin(atoms, friction=1.0 / tau, fixcm=False, rng=rng, **bath)
    if ensemble.name == "nvt":
        return chain(atoms, tdamp=tau, **bath)
    return chain(
        atoms,
        tdamp=tau,
        pressure_au=ensemble.pressure * units.GPa,
        pdamp=ensemble.barostat_time * units.fs,
        **bath,
    )


def checked_chain(atoms: Atoms, ensemble: Ensemble) -> Any:
    """Return the integrator of ASE with a chain of thermostats; None for other ensembles."""
    from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT, NoseHooverChainNVT

    if ensemble.name == "nve" or ensemble.is_random:
        return None
    if atoms.constraints:
        raise InputError(
            "chains of thermostats and barostats move all atoms, but some are fixed",
            hint="use the ensemble nvt with the thermostat langevin",
        )
    if ensemble.name == "nvt":
        return NoseHooverChainNVT
    if not (atoms.pbc.all() and atoms.cell.rank == 3):
        raise InputError(
            "a structure that is not periodic in three directions has no pressure",
            hint="use the ensemble nvt",
        )
    return MTKNPT if ensemble.cell == "free" else IsotropicMTKNPT
