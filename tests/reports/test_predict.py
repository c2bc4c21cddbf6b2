"""predict.out: the blocks by hand, the whole by the original's outputs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from aenetpy.data.structure import Structure
from aenetpy.formats.network import read_network
from aenetpy.reports import predict as report

from .golden_text import NOW, VERSION, comparable, value

CASES = [
    "06-predict/expected/predict-normal.out",
    "06-predict/expected/predict-high.out",
    "06-predict/expected/predict-low.out",
    "06-predict/expected/predict-noforces.out",
    "06-predict/expected/predict-atomic.out",
    "06-predict/expected/predict-cmdline.out",
    "06b-predict-behler2011/expected/predict.out",
    "06c-predict-behler2011-all-types/expected/predict.out",
    "06d-predict-single-species/expected/predict.out",
    "04-isolated/expected/predict.out",
]
COORDINATES = " Cartesian atomic coordinates"
LOST_ATOM = " The maximum force is acting on atom"


def dimer(**changes) -> Structure:
    values = {
        "species": ("Ti", "O"),
        "positions_nc": np.array([[0.0, 0.25, -1.5], [4.420273, 7.0, 100000.0]]),
        "cell_cc": np.diag([5.934, 6.0, 7.0]),
        "pbc_c": (True, True, True),
        "name": "./a b.xsf",
    }
    return Structure(**(values | changes))


def test_structure_opening():
    assert report.structure_opening(1, dimer()) == (
        " Structure number  : 1\n"
        " File name         : ./a b.xsf\n"
        " Number of atoms   : 2\n"
        " Number of species : 2\n"
        "\n"
        " Lattice vectors (Angstrom):\n"
        "\n"
        "   a = (        5.93400000       0.00000000       0.00000000 )\n"
        "   b = (        0.00000000       6.00000000       0.00000000 )\n"
        "   c = (        0.00000000       0.00000000       7.00000000 )\n"
        "\n"
    )


def test_lattice_of_an_isolated_structure_is_its_box():
    isolated = dimer(cell_cc=None, pbc_c=(False, False, False))
    box_cc = np.diag([4.420275, 6.750002, 100001.500002])
    np.testing.assert_allclose(report.lattice(isolated), box_cc, rtol=1e-14)


def test_structure_with_coordinates_only():
    assert report.structure_report(dimer(), -1.5, -2000.25) == (
        " Cartesian atomic coordinates (input):\n"
        "\n"
        "          x             y             z      \n"
        "         (Ang)         (Ang)         (Ang)   \n"
        " --------------------------------------------\n"
        " Ti      0.000000      0.250000     -1.500000\n"
        " O       4.420273      7.000000  ************\n"
        "\n"
        " Cohesive energy            :           -1.50000000 eV\n"
        " Total energy               :        -2000.25000000 eV\n"
        "\n"
    )


def test_structure_with_everything():
    forces_nc = np.array([[3.0, 0.0, -4.0], [-3.0, 0.0, 4.0]])
    text = report.structure_report(dimer(), -1.5, -2000.25, forces_nc, np.array([-1.0, -1.0e5]))
    assert text == (
        " Cartesian atomic coordinates (input) and corresponding atomic forces:\n"
        "\n"
        "          x             y             z             Fx           Fy            Fz      "
        "     E_atom   \n"
        "         (Ang)         (Ang)         (Ang)       (eV/Ang)      (eV/Ang)      (eV/Ang)  "
        "      (eV)    \n"
        f" {100 * '-'}\n"
        " Ti      0.000000      0.250000     -1.500000"
        "      3.000000      0.000000     -4.000000     -1.000000\n"
        " O       4.420273      7.000000  ************"
        "     -3.000000      0.000000      4.000000  ************\n"
        "\n"
        " Cohesive energy            :           -1.50000000 eV\n"
        " Total energy               :        -2000.25000000 eV\n"
        " Mean force (must be zero)  :      0.000000      0.000000      0.000000\n"
        " Mean absolute force        :      3.000000      0.000000      4.000000\n"
        " Maximum force              :      3.000000      0.000000     -4.000000\n"
        " RMS force                  :      5.000000\n"
        " The maximum force is acting on atom 1.\n"
        " All forces are given in eV/Angstrom.\n"
        "\n"
    )


def test_atomic_energies_without_forces():
    lines = report.coordinates_table(dimer(), None, np.array([-1.0, -2.0])).splitlines()
    assert lines[0] == " Cartesian atomic coordinates (input):"
    assert lines[2] == "          x             y             z           E_atom   "
    assert lines[4] == " " + 58 * "-"


def read_structure(block: str) -> tuple[Structure, np.ndarray | None, np.ndarray | None]:
    """Return structure, forces and atomic energies from a block of an output."""
    table = block[block.index(COORDINATES) :].split("\n\n")[1].splitlines()[3:]
    words = [row.split() for row in table]
    numbers_nk = np.array([row[1:] for row in words], dtype=np.float64)
    forces_nc = numbers_nk[:, 3:6] if "forces:" in block else None
    atomic_n = numbers_nk[:, -1] if "E_atom" in block else None
    vectors = re.findall(r"^   [abc] = \((.*)\)$", block, re.MULTILINE)
    isolated = "Lattice" not in block or "0.00000200" in block
    structure = Structure(
        species=tuple(row[0] for row in words),
        positions_nc=numbers_nk[:, :3],
        cell_cc=None if isolated else np.array([v.split() for v in vectors], dtype=np.float64),
        pbc_c=3 * (not isolated,),
        name=value(block, "File name") if "File name" in block else "",
    )
    return structure, forces_nc, atomic_n


def read_forces(block: str) -> report.ForceSummary:
    """Return the summary of the forces as printed."""

    def numbers(label: str) -> tuple[float, ...]:
        return tuple(map(float, value(block, label).split()))

    return report.ForceSummary(
        mean_c=numbers("Mean force (must be zero)"),
        mean_absolute_c=numbers("Mean absolute force"),
        maximum_c=numbers("Maximum force"),
        rms=numbers("RMS force")[0],
        atom=int(value(block, LOST_ATOM.strip()).rstrip(".")),
    )


def structure_again(block: str, number: int) -> str:
    """Render one structure again from its numbers, and check what follows from the forces."""
    structure, forces_nc, atomic_n = read_structure(block)
    text = report.structure_opening(number, structure) if "Structure number" in block else ""
    text += report.coordinates_table(structure, forces_nc, atomic_n)
    text += report.energy_lines(
        *(float(value(block, f"{what} energy").split()[0]) for what in ("Cohesive", "Total"))
    )
    if forces_nc is not None:
        printed, ours = read_forces(block), report.ForceSummary.of(forces_nc)
        np.testing.assert_allclose(ours.mean_c, printed.mean_c, atol=2e-6)
        np.testing.assert_allclose(ours.mean_absolute_c, printed.mean_absolute_c, atol=2e-6)
        assert ours.rms == pytest.approx(printed.rms, abs=2e-6)
        assert np.linalg.norm(ours.maximum_c) == pytest.approx(
            np.linalg.norm(printed.maximum_c), abs=2e-6
        )
        if forces_nc.any():
            np.testing.assert_allclose(forces_nc[printed.atom - 1], printed.maximum_c, atol=1e-6)
        text += report.force_lines(printed)
    return text + "\n"


def potentials(expected: str, folder: Path) -> str:
    """Render what comes before the first structure."""
    files = re.findall(r"^ Atomic species : (\w+)\n File name      : (.*)$", expected, re.MULTILINE)
    return (
        report.opening(NOW, VERSION)
        + "".join(
            report.potential_report(species, file, read_network(folder / file))
            for species, file in files
        )
        + report.evaluation_opening()
    )


@pytest.mark.parametrize("case", CASES)
def test_golden_output(golden: Path, case):
    expected = (golden / case).read_text()
    is_normal = "Energy evaluation" in expected
    body = expected.split("Energy evaluation")[1].split("\n\n", 1)[1] if is_normal else expected
    blocks = body.split(report.separator())
    text = potentials(expected, (golden / case).parent.parent) if is_normal else ""
    text += report.separator().join(
        structure_again(block, number) for number, block in enumerate(blocks, start=1)
    )
    text += report.closing(NOW) if is_normal else ""
    assert comparable(text) == comparable(expected)
