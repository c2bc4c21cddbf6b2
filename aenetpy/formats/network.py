"""The potential file ``.nn`` of one species (spec 7.3) and its twin ``.nn.ascii`` (spec 8.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from aenetpy.data.activations import ACTIVATIONS, decode_activations, is_activation
from aenetpy.data.limits import COUNT, N_SPECIES, POSITIVE, Limit
from aenetpy.data.species_potential import SpeciesPotential, value_offsets, weight_offsets
from aenetpy.errors import DataError
from aenetpy.files.files import read_bytes, read_text, write_bytes, write_text
from aenetpy.formats.layout import (
    RECORDS,
    Field,
    Reader,
    Writer,
    build,
    one_line,
    read_fields,
    write_fields,
)
from aenetpy.formats.list_directed import LineReader
from aenetpy.formats.recognise import POTENTIAL, POTENTIAL_TEXT, kind_named
from aenetpy.formats.records import RecordReader
from aenetpy.formats.setup import SETUP, read_setup, setup_values

NetworkSource: TypeAlias = str | Path | Iterable[str | Path] | Mapping[str, str | Path]
"""A folder, a file, several files, or the file of each species."""

_BINARY = ("*.nn", "*.ann")
_TEXT = ("*.nn.ascii",)

AT_LEAST_1 = Limit("1 or more", lambda x: x >= 1)
AT_LEAST_2 = Limit("2 or more", lambda x: x >= 2)
CODE = Limit(f"one of the activation codes 0 to {len(ACTIVATIONS) - 1}", is_activation)

LAYERS = (
    Field("n_layers", "integers", "number of layers", limit=AT_LEAST_2),
    Field("largest_layer", "integers", "largest layer"),
    Field("n_weights", "integers", "number of weights"),
    Field("n_values", "integers", "number of values"),
    Field("nodes_l", "integers", "nodes per layer", ("n_layers",), AT_LEAST_1),
)
STEPS = (
    Field("codes", "integers", "activations", ("n_steps",), CODE),
    Field("weight_offsets_l", "integers", "weight offsets", ("n_layers",)),
)
WEIGHTS = (
    Field("value_offsets_l", "integers", "value offsets", ("n_layers",)),
    Field("weights_w", "reals", "weights", ("n_weights",)),
)
TRAINING = (
    Field("training_file", "text", "name of the training set", (1024,)),
    Field("normalized", "logical", "normalized"),
    Field("scale", "reals", "scale", limit=POSITIVE),
    Field("shift", "reals", "shift"),
    Field("n_species", "integers", "number of species", limit=N_SPECIES),
    Field("species", "symbols", "species", ("n_species",)),
    Field("atomic_energies_t", "reals", "atomic energies", ("n_species",)),
    Field("n_atoms", "integers", "number of atoms", limit=COUNT),
    Field("n_structures", "integers", "number of structures", limit=COUNT),
    Field("energy_minimum energy_maximum energy_average", "reals", "energy statistics"),
)


def read_network(path: str | Path) -> SpeciesPotential:
    """Read a potential ``.nn``, ``.ann`` (spec 7.3) or its ASCII twin (spec 8.3).

    Parameters
    ----------
    path
        The file; binary or text is recognised from its content.

    Returns
    -------
    SpeciesPotential
        As in the file.

    Raises
    ------
    DataError
        Not found, foreign, big-endian, truncated, damaged, or written before
        aenet 2.0.
    """
    with kind_named(path, POTENTIAL, POTENTIAL_TEXT):
        if read_bytes(path, 64).partition(b"\n")[0].strip().isdigit():
            return _read(LineReader(path, read_text(path)))
        reader = RecordReader(path, "potential", first_length=4)
        _refuse_legacy(reader)
        return _read(reader)


def _read(reader: Reader) -> SpeciesPotential:
    values: dict[str, Any] = {}
    for fields in (LAYERS, STEPS, WEIGHTS):
        read_fields(reader, fields, values)
        nodes_l = values["nodes_l"]
        sizes = _sizes(nodes_l)
        if any(values.get(name, size) != size for name, size in sizes.items()):
            raise reader.damaged(f"sizes do not belong to layers with {nodes_l} nodes")
        values |= sizes
    setup = read_setup(reader)
    if setup.n_features != nodes_l[0]:
        raise reader.damaged(f"{setup.n_features} fingerprint components, {nodes_l[0]} input nodes")
    read_fields(reader, TRAINING, values)
    reader.finish()
    activations = decode_activations(values["codes"])
    return build(SpeciesPotential, values, activations=activations, setup=setup)


def read_networks(source: NetworkSource) -> dict[str, tuple[Path, SpeciesPotential]]:
    """Read the potential file of each species."""
    if isinstance(source, Mapping):
        return {symbol: (Path(path), read_network(path)) for symbol, path in source.items()}
    if not isinstance(source, str | Path):
        return _by_species(source)
    folder = Path(source)
    if not folder.is_dir():
        return _by_species([folder])
    binary = _by_species(_matching(folder, _BINARY))
    found = _by_species(_matching(folder, _TEXT)) | binary
    if not found:
        raise DataError("no .nn files in this folder", file=folder, hint="name another folder")
    return found


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _by_species(paths: Iterable[str | Path]) -> dict[str, tuple[Path, SpeciesPotential]]:
    found: dict[str, tuple[Path, SpeciesPotential]] = {}
    for path in map(Path, paths):
        network = read_network(path)
        symbol = network.setup.species
        if symbol in found:
            raise DataError(
                f"networks {found[symbol][0]} and {path} are both of {symbol}",
                hint="name one file of each species",
            )
        found[symbol] = (path, network)
    return found


def write_network(path: str | Path, network: SpeciesPotential) -> None:
    """Write a potential (spec 7.3), complete or not at all."""
    write_bytes(path, encode_network(network))


def encode_network(network: SpeciesPotential) -> bytes:
    """Return the 36 records of a potential (spec 7.3)."""
    values = _values(network)
    return b"".join(
        [
            *write_fields(RECORDS, LAYERS + STEPS + WEIGHTS, values),
            *write_fields(RECORDS, SETUP, setup_values(network.setup)),
            *write_fields(RECORDS, TRAINING, values),
        ]
    )


def write_network_ascii(path: str | Path, network: SpeciesPotential) -> None:
    """Write ``.nn.ascii`` (spec 8.3), complete or not at all."""
    write_text(path, format_network(network))


def format_network(network: SpeciesPotential) -> str:
    """Return the text of ``.nn.ascii`` (spec 8.3) in the layout of aenet-PyTorch."""
    values = _values(network)
    lines = [
        *write_fields(_COLUMNS, LAYERS + STEPS + WEIGHTS, values),
        *write_fields(_COLUMNS, SETUP, setup_values(network.setup)),
        *write_fields(_PLAIN, TRAINING, values),
    ]
    return "".join(lines)


def _values(network: SpeciesPotential) -> dict[str, Any]:
    """Return the value of each item, without the items of the setup."""
    return {
        **vars(network),
        **_sizes(network.nodes_l),
        "codes": [ACTIVATIONS[name].code for name in network.activations],
        "n_species": len(network.species),
    }


def _sizes(nodes_l: tuple[int, ...]) -> dict[str, Any]:
    """Return the values that follow from the layers."""
    w, v = weight_offsets(nodes_l), value_offsets(nodes_l)
    return {
        "n_layers": len(nodes_l),
        "n_steps": len(nodes_l) - 1,
        "largest_layer": max(nodes_l),
        "n_weights": w[-1],
        "n_values": v[-1] + nodes_l[-1],
        "weight_offsets_l": tuple(w),
        "value_offsets_l": tuple(v),
    }


def _refuse_legacy(reader: RecordReader) -> None:
    """Raise for potentials of aenet before 2.0: 35 records, no mean squares."""
    lengths = reader.next_lengths(37)
    if len(lengths) == 35 and lengths[-1] == 24:
        raise reader.error(
            "potential is in the format before aenet 2.0 (35 records, no mean squares)",
            "train it again with aenet 2.0 or aenetpy",
        )


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
