"""Equation of state and bulk modulus of a crystal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aenetpy.arrays import Float
from aenetpy.errors import NumericalError
from aenetpy.training.forces import EV_PER_A3_IN_GPA

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

STRAIN = 0.04
"""Lengths are changed by so much at most; volumes by some 12 %."""

POINTS = 9


@dataclass(frozen=True, eq=False)
class EquationOfState:
    """Energy of a crystal against volume, and where it is lowest.

    Parameters
    ----------
    scale
        Lengths at the minimum, in those of the cell given: a0 = scale a.
    volume
        At the minimum, Å^3/atom.
    energy
        There, eV/atom.
    bulk_modulus
        There, V d²E/dV², GPa.
    volumes_v, energies_v
        What was calculated, Å^3/atom and eV/atom.
    residual
        Root mean square of what the curve leaves of the energies, eV/atom; large against what
        they differ by if they make no smooth curve.
    """

    scale: float
    volume: float
    energy: float
    bulk_modulus: float
    volumes_v: Float
    energies_v: Float
    residual: float


def equation_of_state(
    atoms: Atoms,
    calculator: BaseCalculator,
    strain: float = STRAIN,
    points: int = POINTS,
) -> EquationOfState:
    """Return volume, energy and bulk modulus of a crystal where its energy is lowest.

    All lengths are scaled alike, and atoms keep their fractional coordinates. The energies follow
    the third-order equation of Birch and Murnaghan, a polynomial that is fitted at once,

        E(V) = sum_{k=0..3} c_k x^k,   x = V^(-2/3),   B = V d²E/dV².

    Parameters
    ----------
    atoms
        Any cell of the crystal, near the minimum; periodic along three directions. It is not
        changed.
    calculator
        Of ASE.
    strain
        Lengths are changed from 1 - strain to 1 + strain.
    points
        Number of volumes.

    Raises
    ------
    NumericalError
        If an energy is not finite, or there is no minimum within the volumes.
    """
    assert 0.0 < strain < 1.0, "a length is positive"
    assert points >= 4, "four coefficients need as many points"
    scales_v = np.linspace(1.0 - strain, 1.0 + strain, points)
    crystal, n_atoms = atoms.copy(), len(atoms)
    crystal.calc = calculator
    energies_v = np.empty(points)
    for v, scale in enumerate(scales_v):
        crystal.set_cell(scale * atoms.cell.array, scale_atoms=True)
        energies_v[v] = crystal.get_potential_energy() / n_atoms
    return fit_equation_of_state(float(atoms.get_volume()) / n_atoms, scales_v, energies_v)


def fit_equation_of_state(volume: float, scales_v: Float, energies_v: Float) -> EquationOfState:
    """Return where energies are lowest, see `equation_of_state`.

    Parameters
    ----------
    volume
        Of the cell given, Å^3/atom.
    scales_v
        Of its lengths, increasing.
    energies_v
        eV/atom.

    Raises
    ------
    NumericalError
        If an energy is not finite, or there is no minimum within the volumes.
    """
    if not np.isfinite(energies_v).all():
        scale = scales_v[~np.isfinite(energies_v)][0]
        raise NumericalError(f"the energy is not finite at {scale:.4g} times the lattice constant")
    x_v = scales_v**-2.0  # (V / volume)^(-2/3), of the order of one
    curve = np.polynomial.Polynomial.fit(x_v, energies_v, 3)
    slope, bend = curve.deriv(), curve.deriv(2)
    # where dE/dx vanishes, d²E/dV² and d²E/dx² have one sign
    roots: list[complex] = slope.roots().tolist()
    minima = [x.real for x in roots if abs(x.imag) < 1e-9 and bend(x.real) > 0.0]
    if not minima or not x_v.min() < minima[0] < x_v.max():
        lowest = scales_v[int(np.argmin(energies_v))]
        raise NumericalError(
            f"the energy has no minimum between {scales_v[0]:.4g} and {scales_v[-1]:.4g} times the"
            f" lattice constant; it is lowest at {lowest:.4g}",
            hint="begin with a lattice constant near the minimum",
        )
    x = minima[0]
    at_minimum = volume * x**-1.5
    return EquationOfState(
        scale=x**-0.5,
        volume=at_minimum,
        energy=float(curve(x)),
        # dx/dV = -2/3 x/V, and dE/dx = 0
        bulk_modulus=float(bend(x)) * (2.0 / 3.0 * x) ** 2 / at_minimum * EV_PER_A3_IN_GPA,
        volumes_v=volume * scales_v**3,
        energies_v=energies_v,
        residual=float(np.sqrt(np.mean((curve(x_v) - energies_v) ** 2))),
    )
