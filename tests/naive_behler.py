"""Behler2011 symmetry functions as the formulas stand, in slow loops (spec 6.3)."""

from __future__ import annotations

import itertools
import math

import numpy as np

from aenetpy.data.setup import Setup
from aenetpy.descriptors.neighbors import Neighbors


def behler_setup(
    species: str, environment: tuple[str, ...], functions: list[tuple[object, ...]]
) -> Setup:
    """Build a setup from rows ``(kind, partners, Rc, parameter, ...)``; partners by symbol."""
    kinds_g = np.array([function[0] for function in functions], dtype=np.int32)
    parameters_gp = np.zeros((len(functions), 4))
    partners_g2 = np.zeros((len(functions), 2), dtype=np.int32)
    for g, (_, partners, *parameters) in enumerate(functions):
        parameters_gp[g, : len(parameters)] = parameters
        for slot, symbol in enumerate(str(partners).split()):
            partners_g2[g, slot] = environment.index(symbol) + 1
    return Setup(
        species=species,
        environment=environment,
        r_min=0.5,
        r_max=float(parameters_gp[:, 0].max()),
        kind="Behler2011",
        functions_g=kinds_g,
        parameters_gp=parameters_gp,
        partners_g2=partners_g2,
    )


def value_order(setup: Setup) -> list[int]:
    """List the functions (file positions) in the order of their values."""
    order = []
    n_env = len(setup.environment)
    rows = list(zip(setup.functions_g, setup.partners_g2, strict=True))
    for a in range(1, n_env + 1):
        for wanted in (1, 2, 3):
            order += [g for g, (kind, of) in enumerate(rows) if kind == wanted and of[0] == a]
        for b in range(a, n_env + 1):
            for wanted in (4, 5):
                order += [
                    g
                    for g, (kind, of) in enumerate(rows)
                    if kind == wanted and sorted(of) == [a, b]
                ]
    return order


def cutoff_function(d: float, rc: float) -> float:
    return 0.5 * (math.cos(math.pi * d / rc) + 1.0) if d < rc else 0.0


def radial_value(kind: int, parameters: np.ndarray, distances: np.ndarray) -> float:
    rc = parameters[0]
    total = 0.0
    for d in distances:
        if kind == 1:
            shape = 1.0
        elif kind == 2:
            shape = math.exp(-parameters[2] * (d - parameters[1]) ** 2)
        else:
            shape = math.cos(parameters[1] * d)
        total += shape * cutoff_function(d, rc)
    return total


def angular_value(kind: int, parameters: np.ndarray, pairs: list) -> float:
    rc, lambda_, zeta, eta = parameters
    total = 0.0
    for r_j, r_k in pairs:
        d_j, d_k, d_jk = (np.linalg.norm(r) for r in (r_j, r_k, r_j - r_k))
        cosine = min(1.0, max(-1.0, float(r_j @ r_k) / (d_j * d_k)))
        exponent = d_j**2 + d_k**2
        weight = cutoff_function(d_j, rc) * cutoff_function(d_k, rc)
        if kind == 4:
            exponent += d_jk**2
            weight *= cutoff_function(d_jk, rc)
        total += (0.5 * (1.0 + lambda_ * cosine)) ** zeta * math.exp(-eta * exponent) * weight
    return 2.0 * total


def behler_values(setup: Setup, symbols_p: list[str], r_pc: np.ndarray) -> np.ndarray:
    """Evaluate all functions for one central atom from its neighbours."""
    shells = {
        a + 1: [r for r, s in zip(r_pc, symbols_p, strict=True) if s == symbol]
        for a, symbol in enumerate(setup.environment)
    }
    values = []
    for g in value_order(setup):
        kind, parameters = int(setup.functions_g[g]), setup.parameters_gp[g]
        first, second = setup.partners_g2[g]
        if kind <= 3:
            distances = np.array([np.linalg.norm(r) for r in shells[first]])
            values.append(radial_value(kind, parameters, distances))
        elif first == second:
            pairs = list(itertools.combinations(shells[first], 2))
            values.append(angular_value(kind, parameters, pairs))
        else:
            pairs = list(itertools.product(shells[first], shells[second]))
            values.append(angular_value(kind, parameters, pairs))
    return np.array(values)


def image_shifts(cell: np.ndarray | None, pbc: tuple[bool, ...], reach: float) -> np.ndarray:
    """List all lattice translations that can matter within ``reach``."""
    if cell is None:
        return np.zeros((1, 3))
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    counts = [
        math.ceil(reach / height) if periodic else 0
        for height, periodic in zip(heights, pbc, strict=True)
    ]
    steps = itertools.product(*(range(-count, count + 1) for count in counts))
    return np.array(list(steps)) @ cell


def neighbors_by_force(
    positions: np.ndarray, cell: np.ndarray | None, pbc: tuple[bool, ...], cutoff: float
) -> Neighbors:
    """Find all neighbours by trying every atom and image."""
    spread = np.ptp(positions, axis=0) if cell is not None else np.zeros(3)
    shifts = image_shifts(cell, pbc, cutoff + float(np.linalg.norm(spread)))
    partners, vectors, counts = [], [], [0]
    for i, center in enumerate(positions):
        for j, partner in enumerate(positions):
            for shift in shifts:
                r = partner + shift - center
                if np.linalg.norm(r) <= cutoff and not (i == j and not shift.any()):
                    partners.append(j)
                    vectors.append(r)
        counts.append(len(partners))
    return Neighbors(
        np.array(counts, dtype=np.int64),
        np.array(partners, dtype=np.int32),
        np.ascontiguousarray(np.array(vectors).reshape(-1, 3).T),
    )
