"""Where the atoms of a copy are moved to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import InputError
from aenetpy.io.taylor_in import TaylorInput

Float = NDArray[np.float64]

PURPOSE = tuple(b"taylor")
"""Keeps these random numbers apart from those for other purposes."""

SMALLEST = 1.0e-9
"""Å; what is left of a displacement when its shift as a whole is removed from a single atom."""


def n_possible(strategy: str, n_atoms: int) -> float:
    """Return how many copies a structure can have."""
    if strategy == "random":
        return np.inf if n_atoms > 1 else 0
    return 6 * n_atoms


def displacements(
    taylor: TaylorInput, delta: float | Mapping[str, float], species: Sequence[str], s: int, n: int
) -> list[Float]:
    """Return the displacements of the copies of one structure.

    ``axis`` and ``random`` come in pairs v, -v: the mean of the two energies does not depend on
    the forces, and the error of their difference is of third order. With ``axis`` one
    atom moves by delta along x, y or z. With ``random`` every atom moves to a random
    point of a sphere, the centre of mass stays where it is, and the largest displacement is delta.

    Parameters
    ----------
    taylor
        Strategy, spread and seed.
    delta
        Displacement, Å; by species if a mapping.
    species
        Of each atom, (n_atoms,).
    s
        Number of the structure from 0: each has its own random numbers.
    n
        Number of copies, `n_possible` at most.

    Returns
    -------
    list of arrays
        n displacements v, Å, (n_atoms, 3) float64.

    Raises
    ------
    InputError
        If delta is missing for a species.

    Notes
    -----
    ``pyita`` keeps PyITA's order (+x +y +z -x -y -z of each atom). ``random`` is strategy B of
    Cooper et al., npj Comput. Mater. 6, 54 (2020).
    """
    delta_n = deltas(delta, species)
    if taylor.strategy == "pyita":
        return [_along_axis(delta_n, k // 6, k % 3, 1 - 2 * (k % 6 // 3)) for k in range(n)]
    sequence = np.random.SeedSequence(taylor.seed, spawn_key=(*PURPOSE, s))
    stream = np.random.default_rng(sequence)
    n_pairs = -(-n // 2)
    if taylor.strategy == "random":
        halves = [_everywhere(stream, delta_n, species) for _ in range(n_pairs)]
    else:
        n_coordinates = 3 * len(species)
        chosen = (
            stream.permutation(n_coordinates)[:n_pairs]
            if taylor.spread == "random"
            else (s + np.arange(n_pairs) * n_coordinates // n_pairs) % n_coordinates
        )
        halves = [_along_axis(delta_n, k // 3, k % 3, 1) for k in chosen.tolist()]
    first = 1 - 2 * (s % 2)  # an odd n leaves one without its counterpart: not always the same
    return [sign * half_nc for half_nc in halves for sign in (first, -first)][:n]


def deltas(delta: float | Mapping[str, float], species: Sequence[str]) -> Float:
    """Return the largest displacement of each atom, Å, (n,)."""
    if not isinstance(delta, Mapping):
        return np.full(len(species), float(delta))
    try:
        return np.array([delta[symbol] for symbol in species])
    except KeyError as error:
        raise InputError(
            f"delta has no value for {error.args[0]}",
            hint=f"it has those of {' '.join(delta)}; add {error.args[0]}:0.03",
        ) from None


def _along_axis(delta_n: Float, atom: int, axis: int, sign: int) -> Float:
    displacement_nc = np.zeros((len(delta_n), 3))
    displacement_nc[atom, axis] = sign * delta_n[atom]
    return displacement_nc


def _everywhere(stream: np.random.Generator, delta_n: Float, species: Sequence[str]) -> Float:
    """v_n = c (u_n - sum m u / sum m), |u_n| < delta_n at random; c: max |v_n| / delta_n = 1."""
    direction_nc = stream.standard_normal((len(delta_n), 3))
    direction_nc /= np.linalg.norm(direction_nc, axis=1, keepdims=True)
    radius_n = delta_n * stream.random(len(delta_n)) ** (1 / 3)
    v_nc = direction_nc * radius_n[:, None]
    v_nc -= np.average(v_nc, axis=0, weights=masses(species))
    largest = (np.linalg.norm(v_nc, axis=1) / delta_n).max()
    assert largest > SMALLEST, "a single atom has no copies"
    return v_nc / largest


def masses(species: Sequence[str]) -> Float:
    """Return the mass of each atom, u, (n,); 1 for names that are no chemical symbols."""
    from ase.data import atomic_masses, atomic_numbers

    return np.array(
        [atomic_masses[atomic_numbers[name]] if name in atomic_numbers else 1.0 for name in species]
    )
