"""Structure files as PyITA writes them (golden cases 08-augment and 08b-augment-all)."""

from __future__ import annotations

from aenetpy.arrays import Float
from aenetpy.data.structure import Structure

_VECTOR = " " * 8 + "%.8f" + (" " * 5 + "%.8f") * 2 + "\n"
_ATOM = "%15.8f" * 6 + "\n"


def format_pyita(copy: Structure, forces_nc: Float) -> str:
    """Return a copy as text, byte by byte as PyITA writes it."""
    text = ""
    for label, energy in (("total", copy.energy), ("cohesive", copy.cohesive_energy)):
        if energy is not None:
            text += f"# {label} energy = {energy!r} eV\n"
    text += "\n"
    if copy.cell_cc is None or copy.is_isolated:  # PyITA itself knows only crystals
        text += "ATOMS\n"
    else:
        vectors = "".join(_VECTOR % tuple(row) for row in copy.cell_cc.tolist())
        text += f"CRYSTAL\nPRIMVEC\n{vectors}PRIMCOORD\n{len(copy)}\n"
    rows = zip(copy.species, copy.positions_nc.tolist(), forces_nc.tolist(), strict=True)
    return text + "".join(f"{symbol:<3}" + _ATOM % (*r_c, *f_c) for symbol, r_c, f_c in rows)
