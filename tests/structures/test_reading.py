"""Structures of FILES entries: XSF, or what ASE reads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.db import connect
from ase.io import write

from aenetpy.errors import DataError
from aenetpy.structures.atoms import structure_from_atoms
from aenetpy.structures.reading import iter_structures
from aenetpy.structures.xsf import write_xsf


def make_atoms(shift: float = 0.0, energy: float | None = -5.0, **results) -> Atoms:
    atoms = Atoms("TiO", [[0, 0, shift], [1.5, 0, 0]], cell=[4, 5, 6], pbc=True)
    if energy is not None:
        forces = np.array([[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]])
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, **results)
    return atoms


@pytest.fixture
def frames() -> list[Atoms]:
    return [make_atoms(0.01 * k, -5.0 - k) for k in range(6)]


def energies(entry: str | Path) -> list[float | None]:
    return [structure.energy for structure in iter_structures(str(entry))]


def names(entry: str | Path) -> list[str]:
    return [Path(structure.name).name for structure in iter_structures(str(entry))]


def test_structure_from_atoms():
    atoms = make_atoms(free_energy=-5.0)
    atoms.set_constraint(FixAtoms([0]))
    found = structure_from_atoms(atoms, "a")
    assert (found.species, found.energy, found.name) == (("Ti", "O"), -5.0, "a")
    assert found.pbc_c == (True, True, True)
    assert found.cell_cc.tolist() == np.diag([4.0, 5.0, 6.0]).tolist()
    assert found.forces_nc.tolist() == [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]
    atoms.positions[0] = 9.0
    assert found.positions_nc[0].tolist() == [0.0, 0.0, 0.0]


def test_stress_is_that_of_ase(tmp_path):
    """The derivative of the energy by the strain, per volume; extended XYZ knows -V times it."""
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell @ (np.eye(3) + 0.02 * np.eye(3)[[1, 2, 0]]), scale_atoms=True)
    atoms.rattle(0.05, seed=2)
    atoms.calc = EMT()
    stress_cc, volume = atoms.get_stress(voigt=False), atoms.get_volume()
    found = structure_from_atoms(atoms)
    np.testing.assert_allclose(found.stress_cc, stress_cc, rtol=1e-12)
    rates = []
    for i in range(3):
        energies = []
        for sign in (1, -1):
            strained, strain = atoms.copy(), np.eye(3)
            strain[i, i] += sign * 1e-5
            strained.set_cell(atoms.cell @ strain, scale_atoms=True)
            strained.calc = EMT()
            energies.append(strained.get_potential_energy())
        rates.append((energies[0] - energies[1]) / 2e-5 / volume)
    np.testing.assert_allclose(np.diag(found.stress_cc), rates, rtol=1e-5)

    virial_cc = -volume * stress_cc
    forms = [{"stress": stress_cc}, {"REF_stress": atoms.get_stress()}, {"virial": virial_cc}]
    for k, info in enumerate(forms):
        bare = atoms.copy()
        bare.info = info
        assert_stress(structure_from_atoms(bare), stress_cc)
        write(tmp_path / f"{k}.xyz", bare)
        (read,) = iter_structures(str(tmp_path / f"{k}.xyz"))
        assert_stress(read, stress_cc)


def assert_stress(structure, stress_cc):
    np.testing.assert_allclose(structure.stress_cc, stress_cc, rtol=1e-7, atol=1e-9)


def test_stress_that_is_unknown_or_wrong():
    atoms = make_atoms()
    assert structure_from_atoms(atoms).stress_cc is None
    assert structure_from_atoms(make_atoms(stress=np.full(6, np.nan))).stress_cc is None
    assert structure_from_atoms(make_atoms(stress=np.zeros(6)), labels=False).stress_cc is None
    molecule = Atoms("O2", [[0, 0, 0], [0, 0, 1.2]], info={"virial": np.eye(3)})
    assert structure_from_atoms(molecule).stress_cc is None  # per volume of nothing
    for stress, reason in [
        (np.zeros(5), "the stress is missing or surplus"),
        (np.full((3, 3), np.inf), "the stress: number 1 of 9 is inf"),
        ("low", "the stress is not a number"),
    ]:
        atoms.calc.results.pop("stress", None)
        atoms.info["stress"] = stress
        with pytest.raises(DataError, match=f"^a: {reason}"):
            structure_from_atoms(atoms, "a")


def test_no_energy_stays_none():
    found = structure_from_atoms(make_atoms(energy=None))
    assert found.energy is None
    assert found.forces_nc is None


@pytest.mark.parametrize("prefix", ["", "REF_"])
def test_energies_in_info_and_forces_in_arrays(prefix):
    atoms = make_atoms(energy=None)
    atoms.info[f"{prefix}energy"] = -2.5
    atoms.arrays[f"{prefix}forces"] = np.ones((2, 3))
    found = structure_from_atoms(atoms)
    assert found.energy == -2.5
    assert found.forces_nc.tolist() == np.ones((2, 3)).tolist()


def test_isolated_and_partly_periodic():
    atoms = make_atoms()
    atoms.pbc = False
    assert structure_from_atoms(atoms).cell_cc is None
    atoms.pbc = (True, True, False)
    assert structure_from_atoms(atoms).pbc_c == (True, True, False)


def test_a_pipe_is_read_once_or_not_at_all(tmp_path):
    os.mkfifo(tmp_path / "run.xyz")
    with pytest.raises(DataError, match="is a pipe, and can be read only once; write its content"):
        list(iter_structures(str(tmp_path / "run.xyz")))


def test_wrong_atoms():
    with pytest.raises(DataError, match="a: the structure has no atoms"):
        structure_from_atoms(Atoms(), "a")
    with pytest.raises(DataError, match="a: periodic, but the lattice vectors span no volume"):
        structure_from_atoms(Atoms("H", cell=[1, 1, 0], pbc=True), "a")
    atoms = make_atoms()
    atoms.positions[1, 1] = np.nan
    with pytest.raises(
        DataError, match="a: a coordinate: number 5 of 6 is nan, and must be finite"
    ):
        structure_from_atoms(atoms, "a")
    with pytest.raises(DataError, match="a: the energy: is inf, and must be finite"):
        structure_from_atoms(make_atoms(energy=np.inf), "a")
    atoms = make_atoms(energy=None)
    atoms.info["energy"] = "low"
    with pytest.raises(DataError, match="a: the energy is not a number"):
        structure_from_atoms(atoms, "a")


def test_xsf_is_read_without_ase(tmp_path, monkeypatch):
    path = tmp_path / "x.xsf"
    write_xsf(path, structure_from_atoms(make_atoms()))
    for module in [name for name in sys.modules if name.split(".")[0] == "ase"]:
        monkeypatch.setitem(sys.modules, module, None)
    assert energies(path) == [-5.0]
    assert names(path) == ["x.xsf"]


@pytest.mark.parametrize("name", ["x", "x.XSF", "x.axsf", "x.dat"])
def test_xsf_is_known_by_its_content(tmp_path, name):
    write_xsf(tmp_path / name, structure_from_atoms(make_atoms()))
    assert energies(tmp_path / name) == [-5.0]
    with pytest.raises(DataError, match="an XSF file holds one structure; drop @0"):
        energies(f"{tmp_path / name}@0")


@pytest.mark.parametrize("suffix", ["traj", "extxyz", "db", "json"])
def test_one_and_several_frames(tmp_path, frames, suffix):
    one, several = tmp_path / f"one.{suffix}", tmp_path / f"run.{suffix}"
    write(one, frames[0])
    if suffix == "db":
        with connect(several) as database:
            for atoms in frames:
                database.write(atoms)
    else:
        write(several, frames)
    assert energies(one) == [-5.0]
    assert names(one) == [f"one.{suffix}"]
    assert energies(f"{several}@:") == [-5.0, -6.0, -7.0, -8.0, -9.0, -10.0]
    assert energies(f"{several}@1::2") == [-6.0, -8.0, -10.0]
    assert names(f"{several}@1::2") == [f"run.{suffix}@{k}" for k in (1, 3, 5)]
    assert energies(f"{several}@-2:") == [-9.0, -10.0]
    assert names(f"{several}@-2:") == [f"run.{suffix}@4", f"run.{suffix}@5"]
    assert names(f"{several}@2") == [f"run.{suffix}@2"]
    assert energies(f"{several}@2") == [-7.0]
    with pytest.raises(DataError, match=r"holds several structures; write .*@: for all, .*@-1"):
        energies(several)
    with pytest.raises(DataError, match=r"no structure matches @9:"):
        energies(f"{several}@9:")
    with pytest.raises(DataError, match="the step of @::0 is zero"):
        energies(f"{several}@::0")


@pytest.mark.parametrize("suffix", ["traj", "extxyz"])
def test_last_frame(tmp_path, frames, suffix):
    write(tmp_path / f"run.{suffix}", frames)
    assert energies(f"{tmp_path}/run.{suffix}@-1") == [-10.0]
    with pytest.raises(DataError, match=r"ASE cannot read it|no structure matches"):
        energies(f"{tmp_path}/run.{suffix}@77")


def test_poscar_has_neither_energy_nor_forces(tmp_path):
    write(tmp_path / "POSCAR", make_atoms(), format="vasp")
    (found,) = iter_structures(str(tmp_path / "POSCAR"))
    assert (found.energy, found.forces_nc, found.species) == (None, None, ("Ti", "O"))


def test_frames_are_streamed(tmp_path, frames, monkeypatch):
    def iread(*_args, **_kwargs):
        yield from frames[:2]
        raise AssertionError("read further than needed")

    write(tmp_path / "run.traj", frames[0])
    monkeypatch.setattr("ase.io.iread", iread)
    assert energies(f"{tmp_path}/run.traj@:2") == [-5.0, -6.0]
    stream = iter_structures(f"{tmp_path}/run.traj@:")
    assert next(stream).energy == -5.0


def test_a_name_with_an_at_sign_is_a_name(tmp_path):
    write(tmp_path / "run@0.extxyz", make_atoms())
    write(tmp_path / "a@1", make_atoms(), format="extxyz")
    assert energies(tmp_path / "run@0.extxyz") == [-5.0]


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(DataError, match=r"generate.in:9: structure file 'no/x.traj' not found"):
        list(iter_structures("no/x.traj@:", "generate.in", 9))
    (tmp_path / "bad.traj").write_bytes(b"not a trajectory")
    (tmp_path / "bad.extxyz").write_text("three\natoms\n")
    (tmp_path / "bad").write_text("?")
    (tmp_path / "empty.extxyz").write_text("")
    for name in ("bad.traj", "bad.extxyz", "bad", "empty.extxyz"):
        with pytest.raises(DataError) as error:
            energies(tmp_path / name)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(DataError):
        energies(tmp_path)


@pytest.mark.parametrize("number", [119, -1, 10**9])
def test_atomic_numbers_of_no_element(number):
    atoms = make_atoms()
    atoms.numbers[1] = number  # ASE itself does not look
    with pytest.raises(DataError, match=f"^a: there is no element of atomic number {number}"):
        structure_from_atoms(atoms, "a")
