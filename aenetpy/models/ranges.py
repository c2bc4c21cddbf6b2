"""Fingerprint values outside of the range that a network was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.data.setup import FeatureStatistics
from aenetpy.models.scaling import ROUNDING, deviations

FAR = 1.0
"""Standard deviations beyond the training range from which the user is warned."""

SLACK_DEVIATIONS, SLACK_PARTS = 1e-6, 1e-9
"""Distance outside the range that is rounding: in standard deviations, and relative to the value.

In components that are constant but for rounding the latter is that by which they are."""


@dataclass(frozen=True, eq=False)
class OutOfRange:
    """Values outside of the training range in one structure, the worst first."""

    atoms_k: Long
    components_k: Long
    values_k: Float
    deviations_k: Float

    def __len__(self) -> int:
        return self.atoms_k.size

    @property
    def n_atoms(self) -> int:
        """Number of atoms with a value outside."""
        return np.unique(self.atoms_k).size

    @property
    def n_far(self) -> int:
        """Number of atoms with a value far outside."""
        return np.unique(self.atoms_k[self.deviations_k >= FAR]).size

    @property
    def furthest(self) -> float:
        """Standard deviations of the worst value; 0 without."""
        return float(self.deviations_k[0]) if len(self) else 0.0

    def part(self, begin: int, end: int, first: int) -> OutOfRange:
        """Return the values begin ... end - 1, atoms numbered from ``first``."""
        k = slice(begin, end)
        return OutOfRange(
            self.atoms_k[k] - first, self.components_k[k], self.values_k[k], self.deviations_k[k]
        )

    @classmethod
    def worst_first(cls, parts: Sequence[OutOfRange]) -> OutOfRange:
        """Return all values of ``parts``, ordered by deviations, then by atom."""
        if not parts:
            return NONE
        atoms_k, components_k, values_k, deviations_k = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("atoms_k", "components_k", "values_k", "deviations_k")
        )
        order_k = np.lexsort((components_k, atoms_k, -deviations_k))
        return cls(
            atoms_k[order_k], components_k[order_k], values_k[order_k], deviations_k[order_k]
        )


def describe(
    names: Mapping[str, Sequence[str]], species: Sequence[str], out_of_range: OutOfRange
) -> str:
    """Return the worst value: ``radial 3 of atom 7 (Ti), by 2.5 standard deviations``."""
    atom, component = int(out_of_range.atoms_k[0]), int(out_of_range.components_k[0])
    symbol, beyond = species[atom], float(out_of_range.deviations_k[0])
    amount = f"by {beyond:.3g} standard deviations"
    if np.isinf(beyond):
        amount = "which was constant in training"
    return f"{names[symbol][component]} of atom {atom + 1} ({symbol}), {amount}"


NONE = OutOfRange(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))
"""Everything is inside."""


@dataclass(frozen=True, eq=False)
class Ranges:
    """Range of each fingerprint component in the training set of one species."""

    minimum_g: Float
    maximum_g: Float
    sigma_g: Float

    @classmethod
    def of(cls, statistics: FeatureStatistics) -> Ranges:
        """Return the ranges of a training set; none where the mean is not in the range."""
        minimum_g, maximum_g = statistics.minimum_g, statistics.maximum_g
        mean_g = statistics.mean_g
        rounding_g = 1e-6 * np.maximum(abs(minimum_g), abs(maximum_g))
        known_g = (minimum_g - rounding_g <= mean_g) & (mean_g <= maximum_g + rounding_g)
        return cls(
            np.where(known_g, minimum_g, -np.inf),
            np.where(known_g, maximum_g, np.inf),
            deviations(statistics),
        )

    @cached_property
    def _ends_g(self) -> tuple[Float, Float]:
        """The ends of the range, widened by rounding."""
        size_g = np.maximum(abs(self.minimum_g), abs(self.maximum_g))
        parts_g = np.where(self.sigma_g > 0.0, SLACK_PARTS, ROUNDING)
        slack_g = SLACK_DEVIATIONS * self.sigma_g + parts_g * size_g
        return self.minimum_g - slack_g, self.maximum_g + slack_g

    def out_of_range(self, atoms_a: Long, features_ag: Float) -> OutOfRange | None:
        """Return the components outside, by (G - maximum)/sigma or (minimum - G)/sigma."""
        lowest_g, highest_g = self._ends_g
        outside_ag = (features_ag < lowest_g) | (features_ag > highest_g)
        if not outside_ag.any():
            return None
        a_k, g_k = np.nonzero(outside_ag)
        values_k = features_ag[a_k, g_k]
        beyond_k = np.maximum(values_k - self.maximum_g[g_k], self.minimum_g[g_k] - values_k)
        sigma_k = self.sigma_g[g_k]
        deviations_k = np.full(len(values_k), np.inf)
        np.divide(beyond_k, sigma_k, out=deviations_k, where=sigma_k > 0.0)
        return OutOfRange(atoms_a[a_k], g_k, values_k, deviations_k)
