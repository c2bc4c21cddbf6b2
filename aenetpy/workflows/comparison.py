"""How far predictions are from the energies and forces that the files hold."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from aenetpy.analysis.comparison import ErrorSums, reference_and_prediction
from aenetpy.data.structure import Structure
from aenetpy.io.free_form import times
from aenetpy.models.potential import Evaluation

log = logging.getLogger("aenetpy")


class PredictionErrors:
    """Errors of predicted energies per atom, eV, and force components, eV/Å."""

    def __init__(self) -> None:
        self._energy, self._force = ErrorSums(), ErrorSums()
        self._n_with_forces = 0

    def add(self, structure: Structure, found: Evaluation) -> None:
        """Compare with what the file of a structure holds, if it holds anything."""
        energies, forces = reference_and_prediction(structure, found)
        if energies is not None:
            self._energy.add(np.array(energies[1] - energies[0]))
        if forces is not None:
            self._n_with_forces += 1
            self._force.add(forces[1] - forces[0])

    def summarise(self) -> None:
        """Tell the errors in one line, if there are any."""
        energy, force = self._energy, self._force
        parts = []
        if energy.count:
            mae, rmse = 1000 * energy.mae, 1000 * energy.rmse
            structures = times(energy.count, "structure")
            parts.append(f"energies of {structures}: MAE {mae:.4g}, RMSE {rmse:.4g} meV/atom")
        if force.count:
            structures = times(self._n_with_forces, "structure")
            parts.append(
                f"forces of {structures}: MAE {force.mae:.4g}, RMSE {force.rmse:.4g} eV/Å "
                "per component"
            )
        if parts:
            log.info("compared with the files, %s", "; ".join(parts))

    def as_json(self) -> dict[str, Any]:
        """Return the errors for ``predict --json``; None where there is nothing to compare with."""
        return {
            "energy_per_atom": _as_json(self._energy, "eV"),
            "force_component": _as_json(self._force, "eV/angstrom"),
        }


def _as_json(errors: ErrorSums, unit: str) -> dict[str, Any] | None:
    if errors.count == 0:
        return None
    return {"count": errors.count, "mae": errors.mae, "rmse": errors.rmse, "unit": unit}
