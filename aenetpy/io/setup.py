"""A fingerprint setup: the descriptor of one central species (spec 6 and 7.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aenetpy.io.fortran import (
    RecordReader,
    array_record,
    encode_species,
    encode_text,
    integer_record,
    real_record,
    record,
)

Float = NDArray[np.float64]
Int = NDArray[np.int32]

N_PARAMETERS = 4
"""Parameters per function in every file of aenet."""


LARGEST_ORDER = 200
"""Of Chebyshev polynomials: T_200 has a node every 0.1 Å of a cutoff of 20 Å, finer than atoms
move, and its values are still right to 1e-10. The moments of the angular part grow as the square
of the order; with this one they take 0.6 MB per atom."""

BEHLER_PARAMETERS = {
    1: ("Rc",),
    2: ("Rc", "Rs", "eta"),
    3: ("Rc", "kappa"),
    4: ("Rc", "lambda", "zeta", "eta"),
    5: ("Rc", "lambda", "zeta", "eta"),
}
"""Parameters of the functions G1...G5 in stored order (spec 6.3); the rest means nothing."""


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


def encode_setup(setup: Setup) -> bytes:
    """Return the 17 records of a setup (spec 7.1); without statistics they count 0 atoms.

    Parameters
    ----------
    setup
        The setup; a description longer than 1024 bytes is cut.

    Raises
    ------
    DataError
        A species has more than two characters.
    """
    g = setup.n_features
    known = setup.known_statistics
    return b"".join(
        [
            record(encode_text(setup.description, 1024)),
            record(encode_species([setup.species])),
            integer_record(len(setup.environment)),
            record(encode_species(setup.environment)),
            real_record(setup.r_min),
            real_record(setup.r_max),
            record(encode_text(setup.kind, 100)),
            integer_record(g),
            integer_record(N_PARAMETERS),
            array_record(setup.functions_g, "<i4"),
            array_record(setup.parameters_gp, "<f8"),
            array_record(setup.partners_g2, "<i4"),
            integer_record(known.count),
            array_record(known.minimum_g, "<f8"),
            array_record(known.maximum_g, "<f8"),
            array_record(known.mean_g, "<f8"),
            array_record(known.mean_square_g, "<f8"),
        ]
    )


def decode_setup(reader: RecordReader) -> Setup:
    """Read the 17 records of a setup (spec 7.1).

    Parameters
    ----------
    reader
        Stands at the description.

    Raises
    ------
    DataError
        Truncated, damaged, or not four parameters per function.
    """
    description = reader.text("description", 1024)
    (species,) = reader.species("species of the setup", 1)
    environment = reader.species("environment species", reader.count("number of species"))
    r_min = reader.real("smallest distance")
    r_max = reader.real("cutoff")
    kind = reader.text("kind of descriptor", 100)
    g = reader.count("number of functions")
    n_parameters = reader.count("number of parameters")
    if n_parameters != N_PARAMETERS:
        raise reader.damaged(f"{n_parameters} parameters per function, not {N_PARAMETERS}")
    functions_g = reader.integer_array("function kinds", g)
    parameters_gp = reader.reals("function parameters", g * N_PARAMETERS)
    partners_g2 = reader.integer_array("function species", g * 2)
    statistics = FeatureStatistics(
        count=reader.count("number of atoms evaluated"),
        minimum_g=reader.reals("smallest fingerprint values", g),
        maximum_g=reader.reals("largest fingerprint values", g),
        mean_g=reader.reals("mean fingerprint values", g),
        mean_square_g=reader.reals("mean squares of fingerprint values", g),
    )
    return Setup(
        species=species,
        environment=environment,
        r_min=r_min,
        r_max=r_max,
        kind=kind,
        functions_g=functions_g,
        parameters_gp=parameters_gp.reshape(g, N_PARAMETERS),
        partners_g2=partners_g2.reshape(g, 2),
        statistics=statistics,
        description=description,
    )
