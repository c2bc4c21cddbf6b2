"""The text output of evaluate and md, as of aenet's Python scripts (spec 11)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.arrays import Float
from aenetpy.inputs.lines import times

MD_HEADER = "# step E_pot E_kin T E_tot\n"


def md_row(
    step: int, potential: float, kinetic: float, temperature: float, n_outside: int, worst: str
) -> str:
    """Return one row: step, energies in eV per atom, temperature in K.

    Behind a ``#``, which readers of columns skip, stand the number of atoms far outside of the
    training range and the worst fingerprint component, if there are any.
    """
    total = potential + kinetic
    note = f"  # {times(n_outside, 'atom')} out of range: {worst}" if n_outside else ""
    return f"{step:8d} {potential:16.8f} {kinetic:14.8f} {temperature:12.4f} {total:16.8f}{note}\n"


def evaluation_report(
    name: str,
    species: Sequence[str],
    positions_nc: Float,
    energy: float,
    forces_nc: Float | None,
) -> str:
    """Return the output for one structure."""
    text = f"Structure file: {name}\n\n"
    if forces_nc is not None:
        rows_nk = np.hstack([positions_nc, forces_nc])
        text += "Atomic positions and forces:\n\n"
        text += "".join(
            f"{symbol:2}{_columns(row)}\n"
            for symbol, row in zip(species, rows_nk.tolist(), strict=True)
        )
        # Adding zero turns -0 into 0.
        mean_c = forces_nc.mean(axis=0).round(8) + 0.0
        text += f"\nAverage force (must be zero):{_columns(mean_c.tolist())}\n\n"
    return f"{text}Total energy = {energy:.8f} eV\n\n"


def _columns(values: Sequence[float]) -> str:
    return "".join(f" {value:15.8f}" for value in values)
