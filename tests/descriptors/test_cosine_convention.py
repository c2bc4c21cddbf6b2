"""The two conventions of the angular polynomials, and how a file proves its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.chebyshev import chebval

from aenetpy.data.setup import FeatureStatistics
from aenetpy.data.structure import Structure
from aenetpy.descriptors.chebyshev_setup import angular_blocks
from aenetpy.descriptors.cosine_convention import (
    choose_conventions,
    polynomials_from_new,
    proven_convention,
)
from aenetpy.errors import UsageError
from aenetpy.formats.network import read_network
from aenetpy.inputs.stp import read_stp
from aenetpy.models.reading import read_potential
from tests.conftest import ROOT
from tests.descriptors.test_chebyshev import make_setup
from tests.models.test_potential import random_structure
from tests.potentials import random_potential

NONE = (False, False, False)
SETUPS = [
    read_stp(ROOT / "inputs" / "tio2-chebyshev" / f"{s}.fingerprint.stp") for s in ("Ti", "O")
]


@pytest.mark.parametrize("convention", ["old", "half"])
@given(order=st.integers(0, 12), x=st.floats(-1, 1))
def test_other_polynomials_in_new_ones(convention, order, x):
    y = (2 * x - np.pi) / np.pi if convention == "old" else (1 + x) / 2
    matrix_nk = polynomials_from_new(order, convention)
    new_k = [chebval(x, np.eye(order + 1)[k]) for k in range(order + 1)]
    old_n = [chebval(y, np.eye(order + 1)[n]) for n in range(order + 1)]
    np.testing.assert_allclose(
        matrix_nk @ new_k, old_n, rtol=1e-10, atol=1e-10 * max(map(abs, old_n))
    )
    assert np.array_equal(matrix_nk, np.tril(matrix_nk))


def test_blocks_are_those_of_the_names():
    potential = random_potential(SETUPS, [random_structure(1, "periodic")], hidden=(3,))
    names = potential.atomic_potentials[0].descriptor.names()
    plain, weighted = angular_blocks(SETUPS[0])
    assert names[plain] == [f"angular {n}" for n in range(5)]
    assert names[weighted] == [f"weighted angular {n}" for n in range(5)]
    (only,) = angular_blocks(make_setup((4.0, 2, 4.0, 3), ("Ti",)))
    assert (only.start, only.stop) == (3, 7)


@pytest.mark.parametrize("convention", ["new", "old", "half"])
@pytest.mark.parametrize("kind", ["small", "periodic"])
def test_statistics_prove_the_convention(convention, kind):
    structures = [random_structure(seed, kind) for seed in range(4)]
    potential = random_potential(SETUPS, structures, hidden=(3,), cosine_convention=convention)
    setups = {symbol: file.setup for symbol, file in potential.files.items()}
    assert [proven_convention(setup) for setup in setups.values()] == [convention, convention]
    assert choose_conventions(setups) == {"Ti": convention, "O": convention}


def with_averages(mean_n, square_n=None, lowest_n=None, highest_n=None):
    """Return a setup of angular order 2 with these statistics; by default they prove nothing."""
    setup = make_setup((4.0, 0, 4.0, 2), ("Ti",))
    mean_g = np.array([1.0, *mean_n])
    square_g = mean_g**2 if square_n is None else np.array([1.0, *square_n])
    lowest_g = mean_g if lowest_n is None else np.array([1.0, *lowest_n])
    highest_g = mean_g if highest_n is None else np.array([1.0, *highest_n])
    return setup.with_statistics(FeatureStatistics(9, lowest_g, highest_g, mean_g, square_g))


def test_one_violation_proves():
    wide = (2.0, -1.5, 1.0)
    assert proven_convention(with_averages(wide)) is None
    assert proven_convention(with_averages((2.0, -1.5, 2.1))) == "old"
    assert proven_convention(with_averages((2.0, -2.1, 1.0))) == "old"
    assert proven_convention(with_averages(wide, square_n=(4.0, 2.3, 4.1))) == "old"
    assert proven_convention(with_averages(wide, highest_n=(3.0, -1.5, 3.1))) == "old"
    assert proven_convention(with_averages(wide, (2.0, -3.1, 1.0), None, (3.0, -1.5, 1))) is None
    assert proven_convention(with_averages(wide, None, (1.0, -3.1, 1.0), (3.0, -1.5, 1))) == "old"
    # in the old convention T_1 would be below -0.36
    assert proven_convention(with_averages((2.0, -0.7, 0.5))) == "new"


def test_rounding_and_empty_extremes_prove_nothing():
    straight = (2.0, -2.0 * (1 + 1e-7), 2.0 * (1 + 1e-7))
    assert proven_convention(with_averages(straight)) is None
    empty = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert proven_convention(with_averages((2.0, -1.5, 1.0), None, *empty)) is None


def test_without_angles_there_is_nothing_to_prove():
    assert proven_convention(SETUPS[0]) is None
    assert proven_convention(with_averages((0.0, 0.0, 0.0))) is None
    behler = read_stp(ROOT / "inputs" / "tio2-behler2011" / "Ti.fingerprint.stp")
    assert proven_convention(behler) is None


def test_the_undecided_follow_the_others(caplog):
    old, new, wide = (
        with_averages(mean_n) for mean_n in ((2.0, -2.1, 2.3), (2.0, 0.1, -0.5), (2.0, -1.5, 1.0))
    )
    assert choose_conventions({"Ti": old, "O": wide}) == {"Ti": "old", "O": "old"}
    assert choose_conventions({"Ti": new, "O": wide}) == {"Ti": "new", "O": "new"}
    assert choose_conventions({"Ti": old, "O": new}) == {"Ti": "old", "O": "new"}
    assert choose_conventions({"Ti": old, "O": new}, "new") == {"Ti": "new", "O": "new"}
    assert caplog.text == ""
    assert choose_conventions({"O": wide}) == {"O": "new"}
    assert "the potential of O does not show whether it is older" in caplog.text
    with pytest.raises(UsageError, match="'newer' is not known; use auto, new, old or half"):
        choose_conventions({"O": wide}, "newer")


def test_many_neighbours_on_one_side_are_half_unless_another_species_proves_otherwise():
    # isotropic on y in 0 ... 1: the means of 1, y, 2 y^2 - 1
    many, few = (with_averages((n, 0.5 * n, -0.3 * n)) for n in (40.0, 2.0))
    obtuse = with_averages((40.0, 20.0, 10.0), None, (1.0, -9.0, -1.0), (90.0, 50.0, 11.0))
    new = with_averages((40.0, 1.0, -20.0))
    assert [proven_convention(s) for s in (many, few, obtuse)] == ["half", None, "new"]
    assert choose_conventions({"Ti": many, "O": few}) == {"Ti": "half", "O": "half"}
    assert choose_conventions({"C": new, "H": many}) == {"C": "new", "H": "new"}


TETRAHEDRON = 0.63 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
CAGE = [np.roll([0, a, b], k) for k in range(3) for a in (-1.3, 1.3) for b in (-2.1, 2.1)]


@pytest.mark.parametrize(
    "molecule",
    [
        Structure(("C", *"HHHH"), np.vstack([np.zeros(3), TETRAHEDRON]), None, NONE),
        Structure(("C",) * 12, np.array(CAGE), None, NONE),
    ],
    ids=["methane", "icosahedron"],
)
def test_molecules_of_aenet_are_not_taken_for_the_fork(molecule):
    symbols = tuple(sorted(set(molecule.species)))
    setups = [make_setup((5.0, 4, 5.0, 4), symbols, symbol) for symbol in symbols]
    potential = random_potential(setups, [molecule], hidden=(3,))
    setups = {symbol: file.setup for symbol, file in potential.files.items()}
    assert choose_conventions(setups) == dict.fromkeys(symbols, "new")


def test_potential_of_the_fork(data):
    potential = read_potential(str(data / "forks" / "Fe.10tw-10tw.ann"))
    assert potential.cosine_conventions == {"Fe": "half"}
    for edge, energy in ((2.9, -8959.70990256), (2.8356167, -8959.76977477)):
        positions = np.array([[0, 0, 0], [edge / 2] * 3])
        iron = Structure(("Fe", "Fe"), positions, edge * np.eye(3), (True, True, True))
        assert potential.evaluate(iron).energy == pytest.approx(energy, abs=2e-8)  # of two atoms


def test_golden_potentials(golden):
    found = {}
    for path in sorted(golden.rglob("*.nn")):
        setup = read_network(path).setup
        if setup.family.has_cosine_convention:
            found[path.parent.name, path.name] = proven_convention(setup)
    old = {key for key, convention in found.items() if convention == "old"}
    assert {case for case, _ in old} == {"06e-predict-set001-networks"}
    assert len(old) == 2
    assert set(found.values()) == {"old", "new"}
