"""The companion of a training set, and what is read from structure files where there is none."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write

from aenetpy.cli.main import run
from aenetpy.data.copies import is_copy
from aenetpy.data.geometry import Geometry, structures_of
from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.formats.trainset_text import read_trainset_ascii, write_trainset_ascii
from aenetpy.structures.companion import geometry_of_files, read_geometry
from aenetpy.structures.reading import iter_structures
from aenetpy.structures.xsf import read_xsf, write_xsf
from aenetpy.training.normalise import normalise
from tests.cli.inputs import generate_in
from tests.conftest import ROOT

REFERENCE = ROOT / "tests" / "data" / "reference"
STRESS = np.array([[0.1, 0.01, 0.02], [0.01, 0.2, 0.03], [0.02, 0.03, -0.3]])
COMPANION = Path("t.train.geometry")


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    for symbol in ("Ti", "O"):
        shutil.copy(REFERENCE / "chebyshev" / f"{symbol}.fingerprint.stp", tmp_path)
    for path in REFERENCE.glob("*.xsf"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)


def generated(*files: str, more: str = ""):
    """Return a new training set of some files."""
    Path("t.train").unlink(missing_ok=True)
    Path("generate.in").write_text(more + generate_in(*files))
    assert run(["generate", "generate.in"]) == 0
    return read_trainset("t.train")


@pytest.fixture
def trainset():
    return generated(*sorted(map(str, Path().glob("*.xsf"))))


def frames() -> list[Atoms]:
    """Return a crystal with stress, a slab with atoms outside of the cell, and a molecule."""
    rng = np.random.default_rng(5)
    cell = [[4.0, 0.1, 0.0], [0.0, 5.0, 0.3], [0.2, 0.0, 6.0]]
    found = []
    for pbc in (True, (True, True, False), False):
        positions = [[0.0, 0.0, 0.0], [-2.2, 0.3, 0.1], [5.9, 2.5, 0.1]]
        atoms = Atoms("TiO2", positions + 0.05 * rng.normal(size=(3, 3)), pbc=pbc)
        if pbc:
            atoms.cell = cell
        labels = {"stress": STRESS[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]} if pbc is True else {}
        atoms.calc = SinglePointCalculator(
            atoms, energy=-7.0, forces=rng.normal(size=(3, 3)), **labels
        )
        found.append(atoms)
    return found


def assert_equal(one: Geometry, other: Geometry) -> None:
    for field in fields(Geometry):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def assert_refused(trainset, *parts: str, path: str = "t.train") -> None:
    with pytest.raises(DataError) as caught:
        read_geometry(path, trainset)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_from_the_companion_and_from_files(trainset):
    """The crystals of the reference set; XSF has forces, but no stress."""
    geometry = read_geometry("t.train", trainset)
    cells_scc = [read_xsf(name).cell_cc for name in trainset.names_s]
    np.testing.assert_array_equal(geometry.cells_scc, cells_scc)
    assert geometry.pbc_sc.all()
    assert geometry.has_forces_s.all()
    assert not geometry.has_stress_s.any()
    assert len(geometry) == 5
    assert_equal(geometry, geometry_of_files("t.train", trainset))
    COMPANION.unlink()
    assert_equal(geometry, read_geometry("t.train", trainset))


@pytest.mark.parametrize(
    "case",
    ["01-generate-chebyshev/TiO2", "03-generate-single-species/Au", "04b-generate-isolated/CuAu"],
)
def test_a_set_of_generate_x(case, golden):
    """The true generate.x wrote the positions: wrapped into the cell, or moved to the origin."""
    folder, name = case.split("/")
    path = golden / folder / "expected" / f"{name}.train"
    theirs = read_trainset(path)
    geometry = read_geometry(path, theirs, golden / folder)
    for s, structure in enumerate(structures_of(theirs, geometry)):
        file = read_xsf(golden / folder / theirs.names_s[s])
        assert structure.species == file.species
        apart_nc = structure.positions_nc - file.positions_nc
        if file.cell_cc is None:
            assert structure.is_isolated
            assert structure.cell_cc is None
            apart_nc -= apart_nc[0]
        else:
            np.testing.assert_array_equal(structure.cell_cc, file.cell_cc)
            apart_nc = np.linalg.solve(file.cell_cc.T, apart_nc.T)
            apart_nc -= np.round(apart_nc)
        assert abs(apart_nc).max() < 1e-9


def test_crystal_slab_and_molecule_of_one_file():
    write("all.xyz", frames())
    trainset = generated("all.xyz@::2", "rutile-01.xsf", "all.xyz@1")
    assert trainset.names_s == ("all.xyz@0", "all.xyz@2", "rutile-01.xsf", "all.xyz@1")
    geometry = read_geometry("t.train", trainset)
    np.testing.assert_allclose(geometry.stress_scc[0], STRESS, rtol=1e-12)
    assert geometry.has_stress_s.tolist() == [True, False, False, False]
    assert geometry.has_forces_s.all()
    assert geometry.pbc_sc.sum(axis=1).tolist() == [3, 0, 3, 2]
    assert not geometry.cells_scc[1].any()
    np.testing.assert_allclose(geometry.cells_scc[3], frames()[1].cell, rtol=1e-7)
    COMPANION.unlink()
    assert_equal(geometry, read_geometry("t.train", trainset))
    for structure, original in zip(
        structures_of(trainset, geometry), trainset.names_s, strict=True
    ):
        (file,) = iter_structures(original)
        assert (structure.species, structure.pbc_c) == (file.species, file.pbc_c)
        assert structure.name == original
        np.testing.assert_array_equal(structure.positions_nc, file.positions_in_cell())


def test_rows_of_a_database():
    with connect("all.db") as database:
        for k, atoms in enumerate(frames()):
            database.write(atoms, periodic=k < 2)
    trainset = generated("all.db@periodic=1", "all.db@1:", "all.db@-1")
    assert trainset.names_s[:3] == ("all.db@periodic=1#0", "all.db@periodic=1#1", "all.db@1")
    geometry = read_geometry("t.train", trainset)
    assert geometry.pbc_sc.sum(axis=1).tolist() == [3, 2, 2, 0, 0]
    COMPANION.unlink()
    assert_equal(geometry, read_geometry("t.train", trainset))


def test_input_data_has_units():
    structures = [read_xsf(name) for name in ("rutile-01.xsf", "brookite-03.xsf")]
    text = ""
    for structure in structures:
        text += "begin\n" + "".join(
            "lattice {} {} {}\n".format(*row) for row in structure.cell_cc.tolist()
        )
        rows = zip(structure.species, structure.positions_nc, structure.forces_nc, strict=True)
        for symbol, r_c, f_c in rows:
            text += "atom {} {} {} {} 0.0 0.0 {} {} {}\n".format(*r_c, symbol, *f_c)
        text += f"energy {structure.energy}\ncharge 0.0\nend\n"
    Path("input.data").write_text(text)
    trainset = generated("input.data@:#units=eV,Angstrom")
    geometry = read_geometry("t.train", trainset)
    np.testing.assert_allclose(geometry.cells_scc[1], structures[1].cell_cc, rtol=1e-12)
    COMPANION.unlink()
    assert_equal(geometry, read_geometry("t.train", trainset))


def test_displaced_copies_have_no_forces():
    taylor = "TAYLOR\nstrategy=random delta=0.02 a=2 seed=1\n"
    trainset = generated("rutile-01.xsf", "brookite-03.xsf", more=taylor)
    geometry = read_geometry("t.train", trainset)
    copies_s = np.array([is_copy(name) for name in trainset.names_s])
    assert copies_s.sum() == 4
    np.testing.assert_array_equal(geometry.has_forces_s, ~copies_s)
    np.testing.assert_array_equal(geometry.cells_scc[0], geometry.cells_scc[1])
    COMPANION.unlink()  # such copies have no files
    assert_refused(trainset, "the files of 4 of 6 structures are gone (first 'rutile-01.xsf#tay")


def test_copies_in_files():
    Path("generate.in").write_text(generate_in("rutile-01.xsf"))
    assert run(["augment", "--delta", "0.02", "--a", "2", "--seed", "1"]) == 0
    text = Path("generate-augmented.in").read_text()
    assert run(["generate", "generate-augmented.in"]) == 0
    (output,) = (line.split()[1] for line in text.splitlines() if line.startswith("OUTPUT"))
    trainset = read_trainset(output)
    geometry = read_geometry(output, trainset)
    assert geometry.has_forces_s.tolist() == [True, False, False]
    Path(f"{output}.geometry").unlink()
    assert_equal(geometry, read_geometry(output, trainset))


def test_forms_of_one_set_share_a_companion(trainset):
    """Normalised, with structures left out, and by way of text."""
    geometry = read_geometry("t.train", trainset)
    energies_s = np.sort(trainset.energies_s / trainset.n_atoms_s)
    scaled = normalise(trainset, float(energies_s[-2:].mean())).trainset
    assert scaled.n_structures == 4
    kept_s = np.array([name in scaled.names_s for name in trainset.names_s])
    assert_equal(read_geometry("t.train.scaled", scaled), geometry.select(kept_s))
    assert_equal(geometry.select(np.flatnonzero(kept_s)), geometry.select(kept_s))
    write_trainset_ascii("t.ascii", trainset, source="t.train")
    again = read_trainset_ascii("t.ascii")
    assert_equal(read_geometry("t.train", again), geometry)


def test_the_same_bytes_each_time(trainset):
    first = COMPANION.read_bytes()
    assert len(first) < 170 * len(trainset.names_s) + 2000
    generated(*trainset.names_s)
    assert COMPANION.read_bytes() == first


def test_files_beside_the_training_set_are_found(trainset, monkeypatch):
    geometry = read_geometry("t.train", trainset)
    COMPANION.unlink()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert_equal(read_geometry("../t.train", trainset), geometry)
    shutil.copy("../rutile-01.xsf", ".")
    moved = read_xsf("rutile-01.xsf")
    write_xsf("rutile-01.xsf", replace(moved, positions_nc=moved.positions_nc + 0.1))
    assert_refused(trainset, "rutile-01.xsf: atoms lie up to 0.173 Å", path="../t.train")
    assert_equal(read_geometry("../t.train", trainset, ".."), geometry)


def test_a_companion_of_another_set(trainset):
    other = replace(trainset, names_s=("a.xsf", *trainset.names_s[1:]))
    write_trainset("t.train", other)
    assert_refused(
        other,
        "t.train.geometry: belongs to another training set: structure 1 of t.train (a.xsf) is not",
        "; remove it, and the structure files are read instead, or generate the set again",
    )
    moved_nc = trainset.positions_nc.copy()
    moved_nc[-1, 2] += 1e-12
    assert_refused(replace(trainset, positions_nc=moved_nc), "structure 5 of t.train (rutile-01")


def test_a_damaged_companion(trainset):
    content = COMPANION.read_bytes()
    for part in (content[:-1], content[: len(content) // 2], content[:3], b"", b"text\n"):
        COMPANION.write_bytes(part)
        assert_refused(trainset, "t.train.geometry: is damaged, or not a file that 'aenetpy gener")
    rng = np.random.default_rng(0)
    for place in rng.integers(len(content), size=100):
        COMPANION.write_bytes(content[:place] + bytes([content[place] ^ 64]) + content[place + 1 :])
        try:
            again = read_geometry("t.train", trainset)
        except DataError as error:
            assert "is damaged" in str(error)  # noqa: PT017
        else:  # in the directory of the archive, which may say anything of dates
            COMPANION.write_bytes(content)
            assert_equal(again, read_geometry("t.train", trainset))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "aenetpy geometry 2"},
        {"cells_scc": np.zeros((4, 3, 3))},
        {"cells_scc": np.full((5, 3, 3), np.nan)},
        {"stress_scc": np.full((5, 3, 3), np.inf)},
        {"pbc_sc": np.ones((5, 3))},
        {"has_forces_s": np.ones(4, bool)},
        {"digests_s": np.ones(5)},
    ],
)
def test_a_companion_of_another_form(trainset, change):
    with np.load(COMPANION) as archive:
        arrays = dict(archive)
    with COMPANION.open("wb") as file:
        np.savez(file, **(arrays | change))
    assert_refused(trainset, "is damaged, or not a file that 'aenetpy generate' wrote (")


def test_coordinates_that_do_not_match(trainset):
    COMPANION.unlink()
    good = read_xsf("rutile-01.xsf")
    # Images of the atoms are the same atoms, and so are rounded coordinates.
    images_nc = good.positions_nc + 4e-6 + good.cell_cc[1] - 2 * good.cell_cc[2]
    write_xsf("rutile-01.xsf", replace(good, positions_nc=images_nc))
    assert len(read_geometry("t.train", trainset)) == 5
    moved_nc = good.positions_nc.copy()
    moved_nc[2, 0] += 0.25
    write_xsf("rutile-01.xsf", replace(good, positions_nc=moved_nc))
    assert_refused(
        trainset,
        "rutile-01.xsf: atoms lie up to 0.25 Å from where they are in structure 5 of t.train; "
        "put the file back as it was, or generate the set again",
    )


def test_other_atoms(trainset):
    COMPANION.unlink()
    good = read_xsf("rutile-01.xsf")
    swapped = ("O", *good.species[1:]) if good.species[0] == "Ti" else ("Ti", *good.species[1:])
    write_xsf("rutile-01.xsf", replace(good, species=swapped))
    assert_refused(trainset, f"rutile-01.xsf: atom 1 is {swapped[0]}, and {good.species[0]} in str")
    shorter = Structure(
        good.species[1:], good.positions_nc[1:], good.cell_cc, good.pbc_c, energy=0.0
    )
    write_xsf("rutile-01.xsf", shorter)
    n = len(good)
    assert_refused(trainset, f"has {n - 1} atoms, and structure 5 of t.train {n}; put")


def test_files_that_are_gone(trainset):
    COMPANION.unlink()
    for name in trainset.names_s[1:3]:
        os.unlink(name)
    assert_refused(
        trainset,
        f"t.train: the files of 2 of 5 structures are gone (first '{trainset.names_s[1]}'), "
        "and there is no t.train.geometry; put them back, or generate the set again",
    )


def test_a_frame_that_is_gone():
    write("all.xyz", frames())
    trainset = generated("all.xyz@:")
    COMPANION.unlink()
    write("all.xyz", frames()[:1])
    assert_refused(trainset, "all.xyz@:: has no structure 1 (counted from 0), structure 2 of t.tr")


def test_a_run_that_fails_leaves_no_companion(trainset, capsys):
    """That of an older set is not touched, since that set was not."""
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert run(["generate", "generate.in"]) == 4
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    Path("t.train").unlink()
    COMPANION.unlink()
    Path("rutile-01.xsf").write_text("ATOMS\nTi 0 0\n")
    capsys.readouterr()
    assert run(["generate", "generate.in"]) == 4
    assert not list(Path().glob("*t.train*"))


def test_a_device_has_no_companion():
    Path("generate.in").write_text(
        generate_in("rutile-01.xsf").replace("OUTPUT t.train", "OUTPUT /dev/null")
    )
    assert run(["generate", "generate.in"]) == 0
    assert not os.path.exists("/dev/null.geometry")
