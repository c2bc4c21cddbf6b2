"""``aenetpy convert``: n2p2's files both ways, and the input of LASP2."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.errors import DataError
from aenetpy.io.input_data import iter_input_data, parse_units, write_input_data
from aenetpy.io.reference_in import read_reference
from aenetpy.io.structures import iter_structures
from aenetpy.io.yaml_in import read_yaml
from tests.conftest import ROOT

XSF = sorted(str(path) for path in (ROOT / "tests" / "data" / "reference").glob("*.xsf"))

LASP2 = """\
[LASP2]
simName = Gold NVT
numSeeds = 4
numProcs = 16
procsVasp = 8
exec = mpirun
dirPotentials = Potentials
dirDatabase = complete.data
[LAMMPS]
totalSteps = 100000
checkSteps = 100
threshold = 0.25
dirPyLammps =
[N2P2]
epochsLong = 30
binTraining = nnp-train
[VASP]
binVasp = vasp_std
elements = Au
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def awkward():
    """Structures whose numbers need all of their digits."""
    random = np.random.default_rng(3)
    for n, structure in enumerate(next(iter_structures(path)) for path in XSF):
        shape = structure.positions_nc.shape
        yield replace(
            structure,
            positions_nc=structure.positions_nc + random.normal(size=shape) / 3,
            forces_nc=random.normal(size=shape) * 10.0 ** (n - 2),
            cell_cc=None if n == 0 else structure.cell_cc + random.normal(size=(3, 3)) / 7,
            pbc_c=(n > 0,) * 3,
            energy=-(1e5 + n) / 3,
            name=f"a b\n{n}",
        )


@pytest.mark.parametrize(("units", "relative"), [("eV,Angstrom", 0), ("Hartree,Bohr", 1e-15)])
def test_what_is_written_is_read(units, relative):
    structures = list(awkward())
    known = parse_units(units)
    assert write_input_data("input.data", structures, known) == len(XSF)
    assert "comment a b 1\n" in Path("input.data").read_text()
    for structure, found in zip(structures, iter_input_data("input.data", known), strict=True):
        assert found.species == structure.species
        assert found.pbc_c == structure.pbc_c
        for name in ("positions_nc", "forces_nc", "cell_cc", "energy"):
            expected = getattr(structure, name)
            if expected is None:
                assert getattr(found, name) is None
            else:
                np.testing.assert_allclose(getattr(found, name), expected, rtol=relative, atol=0)


@pytest.mark.parametrize("missing", ["energy", "forces_nc"])
def test_what_n2p2_cannot_use_is_refused(missing):
    Path("input.data").write_text("as it was")
    structures = [*awkward(), replace(next(awkward()), **{missing: None}, name="x.xsf")]
    with pytest.raises(DataError, match=r"x.xsf: has no (energy|forces), without which n2p2"):
        write_input_data("input.data", structures, parse_units("eV,Angstrom"))
    assert Path("input.data").read_text() == "as it was"


def test_both_ways(capfd):
    assert run(["convert", *XSF, "input.data#units=eV,Angstrom"]) == 0
    assert run(["convert", "input.data@:#units=eV,Angstrom", "xsf/"]) == 0
    assert capfd.readouterr() == (
        "",
        f"input.data: {len(XSF)} structures in eV,Angstrom\nxsf/: {len(XSF)} XSF files\n",
    )
    names = sorted(os.listdir("xsf"))
    assert names[0] == "000001.xsf"
    for path, name in zip(XSF, names, strict=True):
        (before,), (after,) = iter_structures(path), iter_structures(f"xsf/{name}")
        assert after.energy == before.energy
        np.testing.assert_array_equal(after.positions_nc, before.positions_nc)
        np.testing.assert_array_equal(after.forces_nc, before.forces_nc)


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("out.data", 2, "what is 'out.data' to be?"),
        ("out.data#units=eV,m", 2, "'eV,m' are no units"),
        ("out.data@3#units=eV,Angstrom", 2, "cannot be a part of a file"),
        ("there.data#units=eV,Angstrom", 4, "there.data: exists already"),
        ("there/", 4, "there: exists already"),
    ],
)
def test_wrong_targets(capfd, target, code, message):
    Path("there.data").write_text("")
    Path("there").mkdir()
    assert run(["convert", *XSF, target]) == code
    assert message in capfd.readouterr().err
    assert sorted(os.listdir()) == ["there", "there.data"]
    assert os.listdir("there") == []


def test_a_folder_appears_whole_or_not_at_all(capfd):
    assert run(["convert", XSF[0], "missing.xsf", "out/"]) == 4
    assert "structure file 'missing.xsf' not found" in capfd.readouterr().err
    assert os.listdir() == []


def test_lasp2(capfd):
    Path("lasp2.ini").write_text(LASP2)
    assert run(["convert", "lasp2.ini", "learn.yaml"]) == 0
    told = capfd.readouterr().err.splitlines()
    lost = [line.split(" = ")[0].split()[-1] for line in told if "has no counterpart" in line]
    assert lost == ["dirpotentials", "bintraining", "elements"]
    assert told[-1].startswith("learn.yaml is written; generate.in and train.in")
    root = read_yaml("learn.yaml")
    values = root.typed()
    assert (values["members"], values["check"], values["lower"]) == (4, 100, 0.25)
    assert values["explore"]["lasp2"]["steps"] == 100000
    assert values["retrain"] == {"iterations": 30}
    reference = read_reference(root.mapping()["reference"])
    assert reference.kwargs == {"command": "mpirun -n 8 vasp_std"}
    assert "complete.data@:#units=eV,Angstrom" in Path("learn.yaml").read_text()
    assert max(map(len, Path("learn.yaml").read_text().splitlines())) <= 100
    assert run(["convert", "lasp2.ini", "learn.yaml"]) == 4


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("numSeeds = 4", "numSeed = 4", "lasp2.ini:3: unknown key 'numseed' in [LASP2]"),
        ("threshold = 0.25", "", "lasp2.ini: has no 'threshold'"),
        ("threshold = 0.25", "threshold = low", "lasp2.ini:12: threshold = 'low' is no positive"),
        ("numSeeds = 4", "numSeeds = -4", "lasp2.ini:3: numseeds = '-4' is no positive number"),
        ("[VASP]", "[VASPP]", "unknown section [VASPP]; did you mean VASP?"),
        ("[LASP2]", "what", "lasp2.ini:1: is no INI file"),
    ],
)
def test_wrong_lasp2(capfd, before, after, message):
    Path("lasp2.ini").write_text(LASP2.replace(before, after))
    assert run(["convert", "lasp2.ini", "learn.yaml"]) == 3
    assert message in capfd.readouterr().err
    assert not Path("learn.yaml").exists()
