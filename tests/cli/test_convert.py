"""``aenetpy convert``: n2p2's files both ways, and the input of LASP2."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.errors import DataError
from aenetpy.inputs.given import read_yaml
from aenetpy.inputs.learn import read_learn
from aenetpy.inputs.reference import read_reference
from aenetpy.structures.reading import iter_structures
from aenetpy.structures.runner import iter_input_data, parse_units, write_input_data
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
    root = read_yaml("learn.yaml", "learn.yaml")
    values = root.typed()
    assert (values["members"], values["check"], values["lower"]) == (4, 100, 0.25)
    assert values["explore"]["lasp2"]["steps"] == 100000
    assert values["retrain"] == {"iterations": 30}
    reference = read_reference(root.mapping()["reference"])
    assert reference.kwargs == {"command": "mpirun -n 8 vasp_std"}
    assert "complete.data@:#units=eV,Angstrom" in Path("learn.yaml").read_text()
    assert max(map(len, Path("learn.yaml").read_text().splitlines())) <= 100
    assert run(["convert", "lasp2.ini", "learn.yaml"]) == 4


INPUT_LMP = """\
units metal
boundary p p p
variable T equal 600.0
read_data gold.data
pair_style hdnnp 6.0 dir Seed1 showew no &
   resetew no cflength 1.0 cfenergy 1.0
pair_coeff * * Au
timestep 0.002   # ps
velocity all create 900.0 87287
fix 1 all {fix}
run 7000
"""
DATA = """\
# of LAMMPS

2 atoms
1 atom types
0.0 4.1 xlo xhi
0.0 4.2 ylo yhi
0.0 4.3 zlo zhi

Atoms  # atomic

2 1 2.0 2.1 2.2
1 1 0.1 0.0 0.0
"""


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        (
            "nvt temp ${T} 1000.0 0.1",
            {"ensemble": "nvt", "temperature": [600, 1000], "thermostat_time": 100},
        ),
        (
            "langevin 500 500 0.5 12345",
            {"ensemble": "nvt", "temperature": 500, "thermostat": "langevin"},
        ),
        (
            "npt temp $T 600 0.1 iso 10000.0 10000.0 1.5",
            {"ensemble": "npt", "temperature": 600, "pressure": 1, "barostat_time": 1500},
        ),
        ("nve", {"ensemble": "nve", "temperature": 900}),
    ],
)
def test_input_of_lammps(capfd, fix, expected):
    Path("lasp2.ini").write_text(LASP2)
    Path("input.lmp").write_text(INPUT_LMP.format(fix=fix))
    Path("gold.data").write_text(DATA)
    assert run(["convert", "lasp2.ini", "learn.yaml"]) == 0
    walk = read_yaml("learn.yaml", "learn.yaml").typed()["explore"]["lasp2"]
    assert (
        walk.items() >= (expected | {"time_step": 2, "steps": 100000, "start": "start.xsf"}).items()
    )
    (start,) = iter_structures("start.xsf")
    assert start.species == ("Au", "Au")
    np.testing.assert_allclose(start.positions_nc, [[0.1, 0, 0], [2.0, 2.1, 2.2]])
    np.testing.assert_allclose(start.cell_cc, np.diag([4.1, 4.2, 4.3]))
    assert read_learn("learn.yaml").explore[0].time_step == 2


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("units metal", "units lj", "input.lmp: units are lj, not metal or real"),
        ("* * Au", "* * Xx", "input.lmp:4: 'Xx' is no element"),
        ("gold.data", "none.data", "input.lmp:4: read_data: 'none.data' not found"),
        ("timestep 0.002", "timestep ${dt}", "input.lmp:8: timestep: '${dt}' is not a number"),
        ("temp 300 300 0.1", "temp 300", "input.lmp:10: fix ends too early"),
    ],
)
def test_wrong_input_of_lammps(capfd, before, after, message):
    Path("lasp2.ini").write_text(LASP2)
    text = INPUT_LMP.format(fix="nvt temp 300 300 0.1")
    assert before in text
    Path("input.lmp").write_text(text.replace(before, after))
    Path("gold.data").write_text(DATA)
    assert run(["convert", "lasp2.ini", "learn.yaml"]) == 3
    assert message in capfd.readouterr().err
    assert not Path("learn.yaml").exists()
    assert not Path("start.xsf").exists()


def test_folders_have_the_mode_of_umask():
    before = os.umask(0o027)
    try:
        assert run(["convert", XSF[0], "out/"]) == 0
    finally:
        os.umask(before)
    assert os.stat("out").st_mode & 0o777 == 0o750
    assert os.stat("out/000001.xsf").st_mode & 0o777 == 0o640


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
