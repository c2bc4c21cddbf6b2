"""Studies on a few structures, with networks of a few nodes."""

from __future__ import annotations

import csv
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import aenetpy
from aenetpy.cli.main import run
from aenetpy.errors import DataError, InputError
from aenetpy.files.lock import locked_folder
from aenetpy.inputs.generate_in import read_generate_in
from aenetpy.inputs.study import read_study
from aenetpy.inputs.train_in import read_train_in
from aenetpy.models.reading import read_potential
from aenetpy.processes import Processes
from aenetpy.structures.xsf import read_xsf, write_xsf
from aenetpy.studies.plan import make_study_plan
from aenetpy.studies.study import study as run_study
from aenetpy.studies.trial import epochs_done
from aenetpy.studies.trial_files import read_record, read_result
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "tio2"
NAMES = [f"{phase}-0{k}" for phase in ("rutile", "anatase") for k in range(6)]

GENERATE = """\
TYPES
2
Ti 1.5
O 0.5
SETUPS
Ti stp/Ti.fingerprint.stp
O stp/O.fingerprint.stp
FILES
"""
TRAIN = """\
TRAININGSET any.train
ITERATIONS 4
NETWORKS
Ti Ti.2t.nn 1 2:tanh
O O.2t.nn 1 2:tanh
"""
STUDY = """\
generate: generate.in
train: train.in
test: 3
sizes: 6
seeds: [1, 2]
variants:
"""
ALL = """\
  second: {taylor: {strategy: random, delta: 0.05, a: 2, order: 2, potential: none}}
  none: {}
  paper: {taylor: {strategy: pyita, delta: 0.03, a: 2}, families: mixed, train: {iterations: 3}}
"""


def make_project(folder: Path, variants: str, head: str = STUDY) -> None:
    (folder / "stp").mkdir()
    for symbol in ("Ti", "O"):
        shutil.copy(EXAMPLE / f"{symbol}.fingerprint.stp", folder / "stp")
    files = [os.path.relpath(EXAMPLE / "xsf" / f"{name}.xsf", folder) for name in NAMES]
    (folder / "generate.in").write_text("\n".join([GENERATE + str(len(files)), *files, ""]))
    (folder / "train.in").write_text(TRAIN)
    (folder / "study.yaml").write_text(head + variants)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda variants, head=STUDY: make_project(tmp_path, variants, head)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which a study was run."""
    folder = tmp_path_factory.mktemp("study")
    make_project(folder, ALL)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert run(["study", "study.yaml", "--jobs", "2"]) == 0
    finally:
        os.chdir(before)
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "study" / "trials.csv").read_text().splitlines()))


def parents_of(trial: Path) -> list[str]:
    files = read_generate_in(trial / "generate.in").files
    return [os.path.normpath(trial / entry.text) for entry in files]


def test_one_row_per_trial_in_the_order_of_the_study(done):
    found = [(row["variant"], row["size"], row["seed"]) for row in rows(done)]
    assert found == [(v, "6", s) for v in ("second", "none", "paper") for s in "12"]
    assert [row["copies"] for row in rows(done)] == ["12"] * 2 + ["0"] * 2 + ["12"] * 2
    assert [row["epochs"] for row in rows(done)] == ["4"] * 4 + ["3"] * 2


def test_the_common_test_set_is_in_no_trial(done):
    held_out = (done / "study" / "test-set.txt").read_text().split()
    held_out = {os.path.normpath(done / name) for name in held_out}
    assert len(held_out) == 3
    for trial in (done / "study" / "trials").iterdir():
        text = (trial / "generate.in").read_text() + (trial / "generate.out").read_text()
        assert not held_out & set(parents_of(trial))
        assert not any(Path(name).name in text for name in held_out)


def test_all_variants_have_the_same_parents(done):
    trials = done / "study" / "trials"
    for seed in (1, 2):
        first, *others = (
            parents_of(trials / f"{name}-6-{seed}") for name in ("none", "second", "paper")
        )
        assert len(set(first)) == 6
        assert others == [first, first]
    assert parents_of(trials / "none-6-1") != parents_of(trials / "none-6-2")


def test_errors_are_those_of_the_networks(done):
    trial = done / "study" / "trials" / "none-6-2"
    result = read_result(trial / "result.npz")
    potential = read_potential(trial)
    names = (done / "study" / "test-set.txt").read_text().split()
    for s, name in enumerate(names):
        structure = read_xsf(done / name)
        found = potential.evaluate(structure)
        error = 1000 * (found.energy - structure.energy) / len(structure)
        assert result.energy_errors_s[s] == pytest.approx(error, abs=1e-6)
        first = result.n_atoms_s[:s].sum()
        np.testing.assert_allclose(
            result.force_errors_nc[first : first + len(structure)],
            found.forces_nc - structure.forces_nc,
            atol=1e-12,
        )


def test_what_is_left_can_be_run_by_hand(done):
    trial = done / "study" / "trials" / "none-6-1"
    left = {path.name for path in trial.iterdir()}
    assert {"generate.in", "train.in", "train.out", "Ti.nn", "O.nn", "result.npz"} <= left
    assert not {name for name in left if ".train" in name or ".nn-0" in name or ".state" in name}
    assert read_train_in(trial / "train.in").seed == 1


def test_nothing_is_done_twice(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    table = Path("study", "trials.csv").read_bytes()
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["done"] * 6
    monkeypatch.setattr(Processes, "run", None)
    assert run(["study", "study.yaml"]) == 0
    assert Path("study", "trials.csv").read_bytes() == table
    assert "paper" in capsys.readouterr().out
    assert "| paper |" in Path("study", "report.md").read_text()


def test_what_has_changed_is_done_anew(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    longer = ALL.replace("none: {}", "none: {train: {iterations: 5}}")
    Path("other.yaml").write_text(f"folder: study\n{STUDY}{longer}")
    assert run(["study", "other.yaml", "--dry-run"]) == 0
    states = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    # second needs the networks of none
    assert states == ["changed"] * 4 + ["done"] * 2


def test_networks_trained_by_hand_do_not_count(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    path = Path("study", "trials", "none-6-1", "Ti.nn")
    before = path.read_bytes()
    path.write_bytes(before[:-1] + b"x")
    assert run(["study", "study.yaml", "--dry-run"]) == 0
    states = dict(line.split()[::-1] for line in capsys.readouterr().out.splitlines())
    assert [name for name, state in states.items() if state != "done"] == ["study/trials/none-6-1"]
    assert run(["study", "study.yaml"]) == 0
    assert "1 trial changed since, made anew" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_paths_may_be_spelled_otherwise(done, monkeypatch, capsys):
    monkeypatch.chdir(done)
    text = Path("generate.in").read_text()
    Path("absolute.in").write_text(text.replace("stp/", f"{Path.cwd()}/stp/"))
    head = STUDY.replace("generate.in", "absolute.in")
    Path("other.yaml").write_text(f"folder: study\n{head}{ALL}")
    assert run(["study", "other.yaml", "--dry-run"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"done"}


def test_the_table_keeps_what_is_done(done, monkeypatch):
    from aenetpy.studies import study as workflow

    monkeypatch.chdir(done)
    sizes = []
    write = workflow.format_trials
    monkeypatch.setattr(workflow, "format_trials", lambda r: (sizes.append(len(r)), write(r))[1])
    before = Path("study", "trials.csv").read_bytes()
    Path("more.yaml").write_text(f"folder: study\n{STUDY}  new: {{}}\n{ALL}")
    assert run(["study", "more.yaml", "--jobs", "1"]) == 0
    assert sizes == [6, 6 + 1, 6 + 2]
    for seed in (1, 2):
        shutil.rmtree(Path("study", "trials", f"new-6-{seed}"))
    assert run(["study", "study.yaml"]) == 0
    assert Path("study", "trials.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ("  none: {train: {networks: [Xx Xx.nn 1 2:tanh]}}\n", "none: networks of Xx, but"),
        ("  none: {train: {stress: 1}}\n", "study.yaml:7: none: STRESS needs FORCES, which"),
        (
            "  none: {train: {batchsize: 9, method: lm batchsize=8}}\n",
            "none: BATCHSIZE 9, but METHOD has batchsize=8; remove one of them",
        ),
        ("  near: {taylor: {delta: {Ti: 0.01}, a: 1}}\n", "near: delta of Ti, but"),
        ("  none: {taylor: {delta: 0.1, a: 1, potential: none}}\n", "potential has no effect"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_runs(project, variants, message, capsys):
    project(variants)
    assert run(["study", "study.yaml", "--dry-run"]) == 3
    assert message in capsys.readouterr().err


def test_folders_of_others_are_left_alone(project, tmp_path, capsys):
    project("  none: {}\n", f"folder: .\n{STUDY}")
    assert run(["study", "study.yaml"]) == 3
    assert "folder '.' is the working directory" in capsys.readouterr().err
    Path("study.yaml").write_text(f"{STUDY.replace('[1, 2]', '[1]')}  none: {{}}\n")
    trial = tmp_path / "study" / "trials" / "none-6-1"
    trial.mkdir(parents=True)
    (trial / "notes.txt").write_text("mine")
    assert run(["study", "study.yaml"]) == 4
    assert "holds no trial, but notes.txt" in capsys.readouterr().err
    assert (trial / "notes.txt").read_text() == "mine"


def test_a_record_of_another_version_is_made_anew(project, tmp_path, capsys):
    project("  none: {}\n", STUDY.replace("[1, 2]", "[1]"))
    trial = tmp_path / "study" / "trials" / "none-6-1"
    trial.mkdir(parents=True)
    (trial / "trial.json").write_text('{"digest": "abc", "done": ["generate", "train"]}')
    (trial / "Ti.nn").write_text("old")
    assert run(["study", "study.yaml"]) == 0
    assert read_record(trial / "trial.json").done == ["generate", "train"]
    assert len(rows(tmp_path)) == 1


def test_copies_that_name_no_parent_are_recognised(project, capsys):
    project("  none: {}\n")
    assert run(["augment", "--strategy", "pyita", "--delta", "0.03", "--a", "1"]) == 0
    text = STUDY.replace("generate.in", "generate-augmented.in")
    Path("study.yaml").write_text(f"{text}  none: {{}}\n")
    assert run(["study", "study.yaml", "--dry-run"]) == 3
    assert "at other positions: it is a displaced copy" in capsys.readouterr().err


def test_a_trial_that_fails_is_named_and_the_others_go_on(project, tmp_path, capsys):
    project(
        "  none: {}\n"
        "  wild: {train: {method: online_sd gamma=1e5}}\n"
        "  after: {taylor: {strategy: axis, delta: 0.01, a: 1, order: 2, potential: wild}}\n",
        STUDY.replace("[1, 2]", "[1]"),
    )
    assert run(["study", "study.yaml", "--jobs", "2"]) == 5
    out, notes = capsys.readouterr()
    assert out == ""
    error = [line for line in notes.splitlines() if line.startswith("aenetpy: error: ")]
    assert len(error) == 1
    assert "trial wild-6-1: train failed: training has diverged" in error[0]
    assert "trial after-6-1 is left out" in notes
    assert [row["variant"] for row in rows(tmp_path)] == ["none"]
    assert (tmp_path / "study" / "report.md").exists()


def test_training_on_forces_tells_of_forces(project, tmp_path, capsys):
    project(
        "  none: {}\n  forces: {train: {forces: alpha=0.5, testpercent: 20}}\n",
        STUDY.replace("[1, 2]", "[1]"),
    )
    assert run(["study", "study.yaml", "--jobs", "2"]) == 0
    none, forces = rows(tmp_path)
    trials = tmp_path / "study" / "trials"
    for row, name in ((none, "none-6-1"), (forces, "forces-6-1")):
        told = (trials / name / "train.out").read_text().splitlines()
        last = [line for line in told if line.endswith("<")][-1]
        columns = [float(word) for word in last.split()[1:-1]]
        record = read_record(trials / name / "trial.json")
        assert record.errors == pytest.approx(columns, rel=1e-6, nan_ok=True)
        assert float(row["own_train_rmse_meV_per_atom"]) == pytest.approx(
            1e3 * columns[1], rel=1e-5
        )
        told = [float(row[f"own_{part}_force_rmse_eV_per_A"]) for part in ("train", "test")]
        expected = columns[5::2] or [math.nan] * 2
        assert told == pytest.approx(expected, rel=1e-5, nan_ok=True)
    report = (tmp_path / "study" / "report.md").read_text()
    assert "| forces | 6 | 0 | 4 |" in report
    assert report.count("| force (eV/Å) | ") == 1 + 1  # what the trainer says, and the difference


@pytest.mark.parametrize("victim", ["study", "trial"])
def test_what_is_killed_goes_on(project, tmp_path, victim):
    project("  long: {train: {iterations: 100000, method: adam}}\n", STUDY.replace("[1, 2]", "[1]"))
    trial = tmp_path / "study" / "trials" / "long-6-1"
    command = [sys.executable, "-m", "aenetpy", "study", "study.yaml", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: epochs_done(trial) >= 20)
    note = (trial / ".aenetpy.lock").read_text()
    child = int(re.search(r"pid (\d+)", note)[1])
    assert child != process.pid
    os.kill(process.pid if victim == "study" else child, signal.SIGKILL)
    notes = process.communicate(timeout=20)[1]
    if victim == "trial":
        assert process.returncode == 4
        assert "trial long-6-1: its process was killed by signal 9" in notes
    wait_until(lambda: not is_locked(tmp_path / "study"))  # the trial ends with its study
    assert not is_locked(trial)
    done = epochs_done(trial)
    assert 20 <= done < 100000
    # What is left of the 100000 epochs begins where the other has ended.
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: epochs_done(trial) > done)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"continued after {done} epochs" in (trial / "train.err").read_text()
    assert (trial / "train-1.out").exists()


def test_in_another_folder_and_silent(done, tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    make_project(tmp_path, "  none: {}\n")
    monkeypatch.chdir(tmp_path / "here")
    results = aenetpy.study(aenetpy.read_study("../study.yaml"), "..")
    assert os.listdir() == []
    assert capsys.readouterr().out == ""
    for result in results:
        same = read_result(done / "study" / "trials" / f"none-6-{result.seed}" / "result.npz")
        np.testing.assert_array_equal(result.force_errors_nc, same.force_errors_nc)
        assert result.own_train_rmse == same.own_train_rmse
    one, two = (
        [Path(name).name for name in (path / "study" / "test-set.txt").read_text().split()]
        for path in (tmp_path, done)
    )
    assert one == two


def is_locked(folder: Path) -> bool:
    try:
        with locked_folder(folder, "test"):
            return False
    except DataError:
        return True


def wait_until(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_interrupted_study_goes_on_as_if_nothing_had_been(project, tmp_path):
    long = "  long: {train: {iterations: 800, method: adam mu=0.003}}\n"
    head = STUDY.replace("[1, 2]", "[1]")
    project(long, head)
    epochs = tmp_path / "study" / "trials" / "long-6-1"
    command = [sys.executable, "-m", "aenetpy", "study", "study.yaml", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: epochs_done(epochs) >= 20)
    process.send_signal(signal.SIGTERM)
    notes = process.communicate(timeout=20)[1]
    assert process.returncode == 143
    assert "0 of 1 trials are done; the same command goes on" in notes
    # the command held the lock, too, until it had ended
    with locked_folder(tmp_path / "study", "study"):
        assert 20 <= epochs_done(epochs) < 800
    assert not list(epochs.glob("*.nn-0*"))  # nobody reads the networks of epochs
    assert run(["study", "study.yaml"]) == 0
    Path("study.yaml").write_text(f"folder: whole\n{head}{long}")
    assert run(["study", "study.yaml"]) == 0
    interrupted, whole = (
        next(csv.DictReader(Path(name, "trials.csv").read_text().splitlines()))
        for name in ("study", "whole")
    )
    assert interrupted.pop("train_seconds")
    assert whole.pop("train_seconds")
    assert interrupted == whole
    assert whole["epochs"] == "800"


def test_two_studies_do_not_share_a_folder(project, tmp_path, capsys):
    project("  none: {}\n")
    with locked_folder(tmp_path / "study", "study"):
        assert run(["study", "study.yaml"]) == 4
    assert "study: in use by study since" in capsys.readouterr().err


def test_larger_sets_begin_with_smaller_ones(project):
    project("  none: {}\n", STUDY.replace("sizes: 6", "sizes: [4, 9]"))
    plan = make_study_plan(read_study("study.yaml"))
    small, large = (
        [line for line in trial.inputs["generate.in"].splitlines() if line.endswith(".xsf")]
        for trial in plan.trials[::2]
    )
    assert (len(small), len(large)) == (4, 9)
    assert large[:4] == small


def test_too_few_structures(project):
    project("  none: {}\n", STUDY.replace("sizes: 6", "sizes: 10"))
    with pytest.raises(InputError, match=r"study.yaml:4: 3 .* and 10 .* than the 12 structures"):
        make_study_plan(read_study("study.yaml"))


def test_structures_that_are_alike_count_once(project, caplog):
    project("  none: {}\n", STUDY.replace("sizes: 6", "sizes: 9"))
    text = Path("generate.in").read_text()
    last = text.splitlines()[-1]
    shutil.copy(last, "twin.xsf")
    Path("generate.in").write_text(f"{text}twin.xsf\n{last}\n".replace("\n12\n", "\n14\n"))
    plan = make_study_plan(read_study("study.yaml"))
    (note,) = (message for message in caplog.messages if "repeated" in message)
    assert f"repeated in FILES: 2 ('twin.xsf' equals '{last}', ...); they are left out" in note
    assert "twin.xsf" not in plan.trials[0].inputs["generate.in"] + " ".join(plan.held_out)


def test_copies_among_the_structures_are_refused(project):
    project("  none: {}\n")
    copy = read_xsf(EXAMPLE / "xsf" / "rutile-00.xsf")
    object.__setattr__(copy, "parent", "rutile-00.xsf")
    write_xsf("copy.xsf", copy)
    text = Path("generate.in").read_text()
    Path("generate.in").write_text(f"{text}copy.xsf\n".replace("\n12\n", "\n13\n"))
    with pytest.raises(InputError, match="is a displaced copy of"):
        make_study_plan(read_study("study.yaml"))


def test_a_block_taylor_belongs_to_the_variants(project):
    project("  none: {}\n")
    text = Path("generate.in").read_text()
    Path("generate.in").write_text(f"TAYLOR\ndelta=0.1 a=2\n{text}")
    with pytest.raises(InputError, match=r"generate.in:1: TAYLOR belongs to the variants"):
        make_study_plan(read_study("study.yaml"))


def test_a_structure_to_be_tested_needs_forces(project):
    project("  none: {}\n", STUDY.replace("test: 3", "test: 11").replace("sizes: 6", "sizes: 2"))
    text = Path("generate.in").read_text()
    lines = Path(text.splitlines()[-1]).read_text().splitlines()
    # symbol, position and force
    bare = [" ".join(line.split()[:4]) if len(line.split()) == 7 else line for line in lines]
    for k in range(3):
        name = f"no-forces-{k}.xsf"
        Path(name).write_text("\n".join(bare).replace("= -", f"= -{k}", 1) + "\n")
        text += f"{name}\n"
    Path("generate.in").write_text(text.replace("\n12\n", "\n15\n"))
    plan = make_study_plan(read_study("study.yaml"))
    assert any("no-forces" in name for name in plan.held_out)
    with pytest.raises(DataError, match=r"no-forces-\d.xsf: no forces"):
        run_study(read_study("study.yaml"))
