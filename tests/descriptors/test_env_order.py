"""Behler2011 with ENV ordered unlike TYPES: whose functions describe whom."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import aenetpy
from aenetpy.data.setup import Setup
from aenetpy.data.structure import Structure
from aenetpy.descriptors.base import make_descriptors
from aenetpy.descriptors.derivatives_file import atom_derivatives
from aenetpy.descriptors.env_order import effective_setups, effective_species
from aenetpy.descriptors.featurise import structure_fingerprints, total_cutoff
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.errors import DataError
from aenetpy.models.potential import Potential
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.naive_behler import behler_setup, behler_values
from tests.potentials import random_potential

STRUCTURE = read_xsf(ROOT / "tests" / "data" / "reference" / "anatase-07.xsf")
TITANIUM = [
    (1, "O", 4.0),
    (4, "O Ti", 5.0, 1.0, 2.0, 0.01),
    (2, "O", 5.0, 1.9, 0.5),
    (3, "Ti", 5.0, 0.7),
    (5, "O O", 3.6, -1.0, 1.0, 0.02),
]
OXYGEN = [
    (5, "O Ti", 4.8, 1.0, 2.0, 0.015),
    (3, "O", 4.8, 2.2),
    (1, "Ti", 3.5),
    (2, "Ti", 4.8, 2.0, 4.0),
    (2, "O", 4.8, 0.0, 0.3),
]


def setups_of(ti: tuple[str, ...], o: tuple[str, ...]) -> list[Setup]:
    """Return setups of Ti and O with these orders of ENV."""
    return [behler_setup("Ti", ti, TITANIUM), behler_setup("O", o, OXYGEN)]


def by_the_rule(setups: list[Setup], structure: Structure = STRUCTURE) -> list[np.ndarray]:
    """Fingerprints in slow loops; functions and their partners are found by places."""
    cutoff = max(setup.r_max for setup in setups)
    neighbors = find_neighbors(
        structure.positions_nc, structure.cell_cc, structure.pbc_c, cutoff + 0.001
    )
    features = []
    for setup in setups:
        served_by = setups[setup.environment.index(setup.species)]
        functions = replace(served_by, environment=setup.environment)
        rows = []
        for i in np.flatnonzero(np.array(structure.species) == setup.species):
            pairs = slice(neighbors.offsets_n[i], neighbors.offsets_n[i + 1])
            symbols = [structure.species[j] for j in neighbors.partners_p[pairs]]
            values_g = behler_values(functions, symbols, neighbors.r_cp[:, pairs].T)
            rows.append(np.pad(values_g, (0, setup.n_features - len(values_g))))
        features.append(np.array(rows))
    return features


REVERSED = setups_of(("O", "Ti"), ("O", "Ti"))
OWN_FIRST = [
    behler_setup("Ti", ("Ti", "O"), TITANIUM[:4]),
    behler_setup("O", ("O", "Ti"), OXYGEN),
]


@pytest.mark.parametrize("setups", [REVERSED, OWN_FIRST], ids=["reversed", "own first"])
def test_values_by_the_rule(setups, caplog):
    expected = by_the_rule(setups)
    found = aenetpy.fingerprints(STRUCTURE, setups)
    for setup, expected_ag in zip(setups, expected, strict=True):
        features_ag = found[setup.species].features_ag
        np.testing.assert_allclose(features_ag, expected_ag, rtol=1e-10, atol=1e-12)
        assert len(found[setup.species].names_g) == setup.n_features
    told = [text for text in caplog.messages if "ENV ordered unlike TYPES" in text]
    assert len(told) == 1
    assert "functions of Ti describe atoms of O" in told[0]
    assert ("functions of O describe atoms of Ti" in told[0]) == (setups is REVERSED)


def test_functions_that_are_missing_are_zero():
    features_ag = aenetpy.fingerprints(STRUCTURE, OWN_FIRST)["O"].features_ag
    assert (features_ag[:, 4] == 0.0).all()
    assert (features_ag[:, :4] != 0.0).all()


def test_in_the_order_of_types_each_serves_its_own(caplog):
    setups = setups_of(("Ti", "O"), ("Ti", "O"))
    assert effective_setups(setups) == setups
    found = aenetpy.fingerprints(STRUCTURE, setups)
    assert found["Ti"].names_g[0] == "G3 Ti kappa=0.7 Rc=5"
    for setup, expected_ag in zip(setups, by_the_rule(setups), strict=True):
        np.testing.assert_allclose(found[setup.species].features_ag, expected_ag, rtol=1e-10)
    assert not caplog.messages


def test_stored_derivatives_by_differences():
    descriptors = make_descriptors(REVERSED)
    types_n = np.array([("Ti", "O").index(s) for s in STRUCTURE.species], dtype=np.int32)
    atoms = atom_derivatives(STRUCTURE, ("Ti", "O"), descriptors)
    assert total_cutoff(descriptors) == pytest.approx(5.001)
    step = 1e-5
    for m, c in ((0, 1), (len(STRUCTURE) - 1, 2)):
        ends = []
        for sign in (1.0, -1.0):
            positions_nc = STRUCTURE.positions_nc.copy()
            positions_nc[m, c] += sign * step
            moved = replace(STRUCTURE, positions_nc=positions_nc)
            ends.append(structure_fingerprints(moved, ("Ti", "O"), descriptors).features_tng)
        for t in range(2):
            slope_ag = (ends[0][t] - ends[1][t]) / (2 * step)
            for k, i in enumerate(np.flatnonzero(types_n == t)):
                atom = atoms[i]
                total_g = atom.neighbors_pgc[atom.neighbors_p == m, :, c].sum(axis=0)
                total_g = total_g + (atom.central_gc[:, c] if i == m else 0.0)
                np.testing.assert_allclose(total_g, slope_ag[k], atol=2e-6)


@pytest.fixture(scope="module")
def potential() -> Potential:
    shaken = [
        replace(STRUCTURE, positions_nc=STRUCTURE.positions_nc + 0.1 * noise)
        for noise in np.random.default_rng(1).standard_normal((3, len(STRUCTURE), 3))
    ]
    return random_potential(REVERSED, shaken, hidden=(4,))


def test_the_order_of_training_decides(potential):
    found = potential.evaluate(STRUCTURE)
    turned = Potential(dict(reversed(potential.files.items())))
    assert turned.species == ("O", "Ti")
    assert turned.evaluate(STRUCTURE).energy == pytest.approx(found.energy, abs=1e-10)
    features = aenetpy.fingerprints(STRUCTURE, turned.setups)
    for symbol, expected_ag in zip(("Ti", "O"), by_the_rule(REVERSED), strict=True):
        np.testing.assert_allclose(features[symbol].features_ag, expected_ag, rtol=1e-10)
    with pytest.raises(DataError, match=r"Ti are described by the functions of O.*add the network"):
        Potential({"Ti": potential.files["Ti"]})


def test_energy_by_the_rule_and_forces_by_differences(potential):
    energy = 0.0
    for features_ag, atomic in zip(by_the_rule(REVERSED), potential.atomic_potentials, strict=True):
        energy += float((atomic.energies(features_ag) + atomic.atomic_energy).sum())
    found = potential.evaluate(STRUCTURE)
    assert found.energy == pytest.approx(energy, rel=1e-12)
    atoms = aenetpy.Calculator(potential)
    assert atoms.potential.evaluate(STRUCTURE).energy == found.energy
    step = 1e-4
    for m, c in ((0, 0), (5, 2)):
        energies = []
        for k in (-2, -1, 1, 2):
            positions_nc = STRUCTURE.positions_nc.copy()
            positions_nc[m, c] += k * step
            moved = replace(STRUCTURE, positions_nc=positions_nc)
            energies.append(potential.evaluate(moved, forces=False).energy)
        slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
        assert found.forces_nc[m, c] == pytest.approx(-slope, rel=1e-6, abs=1e-7)


def test_three_species_in_a_circle():
    functions = [(1, "Ti", 4.0), (2, "O", 4.0, 0.0, 0.3)]
    setups = [behler_setup(s, ("O", "N", "Ti"), functions) for s in ("Ti", "O", "N")]
    types = ("Ti", "O", "N")
    assert [effective_species(setup, types) for setup in setups] == ["N", "Ti", "O"]
    assert all(one is not other for one, other in pairwise(effective_setups(setups)))


@pytest.mark.parametrize(
    ("setups", "message"),
    [
        (
            [behler_setup("Ti", ("O", "Ti"), TITANIUM[:4]), REVERSED[1]],
            r"Ti would be described by the 5 functions of O instead of their own 4.*exceeded; "
            "write ENV of all setups in the order of TYPES",
        ),
        (
            [behler_setup("Ti", ("N", "O", "Ti"), TITANIUM), REVERSED[1]],
            r"ENV of Ti \(N O Ti\) has more species than TYPES \(Ti O\)",
        ),
        (
            [behler_setup("Ti", ("O",), TITANIUM[:1]), REVERSED[1]],
            r"Ti is not in ENV \(O\) of its own setup.*finds no functions",
        ),
    ],
)
def test_what_aenet_has_no_answer_to(setups, message):
    with pytest.raises(DataError, match=message) as error:
        make_descriptors(setups)
    assert "\n" not in str(error.value)


def test_a_third_species_in_env_that_nobody_asks_for():
    setups = setups_of(("Ti", "O", "N"), ("Ti", "O"))
    assert effective_setups(setups) == setups
