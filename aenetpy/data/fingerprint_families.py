"""The families of fingerprints: the name, parameters and class of each.

To add one is to add an entry to `FAMILIES`, and a subclass of `aenetpy.descriptors.base.Descriptor`
with its kernels. All that depends on the family of a setup asks
`Setup.family`: readers and writers of setups, checks, reports, descriptors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aenetpy.data.limits import FINITE, NOT_NEGATIVE, ORDER, POSITIVE, Limit

if TYPE_CHECKING:
    from aenetpy.data.setup import Setup


@dataclass(frozen=True)
class FingerprintParameter:
    """A number that defines a fingerprint.

    Parameters
    ----------
    name
        In setup files.
    limit
        Allowed values, in setup files and in files made from them.
    label
        In reports.
    default
        Taken where a setup file does not give it; None if it must.
    is_whole
        It is a whole number.
    is_cutoff
        It is a distance (Å) up to which neighbours count; not 0 in setup files.
    """

    name: str
    limit: Limit
    label: str = ""
    default: float | None = None
    is_whole: bool = False
    is_cutoff: bool = False


class Family:
    """A family whose setups are one row of at most four parameters."""

    name: str
    reference: str = ""
    parameters: tuple[FingerprintParameter, ...] = ()
    descriptor: str | type[Any]
    lists_functions = False
    """Setups list functions one by one, and aenet looks them up by the order of ENV."""
    has_cosine_convention = False
    """Other releases of aenet take another variable for the cosine of an angle."""

    def matches(self, kind: str) -> bool:
        """Return whether a setup of this kind belongs to the family."""
        return kind == self.name

    def size(self, values: Mapping[str, float], n_environment: int) -> int:
        """Return the number of components for given parameters and species in ENV."""
        raise NotImplementedError

    def parameters_of(self, function: int) -> tuple[FingerprintParameter, ...]:
        """Return the parameters in a row that belongs to kind ``function``."""
        return self.parameters

    def problem(self, setup: Setup) -> str | None:
        """Return which parameter cannot be, or that the size is not theirs; None if all is well."""
        if setup.n_features == 0:
            return "it has no functions"
        problem = self.problem_of_row(setup, 0)
        if problem is not None:
            return problem
        expected = self.size(setup.named_parameters(0), len(setup.environment))
        if setup.n_features == expected:
            return None
        return f"it has {setup.n_features} functions, its orders and species make {expected}"

    def problem_of_row(self, setup: Setup, g: int) -> str | None:
        """Return which parameter in a row cannot be; None if all can."""
        given = setup.named_parameters(g)
        for parameter in self.parameters_of(int(setup.functions_g[g])):
            reason = parameter.limit.objection(given[parameter.name])
            if reason is not None:
                return f"{parameter.name} {reason}"
        return None

    def largest_cutoff(self, parameters_gp: Sequence[Sequence[float]]) -> float:
        """Return the largest cutoff, Å, among rows of parameters."""
        places = [k for k, parameter in enumerate(self.parameters) if parameter.is_cutoff]
        return max(float(parameters_gp[0][k]) for k in places)

    def is_blind(self, setup: Setup) -> bool:
        """Return whether neighbours of species outside of ENV count like any other."""
        return False

    def stale_weights(self, setup: Setup) -> str:
        """Return a warning on species weights that aenet takes wrongly; empty if there are none."""
        return ""

    def summary(self, setup: Setup) -> dict[str, Any]:
        """Return the parameters as ``inspect`` tells them."""
        return setup.named_parameters(0) if setup.n_features else {}


class Chebyshev(Family):
    """Chebyshev polynomials of distances and angles (spec 6.2, 6.4); aenet matches any case."""

    name = "Chebyshev"
    reference = "[N. Artrith and A. Urban (2016)]"
    parameters = (
        FingerprintParameter("radial_Rc", POSITIVE, "Radial Rc", is_cutoff=True),
        FingerprintParameter("radial_N", ORDER, "Radial order", is_whole=True),
        # without, aenet makes functions that are zero
        FingerprintParameter("angular_Rc", NOT_NEGATIVE, "Angular Rc", is_cutoff=True),
        FingerprintParameter("angular_N", ORDER, "Angular order", is_whole=True),
    )
    descriptor = "aenetpy.descriptors.chebyshev:ChebyshevDescriptor"
    has_cosine_convention = True

    def matches(self, kind: str) -> bool:
        """Return whether the kind is ``chebyshev`` in any case."""
        return kind.lower() == "chebyshev"

    def size(self, values: Mapping[str, float], n_environment: int) -> int:
        """Return the number of polynomials, twice if there are species weights."""
        parts = 2 if n_environment > 1 else 1
        return parts * int(values["radial_N"] + values["angular_N"] + 2)

    def is_blind(self, setup: Setup) -> bool:
        """Return whether there are no species weights: one species in ENV."""
        return len(setup.environment) == 1

    def stale_weights(self, setup: Setup) -> str:
        """Return the warning on an angular cutoff beyond the radial one (spec 6.2)."""
        if not (len(setup.environment) > 1 and setup.n_features):
            return ""
        given = setup.named_parameters(0)
        radial_cutoff, angular_cutoff = given["radial_Rc"], given["angular_Rc"]
        if not angular_cutoff > radial_cutoff:
            return ""
        return (
            f"angular_Rc {angular_cutoff:g} exceeds radial_Rc {radial_cutoff:g}: between the two "
            "aenet 2.0.4 uses a wrong species weight; its numbers, and what was fitted to them, "
            "differ from ours"
        )

    def summary(self, setup: Setup) -> dict[str, Any]:
        """Return cutoff and order of both parts."""
        given = super().summary(setup)
        return {
            part: {"cutoff_A": given[f"{part}_Rc"], "order": int(given[f"{part}_N"])}
            for part in ("radial", "angular")
            if given
        }


_RC = FingerprintParameter("Rc", POSITIVE, is_cutoff=True)
_ETA = FingerprintParameter("eta", NOT_NEGATIVE)
_ANGULAR = (
    _RC,
    FingerprintParameter("lambda", FINITE),
    FingerprintParameter("zeta", NOT_NEGATIVE),
    _ETA,
)


class Behler2011(Family):
    """Symmetry functions G1 ... G5, listed one by one (spec 6.3)."""

    name = "Behler2011"
    reference = "[see also: J. Behler, J. Chem. Phys. 134 (2011) 074106]"
    descriptor = "aenetpy.descriptors.behler:BehlerDescriptor"
    lists_functions = True
    functions = {  # noqa: RUF012
        1: (_RC,),
        2: (_RC, FingerprintParameter("Rs", FINITE), _ETA),
        3: (_RC, FingerprintParameter("kappa", FINITE)),
        4: _ANGULAR,
        5: _ANGULAR,
    }
    """Parameters of each function in stored order; the rest of a row means nothing."""

    def parameters_of(self, function: int) -> tuple[FingerprintParameter, ...]:
        """Return the parameters of G1 ... G5."""
        return self.functions[function]

    def problem(self, setup: Setup) -> str | None:
        """Return which function cannot be; None if all can."""
        for g, kind in enumerate(setup.functions_g.tolist()):
            if kind not in self.functions:
                return f"G={kind} in function {g + 1} does not exist"
            reason = self.problem_of_row(setup, g)
            if not all(1 <= partner <= len(setup.environment) for partner in setup.partners_of(g)):
                reason = "type2 or type3 is missing or not in ENV"
            if reason is not None:
                return f"function {g + 1} (G{kind}): {reason}"
        return None

    def largest_cutoff(self, parameters_gp: Sequence[Sequence[float]]) -> float:
        """Return the largest Rc, Å, of all functions."""
        return max((float(row_p[0]) for row_p in parameters_gp), default=0.0)

    def summary(self, setup: Setup) -> dict[str, Any]:
        """Return how many functions there are of each kind."""
        if not setup.n_features:
            return {}
        numbers, counts = np.unique(setup.functions_g, return_counts=True)
        return {"functions": {f"G{g}": n for g, n in zip(numbers, counts, strict=True)}}


class Unknown(Family):
    """Family of setups in files of other programs: only their statistics are known."""

    name = "unknown"
    descriptor = ""

    def problem(self, setup: Setup) -> str | None:
        """Return None: nothing is known."""
        return None


FAMILIES: list[Family] = [Chebyshev(), Behler2011()]
"""All families; the first that matches the kind of a setup is its own."""

_UNKNOWN = Unknown()


def family_of(kind: str) -> Family:
    """Return the family to which setups of a kind belong; an `Unknown` one if to none."""
    return next((family for family in FAMILIES if family.matches(kind)), _UNKNOWN)


def known_families() -> str:
    """Return the names of all families in words."""
    *others, last = [family.name for family in FAMILIES]
    return f"{', '.join(others)} and {last}" if others else last
