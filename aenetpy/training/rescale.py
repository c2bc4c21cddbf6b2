"""Carry a network over to another scaling of its inputs and output (spec 3.5 and 9.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.digests import digest_of
from aenetpy.models.network import Network
from aenetpy.models.scaling import feature_scaling, rounding_noise


def same_inputs(one: SpeciesPotential, other: SpeciesPotential) -> bool:
    """Return whether both scale the fingerprint alike."""
    return all(map(np.array_equal, _scaling(one), _scaling(other)))


def same_output(one: SpeciesPotential, other: SpeciesPotential) -> bool:
    """Return whether both turn the output of the network into the same energy."""
    return one.scale == other.scale and _offset(one, other) == 0.0


def scaling_digest(files: Sequence[SpeciesPotential]) -> str:
    """Return a name for how networks scale their fingerprints and outputs."""
    parts = []
    for file in files:
        mean_g, inverse_g = _scaling(file)
        output = [file.scale, file.shift, file.atomic_energies_t[_index(file)]]
        parts.append(np.concatenate([mean_g, inverse_g, output]).tobytes())
    return digest_of(*parts)


def rescaled_weights(old: SpeciesPotential, new: SpeciesPotential) -> Float:
    """Return the weights with which ``new`` computes the energies of ``old``.

    Input ``x_g = (G_g - mean_g) i_g`` with ``i_g = 1 / sigma_g``, and energy ``y / scale +
    shift + E_atom``. The first layer and the last, which is linear, take up the change:

        W'_g = W_g i_g / i'_g,  b' = b + sum_g W_g i_g (mean'_g - mean_g),
        W' = (scale' / scale) W,  b' = (scale' / scale) b + scale' (shift - shift' + E - E').

    A component that was constant for ``old`` (i_g = 0) had no influence and gets none
    (W'_g = 0). One that is constant for ``new`` keeps the influence that it has at its mean.

    Notes
    -----
    Spec 3.5 and 9.3. Beyond aenet, which keeps the weights and so changes the function.
    """
    weights_w = old.weights_w.copy()
    matrices_l = Network(old.nodes_l, old.activations, weights_w).matrices_l  # views
    if not same_inputs(old, new):
        (mean_g, inverse_g), (new_mean_g, new_inverse_g) = _scaling(old), _scaling(new)
        first = matrices_l[0]
        slope_og = first[:, :-1] * inverse_g
        first[:, -1] += slope_og @ (new_mean_g - mean_g)
        first[:, :-1] = 0.0
        np.divide(slope_og, new_inverse_g, out=first[:, :-1], where=new_inverse_g != 0.0)
    if not same_output(old, new):
        if old.activations[-1] != "linear":
            raise ValueError("the output node is not linear")
        last = matrices_l[-1]
        last *= new.scale / old.scale
        last[:, -1] += new.scale * _offset(old, new)
    return weights_w


def without_noise(file: SpeciesPotential) -> SpeciesPotential:
    """Return the network with no weights for inputs that are constant but for rounding.

    They are 0 in training, and no step moves their weights. Without weights they have no
    effect, here as in aenet.

    Notes
    -----
    See `aenetpy.models.scaling`.
    """
    noise_g = rounding_noise(file.setup.known_statistics)
    if not noise_g.any():
        return file
    weights_w = file.weights_w.copy()
    first = Network(file.nodes_l, file.activations, weights_w).matrices_l[0]  # a view
    first[:, :-1][:, noise_g] = 0.0
    return replace(file, weights_w=weights_w)


def _scaling(file: SpeciesPotential) -> tuple[Float, Float]:
    assert file.setup.statistics is not None, "a potential file always has statistics"
    return feature_scaling(file.setup.statistics)


def _index(file: SpeciesPotential) -> int:
    return file.species.index(file.setup.species)


def _offset(old: SpeciesPotential, new: SpeciesPotential) -> float:
    """Difference of shift + E_atom, the energy where the output is zero, eV."""
    atomic_energy, new_atomic_energy = (file.atomic_energies_t[_index(file)] for file in (old, new))
    return float((old.shift - new.shift) + (atomic_energy - new_atomic_energy))
