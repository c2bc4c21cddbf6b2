"""Potentials of aenet 2.0.3 and before, and of a fork, written anew for 2.0.4 (spec 6.2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.setup import FeatureStatistics, Setup
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.descriptors.chebyshev_setup import angular_blocks, typespins
from aenetpy.descriptors.cosine_convention import ORIGINS, CosineConvention, polynomials_from_new
from aenetpy.models.network import Network
from aenetpy.models.scaling import ROUNDING, deviations, feature_scaling

NOTE = "Upgraded from {}; deviations and ranges of angular values are nominal.$$"
"""Goes into the description of the setup, which every report prints."""

DESCRIPTION_LENGTH = 1024


def upgrade_network(
    file: SpeciesPotential, convention: CosineConvention = "old"
) -> SpeciesPotential:
    """Return the potential that gives the same energies from T_n(cos theta).

    T_n((2 x - pi)/pi), or T_n((1 + x)/2), is a polynomial of degree n in x, so that the old
    values are linear in the new ones, G_old = M G_new, and the first layer absorbs M::

        x_old = D_old (M G_new - mean_old) = D_old M D_new^-1 x_new + D_old (M mean_new - mean_old)
        W_new = W_old D_old M D_new^-1,    b_new = b_old + W_old D_old (M mean_new - mean_old)

    with D = 1/sigma on the diagonal. Any sigma_new gives the same energies.

    Notes
    -----
    Spec 6.2 (versions up to 2.0.3), 9.1 and 9.3.
    """
    setup = file.setup
    assert setup.family.has_cosine_convention, (
        "the caller has found out that it is an old potential"
    )
    old = setup.known_statistics
    new = new_statistics(setup, convention)
    mean_old_g, inverse_old_g = feature_scaling(old)
    mean_new_g, inverse_new_g = feature_scaling(new)
    sigma_new_g = np.zeros_like(inverse_new_g)
    np.divide(1.0, inverse_new_g, out=sigma_new_g, where=inverse_new_g > 0.0)
    matrix_gg = old_from_new_setup(setup, convention)
    first = Network(file.nodes_l, file.activations, file.weights_w).matrices_l[0]
    weights_og = first[:, :-1] * inverse_old_g
    bias_o = first[:, -1] + weights_og @ (matrix_gg @ mean_new_g - mean_old_g)
    layer = np.column_stack([(weights_og @ matrix_gg) * sigma_new_g, bias_o])
    weights_w = np.concatenate([layer.ravel(order="F"), file.weights_w[layer.size :]])
    note = NOTE.format(ORIGINS[convention])
    description = setup.description[: DESCRIPTION_LENGTH - len(note)] + note
    setup = replace(setup, statistics=new, description=description)
    return replace(file, weights_w=weights_w, setup=setup)


def old_from_new_setup(setup: Setup, convention: CosineConvention) -> Float:
    """Return M of G_old = M G_new for all components of a setup, (g, g)."""
    matrix_gg = np.eye(setup.n_features)
    for block in angular_blocks(setup):
        matrix_gg[block, block] = polynomials_from_new(block.stop - block.start - 1, convention)
    return matrix_gg


def new_statistics(setup: Setup, convention: CosineConvention) -> FeatureStatistics:
    """Return statistics of the new angular values, as far as the old ones tell them.

    The means are exact, M^-1 mean_old. Second moments and extremes do not follow from
    those of other combinations. All orders of a block take the standard deviation of
    its order 0 (both conventions have the same), and the bounds |G_n| <= s^2 max G_0 with
    the largest species weight s, which hold for every structure of the training set.
    """
    old = setup.known_statistics
    sigma_g = deviations(old)
    blocks = angular_blocks(setup)
    most, mean_most = old.maximum_g[blocks[0].start], old.mean_square_g[blocks[0].start]
    largest_s = [1.0, max(map(abs, typespins(setup.environment).values()))]
    matrix_gg = old_from_new_setup(setup, convention)
    mean_g: Float = np.linalg.solve(matrix_gg, old.mean_g).astype(np.float64)
    minimum_g, maximum_g = old.minimum_g.copy(), old.maximum_g.copy()
    mean_square_g = old.mean_square_g.copy()
    for block, s in zip(blocks, largest_s, strict=False):
        zero, higher = block.start, slice(block.start + 1, block.stop)
        minimum_g[higher], maximum_g[higher] = -(s**2) * most, s**2 * most
        variance = sigma_g[zero] ** 2
        if variance <= (10.0 * ROUNDING) ** 2 * s**4 * mean_most:
            # Order 0 was constant, so the old network did not see it; the new one has to.
            variance = s**4 * mean_most
        mean_square_g[block] = mean_g[block] ** 2 + variance
    return FeatureStatistics(old.count, minimum_g, maximum_g, mean_g, mean_square_g)
