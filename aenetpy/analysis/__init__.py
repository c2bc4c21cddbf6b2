"""Metrics, figures, and properties of crystals."""

from aenetpy.analysis.bulk import EquationOfState as EquationOfState
from aenetpy.analysis.bulk import equation_of_state as equation_of_state
from aenetpy.analysis.properties import Measured as Measured
from aenetpy.analysis.properties import measure as measure
from aenetpy.analysis.surface import SurfaceEnergy as SurfaceEnergy
from aenetpy.analysis.surface import surface_energy as surface_energy
