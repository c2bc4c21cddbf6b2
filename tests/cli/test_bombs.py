"""Small inputs that ask for more than any machine has: one line, and that at once."""

from __future__ import annotations

import json
import re
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from aenetpy.cli.main import run
from aenetpy.data.setup import check_setup
from aenetpy.descriptors.neighbors import find_neighbors
from aenetpy.errors import DataError
from aenetpy.inputs.lines import expand_repeats, read_text
from aenetpy.training import check_networks as network_checks
from tests.cli.inputs import generate_in
from tests.conftest import ROOT
from tests.descriptors.test_chebyshev import make_setup

DIGITS = "9" * 5000
SHORT = r"9{39}\.\.\."
HUGE = "1" + "0" * 30

GENERATE_IN = generate_in("rutile-00.xsf", "anatase-00.xsf")

TRAIN_IN = """TRAININGSET t.train
ITERATIONS 3
SEED 3
NETWORKS
Ti Ti.nn 1 4:tanh
O O.nn 1 4:tanh
METHOD
lm batchsize=9
"""

PREDICT_IN = """TYPES
2
Ti
O
NETWORKS
Ti Ti.nn
O O.nn
RELAX
steps=9
FILES
1
rutile-00.xsf
"""

JSON_IN = json.dumps(
    {
        "potentials": {"Ti": "Ti.nn", "O": "O.nn"},
        "structure_file": "rutile-00.xsf",
        "temperature": 300,
        "time_step": 1,
        "md_steps": 777,
        "print_steps": 1,
    }
)

YAML_IN = """generate: generate.in
train: train.in
test: 1
sizes: [2]
seeds: [1]
variants: {a: {}}
"""
MANY = ", ".join(map(str, range(2, 500)))
ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

INPUTS = {
    "generate.in": GENERATE_IN,
    "train.in": TRAIN_IN,
    "predict.in": PREDICT_IN,
    "in.json": JSON_IN,
    "study.yaml": YAML_IN,
}
COMMANDS = {
    "generate.in": ["generate", "generate.in"],
    "Ti.fingerprint.stp": ["generate", "generate.in"],
    "rutile-00.xsf": ["generate", "generate.in"],
    "train.in": ["train", "train.in"],
    "predict.in": ["predict", "predict.in"],
    "in.json": ["md", "in.json"],
    "study.yaml": ["study", "study.yaml"],
}

BOMBS = [
    ("generate.in", "TYPES\n2", f"TYPES\n{HUGE}", 3, "2147483647 is the largest"),
    ("generate.in", "FILES\n2", f"FILES\n{DIGITS}", 3, "2147483647 is the largest"),
    ("generate.in", "Ti 0.0", f"Ti {DIGITS}", 3, "energy of Ti: '9{39}... is too large"),
    ("generate.in", "SETUPS", f"TAYLOR\ndelta=0.02 a={HUGE}\nSETUPS", 3, "at most 1000000"),
    ("generate.in", "SETUPS", "DERIVATIVES\nfraction=1e9\nSETUPS", 3, "at most 100000"),
    ("Ti.fingerprint.stp", r"radial_N *= *\d+", "radial_N=100000000", 3, "from 0 to 200"),
    ("Ti.fingerprint.stp", r"angular_N *= *\d+", f"angular_N={DIGITS}", 3, "is too large"),
    ("Ti.fingerprint.stp", r"radial_Rc *= *\S+", "radial_Rc=1e6", 4, "cell too small for cutoff"),
    ("Ti.fingerprint.stp", r"ENV +2", f"ENV {HUGE}", 3, "2147483647 is the largest"),
    ("Ti.fingerprint.stp", "ENV", "foo\n" * 30000 + "ENV", 3, "a setup has at most 20000"),
    ("rutile-00.xsf", r"PRIMCOORD\n\s*\d+", f"PRIMCOORD\n{DIGITS}", 4, "number of atoms"),
    ("rutile-00.xsf", r"\nTi ", f"\n{DIGITS} ", 4, f"'{SHORT} is neither a symbol nor"),
    ("rutile-00.xsf", r"\nTi ", f"\nTi {DIGITS} ", 4, f"'{SHORT} must be finite"),
    ("train.in", "ITERATIONS 3", f"ITERATIONS {HUGE}", 3, "2147483647 is the largest"),
    ("train.in", "SEED 3", f"SEED {DIGITS}", 3, "18446744073709551615 is the largest"),
    ("train.in", "Ti.nn 1 4", f"Ti.nn 1 {HUGE}", 3, "2147483647 is the largest"),
    ("train.in", "Ti.nn 1 4", "Ti.nn 1 20000", 3, "at most 10000 nodes"),
    ("train.in", "Ti.nn 1 4", f"Ti.nn {HUGE} 4", 3, "2147483647 is the largest"),
    ("train.in", "Ti.nn 1 4:tanh", f"Ti.nn 101 {'1:t ' * 101}", 3, "at most 100"),
    ("train.in", "batchsize=9", "batchsize=1e300", 3, "'1e300' is not an integer"),
    ("train.in", "batchsize=9", f"batchsize={HUGE}", 3, "2147483647 is the largest"),
    ("train.in", "Ti.nn 1 4:tanh", "Ti.nn 2 9999:t 9999:t", 3, "at most 5000000: use fewer"),
    ("predict.in", "steps=9", f"steps={HUGE}", 3, "2147483647 is the largest"),
    ("in.json", "777", HUGE, 3, "up to 2147483647"),
    ("in.json", "777", "1e300", 3, "up to 2147483647"),
    ("in.json", "777", DIGITS, 3, "in.json: holds a number of thousands of digits"),
    ("study.yaml", "test: 1", f"test: {DIGITS}", 3, "18446744073709551615 is the largest"),
    ("study.yaml", r"\A", ALIASES, 3, "more than 10000 values; use fewer aliases"),
    ("study.yaml", r"\[2\]\nseeds: \[1\]", f"[{MANY}]\nseeds: [{MANY}]", 3, "at most 10000"),
    ("study.yaml", r"\A", "#" * 1_000_000 + "\n", 3, "at most 1000000"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with all inputs, a training set of two structures, and no networks."""
    folder = tmp_path_factory.mktemp("project")
    example = ROOT / "examples" / "tio2"
    for name in ("rutile-00", "anatase-00"):
        shutil.copy(example / "xsf" / f"{name}.xsf", folder)
    for path in example.glob("*.stp"):
        shutil.copy(path, folder)
    for name, text in INPUTS.items():
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["generate", "generate.in"]) == 0
    return folder


@pytest.fixture
def workdir(project, tmp_path, monkeypatch):
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(capsys, command, code, message):
    before = set(Path().iterdir())
    assert run(command) == code
    err = capsys.readouterr().err
    assert re.search(message, err.splitlines()[-1])
    assert len(err.splitlines()[-1]) < 400
    assert sum(line.startswith("aenetpy: error:") for line in err.splitlines()) == 1
    assert set(Path().iterdir()) == before


@pytest.mark.parametrize(("file", "old", "new", "code", "message"), BOMBS)
def test_numbers_without_end(file, old, new, code, message, workdir, capsys):
    text = Path(file).read_text()
    assert re.search(old, text)
    Path(file).write_text(re.sub(old, lambda _: new, text, count=1))
    if file in ("generate.in", "Ti.fingerprint.stp", "rutile-00.xsf"):
        Path("t.train").unlink()
    fails(capsys, COMMANDS[file], code, message)


PROBE = ["fingerprint", "rutile-00.xsf"]
OPTIONS = [
    ([*PROBE, "8", "100000000", "6.5", "4", "Ti", "O"], 2, "an order is 100000000; it is 200"),
    ([*PROBE, "8", "4", "6.5", DIGITS, "Ti", "O"], 2, SHORT),
    ([*PROBE, "1000", "4", "6.5", "4", "Ti", "O"], 4, "cell too small for cutoff 1000"),
    (["neighbors", "rutile-00.xsf", "1", "1000"], 4, "cell too small for cutoff 1000"),
    (["augment", "--delta", "0.03", "--a", "1000000000000"], 2, "at most 1000000"),
    (["predict", "predict.in", "--jobs", "1000000000"], 2, "1<=x<=1024"),
    (["train", "train.in", "--seed", DIGITS], 2, SHORT),
    (["train", "train.in", "--seed", HUGE], 2, "x<=18446744073709551615"),
    (["evaluate", "in.json", "a.xsf", "--relax", "1", "--steps", HUGE], 2, "x<=2147483647"),
]


@pytest.mark.parametrize(("command", "code", "message"), OPTIONS)
def test_options_without_end(command, code, message, workdir, capsys):
    fails(capsys, command, code, message)


def test_a_method_takes_no_more_memory_than_there_is(workdir, capsys, monkeypatch):
    monkeypatch.setattr(network_checks, "machine_memory", lambda: 100_000)
    Path("train.in").write_text(TRAIN_IN.replace("1 4:t", "1 400:t"))
    fails(capsys, ["train", "train.in"], 3, r"train.in:8: lm takes 0.0 GB for \d+ weights")
    Path("train.in").write_text(TRAIN_IN.replace("lm batchsize=9", "ekf wgroup=10000"))
    fails(capsys, ["train", "train.in"], 3, r"train.in:8: ekf takes .*use a smaller wgroup")


def test_a_file_of_another_kind_is_not_told_line_by_line(workdir, capsys):
    Path("t.train").unlink()
    Path("generate.in").write_text("what is this\n" * 5000 + GENERATE_IN)
    assert run(["generate", "generate.in"]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert len([note for note in notes if "unknown keyword 'what'" in note]) == 20
    assert "generate.in:21: 4980 further lines ignored, too" in notes[0]


def test_a_stream_without_end(workdir, capsys, monkeypatch):
    monkeypatch.setattr("aenetpy.inputs.lines.LARGEST_TEXT", 1_000_000)
    fails(capsys, ["generate", "/dev/zero"], 3, "/dev/zero: is larger than 0.001 GB")


def test_an_empty_file_takes_no_memory(tmp_path):
    (tmp_path / "empty").touch()
    tracemalloc.start()
    assert read_text(tmp_path / "empty") == ""
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_repeat_counts_do_not_multiply_the_file():
    assert expand_repeats(["50*1", "50*2"]) == ["1"] * 50 + ["2"] * 50
    assert expand_repeats(["9999*1", "99*2", "2*3"]) == ["9999*1", *["2"] * 99, "2*3"]


def test_an_order_in_a_binary_file_has_the_same_limit():
    def error(message: str, hint: str) -> DataError:
        return DataError(message, hint=hint)

    setup = make_setup((8.0, 4, 6.5, 200), ("Ti",))
    assert check_setup(setup, error) is setup
    setup = make_setup((8.0, 4, 6.5, 201), ("Ti",))
    with pytest.raises(DataError, match=r"angular_N is 201, and must be .* from 0 to 200"):
        check_setup(setup, error)


def test_the_largest_order_is_still_accurate():
    """G_n = sum_{j<k} w_j w_k cos(n theta_jk), against the sum as it is written."""
    from aenetpy.descriptors.base import make_descriptor

    order, cutoff = 200, 4.0
    descriptor = make_descriptor(make_setup((cutoff, 0, cutoff, order), ("Ti",)), ["Ti"])
    rng = np.random.default_rng(5)
    found = find_neighbors(rng.random((40, 3)) * 6.0, None, (False,) * 3, cutoff)
    features_ag, _ = descriptor.evaluate(found.around([0], np.zeros(40, np.int32)))
    r_pc = found.r_cp.T[: found.offsets_n[1]]
    d_p = np.linalg.norm(r_pc, axis=1)
    w_p = 0.5 * (np.cos(np.pi * d_p / cutoff) + 1.0)
    j, k = np.triu_indices(len(d_p), 1)
    theta = np.arccos(np.clip((r_pc[j] * r_pc[k]).sum(axis=1) / d_p[j] / d_p[k], -1.0, 1.0))
    angular_n = [(w_p[j] * w_p[k] * np.cos(n * theta)).sum() for n in range(order + 1)]
    np.testing.assert_allclose(features_ag[0, 1:], angular_n, atol=1e-9)


@pytest.mark.parametrize("pbc", [(True,) * 3, (True, True, False)])
def test_more_neighbours_than_memory(pbc):
    positions_nc = np.random.default_rng(1).random((3000, 3)) * 0.4
    cell_cc = np.eye(3) * 0.4
    with pytest.raises(DataError, match=r"some .*e\+0\d neighbours of each atom within 6 Å"):
        find_neighbors(positions_nc, cell_cc, pbc, 6.0)


def test_long_but_usual_cells_are_not_refused():
    """A wire of 20,000 atoms has few neighbours, although its cell is short twice."""
    n = 20_000
    positions_nc = np.zeros((n, 3))
    positions_nc[:, 2] = np.arange(n) * 2.0
    cell_cc = np.diag([3.0, 3.0, 2.0 * n])
    found = find_neighbors(positions_nc, cell_cc, (True,) * 3, 6.5, last=1)
    assert 50 < found.counts_n[0] < 100
    found = find_neighbors(positions_nc, cell_cc, (False, False, True), 6.5, last=1)
    assert found.counts_n[0] == 6
