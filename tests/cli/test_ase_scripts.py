"""``evaluate`` and ``md``, the two Python scripts of aenet with a JSON input."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.constraints import FixAtoms
from ase.io import read, write

from aenetpy.cli.main import run
from aenetpy.commands.md import draw_velocities
from aenetpy.models.reading import read_potential
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT

REFERENCE = ROOT / "tests" / "data" / "reference"
NAME = "brookite-03"
N_ATOMS = 24
POTENTIALS = {"Ti": "Ti.nn", "O": "O.nn"}
DYNAMICS = {
    "structure_file": f"{NAME}.xsf",
    "temperature": 300,
    "time_step": 0.5,
    "md_steps": 20,
    "print_steps": 5,
    "seed": 3,
}


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    for path in POTENTIALS.values():
        shutil.copyfile(REFERENCE / "chebyshev" / "expected" / path, tmp_path / path)
    shutil.copyfile(REFERENCE / f"{NAME}.xsf", tmp_path / f"{NAME}.xsf")
    monkeypatch.chdir(tmp_path)
    write_input()
    return tmp_path


def write_input(**values):
    Path("in.json").write_text(json.dumps({"potentials": POTENTIALS, **values}, indent=1))


def start_atoms():
    atoms = read(f"{NAME}.xsf")
    atoms.calc = None
    return atoms


def energies(text):
    return [float(word) for word in re.findall(r"^Total energy = (\S+) eV$", text, re.MULTILINE)]


def fails(capsys, arguments, code, message):
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


def test_evaluate_like_the_potential(workdir, capsys):
    assert run(["evaluate", "in.json", f"{NAME}.xsf", "--forces"]) == 0
    out = capsys.readouterr().out
    structure = read_xsf(f"{NAME}.xsf")
    found = read_potential(POTENTIALS).evaluate(structure)
    assert out.startswith(f"Structure file: {NAME}.xsf\n\nAtomic positions and forces:\n\nTi ")
    rows = [line.split() for line in out.splitlines() if re.match(r"(Ti|O ) ", line)]
    assert [row[0] for row in rows] == list(structure.species)
    values_nk = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(values_nk[:, :3], structure.positions_nc, atol=5e-9)
    np.testing.assert_allclose(values_nk[:, 3:], found.forces_nc, atol=6e-9)
    zero = " ".join(["     0.00000000"] * 3)
    assert f"\nAverage force (must be zero): {zero}\n" in out
    assert energies(out) == pytest.approx([found.energy], abs=1e-8)


def test_evaluate_the_golden_structures(golden, monkeypatch, capsys, tmp_path):
    """Energies of predict.x, from the text files of aenet-PyTorch."""
    monkeypatch.chdir(golden / "06-predict")
    potentials = {symbol: f"{symbol}.pytorch.nn.ascii" for symbol in ("Ti", "O")}
    (tmp_path / "in.json").write_text(json.dumps({"potentials": potentials}))
    predicted = Path("expected/predict-normal.out").read_text()
    names = re.findall(r"^ File name +: +(\S+)$", predicted, re.MULTILINE)
    expected = re.findall(r"^ Total energy +: +(\S+) eV$", predicted, re.MULTILINE)
    names = [name for name in names if name.endswith(".xsf")]
    assert len(names) == len(expected) == 20
    assert run(["evaluate", str(tmp_path / "in.json"), *names]) == 0
    found = energies(capsys.readouterr().out)
    np.testing.assert_allclose(found, np.array(expected, float), rtol=0, atol=2e-8)


def test_evaluate_any_format(workdir, capsys):
    atoms = start_atoms()
    names = ["POSCAR", "a.cif", "a.extxyz", "b.traj"]
    for name in names:
        write(name, atoms)
    write("unknown.dat", atoms, format="vasp")
    write("hidden", atoms, format="extxyz")
    assert run(["evaluate", "in.json", f"{NAME}.xsf", *names, "unknown.dat"]) == 0
    found = energies(capsys.readouterr().out)
    assert len(found) == 6
    assert np.ptp(found) < 2e-7
    assert run(["evaluate", "in.json", "hidden", "--format", "extxyz"]) == 0
    assert energies(capsys.readouterr().out) == pytest.approx(found[:1], abs=2e-7)


def test_evaluate_frames(workdir, capsys):
    atoms = start_atoms()
    frames = [atoms.copy() for _ in range(4)]
    for k, frame in enumerate(frames):
        frame.positions[0, 0] += 0.02 * k
    write("run.traj", frames)
    assert run(["evaluate", "in.json", "run.traj@1::2", "run.traj"]) == 0
    out = capsys.readouterr().out
    names = re.findall(r"^Structure file: (\S+)$", out, re.MULTILINE)
    assert names == ["run.traj@1", "run.traj@3", "run.traj"]
    found = energies(out)
    assert found[1] == found[2] > found[0]


def test_relaxation(workdir, capsys):
    assert run(["evaluate", "in.json", f"{NAME}.xsf", "--relax", "0.2"]) == 0
    out = capsys.readouterr().out
    start, relaxed = energies(out)
    assert relaxed < start - 0.1
    structure = read_xsf(f"{NAME}-relaxed.xsf")
    assert structure.energy == pytest.approx(relaxed, abs=2e-8)
    found = read_potential(POTENTIALS).evaluate(structure)
    assert found.energy == pytest.approx(relaxed, abs=1e-6)
    assert np.linalg.norm(found.forces_nc, axis=1).max() < 0.2
    assert f"Structure file: {NAME}-relaxed.xsf\n" in out


def test_relaxed_frames_keep_their_format(workdir):
    atoms = start_atoms()
    write("run.extxyz", [atoms, atoms])
    write("start.dat", atoms, format="vasp")
    assert run(["evaluate", "in.json", "run.extxyz@1:", "start.dat", "--relax", "1.5"]) == 0
    assert len(read("run-1-relaxed.extxyz")) == len(atoms)
    assert len(read("start-relaxed.dat", format="vasp")) == len(atoms)


def test_relaxation_that_does_not_converge(workdir, capsys):
    fails(
        capsys,
        ["evaluate", "in.json", f"{NAME}.xsf", "--relax", "1e-4", "--steps", "2"],
        5,
        "not relaxed to 0.0001 eV/Å after 2 steps",
    )
    assert not list(workdir.glob("*relaxed*"))


def test_input_data_needs_units_and_is_relaxed_into_xsf(workdir, capsys):
    structure = read_xsf(f"{NAME}.xsf")
    rows = [f"lattice {x!r} {y!r} {z!r}" for x, y, z in structure.cell_cc.tolist()]
    for symbol, (x, y, z) in zip(structure.species, structure.positions_nc.tolist(), strict=True):
        rows.append(f"atom {x!r} {y!r} {z!r} {symbol} 0 0 0 0 0")
    Path("input.data").write_text("\n".join(["begin", *rows, "end\n"]))
    fails(capsys, ["evaluate", "in.json", "input.data"], 4, "input.data@-1#units=eV,Angstrom or")
    fails(capsys, ["evaluate", "in.json", f"{NAME}.xsf#units=eV,Angstrom"], 4, "drop #units=")
    entry = "input.data@0#units=eV,Angstrom"
    assert run(["evaluate", "in.json", f"{NAME}.xsf", "input.data#units=eV,Angstrom", entry]) == 0
    assert np.ptp(energies(capsys.readouterr().out)) < 1e-8
    assert run(["evaluate", "in.json", entry, "--relax", "1.5"]) == 0
    assert read_xsf("input-0-relaxed.xsf").species == structure.species


def test_relaxed_structures_are_not_replaced(workdir, capsys):
    atoms = start_atoms()
    write("run.extxyz", [atoms, atoms])
    Path("run-1-relaxed.extxyz").write_text("precious")
    command = ["evaluate", "in.json", f"{NAME}.xsf", "run.extxyz@:", "--relax", "1.5"]
    fails(capsys, command, 4, "run-1-relaxed.extxyz: exists already; remove or rename it")
    assert Path("run-1-relaxed.extxyz").read_text() == "precious"
    assert len(list(workdir.glob("*relaxed*"))) == 1  # told before any was relaxed
    assert run(command[:3]) == 0  # without relaxation there is nothing to replace
    Path(f"{NAME}-last.xsf").write_text("precious")
    one = ["evaluate", "in.json", f"{NAME}.xsf", "--relax", "0.001", "--steps", "1"]
    fails(capsys, one, 4, f"{NAME}-last.xsf: exists already")
    assert Path(f"{NAME}-last.xsf").read_text() == "precious"
    Path(f"{NAME}-last.xsf").unlink()
    twice = ["evaluate", "in.json", "run.extxyz@0:1", "run.extxyz@:1", "--relax", "1.5"]
    fails(capsys, twice, 2, "'run-0-relaxed.extxyz' would be written twice")
    os.symlink("/dev/null", f"{NAME}-relaxed.xsf")
    assert run(["evaluate", "in.json", f"{NAME}.xsf", "--relax", "1.5"]) == 0
    assert Path(f"{NAME}-relaxed.xsf").is_symlink()


def test_evaluate_refuses(workdir, capsys):
    fails(capsys, ["evaluate", "in.json"], 2, "Missing argument")
    fails(capsys, ["evaluate", "in.json", "none"], 4, "structure file 'none' not found")
    fails(capsys, ["evaluate", "in.json", "in.json"], 4, "in.json: ASE cannot read it")
    fails(capsys, ["evaluate", "in.json", f"{NAME}.xsf", "-F", "foo"], 4, "ASE cannot read it")
    fails(capsys, ["evaluate", "in.json", f"{NAME}.xsf", "--relax", "0"], 2, "not in the range")
    fails(capsys, ["evaluate", "none.json", "a"], 3, "none.json: file not found")
    atoms = start_atoms()
    atoms.positions[1] = atoms.positions[0] + 0.1
    write("close.cif", atoms)
    fails(capsys, ["evaluate", "in.json", "close.cif"], 4, "closer than RMIN")
    atoms.symbols[0] = "N"
    write("alien.cif", atoms)
    fails(
        capsys,
        ["evaluate", "in.json", "alien.cif"],
        4,
        "alien.cif: no network for species N; the potential has",
    )
    write_input(potential=1)
    fails(capsys, ["evaluate", "in.json", "a"], 3, "unknown key 'potential'; known are potentials")


def test_md(workdir, capsys):
    write_input(**DYNAMICS)
    assert run(["md", "in.json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    header, *lines = captured.out.splitlines()
    assert header == "# step E_pot E_kin T E_tot"
    rows_ks = np.array([line.split() for line in lines], float)
    assert rows_ks[:, 0].tolist() == [0, 5, 10, 15, 20]
    start = read_potential(POTENTIALS).evaluate(read_xsf(f"{NAME}.xsf"), forces=False)
    assert rows_ks[0, 1] == pytest.approx(start.energy / N_ATOMS, abs=1e-8)
    np.testing.assert_allclose(rows_ks[:, 4], rows_ks[:, 1] + rows_ks[:, 2], atol=2e-8)
    np.testing.assert_allclose(rows_ks[:, 2], 1.5 * units.kB * rows_ks[:, 3], rtol=1e-5)
    assert np.ptp(rows_ks[:, 1]) > 1e-3
    assert np.ptp(rows_ks[:, 4]) < 5e-5  # NVE
    frames = read("md.traj", ":")
    assert len(frames) == 5
    for frame, row in zip(frames, rows_ks, strict=True):
        assert frame.get_potential_energy() / N_ATOMS == pytest.approx(row[1], abs=1e-8)


def test_md_names_what_is_out_of_range_in_every_line(workdir, capsys):
    atoms = read(f"{NAME}.xsf")
    atoms.set_cell(0.85 * atoms.cell.array, scale_atoms=True)
    write("squeezed.cif", atoms)
    write_input(**{**DYNAMICS, "structure_file": "squeezed.cif", "time_step": 0.1})
    assert run(["md", "in.json"]) == 0
    text, notes = capsys.readouterr()
    rows = text.splitlines()[1:]
    assert len(rows) == 5
    for row in rows:
        assert re.search(r"  # \d+ atoms out of range: \S.* of atom \d+ \(\w+\), by ", row)
    assert np.loadtxt(text.splitlines()).shape == (5, 5)
    assert re.search(r"outside of the training range in (\d+) of \1 evaluations; worst: ", notes)


def test_md_repeats_with_its_seed(workdir, capsys):
    outputs = []
    for jobs in ("1", "2"):
        write_input(**DYNAMICS, trajectory_file=f"{jobs}.traj")
        assert run(["md", "in.json", "--jobs", jobs]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert len(read("2.traj", ":")) == 5
    values = {key: value for key, value in DYNAMICS.items() if key != "seed"}
    write_input(**values, trajectory_file="3.traj")
    assert run(["md", "in.json"]) == 0
    captured = capsys.readouterr()
    seed = int(re.search(r'^aenetpy: info: "seed": (\d+) repeats', captured.err)[1])
    assert captured.out != outputs[0]
    write_input(**{**DYNAMICS, "seed": seed, "trajectory_file": "4.traj"})
    assert run(["md", "in.json"]) == 0
    assert capsys.readouterr().out == captured.out


def md(capsys, **values):
    """Run md, and return its rows and what it says."""
    write_input(**{**DYNAMICS, **values})
    assert run(["md", "in.json"]) == 0
    captured = capsys.readouterr()
    return np.array([line.split() for line in captured.out.splitlines()[1:]], float), captured.err


def without(key):
    return {name: value for name, value in DYNAMICS.items() if name != key}


def test_md_goes_on_from_a_trajectory(workdir, capsys):
    whole, _ = md(capsys, trajectory_file="whole.traj")
    md(capsys, trajectory_file="one.traj", md_steps=10)
    write_input(**{**without("temperature"), "structure_file": "one.traj", "md_steps": 10})
    assert run(["md", "in.json"]) == 0
    out, err = capsys.readouterr()
    rows = np.array([line.split() for line in out.splitlines()[1:]], float)
    np.testing.assert_allclose(rows[:, 1:], whole[2:, 1:], rtol=0, atol=2e-8)
    assert err == f"aenetpy: info: one.traj: goes on with its velocities ({rows[0, 3]:.0f} K)\n"
    one, two = read("whole.traj"), read("md.traj")
    np.testing.assert_allclose(two.positions, one.positions, rtol=0, atol=1e-9)
    np.testing.assert_allclose(two.get_momenta(), one.get_momenta(), rtol=0, atol=1e-9)


def test_velocities_of_a_trajectory_give_way_to_a_temperature(workdir, capsys):
    md(capsys, trajectory_file="one.traj")
    rows, err = md(capsys, structure_file="one.traj@2", temperature=500)
    assert re.fullmatch(
        r"aenetpy: info: one\.traj@2: its velocities \(\d+ K\) give way to new ones of 500 K; "
        r"without 'temperature' they are kept\n",
        err,
    )
    atoms = read("one.traj")
    draw_velocities(atoms, 500, DYNAMICS["seed"])
    assert rows[0, 3] == pytest.approx(atoms.get_temperature(), abs=1e-3)


@pytest.mark.parametrize("ensemble", ["nvt", "npt"])
def test_heat_baths_keep_the_velocities_of_a_trajectory(workdir, capsys, ensemble):
    start, _ = md(capsys, trajectory_file="one.traj")
    rows, err = md(capsys, structure_file="one.traj", ensemble=ensemble, trajectory_file="2.traj")
    assert rows[0, 3] == start[-1, 3]
    assert "one.traj: goes on with its velocities" in err
    rows, err = md(capsys, ensemble=ensemble)  # of a structure without
    assert rows[0, 3] == start[0, 3]
    assert err == ""
    frames = read("md.traj", ":")
    assert len(frames) == 5
    for frame in frames:
        assert frame.get_forces().any()
        assert frame.get_momenta().any()
        assert np.isfinite(frame.get_potential_energy())
    assert (frames[-1].get_volume() == frames[0].get_volume()) == (ensemble == "nvt")


@pytest.mark.parametrize(
    "wild",
    [
        {"ensemble": "nvt", "thermostat": "nose-hoover", "temperature": 1e9, "time_step": 100},
        {"ensemble": "npt", "pressure": 1e9},
    ],
)
def test_dynamics_that_fly_apart_are_told_in_one_line(workdir, capsys, wild):
    write_input(**{**DYNAMICS, **wild})
    assert run(["md", "in.json"]) == 5
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(
        r"aenetpy: error: in\.json: the dynamics ends after \d+ steps: .*; try a smaller .*", last
    )


def test_md_takes_a_folder_of_potentials(workdir, capsys):
    rows, _ = md(capsys)
    again, _ = md(capsys, potentials=".", trajectory_file="2.traj")
    assert (rows == again).all()
    assert run(["evaluate", "in.json", f"{NAME}.xsf"]) == 0


def test_md_replaces_no_trajectory(workdir, capsys):
    md(capsys)
    before = Path("md.traj").read_bytes()
    message = 'md.traj: exists already; name another trajectory_file; "structure_file": "md.traj"'
    fails(capsys, ["md", "in.json"], 4, message)
    assert Path("md.traj").read_bytes() == before


def test_md_of_no_steps(workdir, capsys):
    write_input(**{**DYNAMICS, "md_steps": 0})
    assert run(["md", "in.json"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 2
    assert captured.out.splitlines()[1].startswith("       0 ")
    assert "in.json: md_steps is 0, only the start is evaluated" in captured.err
    assert len(read("md.traj", ":")) == 1


def test_md_from_vasp_and_at_rest(workdir, capsys):
    atoms = start_atoms()
    write("start", atoms, format="vasp")
    write_input(**{**DYNAMICS, "structure_file": "start", "temperature": 0})
    assert run(["md", "in.json"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert float(rows[0][2]) == 0.0
    assert float(rows[-1][2]) > 0.0


def test_md_refuses(workdir, capsys):
    write_input(**{**DYNAMICS, "structure_file": "none"})
    fails(capsys, ["md", "in.json"], 4, "structure file 'none' not found")
    write_input(**DYNAMICS, trajectory_file=f"{NAME}.xsf")
    fails(capsys, ["md", "in.json"], 4, f"{NAME}.xsf: exists already")
    write_input(**without("temperature"))
    fails(capsys, ["md", "in.json"], 3, f"'{NAME}.xsf' has no velocities, and key 'temperature'")
    write("two.traj", [start_atoms(), start_atoms()])
    write_input(**{**DYNAMICS, "structure_file": "two.traj@:"})
    fails(capsys, ["md", "in.json"], 3, "'two.traj@:' names 2 structures; choose one, as in")
    write_input(**{**DYNAMICS, "potentials": "nowhere"})
    fails(capsys, ["md", "in.json"], 4, "nowhere: file not found")
    atoms = start_atoms()
    atoms.set_constraint(FixAtoms([0]))
    write("fixed.traj", atoms)
    write_input(**{**DYNAMICS, "structure_file": "fixed.traj", "ensemble": "npt"})
    fails(capsys, ["md", "in.json"], 3, "in.json: chains of thermostats and barostats move all")
    write_input(**{**DYNAMICS, "ensemble": "nvt", "structure_file": "fixed.traj"})
    assert run(["md", "in.json"]) == 0
    capsys.readouterr()
    assert np.ptp([frame.positions[0] for frame in read("md.traj", ":")], axis=0).max() == 0
    write_input(**DYNAMICS, trajectory_file="none/md.traj")
    fails(capsys, ["md", "in.json"], 4, "none/md.traj: cannot be written")
    write_input()
    fails(capsys, ["md", "in.json"], 3, "key 'structure_file' is missing")
    write_input(**{**DYNAMICS, "time_step": -1})
    fails(capsys, ["md", "in.json"], 3, "in.json:8: time_step is -1")


def test_velocities_are_those_of_the_temperature():
    atoms = read_many_atoms(4000)
    draw_velocities(atoms, 500.0, seed=1)
    assert atoms.get_temperature() == pytest.approx(500.0, rel=0.03)
    for symbol in ("Ti", "O"):
        chosen = atoms.symbols == symbol
        velocity_nc = atoms.get_velocities()[chosen]
        mass = atoms.get_masses()[chosen][0]
        assert mass * velocity_nc.var() == pytest.approx(500.0 * units.kB, rel=0.05)
    draw_velocities(atoms, 0.0, seed=1)
    assert not atoms.get_velocities().any()


def read_many_atoms(n):
    from ase import Atoms

    return Atoms(["Ti", "O"] * (n // 2), np.zeros((n, 3)))


def test_md_starts_from_one_structure(workdir, capsys):
    write("run.xyz", [start_atoms()] * 2)
    write_input(**DYNAMICS | {"structure_file": "run.xyz@:"})
    fails(capsys, ["md", "in.json"], 3, "in.json: structure_file 'run.xyz@:' names 2 structures")
    assert not Path("md.traj").exists()
    write_input(**DYNAMICS | {"structure_file": "run.xyz@1:"})
    assert run(["md", "in.json"]) == 0
