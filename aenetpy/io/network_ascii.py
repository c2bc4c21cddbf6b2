"""The ASCII twin ``.nn.ascii`` of a potential, as of aenet-PyTorch (spec 8.3).

The items of the binary file in the same order, one line each. The energy statistics are
written as they are. `read_network` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.io.fields import write_fields
from aenetpy.io.files import write_text
from aenetpy.io.fortran_text import one_line
from aenetpy.io.network import LAYERS, STEPS, TRAINING, WEIGHTS, network_values
from aenetpy.io.setup import SETUP, setup_values


def write_network_ascii(path: str | Path, network: SpeciesPotential) -> None:
    """Write ``.nn.ascii`` (spec 8.3), complete or not at all.

    Parameters
    ----------
    path
        The file to make or replace.
    network
        What to write.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    write_text(path, format_network(network))


def format_network(network: SpeciesPotential) -> str:
    """Return the text of ``.nn.ascii`` (spec 8.3) in the layout of aenet-PyTorch.

    Parameters
    ----------
    network
        The potential.
    """
    values, columns, plain = network_values(network), _Columns(), _Plain()
    lines = [
        *write_fields(columns, LAYERS + STEPS + WEIGHTS, values),
        *write_fields(columns, SETUP, setup_values(network.setup)),
        *write_fields(plain, TRAINING, values),
    ]
    return "".join(lines).removesuffix(" \n") + "\n"  # no blank behind the last number


class _Plain:
    """Writes the items of the training set, as Python prints them."""

    def text(self, value: str, length: int) -> str:
        return f"{one_line(value)}\n"

    def logical(self, value: bool) -> str:
        return f"{bool(value)}\n"

    def species(self, value: str | Sequence[str]) -> str:
        return self._line(value, str)

    def integers(self, value: Any) -> str:
        return self._line(value, str)

    def reals(self, value: Any) -> str:
        return self._line(value, repr)

    def _line(self, value: Any, written: Any) -> str:
        """Write a single value, or several with a blank behind each."""
        items = [written(one) for one in np.ravel(value).tolist()]
        return (
            f"{items[0]}\n" if np.ndim(value) == 0 else "".join(f"{item} " for item in items) + "\n"
        )


class _Columns(_Plain):
    """Writes the items of the network and of the setup, numbers in columns."""

    def integers(self, value: Any) -> str:
        return self._line(value, "{:17d}".format)

    def reals(self, value: Any) -> str:
        return self._line(value, _real)


def _real(value: float) -> str:
    """Write 17 decimals, or an exponent where they would lose digits."""
    fixed = f"{value:24.17f}"
    return fixed if len(fixed) == 24 and float(fixed) == value else f"{value:24.16e}"
