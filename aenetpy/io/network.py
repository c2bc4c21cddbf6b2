"""The potential file ``.nn`` of one species (spec 7.3)."""

from __future__ import annotations

from pathlib import Path

from aenetpy.data.activations import ACTIVATIONS, decode_activations
from aenetpy.data.limits import POSITIVE
from aenetpy.data.species_potential import SpeciesPotential, value_offsets, weight_offsets
from aenetpy.io.files import read_bytes, read_text, write_bytes
from aenetpy.io.fortran import (
    RecordReader,
    array_record,
    encode_species,
    encode_text,
    integer_record,
    logical_record,
    real_record,
    record,
)
from aenetpy.io.setup import decode_setup, encode_setup


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
    if read_bytes(path, 64).partition(b"\n")[0].strip().isdigit():
        # The text format is built on this module, so it can only be imported late.
        from aenetpy.io.network_ascii import parse_network

        return parse_network(path, read_text(path))
    return _read_binary(path)


def _read_binary(path: str | Path) -> SpeciesPotential:
    reader = RecordReader(path, "potential", first_length=4)
    _refuse_legacy(reader)
    n_layers = reader.count("number of layers")
    sizes = [reader.integer(f"size {i + 2}") for i in range(3)]
    nodes_l = reader.integers("nodes per layer", n_layers)
    if n_layers < 2 or min(nodes_l) < 1:
        raise reader.damaged(f"layers with {nodes_l} nodes")
    codes = reader.integers("activations", n_layers - 1)
    activations = decode_activations(codes)
    if activations is None:
        raise reader.damaged(f"activation codes {codes}")
    w = list(reader.integers("weight offsets", n_layers))
    v = list(reader.integers("value offsets", n_layers))
    if (sizes, w, v) != _sizes(nodes_l):
        raise reader.damaged(f"sizes do not belong to layers with {nodes_l} nodes")
    weights_w = reader.reals("weights", sizes[1])
    setup = decode_setup(reader)
    if setup.n_features != nodes_l[0]:
        raise reader.damaged(f"{setup.n_features} fingerprint components, {nodes_l[0]} input nodes")
    training_file = reader.text("name of the training set", 1024)
    normalized = reader.logical("normalized")
    scale = reader.real("scale", POSITIVE)
    shift = reader.real("shift")
    n_types = reader.count("number of species")
    species = reader.species("species", n_types)
    atomic_energies_t = reader.reals("atomic energies", n_types)
    n_atoms = reader.count("number of atoms")
    n_structures = reader.count("number of structures")
    minimum, maximum, average = reader.reals("energy statistics", 3)
    reader.finish()
    return SpeciesPotential(
        nodes_l=nodes_l,
        activations=activations,
        weights_w=weights_w,
        setup=setup,
        training_file=training_file,
        normalized=normalized,
        scale=scale,
        shift=shift,
        species=species,
        atomic_energies_t=atomic_energies_t,
        n_atoms=n_atoms,
        n_structures=n_structures,
        energy_minimum=float(minimum),
        energy_maximum=float(maximum),
        energy_average=float(average),
    )


def write_network(path: str | Path, network: SpeciesPotential) -> None:
    """Write a potential (spec 7.3), complete or not at all.

    Parameters
    ----------
    path
        The file to make or replace.
    network
        What to write.

    Raises
    ------
    DataError
        The file cannot be written, or a species has more than two characters.
    """
    write_bytes(path, encode_network(network))


def encode_network(network: SpeciesPotential) -> bytes:
    """Return the 36 records of a potential (spec 7.3).

    Parameters
    ----------
    network
        The potential.
    """
    sizes, w, v = _sizes(network.nodes_l)
    return b"".join(
        [
            integer_record(len(network.nodes_l)),
            *(integer_record(size) for size in sizes),
            integer_record(*network.nodes_l),
            integer_record(*(ACTIVATIONS[name].code for name in network.activations)),
            integer_record(*w),
            integer_record(*v),
            array_record(network.weights_w, "<f8"),
            encode_setup(network.setup),
            record(encode_text(network.training_file, 1024)),
            logical_record(network.normalized),
            real_record(network.scale),
            real_record(network.shift),
            integer_record(len(network.species)),
            record(encode_species(network.species)),
            array_record(network.atomic_energies_t, "<f8"),
            integer_record(network.n_atoms),
            integer_record(network.n_structures),
            real_record(network.energy_minimum, network.energy_maximum, network.energy_average),
        ]
    )


def _sizes(nodes_l: tuple[int, ...]) -> tuple[list[int], list[int], list[int]]:
    """Largest layer, number of weights and of values; weight and value offsets."""
    w, v = weight_offsets(nodes_l), value_offsets(nodes_l)
    return [max(nodes_l), w[-1], v[-1] + nodes_l[-1]], w, v


def _refuse_legacy(reader: RecordReader) -> None:
    """Raise for potentials of aenet before 2.0: 35 records, no mean squares."""
    lengths = reader.next_lengths(37)
    if len(lengths) == 35 and lengths[-1] == 24:
        raise reader.error(
            "potential is in the format before aenet 2.0 (35 records, no mean squares)",
            "train it again with aenet 2.0 or aenetpy",
        )
