"""The XSF dialect of aenet (spec 5)."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenetpy.data.structure import Structure
from aenetpy.errors import DataError
from aenetpy.structures.xsf import format_xsf, read_xsf, write_xsf

PERIODIC = """# total energy = -4985.12735163 eV

CRYSTAL
PRIMVEC
        3.29946652     0.00000000     0.00000000
        2.21429753     4.67155251     0.00000000
       -0.00001447    -0.00006947     5.31262942
PRIMCOORD
2 1
Ti      2.75687468     2.33574155     2.65631459     0.00000000     0.10000000     0.00000000
O       2.08126434     0.91040330     1.03535320     0.16891408     0.39247544    -0.20101201
"""

ISOLATED = """# cohesive energy = -1.50000000 eV

ATOMS
Au     -1.50000000     2.25000000     7.00000000
Cu      0.60000000     2.25000000     7.00000000
"""


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str) -> Structure:
        path = tmp_path / "x.xsf"
        path.write_text(text)
        return read_xsf(path)

    return read_text


def same_structure(a: Structure, b: Structure) -> bool:
    names = ("species", "pbc_c", "energy", "cohesive_energy")
    pairs = [(getattr(a, n), getattr(b, n)) for n in ("positions_nc", "cell_cc", "forces_nc")]
    return all(getattr(a, n) == getattr(b, n) for n in names) and all(
        x is y if x is None or y is None else np.array_equal(x, y) for x, y in pairs
    )


def test_periodic(read):
    found = read(PERIODIC)
    assert found.species == ("Ti", "O")
    assert found.energy == -4985.12735163
    assert found.cohesive_energy is None
    assert found.pbc_c == (True, True, True)
    assert found.cell_cc[1].tolist() == [2.21429753, 4.67155251, 0.0]
    assert found.positions_nc.tolist()[0] == [2.75687468, 2.33574155, 2.65631459]
    assert found.forces_nc.tolist()[1] == [0.16891408, 0.39247544, -0.20101201]
    assert found.positions_nc.flags.c_contiguous
    assert found.name.endswith("x.xsf")


def test_isolated(read):
    found = read(ISOLATED)
    assert found.is_isolated
    assert found.cell_cc is None
    assert found.forces_nc is None
    assert (found.energy, found.cohesive_energy) == (None, -1.5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3.29946652  ", "3.29946652d0"),
        ("0.16891408", "1.6891408D-1"),
        ("PRIMCOORD", "CONVVEC\n1 0 0\n0 1 0\n0 0 1\nPRIMCOORD 1"),
        ("CRYSTAL\n", "\n  # comment\nDIM-GROUP\n3 1\n"),
        ("PRIMVEC\n", "PRIMVEC\n\n"),
        ("PRIMCOORD\n", "PRIMCOORD\n\n"),
        ("\n", "\r\n"),
        ("Ti ", "22 "),
        ("O ", "Oxygen,"),
        ("0.00000000     0.10000000     0.00000000", "0 .1 0 7 8 extra"),
        ("\nO ", "\n# inside\nO "),
        ("     ", "\t"),
        ("     0.91040330", " , 0.91040330"),
        ("0.00000000     0.00000000\n ", "2*0.0\n "),
    ],
)
def test_what_aenet_tolerates_and_what_is_plain(read, old, new, caplog):
    expected = read(PERIODIC)
    found = read(PERIODIC.replace(old, new))
    if "Oxygen" in new:
        assert found.species == ("Ti", "Ox")
    else:
        assert same_structure(found, expected)
    assert caplog.text == ""


def test_energy_lines_stand_anywhere_and_the_last_counts(read):
    head, blank, body = PERIODIC.partition("\n\n")
    assert read(body + blank + head).energy == -4985.12735163
    assert read(PERIODIC + "\ntotal energy = -1.5d1 eV\n").energy == -15.0
    assert read(PERIODIC + "# total energy = -2.0\n").energy == -2.0
    assert read(PERIODIC.replace("total", "Total")).energy is None


@pytest.mark.parametrize("energy", ["-1.0eV", "nan", "", "eV"])
def test_energies_that_are_no_numbers(read, energy):
    with pytest.raises(DataError, match=r"x.xsf:1: no number in '# total energy =.*'"):
        read(PERIODIC.replace("-4985.12735163 eV", energy))
    with pytest.raises(DataError, match=r"x.xsf:1: no number"):
        read(PERIODIC.replace("energy =", "energy"))


@pytest.mark.parametrize(("written", "read_as"), [("Ti1", "Ti"), ("Titanium", "Ti"), ("C1", "C1")])
def test_symbols_have_two_characters(read, written, read_as):
    assert read(PERIODIC.replace("Ti ", written + " ")).species[0] == read_as


ATOM_O = PERIODIC.splitlines()[-1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 1\n", "3 1\n", "x.xsf:9: PRIMCOORD announces 3 atoms but 2 follow"),
        ("2 1\n", "1 1\n", "x.xsf:9: PRIMCOORD announces 1 atoms but 2 follow"),
        ("2 1\n", "two\n", "x.xsf:9: PRIMCOORD is not followed by the number of atoms"),
        ("\nO ", "\n\nO ", "x.xsf:12: an atom stands behind a blank line"),
        ("2.75687468", "abc", "x.xsf:10: 'abc' is not a number"),
        ("2.75687468", "inf", "x.xsf:10: 'inf' must be finite"),
        ("2.75687468", "1_0", "x.xsf:10: '1_0' is not a number"),
        ("0.10000000", "nan", "x.xsf:10: 'nan' must be finite"),
        ("0.10000000     0.00000000", "", "x.xsf:10: atom line .* lacks three force components"),
        ("0.00000000     0.10000000     0.00000000\n", "\n", "x.xsf:10: atom .* lacks three force"),
        (ATOM_O, "O 1.0 2.0", "x.xsf:11: atom line 'O 1.0 2.0' lacks three coordinates"),
        ("3.29946652", "0.0", "x.xsf:7: the lattice vectors span no volume"),
        ("5.31262942", "x", "x.xsf:7: lattice vector 3 needs three numbers, not"),
        ("Ti ", "999 ", "x.xsf:10: '999' is neither a symbol nor an atomic number"),
        ("Ti ", "119 ", "x.xsf:10: '119' is neither a symbol nor an atomic number"),
        ("Ti ", 5000 * "2" + " ", "is neither a symbol nor an atomic number"),
        ("PRIMVEC", "#", "PRIMCOORD without PRIMVEC; write ATOMS"),
    ],
)
def test_errors(read, old, new, message):
    with pytest.raises(DataError, match=message):
        read(PERIODIC.replace(old, new, 1))


def test_empty_files_and_files_without_atoms(read, tmp_path):
    with pytest.raises(DataError, match="no atoms: neither PRIMCOORD nor ATOMS"):
        read("")
    with pytest.raises(DataError, match="the structure has no atoms"):
        read(PERIODIC.split("2 1")[0] + "0 1\n")
    with pytest.raises(DataError, match="the structure has no atoms"):
        read("ATOMS\n")
    with pytest.raises(DataError, match="lattice vector 2 needs three numbers, not the end"):
        read("PRIMVEC\n1 0 0\n")
    with pytest.raises(DataError, match="PRIMCOORD is not followed"):
        read("PRIMCOORD")
    with pytest.raises(DataError, match=r"nothere.xsf: file not found"):
        read_xsf(tmp_path / "nothere.xsf")
    with pytest.raises(DataError, match="is a directory"):
        read_xsf(tmp_path)
    (tmp_path / "b.xsf").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match=r"b.xsf: is not a text file"):
        read_xsf(tmp_path / "b.xsf")


def test_isolated_structures_are_not_cut_at_a_blank_line(read):
    with pytest.raises(DataError, match=r"x.xsf:6: an atom stands behind a blank line"):
        read(ISOLATED.replace("\nCu", "\n\nCu"))


def test_of_several_frames_the_last_counts(read, caplog):
    second = PERIODIC.replace("2.75687468", "2.5").split("\n\n")[1]
    found = read(PERIODIC + second)
    assert found.positions_nc[0, 0] == 2.5
    assert len(found) == 2
    assert "2 frames; the last one is taken" in caplog.text


@pytest.mark.parametrize("word", ["SLAB", "POLYMER"])
def test_partly_periodic_files_are_periodic_in_aenet(read, word, caplog):
    assert read(PERIODIC.replace("CRYSTAL", word)).pbc_c == (True, True, True)
    assert f"{word} is treated as periodic in all directions" in caplog.text


def test_data_grids_are_skipped(read):
    grid = "\nBEGIN_BLOCK_DATAGRID_3D\nx\n1 2 3 4 5\na 2 3 4 5\nEND_BLOCK_DATAGRID_3D\n"
    assert len(read(PERIODIC + grid)) == 2


def test_written_files_are_those_read(read):
    assert format_xsf(read(PERIODIC)) == PERIODIC
    assert format_xsf(read(ISOLATED)) == ISOLATED


def test_write_xsf(read, tmp_path):
    write_xsf(tmp_path / "y.xsf", read(PERIODIC))
    assert (tmp_path / "y.xsf").read_text() == PERIODIC


def test_what_cannot_be_written(caplog):
    with pytest.raises(DataError, match="without atoms"):
        format_xsf(Structure((), np.zeros((0, 3))))
    with pytest.raises(DataError, match="there is no cell"):
        format_xsf(Structure(("H",), np.zeros((1, 3)), pbc_c=(True, True, True)))
    format_xsf(Structure(("H",), np.zeros((1, 3)), np.eye(3), (True, True, False), name="slab"))
    assert "slab: written as periodic in all directions" in caplog.text


NUMBERS = st.floats(-9e5, 9e5).map(lambda x: round(x, 8) + 0.0)


@settings(deadline=None)
@given(st.data())
def test_round_trip_of_any_structure(tmp_path_factory, data):
    n = data.draw(st.integers(1, 5))
    periodic = data.draw(st.booleans())

    def numbers() -> np.ndarray:
        return np.array(data.draw(st.lists(NUMBERS, min_size=3 * n, max_size=3 * n))).reshape(n, 3)

    structure = Structure(
        species=tuple(data.draw(st.sampled_from(["Ti", "O", "C1", "22"])) for _ in range(n)),
        positions_nc=numbers(),
        cell_cc=np.diag([3.0, 4.0, 5.0]) + 0.25 if periodic else None,
        pbc_c=(periodic,) * 3,
        energy=data.draw(st.none() | NUMBERS),
        cohesive_energy=data.draw(st.none() | NUMBERS),
        forces_nc=numbers() if data.draw(st.booleans()) else None,
    )
    path = tmp_path_factory.mktemp("xsf") / "x.xsf"
    path.write_text(format_xsf(structure))
    found = read_xsf(path)
    assert found.species == tuple("Ti" if s == "22" else s for s in structure.species)
    for name in ("positions_nc", "cell_cc", "forces_nc", "energy", "cohesive_energy"):
        expected = getattr(structure, name)
        if expected is None:
            assert getattr(found, name) is None
        else:
            np.testing.assert_allclose(getattr(found, name), expected, rtol=0, atol=6e-9)


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, len(PERIODIC)), st.integers(0, 12), st.text("0 1.-n#\nTiPRIMVEC*,", max_size=6)
)
def test_damaged_files_give_a_structure_or_one_line(tmp_path_factory, start, length, text):
    path = tmp_path_factory.mktemp("xsf") / "x.xsf"
    path.write_text(PERIODIC[:start] + text + PERIODIC[start + length :])
    message = "x.xsf: no error"
    try:
        assert len(read_xsf(path)) > 0
    except DataError as error:
        message = str(error)
    assert "x.xsf" in message


@pytest.mark.parametrize("length", ["1e120", "1e-200", "1e-9"])
def test_absurd_lattice_vectors_are_refused(tmp_path, length):
    path = tmp_path / "x.xsf"
    rows = [f"{length} 0 0", f"0 {length} 1", f"0 0 {length}"]
    path.write_text("CRYSTAL\nPRIMVEC\n" + "\n".join(rows) + "\nPRIMCOORD\n1 1\nH 0 0 0\n")
    with pytest.raises(DataError, match="span no volume"):
        read_xsf(path)


def test_golden_structures(golden: Path):
    paths = sorted(golden.rglob("*.xsf"))
    assert len(paths) > 100
    for path in paths:
        structure = read_xsf(path)
        assert (structure.energy is None) == (structure.forces_nc is None)
        if path.name.startswith("structure"):
            assert format_xsf(structure) == path.read_text()


def test_all_titania_structures_come_back_byte_for_byte(data: Path, tmp_path: Path):
    with tarfile.open(data / "tio2" / "structures.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    paths = sorted(tmp_path.rglob("*.xsf"))
    assert len(paths) == 700
    assert all(format_xsf(read_xsf(path)) == path.read_text() for path in paths)
