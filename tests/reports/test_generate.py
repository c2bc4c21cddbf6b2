"""generate.out: the blocks by hand, the whole by the original's outputs."""

from __future__ import annotations

import lzma
import re
from pathlib import Path

import numpy as np
import pytest

from aenetpy.data.setup import FeatureStatistics, Setup
from aenetpy.data.structure import Structure
from aenetpy.formats import columns as fortran_formats
from aenetpy.formats.trainset import read_trainset
from aenetpy.reports import blocks as common
from aenetpy.reports import generate as report

from .golden_text import NOW, VERSION, comparable, value

CASES = {
    "01-generate-chebyshev": "TiO2.train",
    "01b-generate-chebyshev-env-order": "TiO2.train",
    "01c-generate-derivatives": "TiO2.train",
    "02-generate-behler2011": "TiO2.train",
    "02b-generate-behler2011-all-types": "TiO2.train",
    "02c-quirk-env-order": "TiO2.train",
    "02d-quirk-eta-after-zeta": "TiO2.train",
    "03-generate-single-species": "Au.train",
    "04b-generate-isolated": "CuAu.train",
}


def chebyshev(**changes) -> Setup:
    parameters_gp = np.zeros((44, 4))
    parameters_gp[0] = 8.0, 16.0, 6.5, 4.0
    values = {
        "species": "O",
        "environment": ("Ti", "O"),
        "r_min": 0.55,
        "r_max": 8.0,
        "kind": "Chebyshev",
        "functions_g": np.zeros(44, dtype=np.int32),
        "parameters_gp": parameters_gp,
        "partners_g2": np.zeros((44, 2), dtype=np.int32),
        "description": "  first$$second$$",
    }
    return Setup(**(values | changes))


def structure(species: tuple[str, ...], name: str = "structure.xsf") -> Structure:
    return Structure(species, np.zeros((len(species), 3)), name=name)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.5, "    1.500000"),
        (-1e-9, "   -0.000000"),
        (99999.9999994, "99999.999999"),
        (1.0e5, "************"),
        (float("nan"), "         NaN"),
        (float("-inf"), "   -Infinity"),
    ],
)
def test_fixed_point_numbers(number, text):
    assert fortran_formats.fixed(number, 12, 6) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "  0.000000E+00"),
        (-6.812253e-1, " -6.812253E-01"),
        (1.0e-100, "  1.000000-100"),
        (-2.5e120, " -2.500000+120"),
        (float("nan"), "           NaN"),
        (float("inf"), "      Infinity"),
    ],
)
def test_scientific_numbers(number, text):
    assert fortran_formats.scientific(number, 14, 6) == text


def test_integers_that_do_not_fit_become_stars():
    assert fortran_formats.integer(99999, 5) == "99999"
    assert fortran_formats.integer(100000, 5) == "*****"


def test_a_title_is_centred_in_70_columns():
    rule, text, again = common.title("Networks").splitlines()
    assert rule == again == " " + 70 * "-"
    assert text == " " + 31 * " " + "Networks" + 31 * " "
    assert common.time_stamp(NOW).splitlines()[1] == 26 * " " + "2026-11-20  20:05:49" + 25 * " "


def test_the_copyright_is_ours_and_cites_aenet():
    text = common.copyright_notice("9.8.7")
    assert "aenetpy 9.8.7, MIT licence" in text
    assert "Comput. Mater. Sci. 114 (2016) 135" in text
    assert "2015-2018" not in text
    assert "Mozilla" not in text
    assert max(map(len, text.splitlines())) <= 71


def test_memory_of_a_network_by_hand():
    assert common.required_words((2, 3, 1)) == 4 * 3 - 1 + 4 * 13 + 4 * 8 + 2 * 4 + 4 * 16 + 2 * 64
    assert common.required_words((24, 5, 5, 1)) == 34611
    assert "(    270.40 KB)" in common.network_report((24, 5, 5, 1), ("tanh", "tanh", "linear"))


def test_chebyshev_setup():
    ones = np.ones(44)
    setup = chebyshev(statistics=FeatureStatistics(7308, ones, ones, ones, ones))
    assert common.setup_report(setup) == (
        " Structural fingerprint (SF) set-up for O\n"
        "\n"
        "   first\n"
        " second\n"
        "\n"
        " environment types: Ti O  \n"
        " minimal distance : 0.55 Angstrom\n"
        " maximal cut-off  : 8.00 Angstrom\n"
        " size of basis    : 44\n"
        " evaluations      : 7308\n"
        "\n"
        " Basis function type Chebyshev\n"
        " [N. Artrith and A. Urban (2016)]\n"
        "\n"
        " Radial Rc     : 8.00\n"
        " Angular Rc    : 6.50\n"
        " Radial order  : 16\n"
        " Angular order : 4\n"
        "\n"
    )


def test_behler_setup():
    setup = chebyshev(
        kind="Behler2011",
        functions_g=np.arange(1, 6, dtype=np.int32),
        parameters_gp=np.array(
            [[4, 0, 0, 0], [5, 1.9, 0.5, 0], [5, 0.7, 0, 0], [5, 1, 2, 0.01], [4.2, -1, 3, 0.02]]
        ),
        partners_g2=np.array([[2, 0], [1, 0], [1, 0], [2, 1], [1, 2]], dtype=np.int32),
    )
    assert common.setup_report(setup).endswith(
        " Basis function type Behler2011\n"
        "\n"
        " [see also: J. Behler, J. Chem. Phys. 134 (2011) 074106]\n"
        "\n"
        "\n"
        "      G  parameters\n"
        "\n"
        "   1  1  type2=O   Rc =   4.000\n"
        "   2  2  type2=Ti  Rc =   5.000  Rs =   1.900  eta =   0.500\n"
        "   3  3  type2=Ti  Rc =   5.000  kappa =   0.700\n"
        "   4  4  type2=O   type3=Ti  Rc =   5.000  lambda =   1.000  zeta =   2.000"
        "  eta =   0.010\n"
        "   5  5  type2=Ti  type3=O   Rc =   4.200  lambda =  -1.000  zeta =   3.000"
        "  eta =   0.020\n"
        "\n"
    )


def test_a_setup_without_description():
    assert common.setup_report(chebyshev(description="")).startswith(
        " Structural fingerprint (SF) set-up for O\n\n\n environment types"
    )


def test_opening_names_types_and_count():
    assert (
        "\n Number of atom types  : 2\n types                 :    Ti    O  \n"
        " Number of structures  : 20\n\n"
    ) in report.opening(("Ti", "O"), 20, [chebyshev()], VERSION)


def test_structure_rows():
    rows = report.structure_rows(
        1, structure(("Ti", "O"), "a b.xsf"), -0.648006288, np.array([199, 8])
    )
    assert rows == (
        "      1       2       2  -6.48006288E-01  a b.xsf\n"
        "      1  Ti     199\n"
        "      2   O       8\n"
    )


def test_normalised_training_set():
    info = common.TrainingSetInfo(
        "a.train", 9, ("Au",), -0.1, -1.0, 1.0, normalized=True, scale=1.306774, shift=-0.064291
    )
    assert common.training_set_info(info).endswith(
        "   Species : Au\n"
        "\n"
        " Average energy (eV/atom) : -0.100000\n"
        " Minimum energy (eV/atom) : -1.000000\n"
        " Maximum energy (eV/atom) : 1.000000\n"
        "\n"
        " The input and output values have been normalized to [-1.0, 1.0].\n"
        " Structures outside of this interval will not be used for training.\n"
        "   Energy scaling factor: 1.306774\n"
        "   Atomic energy shift  : -0.064291\n"
        "\n"
    )


def table_of(expected: str) -> str:
    """Render the table of structures again from its numbers."""
    lines = iter(expected[expected.index("#     N") :].splitlines()[1:])
    rows = ""
    for line in lines:
        row = re.match(r"^ +(\d+) +(\d+) +\d+  +(\S+)  (.*)$", line)
        if row is None:
            break
        number, n_atoms, energy, name = row.groups()
        atoms = [next(lines).split() for _ in range(int(n_atoms))]
        known = structure(tuple(symbol for _, symbol, _ in atoms), name)
        counts = [int(count) for _, _, count in atoms]
        rows += report.structure_rows(int(number), known, float(energy), counts)
    return rows


@pytest.mark.parametrize("case", CASES)
def test_golden_output(golden: Path, case):
    folder = golden / case / "expected"
    expected = (folder / "generate.out").read_text()
    trainset = read_trainset(folder / CASES[case])
    assert trainset.setups_t is not None
    text = (
        report.opening(
            trainset.species,
            int(value(expected, "Number of structures")),
            [setup.with_statistics(None) for setup in trainset.setups_t],
            VERSION,
        )
        + table_of(expected)
        + report.closing(common.TrainingSetInfo.of(trainset, CASES[case]), NOW)
    )
    assert comparable(text) == comparable(expected)


def test_golden_table_of_700_structures(golden: Path):
    archive = golden / "05b-train-700" / "expected" / "generate.out.xz"
    expected = lzma.decompress(archive.read_bytes()).decode()
    rows = table_of(expected)
    assert rows.count("\n") == 700 + 14876
    assert rows in expected
