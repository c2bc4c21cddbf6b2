"""How far predictions are from the energies, forces and stresses that the files hold."""

from __future__ import annotations

import logging
from typing import Any

from aenetpy.analysis.comparison import Comparison
from aenetpy.inputs.lines import times
from aenetpy.reports.errors import UNITS, ByQuantity, errors_table

log = logging.getLogger("aenetpy")

KEYS = {
    "energy": ("energy_per_atom", "eV"),
    "force": ("force_component", "eV/angstrom"),
    "stress": ("stress_component", "GPa"),
}
"""Names and units of ``predict --json``."""


def log_errors(compared: Comparison) -> None:
    """Log the errors, in a table by set where the sets are known, else in one line."""
    by_set = compared.by_set()
    if by_set:
        log.info(
            "compared with the files; judge the potential by its test set",
            extra={"block": errors_table(by_set)},
        )
        return
    parts = []
    names = {"energy": "energies", "force": "forces", "stress": "stresses"}
    for quantity, errors in compared.by_quantity().items():
        unit, per_unit = UNITS[quantity]
        structures = times(len(compared.of(quantity)), "structure")
        tail = " per component" if quantity == "force" else ""
        parts.append(
            f"{names[quantity]} of {structures}: MAE {per_unit * errors.mae:.4g},"
            f" RMSE {per_unit * errors.rmse:.4g} {unit}{tail}"
        )
    if parts:
        log.info("compared with the files, %s", "; ".join(parts))


def errors_as_json(compared: Comparison) -> dict[str, Any]:
    """Return the errors for ``predict --json``: of all, and of each set that is known."""
    content = _as_json(compared.by_quantity())
    by_set = {which: _as_json(found) for which, found in compared.by_set().items()}
    return {**content, "sets": by_set} if by_set else content


def _as_json(found: ByQuantity) -> dict[str, Any]:
    content: dict[str, Any] = {KEYS[name][0]: None for name in ("energy", "force")}
    for quantity, errors in found.items():
        key, unit = KEYS[quantity]
        content[key] = errors.as_json(unit)
    return content
