"""The ASCII twin ``.nn.ascii`` of a potential, as of aenet-PyTorch (spec 8.3).

The items of the binary file in the same order, one line each; arrays may go
over several lines. The energy statistics are written as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aenetpy.data.activations import ACTIVATIONS, decode_activations
from aenetpy.data.limits import ANY, NOT_NEGATIVE, POSITIVE
from aenetpy.data.setup import N_PARAMETERS, FeatureStatistics, Setup, check_setup
from aenetpy.data.species_potential import SpeciesPotential, value_offsets, weight_offsets
from aenetpy.io.files import read_text, write_text
from aenetpy.io.fortran_text import LineReader


def read_network_ascii(path: str | Path) -> SpeciesPotential:
    """Read ``.nn.ascii`` (spec 8.3).

    Parameters
    ----------
    path
        The text file.

    Raises
    ------
    DataError
        Not found, truncated, or not numbers where numbers should be.
    """
    return parse_network(path, read_text(path))


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


def parse_network(path: str | Path, text: str) -> SpeciesPotential:
    """Return the potential in a text, see ``read_network_ascii``.

    Parameters
    ----------
    path
        Name for messages.
    text
        Content of the file.
    """
    lines = LineReader(path, text)
    n_layers = lines.count("number of layers")
    for what in ("largest layer", "number of weights", "number of values"):
        lines.count(what)
    nodes_l = tuple(lines.integers("nodes per layer", n_layers).tolist())
    if n_layers < 2 or min(nodes_l) < 1:
        raise lines.error(f"layers with {nodes_l} nodes")
    codes = lines.integers("activations", n_layers - 1).tolist()
    activations = decode_activations(codes)
    if activations is None:
        raise lines.error(f"activation codes {codes}, known are 0 to {len(ACTIVATIONS) - 1}")
    offsets = weight_offsets(nodes_l)
    if lines.integers("weight offsets", n_layers).tolist() != offsets:
        raise lines.error(f"weight offsets do not belong to layers with {nodes_l} nodes")
    lines.integers("value offsets", n_layers)
    weights_w = lines.reals("weights", offsets[-1])
    setup = parse_setup(lines)
    if setup.n_features != nodes_l[0]:
        raise lines.error(f"{setup.n_features} fingerprint components, {nodes_l[0]} input nodes")
    training_file = lines.text("name of the training set")
    normalized = lines.logical("normalized")
    scale = lines.real("scale", POSITIVE)
    shift = lines.real("shift")
    n_types = lines.count("number of species")
    species = tuple(lines.words("species", n_types))
    atomic_energies_t = lines.reals("atomic energies", n_types)
    n_atoms = lines.count("number of atoms")
    n_structures = lines.count("number of structures")
    minimum, maximum, average = lines.reals("energy statistics", 3).tolist()
    lines.finish()
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
        energy_minimum=minimum,
        energy_maximum=maximum,
        energy_average=average,
    )


def parse_setup(lines: LineReader, indent: str = "") -> Setup:
    """Read the 17 items of a setup, one line each (spec 7.1, 8.2, 8.3).

    Parameters
    ----------
    lines
        Stands at the description.
    indent
        What precedes the description on its line.
    """
    description = lines.text("description").removeprefix(indent)
    species = lines.words("species of the setup", 1)[0]
    environment = tuple(lines.words("environment species", lines.count("number of species")))
    r_min = lines.real("smallest distance", NOT_NEGATIVE)
    r_max = lines.real("cutoff", POSITIVE)
    kind = lines.text("kind of descriptor").strip()
    g = lines.count("number of functions")
    n_parameters = lines.count("number of parameters")
    if n_parameters != N_PARAMETERS:
        raise lines.error(f"{n_parameters} parameters per function, not {N_PARAMETERS}")
    setup = Setup(
        species=species,
        environment=environment,
        r_min=r_min,
        r_max=r_max,
        kind=kind,
        functions_g=lines.integers("function kinds", g),
        parameters_gp=lines.reals("function parameters", g * N_PARAMETERS, ANY).reshape(
            g, N_PARAMETERS
        ),
        partners_g2=lines.integers("function species", g * 2).reshape(g, 2),
        statistics=FeatureStatistics(
            count=lines.count("number of atoms evaluated"),
            minimum_g=lines.reals("smallest fingerprint values", g),
            maximum_g=lines.reals("largest fingerprint values", g),
            mean_g=lines.reals("mean fingerprint values", g),
            mean_square_g=lines.reals("mean squares of fingerprint values", g, NOT_NEGATIVE),
        ),
        description=description,
    )
    return check_setup(setup, lines.error)


def format_network(network: SpeciesPotential) -> str:
    """Return the text of ``.nn.ascii`` (spec 8.3) in the layout of aenet-PyTorch.

    Parameters
    ----------
    network
        The potential.
    """
    nodes_l = network.nodes_l
    w, v = weight_offsets(nodes_l), value_offsets(nodes_l)
    statistics = (network.energy_minimum, network.energy_maximum, network.energy_average)
    items = [
        *(f"{n:17d}" for n in (len(nodes_l), max(nodes_l), w[-1], v[-1] + nodes_l[-1])),
        _integers(nodes_l),
        _integers(ACTIVATIONS[name].code for name in network.activations),
        _integers(w),
        _integers(v),
        _reals(network.weights_w.tolist()),
        *_setup_items(network.setup),
        network.training_file,
        str(bool(network.normalized)),
        repr(float(network.scale)),
        repr(float(network.shift)),
        str(len(network.species)),
        "".join(f"{name} " for name in network.species),
        "".join(f"{energy!r} " for energy in network.atomic_energies_t.tolist()),
        str(network.n_atoms),
        str(network.n_structures),
        " ".join(repr(float(energy)) for energy in statistics),
    ]
    return "".join(f"{item}\n" for item in items)


def _setup_items(setup: Setup) -> list[str]:
    """Items 10-26."""
    g = setup.n_features
    known = setup.known_statistics
    return [
        _one_line(setup.description),
        setup.species,
        f"{len(setup.environment):17d}",
        "".join(f"{name} " for name in setup.environment),
        _real(setup.r_min),
        _real(setup.r_max),
        setup.kind,
        f"{g:17d}",
        f"{N_PARAMETERS:17d}",
        _integers(setup.functions_g.tolist()),
        _reals(setup.parameters_gp.ravel().tolist()),
        _integers(setup.partners_g2.ravel().tolist()),
        f"{known.count:17d}",
        _reals(known.minimum_g.tolist()),
        _reals(known.maximum_g.tolist()),
        _reals(known.mean_g.tolist()),
        _reals(known.mean_square_g.tolist()),
    ]


def _integers(values: Iterable[int]) -> str:
    return "".join(f"{value:17d} " for value in values)


def _reals(values: Iterable[float]) -> str:
    return "".join(f"{_real(value)} " for value in values)


def _real(value: float) -> str:
    """Write 17 decimals, or an exponent where they would lose digits."""
    fixed = f"{value:24.17f}"
    return fixed if len(fixed) == 24 and float(fixed) == value else f"{value:24.16e}"


def _one_line(text: str) -> str:
    """Remove line ends, which would break the order of the items."""
    return " ".join(text.splitlines())
