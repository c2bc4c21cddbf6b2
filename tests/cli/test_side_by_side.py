"""Commands side by side in one folder, and results that exist already."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from aenetpy.files.lock import FOLDER_LOCK, locked_folder, locked_name
from aenetpy.formats.trainset import read_trainset
from tests.conftest import ROOT
from tests.kill import files_in

EXAMPLE = ROOT / "examples" / "tio2"
NAMES = ["rutile-03", "anatase-07", "brookite-03"]
NETWORKS = "NETWORKS\nTi Ti.nn 1 3:tanh\nO O.nn 1 3:tanh\n"
LAUNCHERS = [
    ({"OMPI_COMM_WORLD_RANK": "{}", "OMPI_COMM_WORLD_SIZE": "4"}, "mpirun"),
    ({"PMI_RANK": "{}", "PMI_SIZE": "4"}, "mpirun"),
    ({"MV2_COMM_WORLD_RANK": "{}", "MV2_COMM_WORLD_SIZE": "4"}, "mpirun"),
    ({"SLURM_PROCID": "{}", "SLURM_STEP_NUM_TASKS": "4"}, "srun"),
]


CALLS = {
    "augment": ["--delta", "0.03", "--a", "1"],
    "evaluate": ["a.json", "a.xsf"],
    "generate": ["generate.in"],
    "init": ["-s", "Ti"],
    "md": ["a.json"],
    "predict": ["predict.in"],
    "study": ["study.yaml"],
    "train": ["train.in"],
    "trainbin2ascii": ["a.train", "a.txt"],
    "upgrade": ["a.nn", "b.nn"],
}


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        shutil.copy(EXAMPLE / "xsf" / f"{name}.xsf", tmp_path)
    write_input("generate.in", "a.train")
    return tmp_path


def write_input(name: str, output: str, block: str = "") -> None:
    listed = "".join(f"{name}.xsf\n" for name in NAMES)
    Path(name).write_text(
        f"OUTPUT {output}\nTYPES\n2\nTi 0.0\nO 0.0\nSETUPS\n"
        f"Ti {EXAMPLE}/Ti.fingerprint.stp\nO {EXAMPLE}/O.fingerprint.stp\n"
        f"{block}FILES\n{len(NAMES)}\n{listed}"
    )


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "aenetpy", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_for(path: str) -> None:
    deadline = time.monotonic() + 60
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def fails(capsys, arguments: list[str], code: int, message: str) -> None:
    capsys.readouterr()
    before = files_in(Path())
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert files_in(Path()) == before


def test_a_second_training_waits_its_turn(capsys):
    assert run(["generate", "generate.in"]) == 0
    text = (
        f"TRAININGSET a.train\nTESTPERCENT 0\nITERATIONS {{}}\nSEED 1\n"
        f"METHOD\nadam mu=0.001\n{NETWORKS}"
    )
    Path("train.in").write_text(text.format(100000))
    first = start("train", "train.in")
    wait_for("train.state")
    capsys.readouterr()
    assert run(["train", "train.in"]) == 4
    error = capsys.readouterr().err
    assert ": in use by train since 20" in error
    assert f"(pid {first.pid} on {os.uname().nodename}); wait for its end" in error
    first.kill()
    first.wait(60)
    Path("train.in").write_text(text.format(2))
    assert run(["train", "train.in"]) == 0
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_a_second_training_set_of_the_same_name(capsys):
    os.mkfifo("slow.xsf")
    text = Path("generate.in").read_text()
    Path("slow.in").write_text(text.replace("anatase-07.xsf", "slow.xsf"))
    first = start("generate", "slow.in")
    wait_for(".a.train.lock")
    capsys.readouterr()
    assert run(["generate", "generate.in"]) == 4
    assert "a.train: in use by generate since 20" in capsys.readouterr().err
    write_input("other.in", "b.train")
    assert run(["generate", "other.in"]) == 0  # another name is free
    Path("slow.xsf").write_bytes(Path("anatase-07.xsf").read_bytes())
    assert first.wait(60) == 0
    assert read_trainset("a.train").names_s == ("rutile-03.xsf", "slow.xsf", "brookite-03.xsf")
    assert not [name for name in os.listdir() if name.startswith(".")]


@pytest.mark.parametrize("name", ["augmented", "generate-augmented.in"])
def test_a_second_folder_of_copies_of_the_same_name(name, capsys):
    command = ["augment", "--delta", "0.03", "--a", "1"]
    with locked_name(name, "augment", ""):
        fails(capsys, command, 4, "in use by augment since 20")
        assert run([*command, "--folder", "other", "--output", "other.in"]) == 0


def test_a_dead_generate_leaves_nothing_for_good():
    os.mkfifo("endless.xsf")
    text = Path("generate.in").read_text()
    Path("generate.in").write_text(text.replace("brookite-03.xsf", "endless.xsf"))
    process = start("generate", "generate.in")
    wait_for(".a.train.lock")
    deadline = time.monotonic() + 60
    while not list(Path().glob(".a.train.*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait(60)
    assert len([name for name in os.listdir() if name.startswith(".")]) == 2
    Path("generate.in").write_text(text)
    assert run(["generate", "generate.in"]) == 0
    assert not [name for name in os.listdir() if name.startswith(".")]


@pytest.mark.parametrize(("variables", "launcher"), LAUNCHERS)
def test_other_ranks_of_a_launcher_are_refused(variables, launcher, monkeypatch, capsys):
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(3))
    monkeypatch.setenv("SLURM_PROCID", "3")
    expected = (
        "aenetpy: error: rank 3 of 4: aenetpy does not use MPI yet; "
        f"start it without {launcher} and use --jobs\n"
    )
    for command, arguments in CALLS.items():
        fails(capsys, [command, *arguments], 2, expected)
    assert run(["generate", "--help"]) == 0
    assert run(["inspect", f"{EXAMPLE}/Ti.fingerprint.stp"]) == 0


@pytest.mark.parametrize(("variables", "launcher"), LAUNCHERS)
def test_the_first_rank_works_and_says_so_once(variables, launcher, monkeypatch, capsys):
    monkeypatch.setenv("SLURM_PROCID", "3")  # inherited by what mpirun starts
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(0))
    assert run(["generate", "generate.in"]) == 0
    error = capsys.readouterr().err
    assert error.count("rank 0 of 4 works alone") == error.count("\n") == 1
    assert f"without {launcher}" in error


@pytest.mark.parametrize(
    "variables",
    [
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "8"},  # the script of a batch job
        {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "SLURM_PROCID": "1"},
        {"SLURM_PROCID": "", "PMI_RANK": "x"},
    ],
)
def test_a_single_process_is_nothing_to_speak_of(variables, monkeypatch, capsys):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run(["generate", "generate.in"]) == 0
    assert capsys.readouterr().err == ""


def test_training_sets_for_devices_and_fifos(capsys):
    assert run(["generate", "generate.in"]) == 0
    os.symlink("/dev/null", "nothing")
    for output in ("/dev/null", "nothing"):
        write_input("null.in", output)
        assert run(["generate", "null.in"]) == 0
        assert stat.S_ISCHR(os.stat(output).st_mode)
    os.mkfifo("fifo")
    write_input("fifo.in", "fifo")
    process = start("generate", "fifo.in")
    received = Path("fifo").read_bytes()
    assert process.wait(60) == 0
    assert received == Path("a.train").read_bytes()
    write_input("forces.in", "/dev/null", "FORCES\n")
    fails(capsys, ["generate", "forces.in"], 3, "forces.in:9: FORCES writes '/dev/null.forces'")


def test_results_that_exist_already(capsys):
    assert run(["generate", "generate.in"]) == 0
    assert run(["trainbin2ascii", "a.train", "a.txt"]) == 0
    assert run(["trainbin2ascii", "a.train", "a.txt"]) == 0  # as the tools of aenet
    told = "a.train: exists already; remove it, or name another file"
    fails(capsys, ["trainbin2ascii", "a.txt", "a.train"], 4, told)
    fails(capsys, ["trnset2ascii", "--to-binary", "a.txt", "a.train"], 4, told)
    fails(capsys, ["generate", "generate.in"], 4, f"{told} with OUTPUT")
    fails(capsys, ["upgrade", "old.nn", "a.train"], 4, told)


def test_init_completes_what_it_has_begun(capsys):
    Path("generate.in").unlink()
    assert run(["init", "-s", "Ti", "-s", "O"]) == 0
    whole = files_in(Path())
    Path("O.fingerprint.stp").unlink()
    assert run(["init", "-s", "Ti", "-s", "O"]) == 0
    assert files_in(Path()) == whole
    Path("train.in").write_text("mine")
    Path("O.fingerprint.stp").unlink()
    fails(capsys, ["init", "-s", "Ti", "-s", "O"], 4, "train.in: exists already; remove it, or use")


def test_the_lock_of_a_folder_does_not_reach_into_others(capsys):
    assert run(["generate", "generate.in"]) == 0
    Path("train.in").write_text(f"TRAININGSET a.train\nTESTPERCENT 0\nITERATIONS 1\n{NETWORKS}")
    with locked_folder("..", "study"):
        assert run(["train", "train.in"]) == 0
    with locked_folder(".", "train"):
        fails(capsys, ["train", "train.in"], 4, f"{Path.cwd()}: in use by train since 20")
        assert Path(FOLDER_LOCK).exists()
