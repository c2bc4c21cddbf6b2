"""The JSON of ``predict --json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure
from aenetpy.reports.json_text import json_text

SCHEMA = "aenetpy-predict-1"
"""Changes when a key changes its meaning or goes away; new keys may come."""


def document(
    version: str,
    potentials: Mapping[str, Mapping[str, Any]],
    structures: Sequence[Mapping[str, Any]],
    errors: Mapping[str, Any],
    warnings: Sequence[str],
    members: Sequence[Mapping[str, Any]] | None = None,
) -> str:
    """Return the whole output: one JSON object; energies in eV, lengths in Å."""
    content = {
        "schema": SCHEMA,
        "version": version,
        "units": {"energy": "eV", "length": "angstrom"},
        "potentials": potentials,
        "structures": structures,
        "errors": errors,
        "warnings": warnings,
    }
    if members is not None:
        content["members"] = members
    return json_text(content)


def structure_object(
    structure: Structure,
    cohesive_energy: float,
    energy: float,
    forces_nc: Float | None,
    virial_cc: Float | None,
    atomic_energies_n: Float | None,
) -> dict[str, Any]:
    """Return the results of a structure, None for results that were not asked for."""
    return {
        "name": structure.name,
        "species": list(structure.species),
        "cell": None if structure.cell_cc is None else structure.cell_cc.tolist(),
        "periodic": list(structure.pbc_c),
        "positions": structure.positions_nc.tolist(),
        "energy": energy,
        "cohesive_energy": cohesive_energy,
        "forces": None if forces_nc is None else forces_nc.tolist(),
        "virial": None if virial_cc is None else virial_cc.tolist(),
        "atomic_energies": None if atomic_energies_n is None else atomic_energies_n.tolist(),
    }


def reference_object(cohesive_energy: float | None, forces_nc: Float | None) -> dict[str, Any]:
    """Return the labels in the file of a structure, None for missing ones."""
    return {
        "cohesive_energy": cohesive_energy,
        "forces": None if forces_nc is None else forces_nc.tolist(),
    }
