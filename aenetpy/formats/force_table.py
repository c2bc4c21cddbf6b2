"""Reference and predicted forces: ``forces.train.0``, ``forces.test.0`` of SAVE_FORCES."""

from __future__ import annotations

from collections.abc import Sequence

from aenetpy.arrays import Float
from aenetpy.formats.columns import integer, scientific

HEADING = (
    "  atom species     Ref-x(eV/A)     Ref-y(eV/A)     Ref-z(eV/A)"
    "     ANN-x(eV/A)     ANN-y(eV/A)     ANN-z(eV/A)  Path-of-input-file\n"
)


def format_forces_table(
    names_n: Sequence[str],
    numbers_n: Sequence[int],
    species_n: Sequence[str],
    reference_nc: Float,
    predicted_nc: Float,
) -> str:
    """Return the file content: a heading, then one row per atom."""
    rows = zip(
        numbers_n, species_n, reference_nc.tolist(), predicted_nc.tolist(), names_n, strict=True
    )
    return HEADING + "".join(
        f"{integer(number, 6)} {symbol:<7}"
        f"{''.join(' ' + scientific(value, 15, 7) for value in (*reference, *predicted))}  {name}\n"
        for number, symbol, reference, predicted, name in rows
    )
