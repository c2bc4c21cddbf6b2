"""Standard streams that are closed count as the null device, for programs that run in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aenetpy.formats.trainset import read_trainset
from tests.conftest import ROOT


@pytest.fixture
def workdir(tmp_path, monkeypatch) -> Path:
    """A folder with inputs of the three commands, and the results of aenetpy in ``expected``."""
    shutil.copytree(ROOT / "tests" / "data" / "reference", tmp_path / "reference")
    monkeypatch.chdir(tmp_path / "reference" / "chebyshev")
    return Path()


def shell(command: str, closed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m aenetpy {command} {closed}', sys.executable],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def is_reference(path: Path) -> bool:
    ours, expected = read_trainset(path), read_trainset(path.parent / "expected" / path.name)
    return ours.names_s == expected.names_s and len(ours.types_n) == len(expected.types_n)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_generate_does_its_work(closed, workdir):
    done = shell("generate generate.in", closed)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("Training set info." in done.stdout) == (">&-" not in closed.split())
    assert is_reference(workdir / "TiO2.train")


def test_train_and_predict_do_their_work(workdir):
    for name in ("Ti.nn", "O.nn"):
        shutil.copyfile(workdir / "expected" / name, workdir / name)
    done = shell("predict predict.in", "2>&-")
    assert done.returncode == 0
    assert done.stdout.count("Total energy") == 2
    assert shell("predict predict.in", ">&-").returncode == 0
    shutil.copyfile(workdir / "expected" / "TiO2.train", workdir / "TiO2.train")
    done = shell("train train.in", "<&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (workdir / "Ti.nn-00008").exists()
    assert is_reference(workdir / "TiO2.train.scaled")


def test_failures_keep_their_status(workdir):
    done = shell("generate missing.in", ">&-")
    assert done.returncode == 3
    assert done.stderr.startswith("aenetpy: error: missing.in: file not found")
    assert shell("generate missing.in", "2>&-").returncode == 3


def test_files_do_not_take_the_place_of_a_stream(workdir):
    script = (
        "from aenetpy.cli.programs import open_closed_streams; open_closed_streams(); "
        "print('lost'); file = open('file', 'w'); "
        "assert file.fileno() > 2; file.write('kept'); file.close()"
    )
    subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" <&- >&-', sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert Path("file").read_text() == "kept"


@pytest.mark.parametrize(
    ("file", "status", "told"),
    [("gold.xyz", 0, ""), ("göld.xyz", 4, "in a name has no place in the locale's ascii")],
)
def test_locale_without_utf8_and_nonsense_of_matplotlib(tmp_path, file, status, told):
    text = "2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-1.0\n"
    text += "Au 0 0 0 0 0 0.1\nAu 0 0 3 0 0 -0.1\n"
    (tmp_path / file).write_text(text)
    (tmp_path / "Au.stp").write_text(
        "ATOM Au\nENV 1\nAu\nRMIN 1.0\nBASIS type=Chebyshev\n"
        "radial_Rc=5.0 radial_N=6 angular_Rc=4.0 angular_N=4\n"
    )
    (tmp_path / "generate.in").write_text(
        f"OUTPUT Au.train\nTYPES\n1\nAu 0.0\nSETUPS\nAu Au.stp\nFILES\n1\n{file}\n"
    )
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "MPLBACKEND": "none!"}

    def call(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "aenetpy", *words],
            env={**os.environ, **locale, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )

    done = call("generate", "generate.in")
    assert (done.returncode, told in done.stderr.decode()) == (status, True)
    assert "Å" in call("help", "learn.yaml").stdout.decode()
    code = (
        "import sys; from aenetpy.cli.console import guarded; from aenetpy.analysis.drawing import"
    )
    code += " new_figure, png; sys.exit(guarded(lambda: 0 if png(new_figure(2.0)) else 1))"
    drawn = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **locale, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert (drawn.returncode, drawn.stderr) == (0, b"")
