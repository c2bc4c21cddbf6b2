"""Tables of reference and prediction: ``energies.train.0`` (spec 10.3), ``forces.train.0``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.errors import DataError
from aenetpy.files.files import read_text
from aenetpy.formats.columns import integer, scientific

FORCES_HEADING = (
    "  atom species     Ref-x(eV/A)     Ref-y(eV/A)     Ref-z(eV/A)"
    "     ANN-x(eV/A)     ANN-y(eV/A)     ANN-z(eV/A)  Path-of-input-file\n"
)


def format_energies(
    species: Sequence[str],
    names_s: Sequence[str],
    counts_st: Long,
    reference_s: Float,
    predicted_s: Float,
    scale: float,
) -> str:
    """Return the file content for cohesive energies in eV: a heading, then one row per structure.

    Row: 1x,2(ES14.6,1x),I5,1x,4(ES14.6,1x), then 1x,I4 per species, 1x and the path (spec 10.3).
    """
    types = "".join(f" #{name:<2} " for name in species)
    head = (
        "  Ref(eV)        ANN(eV)      #atoms  Ref(eV/atom)   ANN(eV/atom) Ref-ANN(eV/atom)"
        f"    Cost-Func  {types}  Path-of-input-file\n"
    )
    n_atoms_s = counts_st.sum(axis=1, dtype=np.int64)
    error_s = (reference_s - predicted_s) / n_atoms_s
    columns = (reference_s / n_atoms_s, predicted_s / n_atoms_s, error_s, scale * error_s)
    rows = zip(
        np.stack([reference_s, predicted_s], axis=1).tolist(),
        n_atoms_s.tolist(),
        np.stack(columns, axis=1).tolist(),
        counts_st.tolist(),
        names_s,
        strict=True,
    )
    return head + "".join(
        f" {_es14_6(energies)}{integer(n_atoms, 5)} {_es14_6(per_atom)}"
        f"{''.join(' ' + integer(count, 4) for count in counts)} {name}\n"
        for energies, n_atoms, per_atom, counts, name in rows
    )


def _es14_6(values: Sequence[float]) -> str:
    """Numbers as ES14.6,1x."""
    return "".join(scientific(value, 14, 6) + " " for value in values)


def names_in_energies(path: str | Path) -> list[str]:
    """Return the structure files that ``energies.train.0`` names; DataError if it is damaged."""
    head, *rows = read_text(path).splitlines()
    n_numbers = 7 + sum(word.startswith("#") and len(word) in (2, 3) for word in head.split())
    words_s = [row.split(maxsplit=n_numbers) for row in rows if row.strip()]
    if "Ref(eV)" not in head or any(len(words) <= n_numbers for words in words_s):
        raise DataError(
            "is no table of energies, or is cut", file=path, hint="train again with SAVE_ENERGIES"
        )
    return [words[-1].rstrip() for words in words_s]


def format_forces_table(
    names_n: Sequence[str],
    numbers_n: Sequence[int],
    species_n: Sequence[str],
    reference_nc: Float,
    predicted_nc: Float,
) -> str:
    """Return the content of ``forces.train.0``: a heading, then one row per atom."""
    rows = zip(
        numbers_n, species_n, reference_nc.tolist(), predicted_nc.tolist(), names_n, strict=True
    )
    return FORCES_HEADING + "".join(
        f"{integer(number, 6)} {symbol:<7}"
        f"{''.join(' ' + scientific(value, 15, 7) for value in (*reference, *predicted))}  {name}\n"
        for number, symbol, reference, predicted, name in rows
    )
