"""A fingerprint setup: the descriptor of one central species (spec 6 and 7.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from aenetpy.arrays import Float, Int
from aenetpy.data.limits import FINITE, NOT_NEGATIVE, ORDER, POSITIVE, Limit
from aenetpy.errors import DataError

N_PARAMETERS = 4
"""Parameters per function in every file of aenet."""


BEHLER_PARAMETERS = {
    1: ("Rc",),
    2: ("Rc", "Rs", "eta"),
    3: ("Rc", "kappa"),
    4: ("Rc", "lambda", "zeta", "eta"),
    5: ("Rc", "lambda", "zeta", "eta"),
}
"""Parameters of the functions G1...G5 in stored order (spec 6.3); the rest means nothing."""

CHEBYSHEV_PARAMETERS = ("radial_Rc", "radial_N", "angular_Rc", "angular_N")
"""Parameters of the Chebyshev descriptor in stored order (spec 6.4)."""

PARAMETER_LIMITS: dict[str, Limit] = {
    "radial_Rc": POSITIVE,
    "radial_N": ORDER,
    "angular_Rc": NOT_NEGATIVE,  # without, aenet makes functions that are zero
    "angular_N": ORDER,
    "Rc": POSITIVE,
    "Rs": FINITE,
    "eta": NOT_NEGATIVE,
    "kappa": FINITE,
    "lambda": FINITE,
    "zeta": NOT_NEGATIVE,
}
"""What the parameters may be, in setup files and in what is made of them."""

ROUNDING = 1e-3
"""What averages may contradict each other by: some files were fitted in single precision."""

LAST_DIGIT = 1e-12
"""The same for averages near zero: some text files have 17 decimals and no exponent."""


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Running statistics of the raw fingerprint values of one species.

    Parameters
    ----------
    count
        Number of atoms evaluated ("neval").
    minimum_g, maximum_g, mean_g, mean_square_g
        Per fingerprint component, (g,) float64. ``mean_square_g`` is what
        aenet calls "cov"; the variance is ``mean_square_g - mean_g**2``.
    """

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
        ``Chebyshev`` (any case) or ``Behler2011``, spelled as in the file.
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

    @property
    def n_features(self) -> int:
        """Number of fingerprint components."""
        return len(self.functions_g)

    @property
    def is_chebyshev(self) -> bool:
        """True for the Chebyshev descriptor, which aenet matches in any case."""
        return self.kind.lower() == "chebyshev"

    @property
    def known_statistics(self) -> FeatureStatistics:
        """The statistics; zeros of no atoms in a fresh setup."""
        if self.statistics is not None:
            return self.statistics
        zeros_g = np.zeros(self.n_features)
        return FeatureStatistics(0, zeros_g, zeros_g, zeros_g, zeros_g)

    def named_parameters(self, g: int) -> dict[str, float]:
        """Return the parameters of a function that mean something, by name."""
        names = (
            CHEBYSHEV_PARAMETERS if self.is_chebyshev else BEHLER_PARAMETERS[self.functions_g[g]]
        )
        return dict(zip(names, self.parameters_gp[g].tolist(), strict=False))

    def partners_of(self, g: int) -> list[int]:
        """Return the 1-based ENV positions that a Behler2011 function looks at."""
        partners: list[int] = self.partners_g2[g, : 2 if self.functions_g[g] >= 4 else 1].tolist()
        return partners

    @property
    def stale_weights(self) -> str:
        """What to say of species weights that aenet takes wrongly; empty if it does not.

        With one species in ENV there are no weights (spec 6.2, stale weight).
        """
        if not (self.is_chebyshev and len(self.environment) > 1 and self.n_features):
            return ""
        radial_cutoff, _, angular_cutoff, _ = self.parameters_gp[0].tolist()
        if not angular_cutoff > radial_cutoff:
            return ""
        return (
            f"angular_Rc {angular_cutoff:g} exceeds radial_Rc {radial_cutoff:g}: between the two "
            "aenet 2.0.4 uses a wrong species weight; its numbers, and what was fitted to them, "
            "differ from ours"
        )

    def with_statistics(self, statistics: FeatureStatistics | None) -> Setup:
        """Return the same setup with other statistics."""
        return replace(self, statistics=statistics)


def check_setup(setup: Setup, error: Callable[[str, str], DataError]) -> Setup:
    """Return a setup that was read, if its numbers can be those of a fingerprint.

    What aenet leaves uninitialised is not looked at: unused parameters, and ENV
    positions where they mean nothing.

    Parameters
    ----------
    setup
        As it was read. Of a kind that is not known only the statistics are looked at.
    error
        Makes an error of the file from a message and a hint.

    Raises
    ------
    DataError
        Naming the function and its number, or the statistics that contradict each other.

    Notes
    -----
    Spec 6.3, 6.4 and 7.1.
    """
    problem = _problem_of_functions(setup) or _problem_of_statistics(setup.known_statistics)
    if problem is not None:
        raise error(f"setup of {setup.species}: {problem}", "the file is damaged; write it again")
    return setup


def _problem_of_functions(setup: Setup) -> str | None:
    """Tell which function cannot be, None if all can."""
    if not setup.is_chebyshev and setup.kind != "Behler2011":
        return None
    if setup.is_chebyshev:
        return _problem_of_chebyshev(setup)
    for g, kind in enumerate(setup.functions_g.tolist()):
        if kind not in BEHLER_PARAMETERS:
            return f"G={kind} in function {g + 1} does not exist"
        reason = _problem_of_parameters(setup.named_parameters(g))
        if not all(1 <= partner <= len(setup.environment) for partner in setup.partners_of(g)):
            reason = "type2 or type3 is missing or not in ENV"
        if reason is not None:
            return f"function {g + 1} (G{kind}): {reason}"
    return None


def _problem_of_chebyshev(setup: Setup) -> str | None:
    """Tell if a parameter cannot be, or the orders do not make the number of functions."""
    if setup.n_features == 0:
        return "it has no functions"
    given = setup.named_parameters(0)
    problem = _problem_of_parameters(given)
    if problem is not None:
        return problem
    parts = 2 if len(setup.environment) > 1 else 1
    expected = parts * int(given["radial_N"] + given["angular_N"] + 2)
    if setup.n_features == expected:
        return None
    return f"it has {setup.n_features} functions, its orders and species make {expected}"


def _problem_of_parameters(given: dict[str, float]) -> str | None:
    """Tell which parameter cannot be; None if all can."""
    for name, value in given.items():
        reason = PARAMETER_LIMITS[name].objection(value)
        if reason is not None:
            return f"{name} {reason}"
    return None


def _problem_of_statistics(known: FeatureStatistics) -> str | None:
    """Tell which averages cannot be those of any numbers; None if all can.

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
