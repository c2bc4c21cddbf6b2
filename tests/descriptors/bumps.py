"""A family of fingerprints in a few lines: the base class does the rest."""

from __future__ import annotations

import numpy as np

from aenetpy.data.fingerprint_families import FAMILIES, Family, FingerprintParameter
from aenetpy.data.limits import ORDER, POSITIVE
from aenetpy.data.setup import N_PARAMETERS, Setup
from aenetpy.descriptors.base import Descriptor


class BumpDescriptor(Descriptor):
    """G_tn = sum of (1 - d^2/Rc^2)^(n + 3) over the neighbours of species t closer than Rc."""

    def __init__(self, setup, species):
        super().__init__(setup, species)
        given = setup.named_parameters(0)
        self.order = int(given["N"])
        self.places_t = np.array([setup.environment.index(symbol) for symbol in species])

    def names(self):
        return [f"bump {n} {t}" for t in self.setup.environment for n in range(self.order + 1)]

    def terms(self, atom, around):
        """Return values (p, g) and slopes (p, g, 3) of all summands."""
        pairs = around.pairs_of(atom)
        r_pc = around.r_cp[:, pairs].T
        inside_p = np.maximum(1.0 - (r_pc**2).sum(axis=1) / self.cutoff**2, 0.0)
        powers_n = np.arange(self.order + 1) + 3
        values_pg = np.zeros((len(r_pc), self.n_features))
        slopes_pgc = np.zeros((len(r_pc), self.n_features, 3))
        places_p = self.places_t[around.types_n[around.partners_p[pairs]]]
        for n, power in enumerate(powers_n):
            p, g_p = np.arange(len(r_pc)), places_p * len(powers_n) + n
            values_pg[p, g_p] = inside_p**power
            slope_p = -2.0 * power * inside_p ** (power - 1) / self.cutoff**2
            slopes_pgc[p, g_p] = slope_p[:, None] * r_pc
        return values_pg, slopes_pgc

    def evaluate(self, around):
        terms_a = [self.terms(i, around) for i in around.atoms_a]
        features_ag = np.array([values_pg.sum(axis=0) for values_pg, _ in terms_a])
        return features_ag.reshape(-1, self.n_features), [slopes_pgc for _, slopes_pgc in terms_a]

    def slopes(self, around, state, gradient_mag):
        return np.concatenate(
            [
                np.einsum("mg,pgc->mpc", gradient_mag[:, a], slopes_pgc)
                for a, slopes_pgc in enumerate(state)
            ],
            axis=1,
        )


class Bumps(Family):
    """Two parameters, of which one has a default."""

    name = "Bumps"
    reference = "[a test]"
    parameters = (
        FingerprintParameter("Rc", POSITIVE, "Cutoff", is_cutoff=True),
        FingerprintParameter("N", ORDER, "Order", default=2.0, is_whole=True),
    )
    descriptor = BumpDescriptor

    def size(self, values, n_environment):
        return n_environment * int(values["N"] + 1)


FAMILY = Bumps()


def use_bumps(monkeypatch) -> None:
    """Add the family to the known ones."""
    monkeypatch.setattr("aenetpy.data.fingerprint_families.FAMILIES", [*FAMILIES, FAMILY])


def bump_setup(species: str, environment: tuple[str, ...], cutoff: float, order: int) -> Setup:
    size = len(environment) * (order + 1)
    parameters_gp = np.zeros((size, N_PARAMETERS))
    parameters_gp[0, :2] = cutoff, order
    return Setup(
        species,
        environment,
        0.5,
        cutoff,
        "Bumps",
        np.zeros(size, np.int32),
        parameters_gp,
        np.zeros((size, 2), np.int32),
    )
