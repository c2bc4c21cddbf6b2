"""aenet's XSF through ASE's entry points."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import formats

from aenetpy.errors import DataError
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.dynamics import rutile

EXAMPLE = ROOT / "examples" / "tio2" / "xsf" / "rutile-01.xsf"
NAME = "aenet-xsf"


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """Register what pyproject.toml declares, as ASE does when aenetpy is installed."""
    text = (ROOT / "pyproject.toml").read_text()
    section = text.partition('[project.entry-points."ase.ioformats"]')[2].partition("\n[")[0]
    declared = dict(re.findall(r'^(\S+) = "(\S+)"$', section, re.MULTILINE))
    monkeypatch.setattr(formats, "ioformats", dict(formats.ioformats))
    formats.ioformats.pop(NAME, None)  # of an installed aenetpy
    formats.define_external_io_format(EntryPoint(NAME, declared[NAME], "ase.ioformats"))


def test_reads_energy_and_forces():
    expected = read_xsf(EXAMPLE)
    atoms = ase.io.read(EXAMPLE, format=NAME)
    assert tuple(atoms.symbols) == expected.species
    np.testing.assert_array_equal(atoms.positions, expected.positions_nc)
    np.testing.assert_array_equal(atoms.cell, expected.cell_cc)
    assert atoms.pbc.all()
    assert atoms.get_potential_energy() == expected.energy
    np.testing.assert_array_equal(atoms.get_forces(), expected.forces_nc)


@pytest.mark.parametrize("periodic", [True, False])
def test_writes_what_it_reads(tmp_path, periodic):
    atoms = rutile(shake=0.1)
    atoms.pbc = periodic
    forces = np.random.default_rng(1).standard_normal((6, 3))
    atoms.calc = SinglePointCalculator(atoms, energy=-79.5, forces=forces)
    atoms.info["cohesive_energy"] = -3.25
    ase.io.write(tmp_path / "a.xsf", atoms, format=NAME)
    again = ase.io.read(tmp_path / "a.xsf", format=NAME)
    np.testing.assert_allclose(again.positions, atoms.positions, atol=1e-8)
    np.testing.assert_allclose(again.get_forces(), forces, atol=1e-8)
    assert again.get_potential_energy() == -79.5
    assert again.info["cohesive_energy"] == -3.25
    assert again.pbc.all() == periodic


def test_structures_without_labels(tmp_path):
    ase.io.write(tmp_path / "a.xsf", rutile(), format=NAME)
    assert ase.io.read(tmp_path / "a.xsf", format=NAME).calc is None


def test_mistakes_are_one_line(tmp_path):
    flat = rutile()
    flat.pbc, flat.cell[2] = (True, True, False), 0.0
    with pytest.raises(DataError, match="three lattice vectors, or none"):
        ase.io.write(tmp_path / "a.xsf", flat, format=NAME)
    with pytest.raises(DataError, match="no atoms"):
        ase.io.write(tmp_path / "a.xsf", Atoms(), format=NAME)
    (tmp_path / "b.xsf").write_text("ATOMS\nO 0 0 0\nQq 1 0 0\n")
    with pytest.raises(DataError, match="ASE knows no species 'Qq'"):
        ase.io.read(tmp_path / "b.xsf", format=NAME)
    (tmp_path / "b.xsf").write_text("ATOMS\nTi 0 0\n")
    with pytest.raises(DataError, match=r"b\.xsf:2"):
        ase.io.read(tmp_path / "b.xsf", format=NAME)
