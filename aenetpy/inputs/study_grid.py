"""Variants of a study that stand for many: ``grid``, or points of it drawn at random."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy as np

from aenetpy.inputs.given import YamlValue
from aenetpy.inputs.lines import times

MOST_POINTS = 2_000
"""Of a grid."""

_PLAIN = re.compile(r"[A-Za-z0-9_.+-]{1,12}")
_STREAM = 2


def expand(name: str, value: YamlValue) -> list[tuple[str, YamlValue]]:
    """Return the variants that one with ``grid`` stands for; without, itself.

    Each point of the grid is the variant with one value of each key, ``train.method`` being the
    key ``method`` in ``train``. Names get the values, or their numbers where they are no words.
    ``search: {points: 10, seed: 1}`` draws as many points at random, without putting back.
    """
    keys = value.mapping()
    if "grid" not in keys:
        if "search" in keys:
            raise keys["search"].error("needs a grid to search in", "add 'grid: {key: [values]}'")
        return [(name, value)]
    base = replace(value, data={k: v for k, v in keys.items() if k not in ("grid", "search")})
    axes = keys["grid"].mapping()
    if not axes:
        raise keys["grid"].error("is empty", "write 'key: [values]' lines")
    lists = {key: item.sequence() for key, item in axes.items()}
    n_points = math.prod(map(len, lists.values()))
    if n_points > MOST_POINTS:
        raise keys["grid"].error(f"has {n_points} points", f"at most {MOST_POINTS}")
    points = list(itertools.product(*(enumerate(items, 1) for items in lists.values())))
    if "search" in keys:
        points = [points[k] for k in _draw(keys["search"], n_points)]
    found = []
    for point in points:
        words = [
            item.data if isinstance(item.data, str) and _PLAIN.fullmatch(item.data) else str(number)
            for number, item in point
        ]
        variant = base
        for key, (_, item) in zip(axes, point, strict=True):
            variant = _with(variant, key.split("."), item, axes[key])
        found.append(("-".join([name, *words]), variant))
    return found


def _draw(search: YamlValue, n_points: int) -> list[int]:
    """Return the numbers of the points that are drawn at random, in order."""
    given = search.only(("points", "seed"))
    if "points" not in given:
        raise search.error("needs the number of points", "write {points: 10}")
    n = given["points"].integer(1)
    if n > n_points:
        raise given["points"].error(f"is {n}, but the grid has {times(n_points, 'point')}")
    seed = given["seed"].integer(0) if "seed" in given else 1
    stream = np.random.default_rng([seed, _STREAM])
    return sorted(stream.choice(n_points, n, replace=False).tolist())


def _with(value: YamlValue, path: list[str], item: YamlValue, axis: YamlValue) -> YamlValue:
    """Return a mapping with a value put in its place."""
    first, *others = path
    keys = dict(value.mapping())
    name = f"{value.name}.{first}"
    if others:
        inner = keys.get(first, YamlValue({}, axis.place, name))
        keys[first] = _with(inner, others, item, axis)
    else:
        if first in keys:
            raise axis.error("stands in the variant, too", "remove one")
        keys[first] = YamlValue(item.data, axis.place, name)
    return replace(value, data=keys)
