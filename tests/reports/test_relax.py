"""The table of RELAX, against those of the original."""

from __future__ import annotations

import re

from aenetpy.reports import predict as report_predict
from aenetpy.reports.relax import optimization_table

from .test_predict import dimer

HEAD = (
    " Geometry optimization:\n"
    "\n"
    "           energy change       rms force    \n"
    "                (eV)           (eV/Ang)     \n"
    " ------------------------------------------------------------\n"
)


def test_rows():
    table = optimization_table([-2.0, -2.5, -2.75], [1.0, 0.25, 0.0], True)
    assert table == HEAD + (
        "     1        0.00000000        1.00000000\n"
        "     2       -0.50000000        0.25000000       -0.75000000\n"
        "     3       -0.75000000        0.00000000       -0.25000000\n"
        "    converged after 3 iterations.\n"
        "\n"
    )
    assert optimization_table([-2.0], [1.0], False) == HEAD + (
        "     1        0.00000000        1.00000000\n\n"
    )


def test_golden_tables(golden):
    expected = (golden / "07-relax" / "expected" / "predict.out").read_text()
    blocks = re.findall(r"^ Geometry optimization:.*?(?=^ Cartesian)", expected, re.M | re.S)
    assert len(blocks) == 3
    for block in blocks:
        rows = [line.split() for line in block.splitlines() if re.match(r" +\d+ ", line)]
        energies_k, rms_forces_k = ([float(row[k]) for row in rows] for k in (1, 2))
        ours = optimization_table(energies_k, rms_forces_k, "converged" in block)
        # differences of printed numbers may be off by one in the last digit, or be -0
        blank = re.compile(r"( +\S+ +\S+ +\S+) +\S+$", re.M)
        assert blank.sub(r"\1", ours) == blank.sub(r"\1", block)


def test_titles():
    table = report_predict.coordinates_table(dimer(), which="optimized")
    assert table.startswith(" Cartesian atomic coordinates (optimized):\n")
    lines = report_predict.lattice_vectors(dimer(), "optimized, ").splitlines()
    assert lines[0] == " Lattice vectors (optimized, Angstrom):"
    assert lines[2] == "   a = (        5.93400000       0.00000000       0.00000000 )"
