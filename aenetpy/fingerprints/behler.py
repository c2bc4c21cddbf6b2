"""The Behler2011 descriptor: symmetry functions G1 to G5 (spec 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aenetpy.errors import InputError
from aenetpy.fingerprints.neighbors import Neighbors
from aenetpy.io.setup import Setup
from aenetpy.kernels.behler import Functions, behler_pass, pull_forces, workspace

Float = NDArray[np.float64]

PARAMETERS = {
    1: ("Rc",),
    2: ("Rc", "Rs", "eta"),
    3: ("Rc", "kappa"),
    4: ("Rc", "lambda", "zeta", "eta"),
    5: ("Rc", "lambda", "zeta", "eta"),
}
"""Names of the stored parameters of each kind (spec 6.3); the rest of a row means nothing."""


class SymmetryFunction(NamedTuple):
    """One function of a setup; partners are 0-based ENV positions in ascending order."""

    kind: int
    partners: tuple[int, ...]
    parameters: dict[str, float]

    @property
    def is_angular(self) -> bool:
        """True for G4 and G5."""
        return self.kind >= 4


class BehlerDescriptor:
    """Symmetry functions of one central species.

    G1 = sum_j fc(d_ij), G2 = sum_j exp(-eta (d_ij - Rs)^2) fc, G3 = sum_j cos(kappa d_ij) fc,
    G4 = 2 sum_{j<k} ((1 + lambda cos)/2)^zeta exp(-eta (d_ij^2 + d_ik^2 + d_jk^2)) fc fc fc,
    G5 the same without d_jk; each function has its own cutoff.

    Parameters
    ----------
    setup
        Of kind ``Behler2011``. The functions evaluated are those it declares.
    species
        Global species; ``types_n`` of all methods index this tuple. Neighbours
        of species outside ``setup.environment`` contribute nothing.

    Raises
    ------
    InputError
        If a function is of unknown kind, has no positive cutoff, or names a
        species outside ENV.

    Notes
    -----
    Source: spec 6.3. aenet looks the functions up under the ENV position of
    the central species, and so confuses setups if ENV is not ordered like TYPES;
    this is not imitated.
    """

    def __init__(self, setup: Setup, species: Sequence[str]) -> None:
        self.setup = setup
        self.functions = in_value_order(symmetry_functions(setup))
        self.n_features = len(self.functions)
        self.cutoff = max((function.parameters["Rc"] for function in self.functions), default=0.0)
        self._table = function_table(self.functions)
        position = {symbol: z for z, symbol in reversed(list(enumerate(setup.environment)))}
        self._environment_t = np.array([position.get(s, -1) for s in species], dtype=np.int64)

    def evaluate(
        self, atoms_a: NDArray[Any], types_n: NDArray[np.int32], neighbors: Neighbors
    ) -> tuple[Float, None]:
        """Evaluate the symmetry functions of some atoms.

        Parameters
        ----------
        atoms_a
            Indices of central atoms of this species, (a,) integer.
        types_n
            Species index of all atoms, (n,) int32.
        neighbors
            Neighbours within at least ``cutoff``, Å.

        Returns
        -------
        features_ag
            Values in the order of spec 6.3, (a, g) float64.
        state
            Nothing to remember for ``adjoint``.
        """
        features_ag = np.empty((len(atoms_a), self.n_features))
        self._pass(atoms_a, types_n, neighbors, False, features_ag, np.empty((0, 3)))
        return features_ag, None

    def adjoint(
        self,
        atoms_a: NDArray[Any],
        types_n: NDArray[np.int32],
        neighbors: Neighbors,
        state: object,
        gradient_ag: Float,
        forces_nc: Float,
        virial_cc: Float,
    ) -> None:
        """Add the forces and the virial that belong to a gradient dE/dG.

        F_n = -sum_ag dE/dG_ag dG_ag/dr_n, virial_cd = sum_p r_pc dE/dr_pd.

        Parameters
        ----------
        atoms_a, types_n, neighbors
            As in ``evaluate``.
        state
            What ``evaluate`` returned.
        gradient_ag
            dE/dG, eV, (a, g) float64.
        forces_nc, virial_cc
            Added to, eV/Å (n, 3) and eV (3, 3), C-contiguous float64.
        """
        atoms_a = np.ascontiguousarray(atoms_a, dtype=np.int64)
        slopes_pc = self._slopes(atoms_a, types_n, neighbors, gradient_ag)
        pull_forces(
            atoms_a,
            neighbors.offsets_n,
            neighbors.partners_p,
            neighbors.r_cp,
            slopes_pc,
            forces_nc,
            virial_cc,
        )

    def jacobian(self, atom: int, types_n: NDArray[np.int32], neighbors: Neighbors) -> Float:
        """Return dG/dr_p of one atom for each of its neighbours, (p, g, 3) float64, 1/Å."""
        atoms_g = np.full(self.n_features, atom)
        slopes_pc = self._slopes(atoms_g, types_n, neighbors, np.eye(self.n_features))
        return slopes_pc.reshape(self.n_features, -1, 3).swapaxes(0, 1)

    def names(self) -> list[str]:
        """Name the components like their lines in the setup: ``G2 O eta=0.5 Rs=0 Rc=6.5``."""
        return [self._name(function) for function in self.functions]

    def _name(self, function: SymmetryFunction) -> str:
        species = [self.setup.environment[z] for z in function.partners]
        values = [f"{key}={value:g}" for key, value in reversed(function.parameters.items())]
        return " ".join([f"G{function.kind}", *species, *values])

    def _slopes(
        self,
        atoms_a: NDArray[Any],
        types_n: NDArray[np.int32],
        neighbors: Neighbors,
        gradient_ag: Float,
    ) -> Float:
        """dE/dr_p for the pairs of the first atom, the second and so on, (p, 3)."""
        n_pairs = int(np.diff(neighbors.offsets_n)[atoms_a].sum())
        slopes_pc = np.zeros((n_pairs, 3))
        gradient_ag = np.ascontiguousarray(gradient_ag, dtype=np.float64)
        self._pass(atoms_a, types_n, neighbors, True, gradient_ag, slopes_pc)
        return slopes_pc

    def _pass(
        self,
        atoms_a: NDArray[Any],
        types_n: NDArray[np.int32],
        neighbors: Neighbors,
        derivative: bool,
        features_ag: Float,
        slopes_pc: Float,
    ) -> None:
        """Run the kernel with scratch of its own, so that threads do not meet."""
        largest = int(np.diff(neighbors.offsets_n)[atoms_a].max(initial=0))
        behler_pass(
            self._table,
            workspace(self._table, len(self.setup.environment), largest),
            self._environment_t,
            np.ascontiguousarray(atoms_a, dtype=np.int64),
            np.ascontiguousarray(types_n, dtype=np.int32),
            neighbors.offsets_n,
            neighbors.partners_p,
            neighbors.r_cp,
            derivative,
            features_ag,
            slopes_pc,
        )


def symmetry_functions(setup: Setup) -> list[SymmetryFunction]:
    """Read the functions of a setup in file order; unused numbers of a row are not looked at.

    Raises
    ------
    InputError
        See ``BehlerDescriptor``.
    """
    functions = []
    for g, kind in enumerate(setup.functions_g.tolist()):
        where = f"function {g + 1} of the setup for {setup.species}"
        if kind not in PARAMETERS:
            raise InputError(f"G={kind} in {where} does not exist", hint="use G=1 to G=5")
        names = PARAMETERS[kind]
        values = setup.parameters_gp[g, : len(names)].tolist()
        parameters = dict(zip(names, values, strict=True))
        if not parameters["Rc"] > 0.0:
            raise InputError(f"Rc={parameters['Rc']:g} in {where}", hint="give Rc > 0")
        partners = setup.partners_g2[g, : 2 if kind >= 4 else 1] - 1
        if partners.min() < 0 or partners.max() >= len(setup.environment):
            raise InputError(f"type2 or type3 missing or not in ENV in {where}")
        functions.append(SymmetryFunction(kind, tuple(sorted(partners.tolist())), parameters))
    return functions


def in_value_order(functions: Sequence[SymmetryFunction]) -> list[SymmetryFunction]:
    """Sort as aenet stores values (spec 6.3).

    For each species G1, G2, G3; then for it and each species from it on G4, G5;
    file order within a kind.
    """
    return sorted(
        functions, key=lambda f: (f.partners[0], f.is_angular, f.partners[-1], f.kind)
    )


class Group(NamedTuple):
    """Angular functions of the same kind, species pair and cutoff."""

    kind: int
    partners: tuple[int, ...]
    functions: list[tuple[int, SymmetryFunction]]


def function_table(functions: Sequence[SymmetryFunction]) -> Functions:
    """Sort functions by cutoff, and the angular ones by kind, species, eta and (lambda, zeta).

    ``slot`` arrays keep the place of each function in ``functions``.
    """
    numbered = list(enumerate(functions))
    cutoffs = sorted({f.parameters["Rc"] for f in functions})
    radial = [
        [(g, f) for g, f in numbered if not f.is_angular and f.parameters["Rc"] == cutoff]
        for cutoff in cutoffs
    ]
    groups = [angular_groups(numbered, cutoff) for cutoff in cutoffs]
    flat_radial = [item for items in radial for item in items]
    flat_groups = [group for items in groups for group in items]
    shapes = [distinct(group, ("lambda", "zeta")) for group in flat_groups]
    etas = [distinct(group, ("eta",)) for group in flat_groups]
    terms = [
        [
            (shapes_of.index((f.parameters["lambda"], f.parameters["zeta"])), g)
            for g, f in group.functions
            if f.parameters["eta"] == eta
        ]
        for group, shapes_of, etas_of in zip(flat_groups, shapes, etas, strict=True)
        for (eta,) in etas_of
    ]
    flat_terms = [term for items in terms for term in items]
    flat_shapes = [shape for items in shapes for shape in items]
    return Functions(
        cutoff_r=_floats(cutoffs),
        radials_r=_starts(radial),
        groups_r=_starts(groups),
        kind_f=_integers([f.kind for _, f in flat_radial]),
        species_f=_integers([f.partners[0] for _, f in flat_radial]),
        rate_f=_floats(
            [f.parameters.get("eta", f.parameters.get("kappa", 0.0)) for _, f in flat_radial]
        ),
        shift_f=_floats([f.parameters.get("Rs", 0.0) for _, f in flat_radial]),
        slot_f=_integers([g for g, _ in flat_radial]),
        kind_m=_integers([group.kind for group in flat_groups]),
        first_m=_integers([group.partners[0] for group in flat_groups]),
        second_m=_integers([group.partners[1] for group in flat_groups]),
        shapes_m=_starts(shapes),
        etas_m=_starts(etas),
        lambda_q=_floats([lambda_ for lambda_, _ in flat_shapes]),
        zeta_q=_floats([zeta for _, zeta in flat_shapes]),
        eta_e=_floats([eta for etas_of in etas for (eta,) in etas_of]),
        terms_e=_starts(terms),
        shape_u=_integers([shape for shape, _ in flat_terms]),
        slot_u=_integers([g for _, g in flat_terms]),
    )


def angular_groups(
    numbered: Sequence[tuple[int, SymmetryFunction]], cutoff: float
) -> list[Group]:
    """Collect the angular functions of one cutoff by kind and species pair."""
    of_cutoff = [(g, f) for g, f in numbered if f.is_angular and f.parameters["Rc"] == cutoff]
    keys = sorted({(f.kind, f.partners) for _, f in of_cutoff})
    return [
        Group(kind, partners, [(g, f) for g, f in of_cutoff if f[:2] == (kind, partners)])
        for kind, partners in keys
    ]


def distinct(group: Group, names: tuple[str, ...]) -> list[tuple[float, ...]]:
    """List the different values of some parameters in a group, in ascending order."""
    return sorted({tuple(f.parameters[name] for name in names) for _, f in group.functions})


def _floats(values: Sequence[float]) -> Float:
    return np.array(values, dtype=np.float64)


def _integers(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _starts(items: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    """Return where each of the lists begins when they are joined, and where the last one ends."""
    return np.cumsum([0, *(len(item) for item in items)], dtype=np.int64)
