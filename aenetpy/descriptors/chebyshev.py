"""The Chebyshev descriptor of Artrith, Urban and Ceder (spec 6.2; PRB 96, 014112)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.polynomial.legendre import leggauss, legvander

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.chebyshev_setup import parameters, typespins
from aenetpy.descriptors.cosine_convention import CosineConvention, angular_variable
from aenetpy.kernels.batch import Surroundings
from aenetpy.kernels.chebyshev import features_and_moments
from aenetpy.kernels.chebyshev_directional import directional
from aenetpy.kernels.chebyshev_gradient import adjoint, jacobian
from aenetpy.kernels.chebyshev_groups import Basis
from aenetpy.kernels.chebyshev_members import adjoints

MOST_TOGETHER = 12
"""Angular order up to which the gradients of any number of members are found together."""


class ChebyshevDescriptor(Descriptor):
    """Radial and angular Chebyshev polynomials, summed plainly and by species weight.

    With f_c(d, R) = (cos(pi d/R) + 1)/2 for d < R, else 0, and s_j = 1, then again with
    the species weights (`typespins`) if the environment has more than one species::

        G_n = sum_j     s_j     f_c(d_j, R_r) T_n(2 d_j/R_r - 1)                  n = 0 ... N_r
        G_n = sum_{j<k} s_j s_k f_c(d_j, R_a) f_c(d_k, R_a) T_n(cos theta_jk)     n = 0 ... N_a
    """

    def __init__(
        self, setup: Setup, species: Sequence[str], cosine_convention: CosineConvention = "new"
    ) -> None:
        super().__init__(setup, species)
        radial_cutoff, radial_order, angular_cutoff, angular_order = parameters(setup)
        self._n_types = len(species)
        weights = [np.ones(len(species))]
        if len(setup.environment) > 1:
            spins = typespins(setup.environment)
            weights.append(np.array([spins.get(symbol, 0.0) for symbol in species]))
        recursion_k, norm_k = harmonics(angular_order)
        self._basis = Basis(
            radial_cutoff,
            radial_order,
            np.float64(angular_cutoff),  # may be 0, by which Python's own numbers do not divide
            angular_order,
            np.array(weights),
            legendre_coefficients(angular_order, cosine_convention),
            recursion_k,
            norm_k,
        )

    def names(self) -> list[str]:
        """Return the name of each component: "radial 0" ... "weighted angular 4"."""
        basis = self._basis
        return [
            f"{weighted}{part} {n}"
            for weighted in ("", "weighted ")[: len(basis.weights_ht)]
            for part, order in (("radial", basis.radial_order), ("angular", basis.angular_order))
            for n in range(order + 1)
        ]

    def evaluate(self, around: Surroundings) -> tuple[Float, Float]:
        """Return the fingerprints (a, g) of the atoms and their moments A_lm."""
        types_n = around.types_n
        # the kernel writes by species index without looking
        assert len(types_n) == 0 or 0 <= types_n.min() <= types_n.max() < self._n_types
        return features_and_moments(self._basis, around)

    def adjoint(
        self,
        around: Surroundings,
        state: Float,
        gradient_ag: Float,
        forces_nc: Float,
        virial_scc: Float,
    ) -> None:
        """Add forces (n, 3), eV/Å, and virials (s, 3, 3), eV, given dE/dG (a, g).

        With g_n = dE/dG_n and q_l = sum_n g_n c_nl, the angular part is (design 3.1)::

            dE/dr_j = sum_l q_l [sum_m A_lm d(s_j w_j Y_lm)/dr_j - s_j^2 w_j dw_j/dr_j]
        """
        adjoint(
            self._basis,
            around,
            state,
            np.ascontiguousarray(gradient_ag, np.float64),
            forces_nc,
            virial_scc,
        )

    def adjoints(
        self,
        around: Surroundings,
        state: Float,
        gradient_mag: Float,
        forces_mnc: Float,
        virial_mscc: Float,
    ) -> None:
        """Do `adjoint` for several gradients (m, a, g), with the harmonics found once.

        Where the orders are high, the table of harmonics is larger than the fastest memory, and
        to find them anew for each gradient takes less time, the more so the fewer they are.
        """
        one_by_one = self._basis.angular_order > min(2 * len(gradient_mag) + 2, MOST_TOGETHER)
        if len(gradient_mag) == 1 or one_by_one:
            for gradient_ag, *sums in zip(gradient_mag, forces_mnc, virial_mscc, strict=True):
                self.adjoint(around, state, gradient_ag, *sums)
            return
        adjoints(
            self._basis,
            around,
            state,
            np.ascontiguousarray(gradient_mag, np.float64),
            forces_mnc,
            virial_mscc,
        )

    def directional(self, around: Surroundings, state: Float, rates_cp: Float) -> Float:
        """Return dG (a, g) for rates of change u (3, p) of the vectors to the neighbours.

        The angular part is dG_n = sum_l c_nl dp_l with (design 3.1)::

            dA_lm = sum_j grad(s_j w_j Y_lm) . u_j
            dp_l = sum_m A_lm dA_lm - sum_j s_j^2 w_j dw_j
        """
        return directional(self._basis, around, state, rates_cp)

    def jacobian(self, around: Surroundings) -> Float:
        """Return dG/dr_p, (p, g, 3), of a single atom, by the vector to each neighbour."""
        _, moments_ahm = self.evaluate(around)
        return jacobian(self._basis, around, moments_ahm[0], self.n_features)


def legendre_coefficients(order: int, cosine_convention: CosineConvention = "new") -> Float:
    """Return c_nl of T_n(a(x)) = sum_l c_nl P_l(x), (order + 1, order + 1).

    a(x) is the variable of the convention; c_nl = (2l + 1)/2 times the integral of
    T_n(a) P_l from -1 to 1, for which Gauss' rule is exact.
    """
    x, weights = leggauss(order + 1)
    argument = angular_variable(x, cosine_convention)
    integrals_nl = chebvander(argument, order).T @ (weights[:, None] * legvander(x, order))
    return np.ascontiguousarray(np.tril(integrals_nl * (np.arange(order + 1) + 0.5)))


def harmonics(order: int) -> tuple[Float, Float]:
    """Return b_lm and N_lm of the harmonics in `aenetpy.kernels.chebyshev`.

    b_lm = ((l-1)^2 - m^2) / ((2l-1)(2l-3)); N_lm Y_lm^2 summed over m is 1::

        N_00 = 1, N_11 = 1, N_mm = N_{m-1,m-1} (2m-1)/(2m)
        N_lm = N_{l-1,m} (2l-1)^2 / (l^2 - m^2)

    Both are numbered by m = 0 ... order, then l = m ... order; a zero ends b.
    """
    recursion, norm = [], []
    sectoral = 1.0
    for m in range(order + 1):
        if m > 0:
            sectoral *= (2.0 if m == 1 else 1.0) * (2 * m - 1) / (2 * m)
        norm_lm = sectoral
        for degree in range(m, order + 1):
            if degree > m:
                norm_lm *= (2 * degree - 1) ** 2 / (degree**2 - m**2)
            norm.append(norm_lm)
            recursion.append(((degree - 1) ** 2 - m**2) / ((2 * degree - 1) * (2 * degree - 3)))
    return np.array([*recursion, 0.0]), np.array(norm)
