"""Points of a grid that errors decide on: asked of optuna, which is an extra of the package."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from aenetpy.inputs.study import Search, Study
from aenetpy.studies.cells import sort_into_cells
from aenetpy.studies.measures import seed_errors
from aenetpy.studies.trial_files import TrialResult

ROUND = 5
"""Points that are asked for at once, whatever the number of jobs: the result depends on it."""

TRIES = 100
"""Proposals in a round; most of them are known where few points are left."""

_STREAM = 3


def next_points(study: Study, asked: Sequence[str], results: Iterable[TrialResult]) -> list[str]:
    """Return the names of the points that searches ask for next; none when they are over."""
    results = list(results)
    found = []
    for search in study.searches:
        names = [point.name for point in search.points]
        own = [name for name in asked if name in names]
        errors = point_errors(study.with_points(own), own, results)
        told = {names.index(name): error for name, error in errors.items()}
        found += [names[k] for k in ask(search, [names.index(name) for name in own], told)]
    return found


def point_errors(
    study: Study, names: Sequence[str], results: Sequence[TrialResult]
) -> dict[str, float]:
    """Return the errors that a search makes small, meV/atom: RMSE, means over the seeds.

    Of the trials' own test sets, so that the common one is not chosen by. Where a point has none,
    or has displaced copies, which may be in it, the common test set counts for all of them.
    """
    cells = [
        cell
        for cell in sort_into_cells(study, results)
        if cell.variant.name in names
        and cell.size == max(study.sizes)
        and len(cell.results) == len(study.seeds)
    ]
    every = [result for cell in cells for result in cell.results]
    if all(math.isfinite(one.own_test_rmse) and one.copies == 0 for one in every):
        return {c.variant.name: fmean(one.own_test_rmse for one in c.results) for c in cells}
    return {c.variant.name: fmean(seed_errors(c, "test")) for c in cells}


def ask(search: Search, asked: Sequence[int], errors: Mapping[int, float]) -> list[int]:
    """Return the points of the next round: the same for the same seed, points and errors."""
    import optuna

    choice = search.choice
    n = min(ROUND, choice.n_points - len(asked))
    if n == 0:
        return []
    stream = np.random.default_rng([choice.seed, _STREAM, len(asked)])
    shape = [n_values for n_values, _ in choice.axes]
    axes: dict[str, Any] = {
        str(k): optuna.distributions.IntDistribution(0, n_values - 1)
        if in_order
        else optuna.distributions.CategoricalDistribution(range(n_values))
        for k, (n_values, in_order) in enumerate(choice.axes)
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of each study
    seed = int(stream.integers(2**32))
    sampler = optuna.samplers.TPESampler(n_startup_trials=ROUND, seed=seed)
    study = optuna.create_study(sampler=sampler)
    for point in asked:
        if point in errors:
            where = map(int, np.unravel_index(point, shape))
            study.add_trial(
                optuna.trial.create_trial(
                    params=dict(zip(axes, where, strict=True)),
                    distributions=axes,
                    value=errors[point],
                )
            )
    found: list[int] = []
    for _ in range(TRIES):
        proposed = study.ask(axes).params
        point = int(np.ravel_multi_index([proposed[key] for key in axes], shape))
        if point not in asked and point not in found:
            found.append(point)
        if len(found) == n:
            return found
    others = sorted(set(range(len(search.points))) - {*asked, *found})
    return [*found, *stream.choice(others, n - len(found), replace=False).tolist()]
