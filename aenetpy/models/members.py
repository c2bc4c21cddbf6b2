"""The networks of several potentials for the atoms of one species, run together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.activations import ACTIVATIONS
from aenetpy.models.atomic import AtomicPotential


class AtomicMembers:
    """Energies of the atoms of one species by all members of a committee (spec 9.3).

    Where their networks have equal layers, a layer is one stacked product of matrices. A single
    member is run as it is.
    """

    def __init__(self, atomic_m: Sequence[AtomicPotential]) -> None:
        self.atomic_m = tuple(atomic_m)
        layers = {(one.network.nodes_l, one.network.activations) for one in atomic_m}
        self._is_stacked = len(atomic_m) > 1 and len(layers) == 1

    def energies(self, features_ag: Float) -> Float:
        """Return the energy of each atom without its atomic energy, eV, (m, a)."""
        if not self._is_stacked:
            return np.array([one.energies(features_ag) for one in self.atomic_m])
        y_ma, _ = self._forward(features_ag)
        return y_ma / self._stack.scale_m1 + self._stack.shift_m1

    def energies_and_gradients(self, features_ag: Float) -> tuple[Float, Float]:
        """Return the energies (m, a) and dε/dG (m, a, g), eV."""
        if not self._is_stacked:
            found = [one.energies_and_gradient(features_ag) for one in self.atomic_m]
            if len(found) == 1:  # no copy
                return found[0][0][np.newaxis], found[0][1][np.newaxis]
            return np.array([one for one, _ in found]), np.array([one for _, one in found])
        stack = self._stack
        y_ma, slopes_l = self._forward(features_ag)
        delta_moa = slopes_l[-1]
        for weights_moi, slopes_moa in zip(stack.weights_l[:0:-1], slopes_l[-2::-1], strict=True):
            delta_moa = np.matmul(weights_moi.transpose(0, 2, 1), delta_moa)
            delta_moa *= slopes_moa
        gradient_mag = np.matmul(delta_moa.transpose(0, 2, 1), stack.weights_l[0])
        gradient_mag *= stack.inverse_m1g / stack.scale_m1[:, :, np.newaxis]
        return y_ma / stack.scale_m1 + stack.shift_m1, gradient_mag

    def _forward(self, features_ag: Float) -> tuple[Float, list[Float]]:
        """Return the outputs (m, a) and f' of each layer, (m, o, a)."""
        stack = self._stack
        x_mag = features_ag - stack.mean_m1g
        x_mag *= stack.inverse_m1g
        for one, x_ag in zip(self.atomic_m, x_mag, strict=True):
            if one.noise is not None:
                one.noise.put(features_ag, x_ag)
        x_mia, slopes_l = x_mag.transpose(0, 2, 1), []
        for name, weights_moi, bias_mo1 in zip(
            self.atomic_m[0].network.activations, stack.weights_l, stack.bias_l, strict=True
        ):
            x_mia = np.matmul(weights_moi, x_mia)
            x_mia += bias_mo1
            slopes_l.append(np.empty_like(x_mia))
            ACTIVATIONS[name].function(x_mia, slopes_l[-1], None)
        return x_mia[:, 0], slopes_l

    @cached_property
    def _stack(self) -> _Stack:
        layers_l = [
            np.array(layer_m)
            for layer_m in zip(*(one.network.matrices_l for one in self.atomic_m), strict=True)
        ]
        return _Stack(
            mean_m1g=np.array([one.mean_g for one in self.atomic_m])[:, np.newaxis],
            inverse_m1g=np.array([one.inverse_sigma_g for one in self.atomic_m])[:, np.newaxis],
            weights_l=[np.ascontiguousarray(layer[:, :, :-1]) for layer in layers_l],
            bias_l=[layer[:, :, -1:].copy() for layer in layers_l],
            scale_m1=np.array([[one.scale] for one in self.atomic_m]),
            shift_m1=np.array([[one.shift] for one in self.atomic_m]),
        )


class _Stack(NamedTuple):
    """Numbers of all members, with axes of length one where they are to be spread."""

    mean_m1g: Float
    inverse_m1g: Float
    weights_l: list[Float]
    bias_l: list[Float]
    scale_m1: Float
    shift_m1: Float
