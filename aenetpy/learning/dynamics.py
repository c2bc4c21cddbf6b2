"""Molecular dynamics of a committee that goes back to a state that was trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.commands.dynamics import make_dynamics
from aenetpy.commands.md import draw_velocities
from aenetpy.data.structure import Structure
from aenetpy.errors import AenetpyError
from aenetpy.inputs.learn import WalkInput
from aenetpy.learning.selection import Frame
from aenetpy.structures.atoms import structure_from_atoms

if TYPE_CHECKING:
    from ase import Atoms

    from aenetpy.calculators import CommitteeCalculator
    from aenetpy.models.committee import Measure


@dataclass(frozen=True)
class DynamicsState:
    """The state that the next step of dynamics depends on, with the potential.

    Parameters
    ----------
    step
        How many there were.
    positions_nc, momenta_nc, cell_cc
        Å, ASE's units of momentum, Å.
    integrator
        The numbers, and lists of them, that thermostat and barostat keep, by their path in ASE's
        object.
    random
        State of the generator of random forces; None without.
    """

    step: int
    positions_nc: Float
    momenta_nc: Float
    cell_cc: Float
    integrator: Mapping[str, Any]
    random: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Return lists and numbers, from which `from_json` makes the same bits."""
        return {
            "step": self.step,
            "positions": self.positions_nc.tolist(),
            "momenta": self.momenta_nc.tolist(),
            "cell": self.cell_cc.tolist(),
            "integrator": dict(self.integrator),
            "random": self.random,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> DynamicsState:
        """Return the state that `as_json` has written."""
        positions_nc, momenta_nc, cell_cc = (
            np.array(content[name], np.float64) for name in ("positions", "momenta", "cell")
        )
        return cls(
            content["step"],
            positions_nc,
            momenta_nc,
            cell_cc,
            content["integrator"],
            content["random"],
        )


class Dynamics:
    """Molecular dynamics that is watched by a committee.

    Parameters
    ----------
    settings
        Of the walk.
    atoms
        Where it starts; moved in place.
    calculator
        Of the committee.
    measure
        Of disagreement.
    seed
        Of velocities and random forces.
    smallest_distance
        Å; structures whose atoms are closer are as wrong as those without a finite energy.
    """

    def __init__(
        self,
        settings: WalkInput,
        atoms: Atoms,
        calculator: CommitteeCalculator,
        measure: Measure,
        seed: int,
        smallest_distance: float,
    ) -> None:
        self.settings, self.atoms = settings, atoms
        self._calculator, self._measure = calculator, measure
        self._smallest_distance = smallest_distance
        self.step = 0
        atoms.calc = calculator
        if not atoms.get_momenta().any():
            draw_velocities(atoms, settings.ensemble.temperature or 0.0, seed)
        self._dynamics: Any = make_dynamics(atoms, settings.ensemble, settings.time_step, seed)

    def state(self) -> DynamicsState:
        """Return the present state."""
        rng = getattr(self._dynamics, "rng", None)
        return DynamicsState(
            self.step,
            self.atoms.get_positions(),
            self.atoms.get_momenta(),
            self.atoms.cell.array.copy(),
            dict(_numbers(self._dynamics)),
            None if rng is None else rng.bit_generator.state,
        )

    def go_to(self, state: DynamicsState) -> None:
        """Go to a state of this dynamics, or of an equal one."""
        self.step = state.step
        self.atoms.set_cell(state.cell_cc)
        self.atoms.set_positions(state.positions_nc, apply_constraint=False)
        self.atoms.set_momenta(state.momenta_nc, apply_constraint=False)
        for path, number in state.integrator.items():
            *parents, name = path.split(".")
            owner: Any = self._dynamics
            for parent in parents:
                owner = getattr(owner, parent)
            setattr(owner, name, np.array(number) if isinstance(number, list) else number)
        if state.random is not None:
            self._dynamics.rng.bit_generator.state = dict(state.random)
        self._calculator.forget_neighbours()
        self._calculator.reset()

    def redraw_velocities(self, seed: int) -> None:
        """Go on from here with other velocities and random forces."""
        draw_velocities(self.atoms, self.settings.temperature_at(self.step), seed)
        self._dynamics = make_dynamics(
            self.atoms, self.settings.ensemble, self.settings.time_step, seed
        )

    def snapshot(self) -> Frame:
        """Return the structure as it is, and how much the committee disagrees."""
        gamma = float("nan")
        try:
            with np.errstate(all="ignore"):
                found = self._calculator.disagreement(self._measure, self.atoms)
            if self._calculator.closest.distance >= self._smallest_distance:
                gamma = found
        except AenetpyError:  # atoms in one place, or an energy that is not finite
            pass
        return Frame(self.step, gamma, self._structure())

    def run_steps(self, n_steps: int, limit: float) -> list[Frame]:
        """Take some steps, and return the structure after each of them.

        The last may be one above the limit of disagreement, or a wrong one: no step follows.
        """
        frames: list[Frame] = []
        if self.settings.is_ramp:
            temperature = self.settings.temperature_at(self.step)
            self._dynamics.set_temperature(temperature_K=temperature)
        for k in range(n_steps):
            if k == n_steps - 1:
                # So that a walk that begins here again has the same neighbours, to the last bit.
                self._calculator.forget_neighbours()
            try:
                with np.errstate(all="ignore"):
                    self._dynamics.step()
            except AenetpyError:
                self.step += 1
                frames.append(Frame(self.step, float("nan"), self._structure()))
                break
            self.step += 1
            frames.append(self.snapshot())
            if not frames[-1].gamma <= limit:
                break
        return frames

    def _structure(self) -> Structure:
        return structure_from_atoms(self.atoms, f"step {self.step}", labels=False)


def _numbers(owner: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return the numbers that an integrator of ASE, its thermostat and its barostat hold."""
    found: list[tuple[str, Any]] = []
    for name, value in vars(owner).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            found.append((prefix + name, value.tolist()))
        elif isinstance(value, float):
            found.append((prefix + name, value))
        elif type(value).__module__.startswith("ase.md."):
            found += _numbers(value, f"{prefix}{name}.")
    return found
