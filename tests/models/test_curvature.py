from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.inputs.stp import read_stp
from aenetpy.models.curvature import hessian_product
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.potentials import random_potential

EXAMPLE = ROOT / "examples" / "tio2"


def test_product_with_the_hessian() -> None:
    structure = read_xsf(EXAMPLE / "xsf" / "rutile-03.xsf")
    setups = [read_stp(EXAMPLE / f"{name}.fingerprint.stp") for name in ("Ti", "O")]
    potential = random_potential(setups, [structure], hidden=(5,))
    stream = np.random.default_rng(0)
    v_nc, w_nc = stream.normal(size=(2, len(structure), 3))

    def energy(displacement_nc: np.ndarray) -> float:
        moved = replace(structure, positions_nc=structure.positions_nc + displacement_nc)
        return potential.evaluate(moved, forces=False).energy

    h = 1e-4
    product_nc = hessian_product(potential, structure, v_nc)
    curvature = (energy(h * v_nc) - 2 * energy(0 * v_nc) + energy(-h * v_nc)) / h**2
    assert (v_nc * product_nc).sum() == pytest.approx(curvature, rel=2e-4)
    # The Hessian is symmetric, and linear in the displacement whatever its length.
    other_nc = hessian_product(potential, structure, w_nc)
    assert (w_nc * product_nc).sum() == pytest.approx((v_nc * other_nc).sum(), rel=2e-4)
    np.testing.assert_allclose(
        hessian_product(potential, structure, 1e-5 * v_nc), 1e-5 * product_nc, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_array_equal(hessian_product(potential, structure, 0 * v_nc), 0.0)
