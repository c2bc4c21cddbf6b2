"""Properties of crystals, all that a file asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aenetpy.analysis.bulk import EquationOfState, equation_of_state
from aenetpy.analysis.surface import surface_energy
from aenetpy.errors import AenetpyError, Stopped
from aenetpy.inputs.properties import BulkProperty, Crystal, Property, SurfaceProperty

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


@dataclass(frozen=True)
class Measured:
    """Results of the measurements.

    Parameters
    ----------
    values
        By name, quantity and unit: ``fcc: B (GPa)``; not a number where it could not be had.
    reasons
        Why not, by the same names.
    """

    values: Mapping[str, float]
    reasons: Mapping[str, str]


def measure(properties: Sequence[Property], calculator: BaseCalculator) -> Measured:
    """Return all quantities of some properties."""
    found: dict[Crystal, EquationOfState] = {}
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}

    def state(crystal: Crystal) -> EquationOfState:
        if crystal not in found:
            found[crystal] = equation_of_state(build_crystal(crystal), calculator)
        return found[crystal]

    for one in properties:
        try:
            measured = (
                _bulk_values(one, state)
                if isinstance(one, BulkProperty)
                else _surface_values(one, state, calculator)
            )
        except (AssertionError, Stopped):
            raise
        except Exception as reason:  # engines raise any exception
            measured = dict.fromkeys(one.keys, math.nan)
            reasons |= dict.fromkeys(one.keys.values(), _told(reason))
        values |= {one.keys[quantity]: value for quantity, value in measured.items()}
    return Measured(values, reasons)


def build_crystal(crystal: Crystal) -> Atoms:
    """Return the primitive cell of a crystal."""
    from ase.build import bulk

    return bulk(crystal.symbol, crystal.lattice, a=crystal.a, c=crystal.c)


def build_slab(surface: SurfaceProperty) -> Atoms:
    """Return the slab of a surface, at the lattice constants that it names."""
    import ase.build

    crystal = surface.crystal
    cut = getattr(ase.build, f"{crystal.lattice}{surface.face}")
    options = {} if crystal.c is None else {"c": crystal.c}
    return cut(
        crystal.symbol,
        size=(*surface.size, surface.layers),
        a=crystal.a,
        vacuum=surface.vacuum,
        **options,
    )


def _bulk_values(
    bulk: BulkProperty, state: Callable[[Crystal], EquationOfState]
) -> dict[str, float]:
    found = state(bulk.crystal)
    return {
        "a": found.scale * bulk.crystal.a,
        "V": found.volume,
        "E": found.energy,
        "B": found.bulk_modulus,
        "B wide": found.wide.bulk_modulus,
        "residual": 1000.0 * found.wide.residual,
    }


def _surface_values(
    surface: SurfaceProperty,
    state: Callable[[Crystal], EquationOfState],
    calculator: BaseCalculator,
) -> dict[str, float]:
    """Return the surface energy at the lattice constants of the calculator's own minimum."""
    crystal, found = surface.crystal, state(surface.crystal)
    c = None if crystal.c is None else found.scale * crystal.c
    slab = build_slab(replace(surface, crystal=replace(crystal, a=found.scale * crystal.a, c=c)))
    energy = surface_energy(slab, calculator, found.energy, surface.relax)
    return {"gamma": energy.joule_per_m2}


def _told(reason: Exception) -> str:
    """Return an error in one line, with its class unless it is ours."""
    text = " ".join(str(reason).split())
    return text if isinstance(reason, AenetpyError) else f"{type(reason).__name__}: {text}"
