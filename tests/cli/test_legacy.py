"""Potentials of aenet 2.0.3 and before, through the command line."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from aenetpy.data.setup import FeatureStatistics
from aenetpy.descriptors.cosine_convention import proven_convention
from aenetpy.formats.network import read_network, write_network, write_network_ascii
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.models.reading import read_potential
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT
from tests.potentials import random_potential
from tests.printed import remarks

NAMES = ("Ti", "O")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a random potential of the old convention, Ti.nn and O.nn, and structures."""
    shutil.copytree(ROOT / "tests" / "data" / "reference", tmp_path / "reference")
    work = tmp_path / "reference" / "chebyshev"
    monkeypatch.chdir(work)
    setups = [read_network(work / "expected" / f"{symbol}.nn").setup for symbol in NAMES]
    samples = [read_xsf(path) for path in sorted(work.parent.glob("*.xsf"))]
    old = random_potential(setups, samples, hidden=(5,), cosine_convention="old")
    for symbol, file in old.files.items():
        write_network(f"{symbol}.nn", file)
    return work


def cohesive(out: str) -> list[float]:
    return [float(value) for value in re.findall(r"Cohesive energy +: +(\S+)", out)]


def predict(*options: str, expect: int = 0) -> int:
    return run(["predict", "predict.in", *options]) == expect


def test_old_potentials_are_recognised(folder, capsys):
    assert predict()
    out, notes = capsys.readouterr()
    assert remarks(notes).count("\n") == 1
    assert "Ti.nn, O.nn: fitted with aenet 2.0.3 or before" in notes
    assert predict("--chebyshev-domain", "old")
    again, notes = capsys.readouterr()
    assert cohesive(again) == cohesive(out)
    assert remarks(notes) == ""
    assert predict("--chebyshev-domain", "new")
    wrong, notes = capsys.readouterr()
    assert all(abs(a - b) > 1e-3 for a, b in zip(cohesive(wrong), cohesive(out), strict=True))
    assert "evaluated in the new domain of cos(theta) as asked for, although" in notes
    structure = read_xsf("../anatase-07.xsf")
    paths = {symbol: f"{symbol}.nn" for symbol in NAMES}
    energies = {
        convention: read_potential(paths, convention).evaluate(structure).energy
        for convention in ("auto", "old", "new")
    }
    assert energies["auto"] == energies["old"] != energies["new"]
    assert run(["predict", "predict.in", "--chebyshev-domain", "both"]) == 2


def test_upgraded_potentials_need_no_option(folder, capsys):
    assert predict()
    before = cohesive(capsys.readouterr().out)
    for symbol in NAMES:
        assert run(["upgrade", f"{symbol}.nn", f"{symbol}.new"]) == 0
        out = capsys.readouterr().out
        assert out == f"{symbol}.new: potential of {symbol} with the energies of {symbol}.nn\n"
        assert read_network(f"{symbol}.new").setup.description.count("Upgraded") == 1
        shutil.move(f"{symbol}.new", f"{symbol}.nn")
    for options in ((), ("--chebyshev-domain", "new")):
        assert predict(*options)
        out, notes = capsys.readouterr()
        assert "domain" not in notes
        assert "2.0.3" not in notes
        assert cohesive(out) == pytest.approx(before, abs=2e-8)


def test_text_files_are_upgraded_too(folder, capsys):
    write_network_ascii("Ti.nn.ascii", read_network("Ti.nn"))
    assert run(["upgrade", "Ti.nn.ascii", "Ti.new.ascii"]) == 0
    assert run(["upgrade", "Ti.nn", "Ti.new"]) == 0
    assert Path("Ti.new.ascii").read_text().isascii()
    one, other = read_network("Ti.new.ascii"), read_network("Ti.new")
    assert one.weights_w == pytest.approx(other.weights_w, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["Ti.nn"], 2, "Missing argument 'NEW.nn'"),
        (["none.nn", "x.nn"], 4, "none.nn: file not found"),
        (["Ti.nn", "./Ti.nn"], 4, "./Ti.nn: exists already"),
        (["expected/Ti.nn", "x.nn"], 4, "expected/Ti.nn: takes cos(theta) as aenet 2.0.4 does"),
        (["../behler/expected/Ti.nn", "x.nn"], 4, "has a Behler2011 fingerprint"),
        (["blind.nn", "x.nn"], 4, "blind.nn: does not show whether it is older"),
        (["predict.in", "x.nn"], 4, "predict.in: "),
        (["Ti.nn", "none/x.nn"], 4, "none/x.nn"),
    ],
)
def test_upgrades_that_are_refused(folder, capsys, arguments, code, message):
    if arguments[0] == "blind.nn":
        write_network("blind.nn", without_statistics("Ti.nn"))
    assert run(["upgrade", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert not Path("x.nn").exists()


def without_statistics(path: str):
    file = read_network(path)
    known = file.setup.known_statistics
    nothing = FeatureStatistics(0, *(4 * (0.0 * known.mean_g,)))
    return replace(file, setup=file.setup.with_statistics(nothing))


def test_those_who_know_may_upgrade_a_file_that_does_not_tell(folder):
    write_network("blind.nn", without_statistics("Ti.nn"))
    assert run(["upgrade", "blind.nn", "x.nn", "--chebyshev-domain", "old"]) == 0
    assert read_network("x.nn").setup.species == "Ti"


def test_training_does_not_mix_the_conventions(folder, capsys):
    assert run(["generate", "generate.in"]) == 0
    assert run(["train", "train.in"]) == 4
    err = capsys.readouterr().err
    assert "Ti.nn: this network was fitted with aenet 2.0.3 or before" in err
    assert "aenetpy upgrade Ti.nn NEW.nn" in err
    for symbol in NAMES:
        assert run(["upgrade", f"{symbol}.nn", f"{symbol}.new"]) == 0
        shutil.move(f"{symbol}.new", f"{symbol}.nn")
    assert run(["train", "train.in"]) == 0

    # the other way round: an old training set, and networks of today
    old = read_trainset("TiO2.train")
    potential = random_potential(
        old.setups_t, [read_xsf("../anatase-07.xsf")], (5,), cosine_convention="old"
    )
    setups_t = tuple(file.setup for file in potential.files.values())
    write_trainset("TiO2.train", replace(old, setups_t=setups_t))
    capsys.readouterr()
    assert run(["train", "train.in"]) == 4
    assert "the training set was generated with aenet 2.0.3 or before" in capsys.readouterr().err


def test_json(folder, capsys):
    assert predict("--json", "../anatase-07.xsf", "../rutile-01.xsf")
    out, notes = capsys.readouterr()
    content = json.loads(out)
    assert content["schema"] == "aenetpy-predict-1"
    assert content["potentials"]["O"] == {"file": "O.nn", "chebyshev_domain": "old"}
    assert len(content["warnings"]) == 1
    assert f"aenetpy: warning: {content['warnings'][0]}\n" == remarks(notes)
    assert [s["name"] for s in content["structures"]] == ["../anatase-07.xsf", "../rutile-01.xsf"]
    assert all(s["extrapolation"] == s["warnings"] == [] for s in content["structures"])


@pytest.fixture(scope="module")
def tio2(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tio2")
    with tarfile.open(data / "tio2" / "structures.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "tio2-xsf"


@pytest.fixture(params=["old files", "upgraded files"])
def set001(request, golden, tmp_path) -> dict[str, Path]:
    """The networks of the example that aenet published, as they are and upgraded."""
    folder = golden / "06e-predict-set001-networks"
    paths = {symbol: folder / f"{symbol}.15t-15t.nn" for symbol in NAMES}
    if request.param == "old files":
        return paths
    for symbol, path in paths.items():
        assert run(["upgrade", str(path), str(tmp_path / f"{symbol}.nn")]) == 0
    return {symbol: tmp_path / f"{symbol}.nn" for symbol in NAMES}


def test_published_energies(set001, golden, tio2):
    """What the old code printed, seven digits: half a unit of the last one is 5e-6 eV."""
    potential = read_potential(set001)
    is_upgraded = "golden" not in set001["Ti"].parts
    for file in potential.files.values():
        assert proven_convention(file.setup) == ("new" if is_upgraded else "old")
    table = (golden / "09-fit-01-subset" / "expected" / "energies.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert len(rows) == 700
    for row in rows:
        structure = read_xsf(tio2 / row["structure"])
        found = potential.evaluate(structure, forces=False, out_of_range=True)
        assert found.cohesive_energy == pytest.approx(float(row["energy"]), abs=5e-6)
        assert len(found.out_of_range) == 0
