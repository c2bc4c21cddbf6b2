"""The text output of fingerprint and neighbors (spec 11)."""

from __future__ import annotations

from collections.abc import Sequence

from aenetpy.arrays import Float, Long
from aenetpy.formats.columns import fixed, scientific
from aenetpy.formats.list_directed import list_directed


def fingerprint_line(name: str, features_g: Float) -> str:
    """Return the name and the values: 1x, then ES15.8 and a blank for each."""
    return f"{name} " + "".join(f"{scientific(x, 15, 8)} " for x in features_g.tolist()) + "\n"


def neighbor_counts(name: str, n_neighbors_n: Long) -> str:
    """Return one line with the name and the number of neighbours for each atom."""
    return "".join(f"{name} {count}\n" for count in n_neighbors_n.tolist())


def neighbor_table(atom: int, cutoff: float, species_p: Sequence[str], positions_pc: Float) -> str:
    """Return the number of neighbours, a title, and rows 1x, A2, 3(2x, F15.8): an XYZ file."""
    rows = [
        f" {symbol:2.2}" + "".join(f"  {fixed(x, 15, 8)}" for x in row)
        for symbol, row in zip(species_p, positions_pc.tolist(), strict=True)
    ]
    head = [
        list_directed(len(rows)),
        f" Neighbors of atom {atom} within a cutoff of {cutoff:.2f} A",
    ]
    return "".join(f"{line}\n" for line in head + rows)
