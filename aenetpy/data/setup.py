"""A fingerprint setup: the descriptor of one central species (spec 6 and 7.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aenetpy.arrays import Float, Int
from aenetpy.data.fingerprint_families import Chebyshev, Family, family_of
from aenetpy.errors import DataError, InputError

N_PARAMETERS = 4
"""Parameters per function in every file of aenet."""

ROUNDING = 1e-3
"""Tolerance of averages that contradict each other: some files are in single precision."""

LAST_DIGIT = 1e-12
"""The same for averages near zero: some text files have 17 decimals and no exponent."""


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Running statistics of the raw fingerprint values of one species."""

    count: int
    minimum_g: Float
    maximum_g: Float
    mean_g: Float
    mean_square_g: Float


@dataclass(frozen=True, eq=False)
class Setup:
    """Which fingerprint describes the surroundings of one species.

    Parameters
    ----------
    species
        Central species (ATOM).
    environment
        Species around it (ENV), in ENV order.
    r_min, r_max
        RMIN and the largest cutoff, Å.
    kind
        Name of the family of fingerprints, spelled as in the file.
    functions_g
        Kind G of each function in file order, (g,) int32; zeros for Chebyshev.
    parameters_gp
        Parameters in file order, (g, 4) float64 (spec 6.3, 6.4). For Chebyshev
        row 0 holds radial_Rc, radial_N, angular_Rc, angular_N, the rest is zero.
    partners_g2
        1-based ENV positions of type2 and type3 (0: none), (g, 2) int32.
    statistics
        Statistics of the training set, None in a fresh setup.
    description
        Text of DESCR, source lines each followed by ``$$``.
    types
        Species in the order of TYPES with which fingerprints were made; empty if unknown.
    """

    species: str
    environment: tuple[str, ...]
    r_min: float
    r_max: float
    kind: str
    functions_g: Int
    parameters_gp: Float
    partners_g2: Int
    statistics: FeatureStatistics | None = None
    description: str = ""
    types: tuple[str, ...] = ()

    @classmethod
    def chebyshev(
        cls,
        species: str,
        environment: Sequence[str],
        *,
        radial_cutoff: float,
        radial_order: int,
        angular_cutoff: float,
        angular_order: int,
        r_min: float = 1.0,
        description: str = "",
    ) -> Setup:
        """Return a Chebyshev setup, as the file ``.stp`` says it (spec 6.2).

        Parameters
        ----------
        species, environment
            Central species, and the species around it; their order fixes the species weights.
        radial_cutoff, angular_cutoff
            Up to where neighbours count, and neighbours that make angles, Å.
        radial_order, angular_order
            Largest orders of the polynomials of distances and of angles.
        r_min
            Shortest distance to expect, Å.
        description
            Free text, kept in all files.

        Raises
        ------
        InputError
            If ``.stp`` may not hold a species or a number.
        """
        row = (radial_cutoff, radial_order, angular_cutoff, angular_order)
        values = dict(zip((one.name for one in Chebyshev.parameters), row, strict=True))
        for one in Chebyshev.parameters:
            reason = one.limit.objection(values[one.name])
            if reason is None and one.is_cutoff and values[one.name] == 0.0:
                reason = "is 0, and a cutoff must be above 0"
            if reason is not None:
                raise InputError(f"setup of {species}: {one.name} {reason}")
        for symbol in (species, *environment):
            if not (1 <= len(symbol) <= 2 and symbol.isalpha()):
                raise InputError(f"setup of {species}: '{symbol}' is no species")
        if not environment or len(set(environment)) < len(environment):
            raise InputError(
                f"setup of {species}: the environment is '{' '.join(environment)}'",
                hint="name each species around it once",
            )
        if not 0.0 < r_min < math.inf:
            raise InputError(f"setup of {species}: r_min is {r_min}, and must be above 0")
        family = family_of(Chebyshev.name)
        size = family.size(values, len(environment))
        parameters_gp = np.zeros((size, N_PARAMETERS))
        parameters_gp[0] = row
        return cls(
            species=species,
            environment=tuple(environment),
            r_min=float(r_min),
            r_max=family.largest_cutoff(parameters_gp[:1].tolist()),
            kind=Chebyshev.name,
            functions_g=np.zeros(size, np.int32),
            parameters_gp=parameters_gp,
            partners_g2=np.zeros((size, 2), np.int32),
            description="".join(f"{line}$$" for line in description.splitlines())[:1024],
        )

    @property
    def n_features(self) -> int:
        """Number of fingerprint components."""
        return len(self.functions_g)

    @property
    def family(self) -> Family:
        """The family of fingerprints that ``kind`` names."""
        return family_of(self.kind)

    @property
    def known_statistics(self) -> FeatureStatistics:
        """The statistics; zeros of no atoms in a fresh setup."""
        if self.statistics is not None:
            return self.statistics
        zeros_g = np.zeros(self.n_features)
        return FeatureStatistics(0, zeros_g, zeros_g, zeros_g, zeros_g)

    def named_parameters(self, g: int) -> dict[str, float]:
        """Return the parameters of a function that mean something, by name."""
        names = [one.name for one in self.family.parameters_of(int(self.functions_g[g]))]
        return dict(zip(names, self.parameters_gp[g].tolist(), strict=False))

    def partners_of(self, g: int) -> list[int]:
        """Return the 1-based ENV positions that a Behler2011 function looks at."""
        partners: list[int] = self.partners_g2[g, : 2 if self.functions_g[g] >= 4 else 1].tolist()
        return partners

    @property
    def stale_weights(self) -> str:
        """Warning on species weights that aenet takes wrongly; empty if there are none.

        With one species in ENV there are no weights (spec 6.2, stale weight).
        """
        return self.family.stale_weights(self)

    def same_fingerprint(self, other: Setup) -> bool:
        """Return whether two setups describe the same fingerprint, statistics aside."""
        return (
            self.species == other.species
            and self.environment == other.environment
            and self.family is other.family
            and np.array_equal(self.functions_g, other.functions_g)
            and np.array_equal(self.parameters_gp, other.parameters_gp)
            and np.array_equal(self.partners_g2, other.partners_g2)
        )

    def with_statistics(self, statistics: FeatureStatistics | None) -> Setup:
        """Return the same setup with other statistics."""
        return replace(self, statistics=statistics)


def check_setup(setup: Setup, error: Callable[[str, str], DataError]) -> Setup:
    """Return a setup that was read, if a fingerprint can have its numbers.

    Numbers that aenet leaves uninitialised are not checked: unused parameters, and ENV
    positions where they mean nothing.

    Notes
    -----
    Spec 6.3, 6.4 and 7.1.
    """
    problem = setup.family.problem(setup) or _problem_of_statistics(setup.known_statistics)
    if problem is not None:
        raise error(f"setup of {setup.species}: {problem}", "the file is damaged; write it again")
    return setup


def _problem_of_statistics(known: FeatureStatistics) -> str | None:
    """Return the averages that contradict each other; None if none do.

    Empty ranges (0 to 0) are left by other programs.
    """
    low_g, high_g, mean_g = known.minimum_g, known.maximum_g, known.mean_g
    slack_g = ROUNDING * np.maximum(abs(low_g), abs(high_g)) + LAST_DIGIT
    inside_g = (low_g - slack_g <= mean_g) & (mean_g <= high_g + slack_g)
    inside_g |= (low_g == 0.0) & (high_g == 0.0)
    possible_g = known.mean_square_g >= mean_g**2 * (1.0 - ROUNDING) - LAST_DIGIT
    for sound_g, text in (
        (inside_g, "the mean {0:g} is outside of the range {1:g} to {2:g}"),
        (possible_g, "the mean {0:g} is too large for a mean square of {3:g}"),
    ):
        if not sound_g.all():
            g = int(np.argmin(sound_g))
            values = (mean_g[g], low_g[g], high_g[g], known.mean_square_g[g])
            return f"component {g + 1}: {text.format(*values)}"
    return None
