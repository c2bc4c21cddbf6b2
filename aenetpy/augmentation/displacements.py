"""Where the atoms of a copy are moved to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from aenetpy.arrays import Float
from aenetpy.errors import InputError
from aenetpy.inputs.taylor import TaylorInput

PURPOSE = tuple(b"taylor")
"""Number of this stream of random numbers."""

SMALLEST = 1.0e-9
"""Å; the rest of a displacement when the shift as a whole is removed from a single atom."""


def n_possible(strategy: str, n_atoms: int) -> float:
    """Return how many copies a structure can have."""
    if strategy == "random":
        return np.inf if n_atoms > 1 else 0
    return 6 * n_atoms


def displacement(
    taylor: TaylorInput,
    delta: float | Mapping[str, float],
    species: Sequence[str],
    s: int,
    k: int,
    n: int,
) -> Float:
    """Return the displacement of one copy of a structure.

    ``axis`` and ``random`` come in pairs v, -v: the mean of the two energies does not depend on
    the forces, and the error of their difference is of third order. With ``axis`` one
    atom moves by delta along x, y or z. With ``random`` every atom moves to a random
    point of a sphere, the centre of mass stays where it is, and the largest displacement is delta.

    Notes
    -----
    ``pyita`` keeps PyITA's order (+x +y +z -x -y -z of each atom). ``random`` is strategy B of
    Cooper et al., npj Comput. Mater. 6, 54 (2020).
    """
    delta_n = deltas(delta, species)
    if taylor.strategy == "pyita":
        return _along_axis(delta_n, k // 6, k % 3, 1 - 2 * (k % 6 // 3))
    pair, is_second = divmod(k, 2)
    # An odd n leaves one without its counterpart: not always the same.
    sign = 1 - 2 * ((s + is_second) % 2)
    if taylor.strategy == "random":
        return sign * _everywhere(_stream(taylor.seed, s, pair), delta_n, tuple(species))
    n_coordinates = 3 * len(species)
    if taylor.spread == "random":
        coordinate = int(_stream(taylor.seed, s).permutation(n_coordinates)[pair])
    else:
        coordinate = (s + pair * _stride(n_coordinates, -(-n // 2))) % n_coordinates
    return _along_axis(delta_n, coordinate // 3, coordinate % 3, sign)


def _stride(n_coordinates: int, n_pairs: int) -> int:
    """Return about n_coordinates / n_pairs, without a common factor: atoms and axes both change."""
    stride = max(1, round(n_coordinates / n_pairs))
    while math.gcd(stride, n_coordinates) > 1:
        stride += 1
    return stride


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*PURPOSE, *key)))


def deltas(delta: float | Mapping[str, float], species: Sequence[str]) -> Float:
    """Return the largest displacement of each atom, Å, (n,)."""
    if not isinstance(delta, Mapping):
        return np.full(len(species), float(delta))
    try:
        return np.array([delta[symbol] for symbol in species])
    except KeyError as error:
        raise InputError(
            f"delta has no value for {error.args[0]}",
            hint=f"it has values for {' '.join(delta)}; add {error.args[0]}:0.03",
        ) from None


def _along_axis(delta_n: Float, atom: int, axis: int, sign: int) -> Float:
    displacement_nc = np.zeros((len(delta_n), 3))
    displacement_nc[atom, axis] = sign * delta_n[atom]
    return displacement_nc


def _everywhere(stream: np.random.Generator, delta_n: Float, species: tuple[str, ...]) -> Float:
    """v_n = c (u_n - sum m u / sum m), |u_n| < delta_n at random; c: max |v_n| / delta_n = 1."""
    direction_nc = stream.standard_normal((len(delta_n), 3))
    direction_nc /= np.linalg.norm(direction_nc, axis=1, keepdims=True)
    radius_n = delta_n * stream.random(len(delta_n)) ** (1 / 3)
    v_nc = direction_nc * radius_n[:, None]
    v_nc -= np.average(v_nc, axis=0, weights=masses(species))
    largest = (np.linalg.norm(v_nc, axis=1) / delta_n).max()
    assert largest > SMALLEST, "a single atom has no copies"
    return v_nc / largest


@lru_cache
def masses(species: tuple[str, ...]) -> Float:
    """Return the mass of each atom, u, (n,); 1 for names that are no chemical symbols."""
    from ase.data import atomic_masses, atomic_numbers

    return np.array(
        [atomic_masses[atomic_numbers[name]] if name in atomic_numbers else 1.0 for name in species]
    )
