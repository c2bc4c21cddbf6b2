"""init with structures, and what generate says of atomic energies: an alloy from scratch."""

from __future__ import annotations

import re
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from aenetpy.cli.main import run
from aenetpy.inputs.generate_in import read_generate_in
from aenetpy.inputs.stp import read_stp
from aenetpy.inputs.train_blocks import ForceSettings
from aenetpy.inputs.train_in import read_train_in


@pytest.fixture
def alloy(tmp_path, monkeypatch):
    """Forty rattled cells of copper and gold in alloy.xyz; returns the working folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    frames = []
    for k in range(40):
        atoms = bulk("Cu", a=3.8, cubic=True)
        atoms.symbols[rng.permutation(4)[: k % 5]] = "Au"
        atoms.rattle(0.05, seed=k)
        atoms.calc = EMT()
        atoms.info["energy"] = atoms.get_potential_energy() - 100.0 * np.sum(atoms.numbers == 79)
        atoms.arrays["forces"] = atoms.get_forces()
        atoms.calc = None
        frames.append(atoms)
    ase.io.write("alloy.xyz", frames)
    return tmp_path


def test_inputs_for_forces_train_on_them(alloy, capsys):
    assert run(["init", "--forces", "alloy.xyz@:"]) == 0
    assert read_stp("Cu.fingerprint.stp").parameters_gp[0].tolist() == [6.0, 20, 4.7, 14]
    settings = read_train_in("train.in")
    assert settings.forces == ForceSettings(0.99, 5.0, 0.1)
    assert settings.parameters["weight_decay"] == 0.05
    assert read_train_in("train-2.in").forces == ForceSettings(0.7, 5.0, 0.1)
    assert run(["generate", "generate.in"]) == 0
    last = []
    for name, epochs in (("train.in", 800), ("train-2.in", 133)):
        text = Path(name).read_text()
        Path(name).write_text(text.replace(f"ITERATIONS {epochs}", "ITERATIONS 3"))
        capsys.readouterr()
        assert run(["train", name]) == 0
        out = capsys.readouterr().out
        assert "TRAIN force eV/Å" in out
        last.append([row.split()[1:] for row in out.splitlines() if row.endswith(" <")])
    assert last[1][0] == last[0][-1]  # goes on from the networks of the first


def test_structures_fill_in_everything(alloy, capsys):
    assert run(["init", "alloy.xyz@:"]) == 0
    captured = capsys.readouterr()
    assert captured.out.split() == [
        *("generate.in", "train.in", "predict.in", "Cu.fingerprint.stp", "Au.fingerprint.stp")
    ]
    assert "40 structures: the shortest distance is 2.4" in captured.err
    content = read_generate_in("generate.in")
    assert [entry.text for entry in content.files] == ["alloy.xyz@:"]
    frames = ase.io.read("alloy.xyz@:")
    shares = np.array([[np.mean(a.numbers == z) for z in (29, 79)] for a in frames])
    per_atom = np.array([a.get_potential_energy() / len(a) for a in frames])
    expected = np.linalg.solve(shares.T @ shares, shares.T @ per_atom)
    np.testing.assert_allclose(content.atomic_energies_t, expected, atol=1e-6)
    shortest = min(
        np.sort(a.get_all_distances(mic=True)[~np.eye(4, dtype=bool)])[0] for a in frames
    )
    setup = read_stp("Cu.fingerprint.stp")
    assert setup.r_min == pytest.approx(np.floor(16 * shortest) / 20)
    assert setup.parameters_gp[0].tolist() == [6.0, 16, 4.7, 4]
    assert run(["generate", "generate.in"]) == 0
    assert "atomic energies" not in capsys.readouterr().err


def test_generate_prints_the_block_to_paste(alloy, capsys):
    """With zeros, as init writes without structures; pasted, the warning is gone."""
    assert run(["init", "-s", "Cu", "-s", "Au"]) == 0
    path = Path("generate.in")
    path.write_text(path.read_text().replace("structures.xyz", "alloy.xyz"))
    assert run(["generate", "generate.in"]) == 0
    told = capsys.readouterr().err
    (line,) = re.findall(r"aenetpy: warning: generate.in:\d+: the atomic energies leave.*", told)
    assert "fitted to 40 structures" in line
    _, _, block = told.partition("replace TYPES by\n")
    block = "\n".join(block.splitlines()[:4])
    assert re.fullmatch(r"TYPES\n2\nCu -?\d+\.\d{6}\nAu -?\d+\.\d{6}", block)
    text = path.read_text().replace("TYPES\n2\nCu 0.0\nAu 0.0", block)
    path.write_text(text.replace("OUTPUT CuAu.train", "OUTPUT again.train"))
    assert run(["generate", "generate.in"]) == 0
    assert "atomic energies" not in capsys.readouterr().err


def test_one_composition_needs_no_word(alloy, capsys):
    """Whatever the atomic energies, a constant of the networks takes them up at once."""
    ase.io.write(
        "alloy.xyz", [a for a in ase.io.read("alloy.xyz@:") if (a.numbers == 79).sum() == 2]
    )
    assert run(["init", "-s", "Cu", "-s", "Au"]) == 0
    path = Path("generate.in")
    path.write_text(path.read_text().replace("structures.xyz", "alloy.xyz"))
    assert run(["generate", "generate.in"]) == 0
    assert "atomic energies" not in capsys.readouterr().err


def test_wrong_arguments(alloy, capsys):
    assert run(["init"]) == 2
    assert "name the species (-s Ti -s O), or files" in capsys.readouterr().err
    assert run(["init", "-s", "Cu", "alloy.xyz@:"]) == 2
    assert "the structures hold Au, which is not among Cu; add -s Au" in capsys.readouterr().err
    assert run(["init", "missing.xyz"]) == 4
    assert "missing.xyz" in capsys.readouterr().err
    assert not list(alloy.glob("*.in"))


def test_one_structure_proves_nothing(alloy, capsys):
    assert run(["init", "alloy.xyz@0"]) == 0
    told = capsys.readouterr().err
    assert "of too few structures to judge them by" in told
    assert "inf" not in told.replace("info:", "")
    # a cube of copper with 8 Å around has more neighbours than the limits of the cutoffs ask for
    assert "within 6 and 4.7 Å, the radial and angular cutoffs, an atom has" in told


def test_species_keep_the_order_that_is_asked_for(alloy):
    assert run(["init", "-s", "Au", "-s", "Cu", "-s", "Ag", "alloy.xyz@:"]) == 0
    content = read_generate_in("generate.in")
    assert content.species == ("Au", "Cu", "Ag")
    assert content.atomic_energies_t[0] < -90
    assert content.atomic_energies_t[2] == 0.0


def test_init_writes_what_the_data_have(alloy, capsys):
    frames = ase.io.read("alloy.xyz@:")
    for k, atoms in enumerate(frames):
        forces, energy = atoms.get_forces(), atoms.get_potential_energy()
        atoms.calc = None
        atoms.info["energy"] = energy
        if k >= 20:
            atoms.arrays["forces"] = forces
            atoms.info["stress"] = np.eye(3) * 0.01
    ase.io.write("bare.xyz", frames[:20])
    ase.io.write("full.xyz", frames[20:])
    for name in ("bare", "full"):
        assert run(["init", "--forces", f"{name}.xyz@:"]) == 0
        told = capsys.readouterr().err
        settings = read_train_in("train.in")
        assert settings.iterwrite == 0
        assert (settings.forces is not None) == (settings.stress is not None) == (name == "full")
        assert ("without FORCES" in told) == (name == "bare")
        assert ("STRESS is on" in told) == (name == "full")
        cutoffs = read_stp("Cu.fingerprint.stp").parameters_gp[0][[0, 2]].tolist()
        assert f"within {cutoffs[0]:g} and {cutoffs[1]:g} Å" in told
        for path in Path().glob("*.in"):
            path.unlink()
        for path in Path().glob("*.stp"):
            path.unlink()
