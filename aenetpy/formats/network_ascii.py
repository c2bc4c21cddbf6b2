"""The ASCII twin ``.nn.ascii`` of a potential, as of aenet-PyTorch (spec 8.3).

The items of the binary file in the same order, one line each. The energy statistics are
written as they are. `read_network` reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.files.files import write_text
from aenetpy.formats.layout import Field, Writer, one_line, write_fields
from aenetpy.formats.network import LAYERS, STEPS, TRAINING, WEIGHTS, network_values
from aenetpy.formats.setup import SETUP, setup_values


def write_network_ascii(path: str | Path, network: SpeciesPotential) -> None:
    """Write ``.nn.ascii`` (spec 8.3), complete or not at all."""
    write_text(path, format_network(network))


def format_network(network: SpeciesPotential) -> str:
    """Return the text of ``.nn.ascii`` (spec 8.3) in the layout of aenet-PyTorch."""
    values = network_values(network)
    lines = [
        *write_fields(_COLUMNS, LAYERS + STEPS + WEIGHTS, values),
        *write_fields(_COLUMNS, SETUP, setup_values(network.setup)),
        *write_fields(_PLAIN, TRAINING, values),
    ]
    return "".join(lines)


def _real(value: float) -> str:
    """Write 17 decimals, or an exponent where they would lose digits."""
    fixed = f"{value:24.17f}"
    return fixed if len(fixed) == 24 and float(fixed) == value else f"{value:24.16e}"


def _line(value: Any, field: Field, written: Callable[[Any], str] = repr) -> str:
    """Write a single value, or several with a blank behind each."""
    items = [written(one) for one in np.ravel(value).tolist()]
    return "".join(f"{item} " for item in items) + "\n" if field.shape else " ".join(items) + "\n"


_PLAIN: Writer[str] = {
    "text": lambda text, _: f"{one_line(text)}\n",
    "logical": lambda value, _: f"{bool(value)}\n",
    "symbols": lambda names, field: _line(names, field, str),
    "integers": _line,
    "reals": _line,
}
_COLUMNS: Writer[str] = {
    **_PLAIN,
    "integers": lambda value, field: _line(value, field, "{:17d}".format),
    "reals": lambda value, field: _line(value, field, _real),
}
