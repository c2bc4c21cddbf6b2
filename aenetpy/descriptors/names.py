"""Names of the components of a fingerprint, by the parameters that define them."""

from __future__ import annotations

from aenetpy.data.setup import Setup
from aenetpy.descriptors.chebyshev_setup import parameters


def component_names(setup: Setup) -> list[str]:
    """Return the name of each component, such as ``Ti G2 O eta=0.05 Rs=0 Rc=6.5``.

    Chebyshev: ``radial T_n`` and ``angular T_n``, with ``weighted`` where neighbours count by
    species.
    """
    if setup.family.lists_functions:
        return [_function(setup, g) for g in range(setup.n_features)]
    radial_cutoff, radial_order, angular_cutoff, angular_order = parameters(setup)
    part = [f"radial T_{n} Rc={radial_cutoff:g}" for n in range(radial_order + 1)]
    part += [f"angular T_{n} Rc={angular_cutoff:g}" for n in range(angular_order + 1)]
    n_parts = setup.n_features // len(part)
    marks = ["", " weighted"][:n_parts]
    return [f"{setup.species} {name}{mark}" for mark in marks for name in part]


def _function(setup: Setup, g: int) -> str:
    """Return the name of a function of Behler and Parrinello."""
    partners = "".join(
        setup.environment[k - 1] if 1 <= k <= len(setup.environment) else "?"
        for k in setup.partners_of(g)
    )
    values = " ".join(f"{name}={value:g}" for name, value in setup.named_parameters(g).items())
    return f"{setup.species} G{setup.functions_g[g]} {partners} {values}"
