"""The potential of one species: network, setup and scaling (spec 7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup


@dataclass(frozen=True, eq=False)
class SpeciesPotential:
    """Network, setup and training set information of one species.

    Parameters
    ----------
    nodes_l
        Nodes per layer, input and output included, (l,).
    activations
        Names of the activation of layers 2...l, (l - 1,), see ``data.activations``.
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
        Scaled energies per atom; in this order in the file. Unscaled in files
        that come from aenet-PyTorch; nothing is computed from them.
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


def weight_offsets(nodes_l: tuple[int, ...]) -> list[int]:
    """Return where the weights of each layer start, iw_1 = 0 ... iw_L = Wsize (spec 7.3)."""
    sizes = ((n_in + 1) * n_out for n_in, n_out in pairwise(nodes_l))
    return list(accumulate(sizes, initial=0))


def value_offsets(nodes_l: tuple[int, ...]) -> list[int]:
    """Return the starts of the values of layers, iv_1 = 0, iv_(l+1) = iv_l + n_l + 1 (spec 7.3)."""
    return list(accumulate((n + 1 for n in nodes_l[:-1]), initial=0))
