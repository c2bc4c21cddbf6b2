"""``inspect`` on every kind of file."""

from __future__ import annotations

import json
import lzma
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.formats.network import read_network, write_network
from aenetpy.formats.restart import EkfRestart, encode_restart
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.inputs.stp import read_stp
from tests.conftest import ROOT
from tests.formats.make import make_network, make_trainset


def told(capsys, *arguments):
    assert run(["inspect", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def as_json(capsys, path):
    text = told(capsys, path, "--json")
    assert text.count("\n") == 1
    return json.loads(text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("expected/TiO2.train", "training set"),
        ("expected/TiO2.train.scaled", "training set"),
        ("expected/Ti.nn", "potential"),
        ("Ti.fingerprint.stp", "fingerprint setup"),
        ("expected/train.rngstate", "random number state"),
    ],
)
@pytest.mark.parametrize("basis", ["chebyshev", "behler"])
def test_own_files(basis, path, kind, capsys):
    file = ROOT / "tests" / "data" / "reference" / basis / path
    summary = as_json(capsys, file)
    assert summary["kind"] == kind
    assert summary["bytes"] == file.stat().st_size
    lines = told(capsys, file, "-v").splitlines()
    assert lines[0] == f"{file}: {kind}"
    assert all(line.startswith("  ") and line == line.rstrip() for line in lines[1:])


def test_the_companion_of_a_training_set(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "tests" / "data" / "reference", tmp_path / "reference")
    monkeypatch.chdir(tmp_path / "reference" / "chebyshev")
    assert run(["generate", "generate.in"]) == 0
    capsys.readouterr()
    line = (
        "geometry              file TiO2.train.geometry, periodic 5, with forces 5, with stress 0"
    )
    assert f"  {line}\n" in told(capsys, "TiO2.train")
    assert as_json(capsys, "TiO2.train.geometry") == {
        "file": "TiO2.train.geometry",
        "kind": "geometry of a training set",
        "bytes": Path("TiO2.train.geometry").stat().st_size,
        "periodic": 5,
        "with_forces": 5,
        "with_stress": 0,
    }
    trainset = read_trainset("TiO2.train")
    write_trainset("TiO2.train", replace(trainset, positions_nc=trainset.positions_nc + 1))
    assert run(["inspect", "TiO2.train", "--json"]) == 0
    captured = capsys.readouterr()
    assert "TiO2.train.geometry: belongs to another training set" in captured.err
    assert "geometry" not in json.loads(captured.out)


def test_training_set(golden, capsys):
    path = golden / "01-generate-chebyshev" / "expected" / "TiO2.train"
    trainset = read_trainset(path)
    summary = as_json(capsys, path)
    assert summary["kind"] == "training set"
    assert summary["structures"] == 20
    assert summary["atoms"] == {"Ti": 162, "O": 305}
    assert summary["energy_per_atom_eV"]["minimum"] == trainset.energy_minimum
    assert summary["normalized"] is False
    assert [setup["species"] for setup in summary["setups"]] == ["Ti", "O"]
    assert summary["setups"][1]["atoms_evaluated"] == 305
    names = [row["name"] for row in summary["setups"][0]["components"]]
    assert names[0] == "radial 0"
    assert names[-1] == "weighted angular 4"
    table = summary["structure_table"]
    assert [row["name"] for row in table] == list(trainset.names_s)
    mean = np.mean([row["energy_per_atom_eV"] for row in table])
    assert mean == pytest.approx(summary["energy_per_atom_eV"]["average"])

    text = told(capsys, path)
    assert text.startswith(f"{path}: training set\n")
    assert "\n  atoms                 Ti 162, O 305\n" in text
    assert "\n  setup 2\n    species                O\n" in text
    assert "20 (listed with --verbose)" in text
    verbose = told(capsys, path, "--verbose")
    assert "weighted angular 4" in verbose
    assert trainset.names_s[7] in verbose
    assert "listed with" not in verbose


def test_behler_network_names_its_functions(golden, capsys):
    path = next((golden / "06b-predict-behler2011").glob("O.*nn"))
    network = read_network(path)
    summary = as_json(capsys, path)
    assert summary["kind"] == "potential"
    assert summary["layers"] == "-".join(map(str, network.nodes_l))
    assert summary["activations"] == list(network.activations)
    assert summary["weights"]["number"] == network.weights_w.size
    components = summary["setup"]["components"]
    assert len(components) == network.nodes_l[0]
    assert components[0]["name"].startswith("G2 ")
    statistics = network.setup.statistics
    deviation = np.sqrt(statistics.mean_square_g - statistics.mean_g**2)
    np.testing.assert_allclose([row["deviation"] for row in components], deviation, rtol=1e-10)


def test_text_and_binary_potential_say_the_same(golden, capsys):
    folder = golden / "06-predict"
    binary = as_json(capsys, folder / "Ti.pytorch.nn")
    text = as_json(capsys, folder / "Ti.pytorch.nn.ascii")
    assert text["kind"] == "potential as text"
    for summary in (binary, text):
        for key in ("file", "kind", "bytes"):
            del summary[key]
    assert text == binary


def test_setup_has_no_statistics_yet(golden, capsys):
    path = golden / "02b-generate-behler2011-all-types" / "O.fingerprint.stp"
    setup = read_stp(path)
    summary = as_json(capsys, path)
    assert summary["functions"] == {
        f"G{g}": int((setup.functions_g == g).sum()) for g in (1, 2, 3, 4, 5)
    }
    assert summary["atoms_evaluated"] == 0
    assert set(summary["components"][0]) == {"name"}
    assert "\n  functions              G1 " in told(capsys, path)


def test_text_training_set_has_no_setups(golden, capsys):
    path = golden / "01-generate-chebyshev" / "expected" / "TiO2.train.raw.ascii"
    summary = as_json(capsys, path)
    assert summary["setups"] is None
    assert summary["structures"] == 20
    assert "\n  setups                none\n" in told(capsys, path)


def test_derivatives(golden, capsys):
    path = golden / "01c-generate-derivatives" / "expected" / "TiO2.train.forces"
    summary = as_json(capsys, path)
    assert summary["structures"] == summary["structures_with_derivatives"] == 2
    assert summary["atoms_with_derivatives"] == 12
    assert summary["components"] == {"type 1": 18, "type 2": 18}


def test_restart_and_random_numbers(golden, tmp_path, capsys):
    case = golden / "05-train"
    restart = tmp_path / "train.restart"
    restart.write_bytes(lzma.decompress((case / "bfgs/expected/train.restart.xz").read_bytes()))
    summary = as_json(capsys, restart)
    assert summary["method"] == "bfgs"
    assert (summary["weights"], summary["corrections"]) == (1862, 20)
    assert summary["evaluations"] == 20
    state = EkfRestart(5, 3, 0.98, np.array([3, 2], np.int32), np.stack([np.eye(3)] * 2))
    restart.write_bytes(encode_restart(state))
    summary = as_json(capsys, restart)
    assert summary["method"] == "ekf"
    assert summary["weights_per_group"] == {"minimum": 2, "maximum": 3}
    assert summary["trace_of_covariance"] == 6.0
    summary = as_json(capsys, case / "start" / "train.rngstate")
    assert summary["generator"].startswith("xoshiro256**")
    assert len(summary["seed"]) == 8


def test_several_files_and_other_names(golden, tmp_path, capsys):
    shutil.copyfile(golden / "06-predict" / "O.pytorch.nn", tmp_path / "one")
    shutil.copyfile(golden / "01-generate-chebyshev/Ti.fingerprint.stp", tmp_path / "two")
    text = told(capsys, tmp_path / "one", tmp_path / "two")
    assert [line for line in text.splitlines() if not line.startswith(" ")] == [
        f"{tmp_path / 'one'}: potential",
        f"{tmp_path / 'two'}: fingerprint setup",
    ]


def test_odd_contents_are_still_told(tmp_path, capsys):
    """Setups we cannot compute, sets without structures."""
    rng = np.random.default_rng(0)
    network = make_network(rng, (3, 2, 1), 2)
    write_network(tmp_path / "a.nn", replace(network, setup=replace(network.setup, kind="LJ")))
    summary = as_json(capsys, tmp_path / "a.nn")
    assert [row["name"] for row in summary["setup"]["components"]] == ["1", "2", "3"]
    write_trainset(tmp_path / "a.train", make_trainset(rng, (0, 2), ()))
    assert as_json(capsys, tmp_path / "a.train")["structures"] == 0
    assert "atoms per structure" in told(capsys, tmp_path / "a.train", "-v")


def test_bad_files(golden, tmp_path, capsys):
    path = tmp_path / "a.train"
    whole = (golden / "01-generate-chebyshev/expected/TiO2.train").read_bytes()
    for content, message in (
        (whole[:5000], "training set is truncated"),
        (whole[:-8], "training set is truncated"),
        (b"", "is empty"),
        (b"# a text\n", "is none of aenet's files"),
    ):
        path.write_bytes(content)
        assert run(["inspect", str(path)]) == 4
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert run(["inspect", str(tmp_path / "none")]) == 4
    assert run(["inspect"]) == 2


def test_state_of_a_run_and_domain_of_a_potential(tmp_path, monkeypatch, capsys):
    reference = ROOT / "tests" / "data" / "reference" / "chebyshev"
    for name in ("train.in", "expected/TiO2.train"):
        shutil.copy(reference / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["train", "train.in"]) == 0
    capsys.readouterr()
    summary = as_json(capsys, tmp_path / "train.state")
    assert summary["kind"] == "state of a training run"
    assert (summary["method"], summary["epochs"], summary["seed"]) == ("bfgs", 8, 5)
    assert summary["weights"]["number"] == 20 * 4 + 4 + 5 + 20 * 3 + 3 + 12 + 4
    assert "epochs" in told(capsys, tmp_path / "train.state")
    assert as_json(capsys, tmp_path / "Ti.nn")["chebyshev_domain"] == "new"


def test_old_potential_is_told(golden, capsys):
    summary = as_json(capsys, golden / "06e-predict-set001-networks" / "Ti.15t-15t.nn")
    assert summary["chebyshev_domain"] == "old"
