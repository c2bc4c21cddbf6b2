"""Energy, forces and stress under the names and in the units of other programs."""

from __future__ import annotations

import logging
import os

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write
from ase.io.formats import ioformats

from aenetpy.cli.main import run
from aenetpy.errors import DataError
from aenetpy.structures.ase_files import INVENTED
from aenetpy.structures.atoms import structure_from_atoms
from aenetpy.structures.reading import iter_structures, read_atoms
from aenetpy.structures.units import to_ev_and_angstrom

LATTICE = 'Lattice="4 0 0 0 5 0 0 0 6"'
COLUMNS = "Properties=species:S:1:pos:R:3:forces:R:3"
ATOMS = ("Si 0 0 0 .1 .2 .3", "O 1.5 0 0 -.1 -.2 -.3")
FORCES = [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]
STRESS = np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]])


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(comment, options="", rows=ATOMS):
    """Return a frame, the same by both ways in."""
    with open("run.xyz", "w") as file:
        file.write("\n".join([str(len(rows)), comment, *rows]) + "\n")
    (found,) = iter_structures(f"run.xyz@:{options}")
    (named,) = read_atoms(f"run.xyz@:{options}")
    again = structure_from_atoms(named.atoms)
    assert (again.energy, again.species, again.pbc_c) == (
        found.energy,
        found.species,
        found.pbc_c,
    )
    for one, two in ((again.forces_nc, found.forces_nc), (again.stress_cc, found.stress_cc)):
        assert (one is None) == (two is None)
        assert one is None or np.allclose(one, two, rtol=1e-14)
    return found


@pytest.mark.parametrize(
    "change",
    [str, str.lower, str.upper, lambda text: text.replace("=", " = ")],
)
def test_keys_in_any_case(change):
    comment = f'{LATTICE} {COLUMNS} energy=-3.5 pbc="T T F" virial="1 0 0 0 2 0 0 0 3"'
    change_values = change in (str, str.upper)  # types of Properties= are capital letters
    text = change(comment) if change_values else change(comment).replace(":s:", ":S:")
    found = read(text.replace(":r:", ":R:"))
    assert (found.energy, found.pbc_c) == (-3.5, (True, True, False))
    assert found.species == ("Si", "O")
    assert found.cell_cc.tolist() == np.diag([4.0, 5.0, 6.0]).tolist()
    assert found.forces_nc.tolist() == FORCES
    np.testing.assert_allclose(np.diag(found.stress_cc), [-1 / 120, -2 / 120, -3 / 120])


@pytest.mark.parametrize(
    "key",
    ["energy", "Energy", "total_energy", "TotEnergy", "free_energy", "REF_energy", "my-own-energy"],
)
def test_names_of_energies(key):
    assert read(f"{LATTICE} {COLUMNS} {key}=-3.5").energy == -3.5


@pytest.mark.parametrize("key", ["force", "Forces", "REF_forces", "dft_force", "QM-forces"])
def test_names_of_forces(key):
    found = read(f"{LATTICE} {COLUMNS.replace('forces', key)}")
    assert found.forces_nc.tolist() == FORCES


@pytest.mark.parametrize("key", ["stress", "Stress", "stresses", "REF_stress", "dft_stress"])
@pytest.mark.parametrize("voigt", [True, False])
def test_stress_of_nine_or_six_numbers(key, voigt):
    numbers = [1, 2, 3, 4, 5, 6] if voigt else STRESS.ravel().astype(int).tolist()
    text = " ".join(map(str, numbers))
    assert read(f'{LATTICE} {COLUMNS} {key}="{text}"').stress_cc.tolist() == STRESS.tolist()
    virial = key.lower().replace("stresses", "virials").replace("stress", "Virial")
    found = read(f'{LATTICE} {COLUMNS} {virial}="{text}"')
    np.testing.assert_allclose(found.stress_cc, -STRESS / 120)


@pytest.mark.parametrize(
    ("comment", "energy", "said"),
    [
        ("energy=-1 REF_energy=-2", -2.0, "'REF_energy' is taken, and not 'energy'"),
        ("energy=-1 free_energy=-2", -2.0, "as forces belong to it"),
        ("free_energy=-1 dft_energy=-2", -2.0, "it has the prefix"),
        ("dft_energy=-1 dft_free_energy=-2", -2.0, "forces belong to it"),
        ("energy=-1 REF_energy=-1.0000000001", -1.0, ""),
        ("energy=-1 MACE_energy=-2 kinetic_energy=3 formation_energy=1", -1.0, ""),
    ],
)
def test_two_energies(comment, energy, said, caplog):
    assert read(f"{COLUMNS} {comment}").energy == pytest.approx(energy)
    texts = {record.getMessage() for record in caplog.records}
    assert len(texts) == bool(said)
    assert said in "".join(texts)


@pytest.mark.parametrize("comment", ["REF_energy=-1 DFT_energy=-2", "energy=-1 Energy=-2"])
def test_two_energies_that_cannot_be_decided(comment):
    with pytest.raises(
        DataError, match=r"'\w+nergy' and '\w+' are two .* choose one: #energy="
    ) as e:
        read(f"{COLUMNS} {comment}")
    assert all(word.split("=")[0] in str(e.value) for word in comment.split())


def test_names_of_ones_own(caplog):
    columns = "Properties=species:S:1:pos:R:3:f_pbe:R:3"
    comment = f"{LATTICE} {columns} E_pbe=-3 energy=-1 stress='1 2 3 0 0 0'"
    found = read(comment, "#energy=E_pbe,forces=f_pbe,stress=none")
    assert (found.energy, found.stress_cc) == (-3.0, None)
    assert found.forces_nc.tolist() == FORCES
    assert not caplog.records
    assert read(comment, "#energy=e_PBE#format=extxyz").energy == -3.0
    assert read(comment).forces_nc is None
    assert "'f_pbe' looks like forces and is not taken; #forces=f_pbe takes it" in caplog.text
    with pytest.raises(DataError, match=r"the frame has no 'E'; it has E_pbe, energy, stress"):
        read(comment, "#energy=E")
    with pytest.raises(
        DataError, match=r"'#colour=red' is no option of a file; options are #units"
    ):
        read(comment, "#colour=red")


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("energy-unit=hartree", units.Hartree),
        ("energy_units=Ha", units.Hartree),
        ("Energy_Unit=Ry", units.Rydberg),
        ("unit_energy=a.u.", units.Hartree),
        ("REF_energy_unit=meV", 1e-3),
        ('energy_unit="kcal/mol"', units.kcal / units.mol),
        ("energy_unit=kJ/mol", units.kJ / units.mol),
        ("units=eV", 1.0),
    ],
)
def test_units_beside_an_energy(unit, value):
    found = read(f"Properties=species:S:1:pos:R:3 REF_energy=1 {unit}")
    assert found.energy == pytest.approx(value, rel=1e-6)


def test_units_beside_forces_and_stress():
    found = read(
        f'{LATTICE} {COLUMNS} energy=1 energy_unit=Ha force_unit="Hartree/Bohr" stress_unit=GPa'
        ' stress="1 2 3 4 5 6"'
    )
    np.testing.assert_allclose(
        found.forces_nc, np.array(FORCES) * units.Hartree / units.Bohr, rtol=1e-6
    )
    np.testing.assert_allclose(found.stress_cc, STRESS * units.GPa, rtol=1e-6)
    found = read(f'{LATTICE} {COLUMNS} virials="1 2 3 4 5 6" virial_unit=Ry length_unit=bohr')
    volume = 120 * units.Bohr**3
    np.testing.assert_allclose(found.stress_cc, -STRESS * units.Rydberg / volume, rtol=1e-6)


def test_columns_without_a_name(caplog):
    assert read(LATTICE).forces_nc is None
    assert "'columns_5_to_7' looks like forces and is not taken" in caplog.text
    assert read(LATTICE, "#forces=columns_5_to_7").forces_nc.tolist() == FORCES


@pytest.mark.parametrize(
    "unit", ["energy_unit=", "energy_unit=wibble", "energy_unit=GPa", "force_unit=eV"]
)
def test_units_that_are_unknown_are_refused(unit):
    with pytest.raises(DataError, match=rf"'{unit.split('=')[1]}' is no "):
        read(f"{COLUMNS} energy=1 {unit}")


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        ("forces", "kcal/mol/Angstrom", units.kcal / units.mol),
        ("forces", "kcal/(mol Å)", units.kcal / units.mol),
        ("forces", "Ry/au", units.Rydberg / units.Bohr),
        ("forces", "eV*A^-1", 1.0),
        ("forces", "eV_per_Angstrom", 1.0),
        ("forces", "mRy/bohr", None),
        ("stress", "kB", 0.1 * units.GPa),
        ("stress", "eV/Ang**3", 1.0),
        ("stress", "eV/Å³", 1.0),
        ("stress", "Ry/bohr3", units.Rydberg / units.Bohr**3),
        ("length", "nm", 10.0),
    ],
)
def test_spellings_of_units(quantity, text, value):
    if value is None:
        with pytest.raises(ValueError, match="is no known unit"):
            to_ev_and_angstrom(quantity, text)
    else:
        assert to_ev_and_angstrom(quantity, text) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ("Z:I:1:pos:R:3", ("14", "8")),
        ("species:I:1:pos:R:3", ("14", "8")),
        ("species:S:1:pos:R:3", ("14", "8")),
        ("species:S:1:pos:R:3", ("Si1", "O_2")),
        ("element:S:1:Positions:R:3", ("si", "O2-")),
        ("symbols:S:1:pos:R:3", ("SI", "o1")),
    ],
)
def test_species(properties, words):
    rows = [f"{word} {k} 0 0" for k, word in enumerate(words)]
    assert read(f"Properties={properties}", rows=rows).species == ("Si", "O")


def test_species_of_isotopes_and_of_nothing():
    assert read("", rows=["D 0 0 0", "H 1 0 0"]).species == ("H", "H")
    for word in ("Q7", "OW1", "200"):
        with pytest.raises(DataError, match=f"run.xyz:1: '{word}' is no species; write a chemical"):
            read("", rows=[f"{word} 0 0 0"])


def test_unknown_values_and_values_that_are_no_numbers(caplog):
    for word in ("nan", "None", "null"):
        assert read(f"{COLUMNS} energy={word}").energy is None
    for word in ("low", "energy -1", '"-1 eV"', '"1 2"'):
        with pytest.raises(DataError, match="the energy is "):
            read(f"{COLUMNS} energy={word}" if word != "energy -1" else f"{COLUMNS} {word}")
    assert read(f"{COLUMNS} energy=-1.5D+02").energy == -150.0
    assert read(f"{COLUMNS} energy_per_atom=-1").energy is None
    assert "'energy_per_atom' looks like energy and is not taken" in caplog.text


def test_periodic_without_a_lattice():
    with pytest.raises(DataError, match="periodic, but the lattice vectors span no volume"):
        read(f'{COLUMNS} pbc="T T T"')
    assert read(f"{LATTICE} {COLUMNS} pbc=F").cell_cc is None
    assert read(f'{COLUMNS} pbc="F F F"').is_isolated


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["Si 0 0"], "atom 1 has fewer columns"),
        (["Si 0 0 x"], "column 'pos' of Properties= is not of type R"),
        ([], "holds no structure|no structure|ends after|has no atoms"),
    ],
)
def test_damaged_rows(rows, reason):
    with pytest.raises(DataError, match=reason):
        read("", rows=rows)


def test_labels_of_a_database():
    atoms = Atoms("SiO", [[0, 0, 0], [1.5, 0, 0]], cell=[4, 5, 6], pbc=True)
    with connect("x.db") as database:
        database.write(atoms, dft_energy=-3.5, data={"forces": np.array(FORCES)})
        database.write(atoms, data={"REF_energy": -4.5, "my_f": FORCES, "stress": np.arange(6.0)})
    first, second = iter_structures("x.db@:")
    assert (first.energy, first.forces_nc.tolist()) == (-3.5, FORCES)
    assert (second.energy, second.forces_nc, second.stress_cc[0, 0]) == (-4.5, None, 0.0)
    (second,) = iter_structures("x.db@1#forces=my_f")
    assert second.forces_nc.tolist() == FORCES


def test_the_energy_of_vasp_that_belongs_to_the_forces(caplog):
    atoms = Atoms("Si", cell=[4, 5, 6], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-3.0, free_energy=-3.1)
    write("x.traj", [atoms, atoms])
    assert [s.energy for s in iter_structures("x.traj@:")] == [-3.1, -3.1]
    assert (
        caplog.text.count("'free_energy' is taken, and not 'energy', as forces belong to it") == 1
    )
    assert [s.energy for s in iter_structures("x.traj@:#energy=energy")] == [-3.0, -3.0]
    atoms.calc = SinglePointCalculator(atoms, free_energy=-3.1)  # castep's .md has no other
    assert structure_from_atoms(atoms).energy == -3.1


DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0 4
0 5
0 6
ITEM: ATOMS id type {}x y z fx fy fz
1 1 {}0 0 0 .1 .2 .3
2 2 {}1.5 0 0 -.1 -.2 -.3
"""


def test_what_readers_of_ase_invent():
    """The list of all found in ASE 3.23 to 3.29: energies of LAMMPS dumps."""
    assert INVENTED.keys() == {"lammps-dump-text", "lammps-dump-binary"}
    with open("x.lammpstrj", "w") as file:
        file.write(DUMP.format("element ", "Si ", "O "))
    (found,) = iter_structures("x.lammpstrj")
    assert (found.energy, found.forces_nc.tolist()) == (None, FORCES)
    with open("x.lammpstrj", "w") as file:
        file.write(DUMP.format("", "", ""))
    with pytest.raises(DataError, match="numbers the types of its atoms, and names no elements"):
        list(iter_structures("x.lammpstrj"))


WRITTEN = sorted(name for name, format in ioformats.items() if format.can_read and format.can_write)


@pytest.mark.parametrize("format", WRITTEN)
def test_no_reader_adds_labels(format, tmp_path, caplog):
    atoms = Atoms("Si2", [[0, 0, 0], [1.5, 0, 0]], cell=[4, 5, 6], pbc=True)
    path = f"x.{ioformats[format].extensions[0] if ioformats[format].extensions else 'out'}"
    try:
        write(path, atoms, format=format)
        found = list(iter_structures(f"{path}@-1#format={format}"))
    except Exception:
        pytest.skip("ASE writes or reads no bare structure in this format")
    for one in found:
        assert (one.energy, one.forces_nc, one.stress_cc) == (None, None, None)


def test_the_reader_of_jsv_cannot_close_standard_output(capfd):
    text = (
        "full_unit_cell\n[cell] 4 5 6 90 90 90\n[natom] 1\n[space_group] 1 1{}\n"
        "[atoms]\nSi 14 0 0 0\n"
    )
    for third, code in ((" 1", 4), ("", 0)):
        with open("x.jsv", "w") as file:
            file.write(text.format(third))
        assert run(["explore", "x.jsv"]) == code
    os.fstat(1)
    out, error = capfd.readouterr()
    assert "[space_group] 1 1 1 is not a number and a setting" in error
    assert "Si" in out


def test_deepmd_folders():
    os.makedirs("data/set.000")
    for name, values in {
        "coord": [[0, 0, 0, 1.5, 0, 0]] * 2,
        "box": [[4, 0, 0, 0, 5, 0, 0, 0, 6]] * 2,
        "energy": [-1.0, -2.0],
        "force": [np.ravel(FORCES)] * 2,
        "virial": [np.eye(3).ravel()] * 2,
    }.items():
        np.save(f"data/set.000/{name}.npy", np.array(values, dtype=float))
    for name, text in {"type": "0\n1\n", "type_map": "Si\nO\n"}.items():
        with open(f"data/{name}.raw", "w") as file:
            file.write(text)
    pytest.importorskip("dpdata")
    first, second = iter_structures("data@:#format=deepmd/npy")
    assert (first.energy, second.energy, first.species) == (-1.0, -2.0, ("Si", "O"))
    np.testing.assert_allclose(first.forces_nc, FORCES)
    np.testing.assert_allclose(first.stress_cc, -np.eye(3) / 120)


def test_formats_that_nobody_has(monkeypatch):
    write("x.dat", Atoms("Si"), format="extxyz")
    assert len(list(iter_structures("x.dat#format=extxyz"))) == 1
    with pytest.raises(DataError, match="there is no format 'extxzy'; write ASE's name"):
        list(iter_structures("x.dat#format=extxzy"))
    monkeypatch.setitem(__import__("sys").modules, "dpdata", None)
    with pytest.raises(
        Exception, match=r"#format=deepmd/npy needs dpdata.*pip install aenetpy\[dp"
    ):
        list(iter_structures("x.dat#format=deepmd/npy"))


def test_files_whose_name_tells_no_format(caplog):
    caplog.set_level(logging.INFO)
    with open("job.log", "w") as file:
        file.write("nothing\n")
    with pytest.raises(DataError, match=r"name its format: job.log@:#format=vasp-xml"):
        list(iter_structures("job.log"))
