"""The functions of a Behler2011 setup: checked, ordered, and grouped for the kernels (spec 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.data.setup import Setup
from aenetpy.kernels.behler_layout import Functions


class SymmetryFunction(NamedTuple):
    """One function of a setup; partners are 0-based ENV positions in ascending order."""

    kind: int
    partners: tuple[int, ...]
    parameters: dict[str, float]

    @property
    def is_angular(self) -> bool:
        """True for G4 and G5."""
        return self.kind >= 4


def symmetry_functions(setup: Setup) -> list[SymmetryFunction]:
    """Read the functions of a setup in file order; unused numbers of a row are not looked at."""
    return [
        SymmetryFunction(
            kind,
            tuple(sorted(partner - 1 for partner in setup.partners_of(g))),
            setup.named_parameters(g),
        )
        for g, kind in enumerate(setup.functions_g.tolist())
    ]


def in_value_order(functions: Sequence[SymmetryFunction]) -> list[SymmetryFunction]:
    """Sort as aenet stores values (spec 6.3).

    For each species G1, G2, G3; then for it and each species from it on G4, G5;
    file order within a kind.
    """
    return sorted(functions, key=lambda f: (f.partners[0], f.is_angular, f.partners[-1], f.kind))


class AngularGroup(NamedTuple):
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
) -> list[AngularGroup]:
    """Collect the angular functions of one cutoff by kind and species pair."""
    of_cutoff = [(g, f) for g, f in numbered if f.is_angular and f.parameters["Rc"] == cutoff]
    keys = sorted({(f.kind, f.partners) for _, f in of_cutoff})
    return [
        AngularGroup(kind, partners, [(g, f) for g, f in of_cutoff if f[:2] == (kind, partners)])
        for kind, partners in keys
    ]


def distinct(group: AngularGroup, names: tuple[str, ...]) -> list[tuple[float, ...]]:
    """List the different values of some parameters in a group, in ascending order."""
    return sorted({tuple(f.parameters[name] for name in names) for _, f in group.functions})


def _floats(values: Sequence[float]) -> Float:
    return np.array(values, dtype=np.float64)


def _integers(values: Sequence[int]) -> Long:
    return np.array(values, dtype=np.int64)


def _starts(items: Sequence[Sequence[Any]]) -> Long:
    """Return where each of the lists begins when they are joined, and where the last one ends."""
    return np.cumsum([0, *(len(item) for item in items)], dtype=np.int64)
