"""A fingerprint setup: the descriptor of one central species (spec 6 and 7.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int32]


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

    @property
    def n_features(self) -> int:
        """Number of fingerprint components."""
        return len(self.functions_g)

    @property
    def is_chebyshev(self) -> bool:
        """True for the Chebyshev descriptor, which aenet matches in any case."""
        return self.kind.lower() == "chebyshev"

    def with_statistics(self, statistics: FeatureStatistics | None) -> Setup:
        """Return the same setup with other statistics."""
        return replace(self, statistics=statistics)
