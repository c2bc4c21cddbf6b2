"""The small tools: conversions, fingerprint, neighbors."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.io import write

from aenetpy.cli.main import run
from aenetpy.descriptors.base import make_descriptor
from aenetpy.descriptors.featurise import structure_fingerprints
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.formats.trainset_text import read_trainset_ascii
from aenetpy.inputs.stp import read_stp
from aenetpy.structures.xsf import read_xsf, write_xsf
from aenetpy.training.normalise import normalise
from tests.conftest import ROOT
from tests.formats.make import assert_same, make_trainset

RAW = [
    "01-generate-chebyshev",
    "01b-generate-chebyshev-env-order",
    "02-generate-behler2011",
    "02b-generate-behler2011-all-types",
    "04b-generate-isolated",
]


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(capsys, arguments, code, message):
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize("case", RAW)
def test_raw_text_of_golden_sets(case, golden, workdir, capfd):
    (expected,) = (golden / case / "expected").glob("*.raw.ascii")
    name = expected.name.removesuffix(".raw.ascii")
    shutil.copyfile(expected.with_name(name), name)
    assert run(["trnset2ascii", "--raw", name, "out.ascii"]) == 0
    assert (workdir / "out.ascii").read_text() == expected.read_text()
    assert capfd.readouterr() == ("", "")


def test_gold_text_has_the_numbers_of_the_binary(golden, workdir):
    shutil.copyfile(golden / "03-generate-single-species/expected/Au.train", "Au.train")
    assert run(["trnset2ascii", "--raw", "Au.train", "out.ascii"]) == 0
    binary = dataclasses.replace(read_trainset("Au.train"), setups_t=None)
    assert_same(read_trainset_ascii("out.ascii"), binary)


def test_normalised_text(golden, workdir):
    shutil.copyfile(golden / "01-generate-chebyshev/expected/TiO2.train", "TiO2.train")
    assert run(["trnset2ascii", "TiO2.train", "out.ascii"]) == 0
    assert sorted(path.name for path in workdir.iterdir()) == ["TiO2.train", "out.ascii"]
    lines = (workdir / "out.ascii").read_text().splitlines()
    assert lines[:2] == ["TiO2.train.scaled", " T"]
    scaled = normalise(read_trainset("TiO2.train")).trainset
    assert_same(read_trainset_ascii("out.ascii"), dataclasses.replace(scaled, setups_t=None))
    # What is normalised already stays as it is, under its own name.
    write_trainset("TiO2.train.scaled", scaled)
    assert run(["trnset2ascii", "TiO2.train.scaled", "again.ascii"]) == 0
    assert (workdir / "again.ascii").read_text() == (workdir / "out.ascii").read_text()


@pytest.mark.parametrize("normalized", [True, False])
def test_back_to_binary_keeps_what_is_normalised(workdir, capsys, normalized):
    trainset = make_trainset(np.random.default_rng(0), (2, 3), (2, 3))
    trainset = dataclasses.replace(trainset, normalized=normalized)
    write_trainset("a.train", trainset)
    assert run(["trnset2ascii", "--raw", "a.train", "a.ascii"]) == 0
    assert run(["trnset2ascii", "--to-binary", "a.ascii", "b.train"]) == 0
    assert "a.ascii holds no setups" in capsys.readouterr().err
    assert_same(read_trainset("b.train"), dataclasses.replace(trainset, setups_t=None))
    fails(capsys, ["trnset2ascii", "--to-binary", "a.ascii", "b.train"], 4, "exists already")
    fails(capsys, ["trnset2ascii", "--to-binary", "b.train", "c"], 4, "is binary already")
    fails(capsys, ["trnset2ascii", "a.ascii", "c"], 4, "is a text file")
    assert not (workdir / "c").exists()


@pytest.mark.parametrize("option", [[], ["--to-ascii"], ["--to-binary"]])
def test_text_with_setups_and_back(option, workdir):
    trainset = make_trainset(np.random.default_rng(1), (2, 3), (2, 3))
    write_trainset("a.train", trainset)
    assert run(["trainbin2ascii", *option, "a.train", "a.ascii"]) == 0
    assert (workdir / "a.ascii").read_text().startswith("           2\n           2\n  Ti  O \n")
    assert run(["trainbin2ascii", *option, "a.ascii", "b.train"]) == 0
    assert (workdir / "b.train").read_bytes() == (workdir / "a.train").read_bytes()
    # Text with setups also comes back whole through the other tool.
    assert run(["trnset2ascii", "--to-binary", "a.ascii", "c.train"]) == 0
    assert (workdir / "c.train").read_bytes() == (workdir / "a.train").read_bytes()


def test_normalising_without_setups(workdir, capsys):
    trainset = make_trainset(np.random.default_rng(0), (2,), (1, 1), setups=False)
    write_trainset("a.train", dataclasses.replace(trainset, normalized=False))
    fails(capsys, ["trnset2ascii", "a.train", "out"], 4, "a.train: the training set holds no")
    assert not (workdir / "out").exists()


@pytest.mark.parametrize("option", [[], ["--to-binary"]])
def test_golden_networks(option, golden, workdir, capsys):
    for path in sorted(golden.rglob("*.nn.ascii")):
        assert run(["nnascii2bin", *option, str(path), "a.nn"]) == 0
        assert (workdir / "a.nn").read_bytes() == path.with_suffix("").read_bytes()
        assert run(["nnascii2bin", "--to-ascii", "a.nn", "a.ascii"]) == 0
        assert (workdir / "a.ascii").read_text() == path.read_text()
    fails(capsys, ["nnascii2bin", "a.nn", "x"], 4, "is binary already; --to-ascii goes")
    fails(capsys, ["nnascii2bin", "--to-ascii", "a.ascii", "x"], 4, "is text already; --to-bin")


@pytest.mark.parametrize("command", ["trnset2ascii", "trainbin2ascii", "nnascii2bin"])
def test_bad_conversions(command, workdir, capsys):
    (workdir / "junk").write_bytes(b"\x01\x00\x02\x03" * 50)
    (workdir / "empty").write_bytes(b"")
    fails(capsys, [command, "junk", "junk"], 2, "junk is both read and written")
    fails(capsys, [command], 2, "Missing argument 'IN'")
    fails(capsys, [command, "none", "out"], 4, "none: file not found")
    flag = ["--to-ascii"] if command == "nnascii2bin" else []
    fails(capsys, [command, *flag, "junk", "out"], 4, "junk: is not a")
    flag = ["--to-binary"] if command == "trnset2ascii" else []
    fails(capsys, [command, *flag, "empty", "out"], 4, "empty:")
    assert sorted(path.name for path in workdir.iterdir()) == ["empty", "junk"]


def test_networks_of_pytorch_load_in_predict(golden, workdir, capsys):
    """The text files of aenet-PyTorch give what their binary twins give."""
    case = golden / "06-predict"
    shutil.copytree(case / "xsf", "xsf")
    for path in case.glob("*.pytorch.nn.ascii"):
        shutil.copyfile(path, path.name)
    text = (case / "predict-low.in").read_text()
    (workdir / "predict.in").write_text(text.replace(".pytorch.nn", ".pytorch.nn.ascii"))
    assert run(["predict", "predict.in"]) == 0
    written = energies(capsys.readouterr().out)
    expected = energies((case / "expected" / "predict-low.out").read_text())
    assert len(written) == 40
    np.testing.assert_allclose(written, expected, rtol=0, atol=2e-8)


def energies(text: str) -> list[float]:
    return [float(line.split()[-2]) for line in text.splitlines() if "energy   " in line]


def test_fingerprint_is_the_mean_over_the_atoms(golden, monkeypatch, capsys):
    monkeypatch.chdir(golden / "01-generate-chebyshev")
    trainset = read_trainset("expected/TiO2.train")
    s = 3
    atoms = slice(trainset.n_atoms_s[:s].sum(), trainset.n_atoms_s[: s + 1].sum())
    values = [
        trainset.features_tng[t][(trainset.types_n[: atoms.stop] == t).cumsum()[n] - 1]
        for n, t in enumerate(trainset.types_n[: atoms.stop])
        if n >= atoms.start
    ]
    name = trainset.names_s[s]
    assert run(["fingerprint", name, "8.0", "16", "6.5", "4", "Ti", "O"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{name} ")
    numbers = captured.out.removeprefix(f"{name} ").removesuffix("\n")
    assert len(numbers) == 44 * 16
    printed = [float(numbers[k : k + 15]) for k in range(0, len(numbers), 16)]
    np.testing.assert_allclose(printed, np.mean(values, axis=0), rtol=1e-8, atol=1e-8)
    setups = [read_stp(f"{symbol}.fingerprint.stp") for symbol in ("Ti", "O")]
    descriptors = [make_descriptor(setup, ("Ti", "O")) for setup in setups]
    counts = structure_fingerprints(read_xsf(name), ("Ti", "O"), descriptors).n_neighbors_n
    assert captured.err == "".join(f"{name} {count}\n" for count in counts)


def test_fingerprint_of_many_structures(workdir, capsys):
    write("run.xyz", [molecule("H2O"), molecule("NH3")])
    assert run(["fingerprint", "run.xyz@:", "4", "1", "3", "0", "H", "O", "N"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run.xyz@0", "run.xyz@1"]
    assert [len(line.split()) for line in lines] == [7, 7]
    fails(
        capsys, ["fingerprint", "run.xyz@0", "4", "1", "3", "0", "H"], 4, "species O is not among"
    )
    fails(capsys, ["fingerprint", "run.xyz@0", "4", "1", "3", "0", "H", "H"], 2, "named twice")
    fails(capsys, ["fingerprint", "run.xyz@0", "4", "1", "3", "0"], 2, "Missing argument 'SPECIES")
    fails(capsys, ["fingerprint", "run.xyz@0", "0", "1", "3", "0", "H"], 2, "not in the range")
    fails(capsys, ["fingerprint", "run.xyz@0", "4", "x", "3", "0", "H"], 2, "not a valid integer")
    fails(capsys, ["fingerprint", "none.xsf", "4", "1", "3", "0", "H"], 4, "not found")


def test_neighbors_of_an_fcc_atom(workdir, capsys):
    write("Cu.xyz", bulk("Cu", a=4.0))
    assert run(["neighbors", "Cu.xyz", "1", "4.0"]) == 0  # 4.0 exactly is inside
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["          18", " Neighbors of atom 1 within a cutoff of 4.00 A"]
    assert len(lines) == 20
    assert all(line.startswith(" Cu  ") and len(line) == 3 + 3 * 17 for line in lines[2:])
    r = np.linalg.norm([[float(x) for x in line.split()[1:]] for line in lines[2:]], axis=1)
    np.testing.assert_allclose(r, [8**0.5] * 12 + [4.0] * 6, atol=1e-7)


def test_neighbors_as_lines(workdir, capsys):
    write("H2O.xyz", molecule("H2O"))
    assert run(["neighbors", "H2O.xyz", "2", "1.2"]) == 0
    assert capsys.readouterr().out == (
        "           1\n"
        " Neighbors of atom 2 within a cutoff of 1.20 A\n"
        " O        0.00000000       0.00000000       0.11926200\n"
    )
    assert run(["neighbors", "H2O.xyz", "2", "0.5"]) == 0
    assert capsys.readouterr().out.startswith("           0\n")


def test_neighbors_refuse(workdir, capsys):
    write("run.xyz", [molecule("H2O"), molecule("NH3")])
    fails(capsys, ["neighbors", "run.xyz", "1", "3"], 4, "holds several structures")
    fails(capsys, ["neighbors", "run.xyz@:", "1", "3"], 2, "holds several structures")
    fails(capsys, ["neighbors", "run.xyz@0", "4", "3"], 2, "atom 4 of run.xyz@0, which has 3")
    fails(capsys, ["neighbors", "run.xyz@0", "0", "3"], 2, "0 is not in the range")
    fails(capsys, ["neighbors", "run.xyz@0", "1", "nan"], 2, "nan is not a number")
    fails(capsys, ["neighbors", "run.xyz@0", "1", "-2"], 2, "No such option")


def test_neighbors_are_wrapped_like_in_the_training_set(workdir, capsys):
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    write("a.cif", atoms)
    atoms.positions += atoms.cell[0] * 3
    write_xsf("far.xsf", dataclasses.replace(read_structure("a.cif"), positions_nc=atoms.positions))
    assert run(["neighbors", "a.cif", "1", "3"]) == 0
    near = capsys.readouterr().out
    assert run(["neighbors", "far.xsf", "1", "3"]) == 0
    far = capsys.readouterr().out
    assert sorted(far.replace("-0.00000000", " 0.00000000").splitlines()) == sorted(
        near.replace("-0.00000000", " 0.00000000").splitlines()
    )


def read_structure(entry):
    from aenetpy.structures.reading import iter_structures

    return next(iter_structures(entry))


@pytest.mark.parametrize("command", ["generate", "train", "predict"])
def test_programs_ignore_further_words_and_commands_refuse_them(command, workdir, capsys):
    for words in (["|", "tee", "-a", "out"], ["2>&1"], [">", "out"]):
        assert run([command, "none.in", *words], is_program=True) == 3
        err = capsys.readouterr().err
        assert f"ignored behind the input file, as in aenet: {' '.join(words)}" in err
        assert err.count("\n") == 2
    if command != "predict":  # which takes structures
        assert run([command, "none.in", "more", "-x"], is_program=True) == 3
        assert "as in aenet: more -x" in capsys.readouterr().err
        assert run([command, "none.in", "more"]) == 2


def test_programs_run_under_the_names_of_aenet(workdir):
    """The functions named in pyproject.toml exist and start the right command."""
    tomllib = pytest.importorskip("tomllib")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {
        "trnset2ASCII.x",
        "trainbin2ASCII.x",
        "nnASCII2bin.x",
        "trnset_info.x",
        "fingerprint.x",
        "neighbors.x",
        "aenet-predict.py",
        "aenet-md.py",
    } <= set(scripts)
    calls = "; ".join(
        f"from {module} import {function}; assert callable({function})"
        for module, function in (target.split(":") for target in scripts.values())
    )
    code = f"{calls}; import sys; sys.argv[1:] = ['none', '1', '3']; neighbors_x()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "structure file 'none' not found" in done.stderr
