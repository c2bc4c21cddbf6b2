"""Old potentials written anew: the same function of the structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aenetpy.data.setup import Setup
from aenetpy.descriptors.chebyshev_setup import angular_blocks
from aenetpy.descriptors.cosine_convention import ORIGINS, proven_convention
from aenetpy.descriptors.featurise import structure_fingerprints
from aenetpy.formats.network import read_network
from aenetpy.inputs.stp import read_stp
from aenetpy.models.potential import Potential
from aenetpy.models.upgrade import NOTE, upgrade_network
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.descriptors.test_chebyshev import make_setup
from tests.models.test_potential import random_structure
from tests.potentials import random_potential

SAMPLES = [random_structure(seed, "periodic") for seed in range(6)]
SETUPS = {
    "of two species": [
        read_stp(ROOT / "inputs" / "tio2-chebyshev" / f"{s}.fingerprint.stp") for s in ("Ti", "O")
    ],
    "of one species": [make_setup((5.0, 4, 4.0, 6), (s,), s) for s in ("Ti", "O")],
    "of high order": [make_setup((5.0, 4, 4.0, 10), ("Ti", "O"), s) for s in ("Ti", "O")],
    "without angles": [make_setup((5.0, 4, 4.0, 0), ("Ti", "O"), s) for s in ("Ti", "O")],
}


def upgraded(potential: Potential) -> Potential:
    conventions = potential.cosine_conventions
    files = {
        symbol: upgrade_network(file, conventions[symbol])
        for symbol, file in potential.files.items()
    }
    return Potential(files, chebyshev_domain="new")


def assert_same_function(one: Potential, other: Potential, structure) -> None:
    a, b = one.evaluate(structure), other.evaluate(structure)
    scale = abs(a.forces_nc).max()
    np.testing.assert_allclose(b.atomic_energies_n, a.atomic_energies_n, rtol=0, atol=1e-9)
    np.testing.assert_allclose(b.forces_nc, a.forces_nc, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(b.virial_cc, a.virial_cc, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("setups", SETUPS.values(), ids=SETUPS)
@pytest.mark.parametrize("kind", ["small", "periodic", "isolated"])
@pytest.mark.parametrize("convention", ["old", "half"])
def test_energies_and_forces_stay(setups: list[Setup], kind, convention):
    old = random_potential(setups, SAMPLES, hidden=(6, 5), cosine_convention=convention)
    assert_same_function(old, upgraded(old), random_structure(21, kind))


def test_means_are_those_of_the_new_values_and_bounds_hold():
    setups = SETUPS["of two species"]
    old = random_potential(setups, SAMPLES, hidden=(3,), cosine_convention="old")
    new = random_potential(setups, SAMPLES, hidden=(3,))
    again = upgraded(old)
    for symbol, file in again.files.items():
        ours, true = file.setup.statistics, new.files[symbol].setup.statistics
        np.testing.assert_allclose(ours.mean_g, true.mean_g, rtol=1e-9, atol=1e-9)
        assert (ours.minimum_g <= true.minimum_g + 1e-9).all()
        assert (ours.maximum_g >= true.maximum_g - 1e-9).all()
        untouched = np.ones(file.setup.n_features, bool)
        for block in angular_blocks(file.setup):
            untouched[block.start + 1 : block.stop] = False
        for name in ("minimum_g", "maximum_g", "mean_square_g"):
            np.testing.assert_allclose(
                getattr(ours, name)[untouched], getattr(true, name)[untouched], rtol=1e-12
            )
        assert proven_convention(file.setup) == "new"
        assert file.setup.description.endswith(NOTE.format(ORIGINS["old"]))
    descriptors = [atomic.descriptor for atomic in again.atomic_potentials]
    found = structure_fingerprints(SAMPLES[0], again.species, descriptors)
    inside = again.evaluate(SAMPLES[0], out_of_range=True).out_of_range
    assert len(found.features_tng) == 2
    assert len(inside) == 0


def test_a_constant_density_does_not_blind_the_new_network():
    """Order 0 without variance had no part in the old network; the new one has to see it."""
    old = random_potential(SETUPS["of two species"], SAMPLES, hidden=(6,), cosine_convention="old")
    files = {}
    for symbol, file in old.files.items():
        known = file.setup.known_statistics
        mean_square_g = known.mean_square_g.copy()
        for block in angular_blocks(file.setup):
            mean_square_g[block.start] = known.mean_g[block.start] ** 2
        setup = file.setup.with_statistics(replace(known, mean_square_g=mean_square_g))
        files[symbol] = replace(file, setup=setup)
    old = Potential(files, chebyshev_domain="old")
    new = upgraded(old)
    assert_same_function(old, new, random_structure(22, "periodic"))
    assert all(proven_convention(file.setup) == "new" for file in new.files.values())


def test_golden_networks(golden):
    folder = golden / "06e-predict-set001-networks"
    old = Potential({s: read_network(folder / f"{s}.15t-15t.nn") for s in ("Ti", "O")})
    assert old.cosine_conventions == {"Ti": "old", "O": "old"}
    new = upgraded(old)
    for path in sorted((folder / "xsf").glob("*.xsf")):
        assert_same_function(old, new, read_xsf(path))
