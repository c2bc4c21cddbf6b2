"""Fingerprints as users ask for them."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import aenetpy
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.featurise import structure_fingerprints as of_structure
from aenetpy.errors import DataError
from aenetpy.structures.atoms import structure_from_atoms
from tests.conftest import ROOT

STP = ROOT / "examples" / "tio2"
FILES = {symbol: STP / f"{symbol}.fingerprint.stp" for symbol in ("Ti", "O")}


@pytest.fixture
def atoms() -> Atoms:
    atoms = bulk("TiO", "rocksalt", a=4.2, cubic=True)
    atoms.rattle(0.1, seed=2)
    return atoms


def test_values_and_names(atoms):
    found = aenetpy.fingerprints(atoms, list(FILES.values()))
    assert list(found) == ["Ti", "O"]
    setups = [aenetpy.read_stp(path) for path in FILES.values()]
    descriptors = [make_descriptor(setup, ("Ti", "O")) for setup in setups]
    structure = structure_from_atoms(atoms)
    expected = of_structure(structure, ("Ti", "O"), descriptors)
    for t, symbol in enumerate(("Ti", "O")):
        table = found[symbol]
        assert [atoms[int(a)].symbol for a in table.atoms_a] == [symbol] * 4
        np.testing.assert_array_equal(table.features_ag, expected.features_tng[t])
        assert table.names_g == tuple(descriptors[t].names())
    assert found["Ti"].names_g[0] == "radial 0"
    for setups_given in (FILES, setups, dict(zip(FILES, setups, strict=True)), iter(setups)):
        again = aenetpy.fingerprints(structure, setups_given)
        np.testing.assert_array_equal(again["O"].features_ag, found["O"].features_ag)


def test_setups_of_a_potential_and_absent_species(atoms):
    potential = aenetpy.read_potential(ROOT / "tests" / "data" / "rutile")
    found = aenetpy.fingerprints(atoms[atoms.numbers == 22], potential.setups)
    assert found["O"].features_ag.shape == (0, 28)
    assert found["Ti"].features_ag.shape == (4, 28)


def test_wrong_setups_are_named(atoms):
    with pytest.raises(DataError, match="no setup for species O; those of Ti are given"):
        aenetpy.fingerprints(atoms, FILES["Ti"])
    with pytest.raises(DataError, match="two setups are of Ti"):
        aenetpy.fingerprints(atoms, [FILES["Ti"], FILES["Ti"]])
    with pytest.raises(DataError, match="the setup given for Ti belongs to O"):
        aenetpy.fingerprints(atoms, {"Ti": FILES["O"]})
    with pytest.raises(DataError, match="no atoms"):
        aenetpy.fingerprints(Atoms(), FILES)
