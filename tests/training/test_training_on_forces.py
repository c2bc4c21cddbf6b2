"""``train`` with FORCES, from the files of a user to those that he gets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from aenetpy import Calculator, read_potential
from aenetpy.cli.main import run
from aenetpy.formats.network import read_network
from aenetpy.formats.trainset import read_trainset
from aenetpy.structures.xsf import read_xsf
from tests.cli.inputs import generate_in
from tests.conftest import ROOT

NAMES = [f"rutile-{k:02d}.xsf" for k in range(6)] + [f"anatase-{k:02d}.xsf" for k in range(6)]
METHODS = {
    "bfgs": "bfgs",
    "adamw": "method=adamw lr=0.01 batchsize=4",
    "ekf": "ekf lambda=0.99 lambda0=0.99 wgroup=50",
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> Path:
    """Return a folder with ``t.train`` of twelve structures, and the structures."""
    path = tmp_path_factory.mktemp("generated")
    for name in NAMES:
        shutil.copy(ROOT / "examples" / "tio2" / "xsf" / name, path)
    for symbol in ("Ti", "O"):
        (path / f"{symbol}.fingerprint.stp").write_text(
            f"DESCR\nEND DESCR\nATOM {symbol}\nENV 2\nTi\nO\nRMIN 0.5\nBASIS type=Chebyshev\n"
            "radial_Rc=4.0 radial_N=4 angular_Rc=3.5 angular_N=2\n"
        )
    (path / "generate.in").write_text(generate_in(*NAMES))
    before = Path.cwd()
    os.chdir(path)
    try:
        assert run(["generate", "generate.in"]) == 0
    finally:
        os.chdir(before)
    return path


@pytest.fixture
def folder(generated, tmp_path, monkeypatch) -> Path:
    path = tmp_path / "run"
    shutil.copytree(generated, path)
    monkeypatch.chdir(path)
    return path


def write_input(epochs: int, extra: str = "", method: str = "bfgs", forces: str = "") -> None:
    Path("train.in").write_text(
        f"TRAININGSET t.train\nTESTPERCENT 25\nITERATIONS {epochs}\nSEED 2\n{extra}\n"
        f"FORCES\nalpha=0.8 {forces}\nMETHOD\n{METHODS[method]}\n"
        "NETWORKS\nTi Ti.nn 1 5:tanh\nO O.nn 2 4:tanh 3:twist\n"
    )


def train(capsys, *options: str) -> list[list[float]]:
    """Train, and return the numbers of the table of epochs."""
    capsys.readouterr()
    assert run(["train", "train.in", *options]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" <")]
    return [[float(word) for word in row.split()[:-1]] for row in rows]


def weights() -> np.ndarray:
    return np.concatenate([read_network(f"{symbol}.nn").weights_w for symbol in ("Ti", "O")])


def test_errors_in_the_table_are_those_of_predict(folder, capsys) -> None:
    write_input(8, "SAVE_FORCES")
    last = train(capsys)[-1]
    table = {}
    for part in ("train", "test"):
        lines = Path(f"forces.{part}.0").read_text().splitlines()[1:]
        table[part] = [line.split() for line in lines]
    assert len(table["train"]) + len(table["test"]) == sum(len(read_xsf(name)) for name in NAMES)
    potential = read_potential({"Ti": "Ti.nn", "O": "O.nn"})
    for columns, (part, rows) in zip((last[5:7], last[7:9]), table.items(), strict=True):
        errors = []
        for name in dict.fromkeys(row[-1] for row in rows):
            structure = read_xsf(name)
            forces_nc = potential.evaluate(structure).forces_nc
            own = np.array([row[2:8] for row in rows if row[-1] == name], float)
            np.testing.assert_allclose(own[:, :3], structure.forces_nc, rtol=1e-7, atol=1e-7)
            np.testing.assert_allclose(own[:, 3:], forces_nc, rtol=1e-6, atol=1e-6)
            errors.append((structure.forces_nc - forces_nc).ravel())
        errors_k = np.concatenate(errors)
        expected = [np.abs(errors_k).mean(), (errors_k**2).mean() ** 0.5]
        assert columns == pytest.approx(expected, rel=1e-6), part


def test_forces_become_better_than_with_energies_alone(folder, capsys) -> None:
    write_input(60, forces="energy=20")
    with_forces = train(capsys)[-1]
    for name in ("Ti.nn", "O.nn", "train.state", "train.restart"):
        Path(name).unlink()
    write_input(60, forces="energy=20")
    Path("train.in").write_text(Path("train.in").read_text().replace("alpha=0.8", "alpha=0.0"))
    without = train(capsys)[-1]
    assert with_forces[8] < 0.5 * without[8]


@pytest.mark.parametrize("method", METHODS)
def test_a_continued_run_is_the_same_bit_for_bit(folder, capsys, method) -> None:
    write_input(6, method=method)
    rows = train(capsys)
    expected_w = weights()
    for name in ("Ti.nn", "O.nn", "train.state", "train.restart"):
        Path(name).unlink(missing_ok=True)
    write_input(3, method=method)
    first = train(capsys)
    second = train(capsys)
    assert (weights() == expected_w).all()
    assert [row[1:] for row in first + second[1:]] == [row[1:] for row in rows]


def test_threads_and_kept_derivatives_change_nothing(folder, capsys) -> None:
    found = {}
    for name, extra, jobs in (
        ("alone", "", "1"),
        ("threads", "", "3"),
        ("recomputed", "CACHE 0", "2"),
        ("single", "CACHE 100 single", "1"),
    ):
        write_input(4, extra)
        rows = train(capsys, "--jobs", jobs)
        found[name] = rows, weights()
        for file in ("Ti.nn", "O.nn", "train.state", "train.restart"):
            Path(file).unlink()
    rows, weights_w = found["alone"]
    assert found["threads"][0] == rows
    assert (found["threads"][1] == weights_w).all()
    assert found["recomputed"][1] == pytest.approx(weights_w, rel=1e-7, abs=1e-9)
    assert found["single"][1] == pytest.approx(weights_w, rel=1e-3, abs=1e-3)


def test_a_set_of_generate_x_finds_its_geometry_in_the_structure_files(folder, capsys) -> None:
    write_input(3)
    expected = train(capsys)
    expected_w = weights()
    for name in ("Ti.nn", "O.nn", "train.state", "train.restart", "t.train.geometry"):
        Path(name).unlink()
    assert train(capsys) == expected
    assert (weights() == expected_w).all()


def test_a_share_of_the_forces(folder, capsys) -> None:
    write_input(1, "FORCESPERCENT 50\nSAVE_FORCES")
    train(capsys)
    names = {line.split()[-1] for line in Path("forces.train.0").read_text().splitlines()[1:]}
    assert len(names) == 4 or len(names) == 5
    names = {line.split()[-1] for line in Path("forces.test.0").read_text().splitlines()[1:]}
    assert len(names) == 3


def error_of(capsys) -> str:
    capsys.readouterr()
    assert run(["train", "train.in"]) != 0
    return capsys.readouterr().err


def test_absurd_forces_are_named_and_not_used(folder, capsys) -> None:
    trainset = read_trainset("t.train")
    limit = 0.5 * np.abs(trainset.forces_nc).max()
    write_input(1, f"MAXFORCES {limit}")
    capsys.readouterr()
    assert run(["train", "train.in"]) == 0
    err = capsys.readouterr().err
    assert f"MAXFORCES {limit:g}: the forces of " in err
    assert "are not used: rutile-" in err or "are not used: anatase-" in err


def test_forces_alone_need_no_different_energies(folder, capsys) -> None:
    for name in NAMES:
        text = Path(name).read_text()
        n_atoms = len(read_xsf(name))
        energy = f"total energy = {-400.0 * n_atoms:.1f}"
        Path(name).write_text(re.sub(r"total energy *= *[-+.\d]+", energy, text))
    Path("generate.in").write_text(generate_in(*NAMES))
    Path("t.train").unlink()
    Path("t.train.geometry").unlink()
    assert run(["generate", "generate.in"]) == 0
    raw = read_trainset("t.train")
    shares = (raw.energies_s / raw.n_atoms_s).tolist()
    assert max(shares) - min(shares) < 1e-9
    write_input(30)
    text = Path("train.in").read_text()
    capsys.readouterr()
    Path("train.in").write_text(text.replace("alpha=0.8", "alpha=1"))
    assert run(["train", "train.in"]) == 0
    rows = re.findall(r"^ *\d+ (.*) <$", capsys.readouterr().out, re.MULTILINE)
    first, last = (float(row.split()[5]) for row in (rows[0], rows[-1]))
    assert last < 0.7 * first
    Path("train.in").write_text(text.replace("alpha=0.8", "alpha=0"))
    assert run(["train", "train.in"]) == 4
    assert "all structures have the same energy" in capsys.readouterr().err


def test_stress_is_refused_where_there_is_none(folder, capsys) -> None:
    write_input(1, "STRESS")
    assert "STRESS: no training structure has a stress to train on" in error_of(capsys)
    assert not Path("Ti.nn").exists()


def test_levenberg_marquardt_is_refused(folder, capsys) -> None:
    write_input(1)
    text = Path("train.in").read_text().replace("METHOD\nbfgs", "METHOD\nlm")
    Path("train.in").write_text(text)
    error = error_of(capsys)
    assert "METHOD lm trains on energies alone; use bfgs, adam, adamw or ekf" in error
    assert "train.in:" in error


def test_a_share_that_is_none_is_refused(folder, capsys) -> None:
    write_input(1, "FORCESPERCENT 1")
    error = error_of(capsys)
    assert "FORCESPERCENT 1 leaves no forces to train on: 9 training structures have some" in error
    assert "train.in:5" in error


def test_files_that_are_gone_are_told_of_the_set_that_was_named(folder, capsys) -> None:
    Path("t.train.geometry").unlink()
    Path(NAMES[3]).unlink()
    write_input(1)
    assert "t.train: the files of 1 of 12 structures are gone" in (error := error_of(capsys))
    assert "there is no t.train.geometry" in error


def test_the_half_life_is_told(folder, capsys) -> None:
    write_input(1, method="adamw")
    text = Path("train.in").read_text().replace("lr=0.01", "lr=0.01 halflife=125")
    Path("train.in").write_text(text)
    assert run(["train", "train.in"]) == 0
    assert " Half-life of the rate       : 125\n" in capsys.readouterr().out


def test_structures_above_maxenergy_have_no_forces(folder, capsys) -> None:
    trainset = read_trainset("t.train")
    energies_s = trainset.energies_s / trainset.n_atoms_s
    limit = float(np.sort(energies_s)[6:8].mean())
    write_input(2, f"MAXENERGY {limit!r}\nSAVE_FORCES")
    train(capsys)
    saved = [
        line.split()[-1]
        for part in ("train", "test")
        for line in Path(f"forces.{part}.0").read_text().splitlines()[1:]
    ]
    low = [trainset.names_s[s] for s in np.flatnonzero(energies_s < limit)]
    assert set(saved) == set(low)
    assert len(low) == 7


def test_networks_of_another_set_keep_their_forces(folder, capsys) -> None:
    write_input(20)
    train(capsys)
    expected = {
        name: read_potential({"Ti": "Ti.nn", "O": "O.nn"}).evaluate(read_xsf(name)).forces_nc
        for name in NAMES[:9]
    }
    for name in ("train.state", "train.restart", "train.rngstate", "t.train", "t.train.geometry"):
        Path(name).unlink()
    Path("generate.in").write_text(generate_in(*NAMES[:9]))
    assert run(["generate", "generate.in"]) == 0
    write_input(0, "SAVE_FORCES")
    train(capsys)
    for part in ("train", "test"):
        rows = [line.split() for line in Path(f"forces.{part}.0").read_text().splitlines()[1:]]
        for name in {row[-1] for row in rows}:
            own = np.array([row[5:8] for row in rows if row[-1] == name], float)
            np.testing.assert_allclose(own, expected[name], rtol=1e-6, atol=1e-6)


def test_a_killed_run_goes_on_bit_for_bit(folder, capsys) -> None:
    write_input(5000, "ITERWRITE 0", method="adamw")
    with subprocess.Popen(
        [sys.executable, "-m", "aenetpy", "train", "train.in", "--jobs", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        give_up = time.monotonic() + 60.0
        while not Path("train.state").exists() and time.monotonic() < give_up:
            time.sleep(0.02)
        process.kill()
    write_input(2, "ITERWRITE 0", method="adamw")
    capsys.readouterr()
    assert run(["train", "train.in"]) == 0
    found = re.search(r"continued after (\d+) epochs", capsys.readouterr().err)
    assert found is not None
    resumed_w = weights()
    for name in ("Ti.nn", "O.nn", "train.state"):
        Path(name).unlink()
    write_input(int(found[1]) + 2, "ITERWRITE 0", method="adamw")
    train(capsys)
    assert (weights() == resumed_w).all()


def gold(tmp_path: Path) -> list[Atoms]:
    """Write ``au.xyz``: crystals with stress, a slab and a molecule without."""
    rng = np.random.default_rng(5)
    frames = []
    for k in range(8):
        atoms = bulk("Au", cubic=True)
        strained_cc = atoms.cell.array @ (np.eye(3) + rng.normal(0.0, 0.02, (3, 3)))
        atoms.set_cell(strained_cc, scale_atoms=True)
        atoms.rattle(0.08, rng=rng)
        atoms.pbc = {2: (True, True, False), 5: False}.get(k, True)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        if atoms.pbc.all():
            results["stress"] = atoms.get_stress()
        atoms.calc = SinglePointCalculator(atoms, **results)
        frames.append(atoms)
    write(tmp_path / "au.xyz", frames)
    return frames


def test_stress_of_extended_xyz(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    frames = gold(tmp_path)
    Path("Au.stp").write_text(
        "DESCR\nEND DESCR\nATOM Au\nENV 1\nAu\nRMIN 0.5\nBASIS type=Chebyshev\n"
        "radial_Rc=4.0 radial_N=4 angular_Rc=3.5 angular_N=2\n"
    )
    Path("generate.in").write_text(
        "OUTPUT t.train\nTYPES\n1\nAu 0.0\nSETUPS\nAu Au.stp\nFILES\n1\nau.xyz@:\n"
    )
    assert run(["generate", "generate.in"]) == 0
    Path("train.in").write_text(
        "TRAININGSET t.train\nTESTPERCENT 0\nITERATIONS 6\nSEED 2\nITERWRITE 0\n"
        "FORCES alpha=0.8\nSTRESS 2\nNETWORKS\nAu Au.nn 1 5:tanh\n"
    )
    last = train(capsys)[-1]
    calculator = Calculator({"Au": "Au.nn"})
    forces, stress = [], []
    for atoms in frames:
        own = atoms.copy()
        own.calc = calculator
        forces.append((atoms.get_forces() - own.get_forces()).ravel())
        if atoms.pbc.all():
            difference_cc = atoms.get_stress(voigt=False) - own.get_stress(voigt=False)
            stress.append(difference_cc.ravel() / units.GPa)
    for column, errors in ((5, np.concatenate(forces)), (9, np.concatenate(stress))):
        expected = [np.abs(errors).mean(), (errors**2).mean() ** 0.5]
        assert last[column : column + 2] == pytest.approx(expected, rel=1e-5)


def test_another_share_of_forces_starts_the_method_anew(folder, capsys) -> None:
    write_input(2)
    train(capsys)
    Path("train.in").write_text(Path("train.in").read_text().replace("alpha=0.8", "alpha=0.3"))
    assert run(["train", "train.in"]) == 0
    assert "another FORCES, STRESS or REGULARIZATION" in capsys.readouterr().err


def test_structures_without_forces_count_with_their_energies(folder, capsys) -> None:
    for name in NAMES[:3]:
        one = read_xsf(name)
        bare = [" ".join(line.split()[:4]) for line in Path(name).read_text().splitlines()]
        lines = Path(name).read_text().splitlines()
        first = len(lines) - len(one)
        Path(name).write_text("\n".join([*lines[:first], *bare[first:]]) + "\n")
    Path("t.train").unlink()
    assert run(["generate", "generate.in"]) == 4
    assert "no forces; give each atom its forces" in capsys.readouterr().err
    text = Path("generate.in").read_text()
    Path("generate.in").write_text(text.replace("FILES", "FORCES_OPTIONAL\nFILES"))
    assert run(["generate", "generate.in"]) == 0
    write_input(2, "SAVE_FORCES")
    last = train(capsys)[-1]
    assert np.isfinite(last).all()
    parts = [Path(f"forces.{part}.0").read_text().splitlines()[1:] for part in ("train", "test")]
    names = {line.split()[-1] for lines in parts for line in lines}
    assert names == set(NAMES[3:])


def test_an_unknown_key_of_forces_is_refused(folder, capsys) -> None:
    write_input(1, forces="alfa=0.3")
    assert "FORCES has no parameter 'alfa'; known are alpha, energy, force" in error_of(capsys)
