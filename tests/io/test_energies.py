"""energies.train.0 and energies.test.0."""

from __future__ import annotations

import numpy as np
import pytest

from aenetpy.errors import DataError
from aenetpy.io.energies import energy_table, format_energies, read_energies, write_energies

ROW = (
    "   4.635012E+00   2.992032E+00    22   2.106824E-01   1.360015E-01   7.468090E-02"
    "   9.759103E-02     8   14 ./xsf/structure0482.xsf\n"
)
HEAD = (
    "  Ref(eV)        ANN(eV)      #atoms  Ref(eV/atom)   ANN(eV/atom) Ref-ANN(eV/atom)"
    "    Cost-Func   #Ti  #O    Path-of-input-file\n"
)


def small_table():
    return energy_table(
        species=("Ti", "O"),
        names_s=("./xsf/structure0482.xsf",),
        counts_st=np.array([[8, 14]]),
        reference_s=np.array([4.635012]),
        predicted_s=np.array([2.992032]),
        scale=1.3067744,
    )


def test_format():
    head, row = format_energies(small_table()).splitlines(keepends=True)
    assert head == HEAD
    # The numbers in print follow from more digits than those given above.
    assert row.split()[:5] == ROW.split()[:5]
    assert len(row) == len(ROW)


def test_derived_columns():
    table = small_table()
    assert table.n_atoms_s.tolist() == [22]
    assert table.error_s[0] == pytest.approx((4.635012 - 2.992032) / 22, rel=1e-15)
    assert table.scaled_error_s[0] == pytest.approx(1.3067744 * table.error_s[0], rel=1e-15)


def test_round_trip(tmp_path):
    path = tmp_path / "energies.train.0"
    path.write_text(HEAD + ROW)
    table = read_energies(path)
    assert table.species == ("Ti", "O")
    assert table.counts_st.tolist() == [[8, 14]]
    assert format_energies(table) == HEAD + ROW


def test_names_with_blanks_and_tiny_numbers(tmp_path):
    path = tmp_path / "energies.test.0"
    text = HEAD + ROW.replace("./xsf/structure0482.xsf", "a folder/b.xsf").replace(
        "9.759103E-02", "9.759103-102"
    )
    path.write_text(text)
    table = read_energies(path)
    assert table.names_s == ("a folder/b.xsf",)
    assert table.scaled_error_s[0] == 9.759103e-102
    write_energies(path, table)
    assert path.read_text() == text


def test_a_set_without_structures(tmp_path):
    path = tmp_path / "energies.test.0"
    path.write_text(HEAD)
    table = read_energies(path)
    assert table.reference_s.shape == (0,)
    assert table.counts_st.shape == (0, 2)
    assert format_energies(table) == HEAD


def test_heading_of_older_versions(tmp_path):
    path = tmp_path / "energies.train.0"
    path.write_text(
        "#  Ref(eV)        ANN(eV)      #atoms  Ref(eV/atom)   ANN(eV/atom) ANN error"
        "    Cost-Func   #Ti  #O    Path of input file\n" + ROW
    )
    assert format_energies(read_energies(path)) == HEAD + ROW


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("nonsense\n", 1),
        (HEAD + ROW + ROW[:60] + "\n", 3),
        (HEAD + ROW.replace("   22 ", "***** "), 2),
    ],
)
def test_foreign_and_broken_tables_are_named(tmp_path, text, line):
    path = tmp_path / "energies.train.0"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_energies(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="file not found"):
        read_energies(tmp_path / "energies.train.0")


def test_golden_tables(golden):
    paths = sorted(golden.glob("05*/**/energies.t*.0"))
    assert len(paths) >= 20
    for path in paths:
        assert format_energies(read_energies(path)) == path.read_text(), path
