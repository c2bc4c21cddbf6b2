"""The ``input.data`` of RuNNer and n2p2, whose units the user names."""

from __future__ import annotations

import gzip
from pathlib import Path

import ase.units
import numpy as np
import pytest

from aenetpy.errors import DataError
from aenetpy.structures.reading import iter_structures
from aenetpy.structures.runner import ENERGIES, LENGTHS, is_input_data, iter_input_data, parse_units

CRYSTAL = """begin
comment a crystal, source energy = -3
lattice 8.0 0.0 0.0
lattice 1.0 9.0 0.0
lattice 0.0 0.0 10.0
atom 0.5 1.0 1.5 Ti 0.0 0.0 0.1 0.2 0.3
atom 4.0 4.5 5.0 O 0.7 0.0 -0.1 -0.2 -0.3
energy -454.25
charge 0.0
end
"""
MOLECULE = """begin
atom 0.0 0.0 0.0 O 0.0 0.0 0.0 0.0 1.0e-3
atom 0.0 0.0 1.8d0 H 0.0 0.0 0.0 0.0 -1.0E-3
energy -17.5
charge 0.0
end
"""
EV = parse_units("eV,Angstrom")
HARTREE = parse_units("Hartree,Bohr")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("input.data")
    path.write_text(f"# by hand\n\n{CRYSTAL}{MOLECULE}comment the last\n{MOLECULE}")
    return path


def names(entry: str) -> list[str]:
    return [structure.name for structure in iter_structures(entry)]


def test_numbers_are_taken_as_they_stand(file):
    crystal, molecule, again = iter_input_data(file, EV)
    assert crystal.species == ("Ti", "O")
    assert crystal.energy == -454.25
    assert crystal.pbc_c == (True, True, True)
    assert crystal.cell_cc.tolist() == [[8, 0, 0], [1, 9, 0], [0, 0, 10]]
    assert crystal.positions_nc.tolist() == [[0.5, 1.0, 1.5], [4.0, 4.5, 5.0]]
    assert crystal.forces_nc.tolist() == [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]
    assert molecule.is_isolated
    assert molecule.cell_cc is None
    assert molecule.positions_nc.tolist() == [[0, 0, 0], [0, 0, 1.8]]
    assert again.content() == molecule.content()


def test_atomic_units_are_those_of_ase(file):
    assert pytest.approx(ase.units.Hartree, rel=1e-7) == ENERGIES["hartree"]
    assert pytest.approx(ase.units.Bohr, rel=1e-7) == LENGTHS["bohr"]
    for ours, plain in zip(iter_input_data(file, HARTREE), iter_input_data(file, EV), strict=True):
        assert ours.energy == pytest.approx(plain.energy * ase.units.Hartree, rel=1e-7)
        for one, other, unit in (
            (ours.positions_nc, plain.positions_nc, ase.units.Bohr),
            (ours.cell_cc, plain.cell_cc, ase.units.Bohr),
            (ours.forces_nc, plain.forces_nc, ase.units.Hartree / ase.units.Bohr),
        ):
            if other is not None:
                np.testing.assert_allclose(one, other * unit, rtol=1e-7)


def test_other_units():
    assert parse_units("ev, ANGSTROM") == EV
    mixed = parse_units("Hartree,Angstrom")
    assert (mixed.energy, mixed.length) == (HARTREE.energy, 1.0)
    for wrong in ("eV", "", "eV,", "Angstrom,eV", "eV,Angstrom,eV", "kJ,Angstrom"):
        with pytest.raises(ValueError, match="no units of energy and length"):
            parse_units(wrong)


@pytest.mark.parametrize("entry", ["input.data", "input.data@:", "input.data@-1"])
def test_without_units_it_is_refused_with_a_hint(file, entry):
    with pytest.raises(DataError) as error:
        names(entry)
    assert str(error.value) == (
        "input.data: RuNNer and n2p2 write no units into it;"
        f" write {entry}#units=eV,Angstrom or {entry}#units=Hartree,Bohr"
    )


def test_names_choose_frames_and_open_the_same_structure_again(file):
    units = "#units=eV,Angstrom"
    assert names(f"input.data@:{units}") == [f"input.data@{k}{units}" for k in range(3)]
    assert names(f"input.data@1::2{units}") == [f"input.data@1{units}"]
    assert names(f"input.data@-2:{units}") == [f"input.data@{k}{units}" for k in (1, 2)]
    assert names(f"input.data{units}@1") == [f"input.data{units}@1"]
    for entry in (f"input.data@:{units}", f"input.data@-1{units}", f"input.data@0{units}"):
        for structure in iter_structures(entry):
            (again,) = iter_structures(structure.name)
            assert (again.name, again.content()) == (structure.name, structure.content())
    for k in (3, -4, 10**17, -(10**17)):
        with pytest.raises(DataError, match=f"no structure matches @{k}"):
            names(f"input.data@{k}{units}")
    with pytest.raises(DataError, match=f"several structures; write input.data@:{units} for all"):
        names(f"input.data{units}")
    with pytest.raises(DataError, match="'eV' are no units of energy and length; write"):
        names("input.data@:#units=eV")


def test_words_are_no_index_even_of_what_is_called_a_database(file):
    file.rename("all.db")
    with pytest.raises(DataError, match=r"all.db: '@metal=Ti' is no index; write @:"):
        names("all.db@metal=Ti#units=eV,Angstrom")


def test_the_name_of_the_file_does_not_matter(file, tmp_path):
    folder = Path("with blanks @1")
    folder.mkdir()
    (folder / "all.xyz").write_text(CRYSTAL)
    entry = f"{folder}/all.xyz#units=Hartree,Bohr"
    (found,) = iter_structures(entry)
    assert found.name == entry
    assert found.energy == pytest.approx(-454.25 * ase.units.Hartree, rel=1e-7)
    Path("run#units=eV,Angstrom").write_text(CRYSTAL)  # the name as it stands goes first
    with pytest.raises(DataError, match="no units"):
        names("run#units=eV,Angstrom")


def test_compressed_files_are_not_left_to_ase(file):
    Path("input.data.gz").write_bytes(gzip.compress(file.read_bytes()))
    with pytest.raises(DataError, match="no units"):
        names("input.data.gz@:")
    (found,) = iter_structures("input.data.gz@0#units=eV,Angstrom")
    assert found.energy == -454.25
    Path("input.data.gz").write_bytes(gzip.compress(file.read_bytes())[:-30])
    with pytest.raises(DataError, match=r"input.data.gz: cannot be decompressed"):
        names("input.data.gz@:#units=eV,Angstrom")


def test_units_belong_to_this_format_alone(file):
    Path("a.xsf").write_text("ATOMS\nO 0.0 0.0 0.0\n")
    Path("a.xyz").write_text("1\n\nO 0.0 0.0 0.0\n")
    for name in ("a.xsf", "a.xyz"):
        assert not is_input_data(name)
        with pytest.raises(DataError, match=f"{name}: its format fixes the units; drop #units=eV"):
            names(f"{name}#units=eV,Angstrom")


def test_named_columns(file):
    file.write_text(
        "begin position(3) element tag charge force(3)\n"
        "atom 0 0 0 O 1 0.5 0.1 0.2 0.3\natom 0 0 2 H 1 0.5 -0.1 -0.2 -0.3\nenergy -1\nend\n"
        "begin position(3) element\natom 0 0 0 O\nend\n"
    )
    with_forces, without = iter_input_data(file, EV)
    assert with_forces.forces_nc.tolist() == [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]
    assert (without.forces_nc, without.energy) == (None, None)


def test_structures_are_streamed(file):
    file.write_text(CRYSTAL + "begin\nnonsense\n")
    stream = iter_input_data(file, EV)
    assert next(stream).energy == -454.25
    with pytest.raises(DataError, match=r"input.data:12: unknown keyword 'nonsense'"):
        next(stream)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("O 0.7 0.0 -0.1 -0.2 -0.3", "O 0.7 0.0 -0.1", ":7: an atom has too few columns"),
        ("O 0.7 0.0 -0.1", "O 0.7 0.0 x", ":7: 'x' is not a number"),
        ("O 0.7 0.0 -0.1", "O 0.7 0.0 nan", ":7: 'nan' is not a number"),
        ("O 0.7 0.0 -0.1", "O 0.7 0.0 1_0", ":7: '1_0' is not a number"),
        ("O 0.7 0.0 -0.1", "O 0.7 0.0 1e309", ":7: '1e309' is too large"),
        ("O 0.7 0.0 -0.1", "O 0.7 0.0 1e308", ":10: a number is too large"),
        ("5.0 O 0.7", "5.0 0.7 O", ":7: '0.7' is no symbol of an element"),
        ("5.0 O 0.7", "5.0 Oxygen 0.7", ":7: 'Oxygen' is no symbol of an element"),
        ("lattice 0.0 0.0 10.0\n", "", ":9: the lattice has 2 vectors"),
        ("lattice 0.0 0.0 10.0", "lattice 0.0 0.0", ":5: a lattice is three lines"),
        ("lattice 0.0 0.0 10.0", "lattice 0.0 0.0 0.0", ":10: the lattice vectors span no volume"),
        ("energy -454.25", "energy", ":8: write 'energy' and one number"),
        ("energy -454.25", "energy low", ":8: 'low' is not a number"),
        ("charge", "spin", ":9: unknown keyword 'spin'"),
        ("end", "begin", ":10: the structure that begins on line 1 has no end"),
        ("end\n", "", ":9: ends inside the structure that begins on line 1"),
        ("end\n", "end\nend\n", ":11: 'end' stands outside of begin and end"),
        ("begin", "begin position(3) element force(x)", ":1: 'force(x)' is no name of a column"),
        ("begin", "begin element position(3)", ":1: the columns of atoms must begin with"),
    ],
)
def test_damaged_files_name_the_line(file, old, new, message):
    file.write_text(CRYSTAL.replace(old, new, 1))
    with pytest.raises(DataError) as error:
        list(iter_input_data(file, HARTREE))
    assert message in str(error.value)
    file.write_text("begin\nend\n")
    with pytest.raises(DataError, match=r"input.data:2: the structure has no atoms"):
        list(iter_input_data(file, EV))
