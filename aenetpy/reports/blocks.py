"""Blocks that the text outputs of generate, train and predict share (spec 10).

Every block is a function that returns a string. A block ends with one blank
line, so that blocks follow each other without further ado; the exceptions are
the end of an output and single table rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aenetpy.data.activations import ACTIVATIONS
from aenetpy.data.setup import Setup
from aenetpy.data.species_potential import SpeciesPotential, value_offsets, weight_offsets
from aenetpy.formats.columns import fixed, integer

if TYPE_CHECKING:
    from aenetpy.data.training_set import TrainingSet

WIDTH = 70


def title(text: str, rule: str = "-") -> str:
    """Return ``text`` centred between two rules of 70 characters.

    Notes
    -----
    Left padding floor((70 - length) / 2), blank-filled on the right (spec 10).
    """
    line = f" {WIDTH * rule}\n"
    centred = (max(0, (WIDTH - len(text)) // 2) * " " + text).ljust(WIDTH)
    return f"{line} {centred}\n{line}"


def section(text: str) -> str:
    """Return the title of a section and the blank line after it."""
    return title(text) + "\n"


def time_stamp(now: datetime) -> str:
    """Return the date and time in a frame of blanks (spec 10)."""
    return title(f"{now:%Y-%m-%d  %H:%M:%S}", rule=" ")


def copyright_notice(version: str) -> str:
    """Return the copyright of this program and the paper to cite, in aenet's number of lines."""
    return (
        "\n"
        f" Copyright (C) 2026 The aenetpy developers (aenetpy {version}, MIT licence)\n"
        "\n"
        " This program reads and writes the file formats of aenet.  Please cite\n"
        " the paper on aenet in your publications:  N. Artrith and A. Urban,\n"
        " Comput. Mater. Sci. 114 (2016) 135.\n"
        " There is no warranty of any kind; the file LICENSE has the terms.\n"
        "\n"
    )


def ending(text: str, now: datetime) -> str:
    """Return the time stamp and the last title of an output."""
    return time_stamp(now) + title(text, rule="=")


@dataclass(frozen=True)
class TrainingSetInfo:
    """Properties of a training set in the output.

    Parameters
    ----------
    file
        Name of the training set as opened.
    n_structures
        Number of structures.
    species
        In TYPES order.
    average, minimum, maximum
        Energies per atom, eV (scaled if normalised).
    normalized, scale, shift
        As in ``TrainingSet``.
    """

    file: str | Path
    n_structures: int
    species: tuple[str, ...]
    average: float
    minimum: float
    maximum: float
    normalized: bool = False
    scale: float = 1.0
    shift: float = 0.0

    @classmethod
    def of(cls, source: TrainingSet | SpeciesPotential, file: str | Path) -> TrainingSetInfo:
        """Return the properties of the training set named ``file`` that ``source`` holds."""
        return cls(
            file=file,
            n_structures=source.n_structures,
            species=source.species,
            average=source.energy_average,
            minimum=source.energy_minimum,
            maximum=source.energy_maximum,
            normalized=source.normalized,
            scale=source.scale,
            shift=source.shift,
        )


def training_set_info(info: TrainingSetInfo) -> str:
    """Return the section ``Training set info.`` (spec 10.1)."""
    return (
        section("Training set info.")
        + f" Training set file                   : {info.file}\n"
        + f" Number of structures in the data set: {info.n_structures}\n"
        + "\n"
        + f" Atomic species in training set      : {len(info.species)}\n"
        + f"   Species : {' '.join(info.species)}\n"
        + "\n"
        + f" Average energy (eV/atom) : {info.average:.6f}\n"
        + f" Minimum energy (eV/atom) : {info.minimum:.6f}\n"
        + f" Maximum energy (eV/atom) : {info.maximum:.6f}\n"
        + "\n"
        + _normalization_state(info)
        + "\n"
    )


def _normalization_state(info: TrainingSetInfo) -> str:
    """Lines on scale and shift, or that there are none yet."""
    if not info.normalized:
        return " The input and output values have not yet been normalized.\n"
    return (
        " The input and output values have been normalized to [-1.0, 1.0].\n"
        " Structures outside of this interval will not be used for training.\n"
        f"   Energy scaling factor: {info.scale:.6f}\n"
        f"   Atomic energy shift  : {info.shift:.6f}\n"
    )


def required_words(nodes_l: tuple[int, ...]) -> int:
    """Return the memory that aenet needs for a network, in words of 8 bytes.

    With L layers, W weights, V values and m the widest layer,

        words = 4L - 1 + 4W + 4V + 2(m + 1) + 4(m + 1)**2 + 2(m + 1)**3.

    Source: spec 10.2; W and V are Wsize and nvalues of spec 7.3.
    """
    n_weights = weight_offsets(nodes_l)[-1]
    n_values = value_offsets(nodes_l)[-1] + nodes_l[-1]
    widest = max(nodes_l) + 1
    return (
        4 * len(nodes_l)
        - 1
        + 4 * (n_weights + n_values)
        + 2 * widest
        + 4 * widest**2
        + 2 * widest**3
    )


def network_report(nodes_l: tuple[int, ...], activations: Sequence[str]) -> str:
    """Return layers, activations and size of a network (spec 10.2)."""
    assert len(activations) == len(nodes_l) - 1
    titles = [""] + [f"  {ACTIVATIONS[name].title} ({name})" for name in activations]
    layers = "".join(
        f"     {integer(layer, 3)} : {integer(nodes, 5)}{activation}\n"
        for layer, (nodes, activation) in enumerate(zip(nodes_l, titles, strict=True), start=1)
    )
    words = required_words(nodes_l)
    return (
        f" Number of layers : {integer(len(nodes_l), 3)}\n"
        "\n"
        " Number of nodes (without bias) \n"
        " and activation type per layer :\n"
        "\n"
        f"{layers}"
        "\n"
        f" Required memory (words) : {integer(words, 10)} ({fixed(words / 128, 10, 2)} KB)\n"
        "\n"
        f" Total number of weights (incl. bias) : {integer(weight_offsets(nodes_l)[-1], 8)}\n"
        "\n"
    )


def setup_report(setup: Setup) -> str:
    """Return the description of a fingerprint setup (spec 10.1)."""
    environment = "".join(f"{name:<2} " for name in setup.environment)
    evaluations = 0 if setup.statistics is None else setup.statistics.count
    return (
        f" Structural fingerprint (SF) set-up for {setup.species}\n"
        "\n"
        f"{_description(setup.description)}"
        "\n"
        f" environment types: {environment}\n"
        f" minimal distance : {setup.r_min:.2f} Angstrom\n"
        f" maximal cut-off  : {setup.r_max:.2f} Angstrom\n"
        f" size of basis    : {setup.n_features}\n"
        f" evaluations      : {evaluations}\n"
        "\n"
        f" Basis function type {setup.kind}\n"
        f"{_function_table(setup) if setup.family.lists_functions else _parameter_table(setup)}"
        "\n"
    )


def _description(text: str) -> str:
    """Source lines of DESCR, each moved right by one blank."""
    if not text.strip():
        return ""
    lines = text.rstrip().removesuffix("$$").split("$$")
    return "".join(f" {line.rstrip()}\n" for line in lines)


def _parameter_table(setup: Setup) -> str:
    """Cutoffs and other real numbers, then orders."""
    values = list(zip(setup.family.parameters, setup.parameters_gp[0], strict=False))
    width = max((len(parameter.label) for parameter, _ in values), default=0)
    rows = [f" {one.label:<{width}} : {x:.2f}\n" for one, x in values if not one.is_whole]
    rows += [f" {one.label:<{width}} : {round(x)}\n" for one, x in values if one.is_whole]
    return f" {setup.family.reference}\n\n{''.join(rows)}"


def _function_table(setup: Setup) -> str:
    """One numbered line per function."""
    return f"\n {setup.family.reference}\n\n\n      G  parameters\n\n" + "".join(
        _function_row(setup, index) for index in range(setup.n_features)
    )


def _function_row(setup: Setup, index: int) -> str:
    """One function: number, G, types and the parameters that G has."""
    kind = int(setup.functions_g[index])
    # Old files hold garbage where a function has no second partner.
    positions = setup.partners_of(index)
    types = [f"type{k}={setup.environment[p - 1]:<2}" for k, p in enumerate(positions, start=2)]
    values = [f"{name} ={fixed(x, 8, 3)}" for name, x in setup.named_parameters(index).items()]
    return f"{integer(index + 1, 4)}{integer(kind, 3)}  {'  '.join(types + values)}\n"
