"""Equation of state and bulk modulus of a crystal."""

from __future__ import annotations

from collections.abc import Callable
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

SMALL_STRAIN = 0.002
"""Lengths are changed by so much for the local modulus; volumes by 0.6 %."""

ROUNDS = 8
"""Calculations of three pressures each in which the relaxed volume must be found."""

DIFFERENCE = 1e-3
"""Of the lengths, for pressures of calculators without a stress."""

CONVERGED = 1e-5
"""Of the lengths: a cell so close to the relaxed one is relaxed."""


@dataclass(frozen=True)
class WideFit:
    """A curve through energies at volumes far from each other: smooth in between.

    Parameters
    ----------
    scale, volume, energy, bulk_modulus
        At the minimum of the curve, see `EquationOfState`.
    residual
        Root mean square of what the curve leaves of the energies, eV/atom; large against what
        they differ by if they make no smooth curve.
    """

    scale: float
    volume: float
    energy: float
    bulk_modulus: float
    residual: float


@dataclass(frozen=True, eq=False)
class EquationOfState:
    """Energy of a crystal against volume, and where it is lowest.

    Parameters
    ----------
    scale
        Lengths where the pressure vanishes, relative to the given cell: a0 = scale a.
    volume
        There, Å^3/atom.
    energy
        There, eV/atom.
    bulk_modulus
        There, V d²E/dV² = -V dp/dV, GPa, from the stress at small strains.
    wide
        The curve through all energies. Its bulk modulus differs from the other one by the
        wiggles of a potential, and by terms beyond a polynomial of third order.
    volumes_v, energies_v
        The calculated points, Å^3/atom and eV/atom.
    """

    scale: float
    volume: float
    energy: float
    bulk_modulus: float
    wide: WideFit
    volumes_v: Float
    energies_v: Float


def equation_of_state(
    atoms: Atoms,
    calculator: BaseCalculator,
    strain: float = STRAIN,
    points: int = POINTS,
) -> EquationOfState:
    """Return volume, energy and bulk modulus of a crystal where its energy is lowest.

    All lengths are scaled alike, and atoms keep their fractional coordinates. The bulk modulus
    is that of small strains around the volume without pressure, `bulk_modulus`, and that of all
    energies, `wide`: they follow the third-order equation of Birch and Murnaghan, a polynomial,

        E(V) = sum_{k=0..3} c_k x^k,   x = V^(-2/3),   B = V d²E/dV².
    """
    assert 0.0 < strain < 1.0, "a length is positive"
    assert points >= 4, "four coefficients need as many points"
    scales_v = np.linspace(1.0 - strain, 1.0 + strain, points)
    crystal, n_atoms = atoms.copy(), len(atoms)
    crystal.calc = calculator
    volume = float(atoms.get_volume()) / n_atoms

    def energy(scale: float) -> float:
        crystal.set_cell(scale * atoms.cell.array, scale_atoms=True)
        return float(crystal.get_potential_energy()) / n_atoms

    def pressure(scale: float) -> float:
        if "stress" in calculator.implemented_properties:
            crystal.set_cell(scale * atoms.cell.array, scale_atoms=True)
            return -float(crystal.get_stress()[:3].mean())
        ends = scale * (1.0 - DIFFERENCE), scale * (1.0 + DIFFERENCE)
        return (energy(ends[0]) - energy(ends[1])) / (volume * (ends[1] ** 3 - ends[0] ** 3))

    energies_v = np.array([energy(scale) for scale in scales_v])
    wide = fit_equation_of_state(volume, scales_v, energies_v)
    scale, modulus = relaxed(pressure, wide.scale, strain)
    return EquationOfState(
        scale=scale,
        volume=volume * scale**3,
        energy=energy(scale),
        bulk_modulus=modulus * EV_PER_A3_IN_GPA,
        wide=wide,
        volumes_v=volume * scales_v**3,
        energies_v=energies_v,
    )


def relaxed(pressure: Callable[[float], float], scale: float, strain: float) -> tuple[float, float]:
    """Return the lengths near a scale where the pressure vanishes, and -V dp/dV there.

    Pressures at three strains make a parabola. Its zero is the next scale, until it does not move.
    """
    for _ in range(ROUNDS):
        below, here, above = (
            pressure(scale * factor) for factor in (1.0 - SMALL_STRAIN, 1.0, 1.0 + SMALL_STRAIN)
        )
        if not np.isfinite([below, here, above]).all():
            raise NumericalError(f"the pressure is not finite near {scale:.4g} times the lattice")
        slope = (above - below) / 2.0  # of p against the strain in units of SMALL_STRAIN
        bend = above - 2.0 * here + below
        # downhill where p rises with the volume: there is a maximum
        step = -here / slope if slope < 0.0 else np.sign(here)
        step = float(np.clip(step, -2.0, 2.0))
        if slope < 0.0 and abs(step) * SMALL_STRAIN < CONVERGED:
            # dV/V = 3 da/a
            return scale * (1.0 + step * SMALL_STRAIN), -(slope + bend * step) / (3 * SMALL_STRAIN)
        scale *= 1.0 + step * SMALL_STRAIN
        if not 1.0 - strain < scale < 1.0 + strain:
            break
    raise NumericalError(
        f"the pressure does not vanish between {1.0 - strain:.4g} and {1.0 + strain:.4g} times the"
        " lattice constant",
        hint="begin with a lattice constant near the minimum",
    )


def fit_equation_of_state(volume: float, scales_v: Float, energies_v: Float) -> WideFit:
    """Return where a curve through energies is lowest, see `equation_of_state`."""
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
    return WideFit(
        scale=x**-0.5,
        volume=at_minimum,
        energy=float(curve(x)),
        # dx/dV = -2/3 x/V, and dE/dx = 0
        bulk_modulus=float(bend(x)) * (2.0 / 3.0 * x) ** 2 / at_minimum * EV_PER_A3_IN_GPA,
        residual=float(np.sqrt(np.mean((curve(x_v) - energies_v) ** 2))),
    )
