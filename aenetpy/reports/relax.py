"""The text output of RELAX (spec 10.4)."""

from __future__ import annotations

from collections.abc import Sequence

from aenetpy.formats.columns import fixed, integer

_WIDTH = 60


def optimization_table(
    energies_k: Sequence[float], rms_forces_k: Sequence[float], converged: bool
) -> str:
    """Return one row per geometry, the first being the input."""
    rows = []
    for k, (energy, rms) in enumerate(zip(energies_k, rms_forces_k, strict=True)):
        values = [energy - energies_k[0], rms]
        if k > 0:
            values.append(rms - rms_forces_k[k - 1])
        rows.append(
            f" {integer(k + 1, 5)}{''.join('  ' + fixed(value, 16, 8) for value in values)}\n"
        )
    last = f"    converged after {len(rows)} iterations.\n" if converged else ""
    return (
        " Geometry optimization:\n"
        "\n"
        "           energy change       rms force    \n"
        "                (eV)           (eV/Ang)     \n"
        f" {_WIDTH * '-'}\n"
        f"{''.join(rows)}"
        f"{last}"
        "\n"
    )
