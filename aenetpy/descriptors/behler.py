"""The Behler2011 descriptor: symmetry functions G1 to G5 (spec 6.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.setup import Setup
from aenetpy.descriptors.base import Descriptor
from aenetpy.descriptors.behler_functions import (
    SymmetryFunction,
    function_table,
    in_value_order,
    symmetry_functions,
)
from aenetpy.kernels.batch import Surroundings
from aenetpy.kernels.behler import behler_pass
from aenetpy.kernels.behler_layout import RATES, SLOPES, VALUES, workspace


class BehlerDescriptor(Descriptor):
    """Symmetry functions of one central species.

    G1 = sum_j fc(d_ij), G2 = sum_j exp(-eta (d_ij - Rs)^2) fc, G3 = sum_j cos(kappa d_ij) fc,
    G4 = 2 sum_{j<k} ((1 + lambda cos)/2)^zeta exp(-eta (d_ij^2 + d_ik^2 + d_jk^2)) fc fc fc,
    G5 the same without d_jk; each function has its own cutoff.

    Notes
    -----
    Source: spec 6.3.
    """

    def __init__(
        self, setup: Setup, species: Sequence[str], effective: Setup | None = None
    ) -> None:
        super().__init__(setup, species)
        effective = setup if effective is None else effective
        self.functions = in_value_order(symmetry_functions(effective))
        self._n_places = max(len(setup.environment), len(effective.environment))
        self.cutoff = max((function.parameters["Rc"] for function in self.functions), default=0.0)
        self._table = function_table(self.functions)
        position = {symbol: z for z, symbol in reversed(list(enumerate(setup.environment)))}
        self._environment_t = np.array([position.get(s, -1) for s in species], dtype=np.int64)

    def evaluate(self, around: Surroundings) -> tuple[Float, None]:
        """Evaluate the symmetry functions of some atoms."""
        features_ag = np.zeros((len(around.atoms_a), self.n_features))
        self._pass(around, VALUES, features_ag[np.newaxis], np.empty((1, 0, 3)))
        return features_ag, None

    def slopes(self, around: Surroundings, state: object, gradient_mag: Float) -> Float:
        """Return dE/dr_p (m, p, 3), with the triples found once for all members."""
        slopes_mpc = np.zeros((len(gradient_mag), int(around.counts_a.sum()), 3))
        gradient_mag = np.array(gradient_mag, dtype=np.float64, order="C")
        self._pass(around, SLOPES, gradient_mag, slopes_mpc)
        return slopes_mpc

    def directional(self, around: Surroundings, state: object, rates_cp: Float) -> Float:
        """Return dG (a, g) for rates of change (3, p) of the vectors to the neighbours."""
        counts_a = around.counts_a
        firsts_a = around.offsets_n[around.atoms_a]
        pairs_p = np.repeat(firsts_a - np.cumsum(counts_a) + counts_a, counts_a)
        pairs_p += np.arange(len(pairs_p))
        rates_pc = np.ascontiguousarray(rates_cp[:, pairs_p].T)
        rates_ag = np.zeros((len(around.atoms_a), self.n_features))
        self._pass(around, RATES, rates_ag[np.newaxis], rates_pc[np.newaxis])
        return rates_ag

    def jacobian(self, around: Surroundings) -> Float:
        """Return dG/dr_p, (p, g, 3); each component is an atom, so that others are left out."""
        repeated = around._replace(atoms_a=np.repeat(around.atoms_a, self.n_features))
        gradient_mgg = np.eye(self.n_features)[np.newaxis]
        (slopes_pc,) = self.slopes(repeated, None, gradient_mgg)
        return slopes_pc.reshape(self.n_features, -1, 3).swapaxes(0, 1)

    def names(self) -> list[str]:
        """Name the components like their lines in the setup: ``G2 O eta=0.5 Rs=0 Rc=6.5``."""
        missing = self.n_features - len(self.functions)
        return [*(self._name(function) for function in self.functions), *["none"] * missing]

    def _name(self, function: SymmetryFunction) -> str:
        environment = self.setup.environment
        species = [environment[z] if z < len(environment) else "none" for z in function.partners]
        values = [f"{key}={value:g}" for key, value in reversed(function.parameters.items())]
        return " ".join([f"G{function.kind}", *species, *values])

    def _pass(
        self,
        around: Surroundings,
        task: int,
        features_mag: Float,
        slopes_mpc: Float,
    ) -> None:
        """Run the kernel with scratch of its own, so that threads do not meet."""
        largest = int(around.counts_a.max(initial=0))
        behler_pass(
            self._table,
            workspace(self._table, self._n_places, largest, len(features_mag)),
            self._environment_t,
            around,
            task,
            features_mag,
            slopes_mpc,
        )
