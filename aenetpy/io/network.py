"""The potential file ``.nn`` of one species (spec 7.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenetpy.io.setup import Setup

Float = NDArray[np.float64]

ACTIVATIONS = ("linear", "tanh", "sigmoid", "mtanh", "twist")
"""Activation names in the order of their codes 0...4 (spec 9.2)."""


@dataclass(frozen=True, eq=False)
class NetworkFile:
    """Network, setup and training set information of one species.

    Parameters
    ----------
    nodes_l
        Nodes per layer, input and output included, (l,).
    activations
        Names of the activation of layers 2...l, (l - 1,), see ``ACTIVATIONS``.
    weights_w
        All weights, flat float64: per layer a column-major matrix
        (n_out, n_in + 1), bias in the last column (spec 9.1).
    setup
        Fingerprint setup with statistics.
    training_file
        Name of the training set as opened.
    normalized, scale, shift
        As in ``TrainingSet``.
    species, atomic_energies_t
        Types of the training set and their energies, eV.
    n_atoms, n_structures
        Of the (scaled) training set.
    energy_minimum, energy_maximum, energy_average
        Scaled energies per atom; in this order in the file.
    """

    nodes_l: tuple[int, ...]
    activations: tuple[str, ...]
    weights_w: Float
    setup: Setup
    training_file: str
    normalized: bool
    scale: float
    shift: float
    species: tuple[str, ...]
    atomic_energies_t: Float
    n_atoms: int
    n_structures: int
    energy_minimum: float
    energy_maximum: float
    energy_average: float
