"""The force field and the data set of examples/tio2."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list

from aenetpy.structures.xsf import read_xsf

TIO2 = Path(__file__).resolve().parents[2] / "examples" / "tio2"
XSF = sorted((TIO2 / "xsf").glob("*.xsf"))


def load(name: str) -> ModuleType:
    """Import a script of the example by its path."""
    spec = importlib.util.spec_from_file_location(name, TIO2 / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # make_structures imports matsui_akaogi by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def force_field() -> ModuleType:
    return load("matsui_akaogi")


@pytest.fixture(scope="module")
def maker(force_field: ModuleType) -> ModuleType:
    return load("make_structures")


def shaken(maker: ModuleType, name: str) -> Atoms:
    return maker.labelled(maker.perturbed(maker.polymorph(name), 0.1, np.random.default_rng(3)))


@pytest.mark.parametrize(
    ("structure", "madelung", "distance"),
    [("rocksalt", 1.7475645946331822, 0.5), ("cesiumchloride", 1.7626747730709, np.sqrt(0.75))],
)
def test_ewald_sum_gives_the_madelung_constant(force_field, structure, madelung, distance):
    a = 4.0
    atoms = bulk("NaCl", structure, a=a)
    pairs = neighbor_list("ijDd", atoms, force_field.CUTOFF)
    charges_n = np.array([1.0, -1.0])
    energy, forces_nc = force_field.ewald(atoms.positions, atoms.cell.array, charges_n, pairs)
    expected = -madelung * force_field.COULOMB / (distance * a)
    assert energy == pytest.approx(expected, rel=1e-9)
    assert np.abs(forces_nc).max() < 1e-9


def test_buckingham_term_of_a_pair(force_field):
    atoms = Atoms("TiO", positions=[(0, 0, 0), (0, 0, 1.9)], cell=[30, 30, 30], pbc=True)
    pairs = neighbor_list("ijDd", atoms, force_field.CUTOFF)
    energy, forces_nc = force_field.buckingham(atoms, pairs)
    value = 16957.53 * np.exp(-1.9 / 0.194) - 12.59 / 1.9**6
    assert energy == pytest.approx(value + 12.59 / 10.0**6, abs=1e-12)
    slope = -16957.53 / 0.194 * np.exp(-1.9 / 0.194) + 6 * 12.59 / 1.9**7
    assert forces_nc[0] == pytest.approx([0, 0, slope], abs=1e-12)
    assert forces_nc[1] == pytest.approx(-forces_nc[0])


@pytest.mark.parametrize("name", ["rutile", "baddeleyite"])
def test_forces_are_the_derivative_of_the_energy(maker, name):
    atoms = shaken(maker, name)
    forces_nc = atoms.get_forces()
    assert np.abs(forces_nc.sum(axis=0)).max() < 1e-10
    h = 1e-4
    for atom, axis in [(0, 0), (1, 2), (len(atoms) - 1, 1)]:
        energies = []
        for step in (h, -h):
            atoms.positions[atom, axis] += step
            energies.append(atoms.get_potential_energy())
            atoms.positions[atom, axis] -= step
        slope = (energies[0] - energies[1]) / (2 * h)
        assert forces_nc[atom, axis] == pytest.approx(-slope, abs=1e-6)


def test_a_supercell_has_as_many_times_the_energy(maker):
    atoms = shaken(maker, "anatase")
    double = maker.labelled(atoms.repeat((1, 2, 1)))
    assert double.get_potential_energy() == pytest.approx(
        2 * atoms.get_potential_energy(), abs=1e-6
    )


def test_rutile_is_stable_at_the_published_lattice(maker, force_field):
    def energy(a: float, c: float) -> float:
        atoms = maker.polymorph("rutile")
        atoms.set_cell([a, a, c], scale_atoms=True)
        return maker.labelled(atoms).get_potential_energy()

    relaxed = energy(4.493, 3.009)
    strained = [energy(4.493 * (1 + x), 3.009 * (1 + y)) for x, y in np.eye(2) * 0.01]
    strained += [energy(4.493 * (1 - x), 3.009 * (1 - y)) for x, y in np.eye(2) * 0.01]
    assert all(relaxed < other for other in strained)
    assert relaxed < energy(4.5937, 2.9587)


@pytest.mark.parametrize(
    ("name", "bonds"),
    [("rutile", 6), ("anatase", 6), ("brookite", 6), ("columbite", 6), ("baddeleyite", 7)],
)
def test_coordination_of_titanium(maker, name, bonds):
    atoms = maker.polymorph(name)
    i_p, distance_p = neighbor_list("id", atoms, {("Ti", "O"): 2.3})
    n_titanium = atoms.symbols.count("Ti")
    assert atoms.symbols.count("O") == 2 * n_titanium
    assert np.count_nonzero(i_p < n_titanium) == bonds * n_titanium
    assert 1.85 < distance_p.min() < distance_p.max() < 2.1


def test_shipped_files_are_those_the_script_makes(maker):
    assert len(XSF) == len(maker.POLYMORPHS) * maker.PER_POLYMORPH
    made = maker.structures("rutile", np.random.default_rng([maker.SEED, 0]))
    for path, atoms in zip(XSF[-maker.PER_POLYMORPH :], made, strict=True):
        if path.stem > "rutile-03":
            break
        structure = read_xsf(path)
        assert structure.positions_nc == pytest.approx(atoms.positions, abs=1e-8)
        assert structure.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        assert structure.forces_nc == pytest.approx(atoms.get_forces(), abs=1e-6)


def test_shipped_files_hold_reasonable_structures(maker):
    assert sum(path.stat().st_size for path in XSF) < 1_000_000
    for path in XSF:
        structure = read_xsf(path)
        atoms = Atoms(structure.species, structure.positions_nc, cell=structure.cell_cc, pbc=True)
        assert 6 <= len(atoms) <= 48
        assert len(neighbor_list("i", atoms, maker.MIN_DISTANCE)) == 0
        assert np.abs(structure.forces_nc).max() < maker.MAX_FORCE
        assert -13.3 < structure.energy / len(atoms) < -12.6
