"""Downhill on an energy surface, by L-BFGS with a step that never goes up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from aenetpy.arrays import Float

LONGEST_STEP = 0.2
"""No row moves farther (Å) in one step: beyond, a quadratic model of the energy means little."""

FIRST_STIFFNESS = 70.0
"""Guess of the second derivative at the first step, eV/Å^2, as in ASE."""

MEMORY = 30
SUFFICIENT = 1e-4
"""Part of the decrease that the slope promises which a step has to reach (Armijo)."""

ROUNDING = 1e-13
"""Relative rise of the energy that counts as rounding."""

TRIALS = 12


@dataclass(frozen=True, eq=False)
class Point:
    """A place on the surface: coordinates (r, 3) in Å, energy in eV, forces (r, 3) in eV/Å."""

    x_rc: Float
    energy: float
    forces_rc: Float


def descend(
    evaluate: Callable[[Float], tuple[float, Float]], start_rc: Float, dmax_c: tuple[float, ...]
) -> Iterator[Point]:
    """Yield points of ever lower energy, the start first.

    x' = x - t H g with the L-BFGS estimate H of the inverse second derivatives and the
    largest t <= 1 found by halving and interpolation that fulfils Armijo's condition
    E(x') <= E(x) - c t g.H.g; H g is scaled to fit into ``dmax_c`` and LONGEST_STEP.

    Notes
    -----
    Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.1.
    """
    here = Point(start_rc, *evaluate(start_rc))
    pairs: deque[tuple[Float, Float]] = deque(maxlen=MEMORY)
    while True:
        yield here
        there = _step(evaluate, here, _limited(_direction(here.forces_rc, pairs), dmax_c))
        if there is None and pairs:
            pairs.clear()
            there = _step(evaluate, here, _limited(_direction(here.forces_rc, pairs), dmax_c))
        if there is None:
            return
        moved_rc, change_rc = there.x_rc - here.x_rc, here.forces_rc - there.forces_rc
        if np.vdot(moved_rc, change_rc) > 1e-8 * np.vdot(moved_rc, moved_rc):
            pairs.append((moved_rc, change_rc))
        here = there


def _direction(forces_rc: Float, pairs: deque[tuple[Float, Float]]) -> Float:
    """H f by the two loops over the pairs (s, y) of displacement and change of gradient."""
    direction_rc = forces_rc.copy()
    along = []
    for moved_rc, change_rc in reversed(pairs):
        a = np.vdot(moved_rc, direction_rc) / np.vdot(moved_rc, change_rc)
        direction_rc -= a * change_rc
        along.append(a)
    if pairs:
        moved_rc, change_rc = pairs[-1]
        direction_rc *= np.vdot(moved_rc, change_rc) / np.vdot(change_rc, change_rc)
    else:
        direction_rc /= FIRST_STIFFNESS
    for (moved_rc, change_rc), a in zip(pairs, reversed(along), strict=True):
        b = np.vdot(change_rc, direction_rc) / np.vdot(moved_rc, change_rc)
        direction_rc += (a - b) * moved_rc
    return direction_rc


def _limited(step_rc: Float, dmax_c: tuple[float, ...]) -> Float:
    """Scale a step down to the limits."""
    excess = max(
        1.0,
        float((abs(step_rc) / dmax_c).max()),
        float(np.linalg.norm(step_rc, axis=1).max()) / LONGEST_STEP,
    )
    return step_rc / excess


def _step(
    evaluate: Callable[[Float], tuple[float, Float]], here: Point, step_rc: Float
) -> Point | None:
    """Go by the step, or less if that leads up; None if all of it does."""
    slope = -float(np.vdot(here.forces_rc, step_rc))
    if not slope < 0.0:
        return None
    t = 1.0
    for _ in range(TRIALS):
        x_rc = here.x_rc + t * step_rc
        there = Point(x_rc, *evaluate(x_rc))
        rise = there.energy - here.energy
        if not np.isfinite(rise):
            t *= 0.1
            continue
        if rise <= SUFFICIENT * t * slope + ROUNDING * abs(here.energy):
            return there
        # the minimum of the parabola through both energies and the slope
        t = float(np.clip(-0.5 * slope * t**2 / (rise - slope * t), 0.1 * t, 0.5 * t))
    return None if np.isfinite(rise) else there  # the caller decides
