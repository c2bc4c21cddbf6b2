"""The command itself: names that are nearly right, and completion by the shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from aenetpy.cli.main import COMMANDS, run
from tests.conftest import ROOT
from tests.test_architecture import HEAVY


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("genrate", "'genrate'; did you mean generate?"),
        ("Train", "'Train'; did you mean train?"),
        ("generate.in", "'generate.in'; did you mean generate?"),
        ("nothing", "'nothing'; see 'aenetpy --help'"),
    ],
)
def test_commands_that_are_misspelt(word, hint, capsys):
    assert run([word]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"aenetpy: error: No such command {hint}")
    assert error.count("\n") == 1


def completions(program: str, words: str, entry: str = "main") -> list[str]:
    """Return what a shell is answered, and check that nothing slow was imported for that."""
    code = (
        "import atexit, sys\n"
        f"from aenetpy.cli import programs; sys.argv = ['/bin/{program}']\n"
        f"atexit.register(lambda: print(*({HEAVY!r} & set(sys.modules)), file=sys.stderr))\n"
        f"programs.{entry}()"
    )
    variable = f"_{program.replace('.', '_').upper()}_COMPLETE"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        variable: "bash_complete",
        "COMP_WORDS": f"{program} {words}",
        "COMP_CWORD": str(len(f"{program} {words}".split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.split() == []
    return done.stdout.split()


def test_commands_options_and_files_are_completed():
    assert completions("aenetpy", "ne") == ["plain,neighbors"]
    assert completions("aenetpy", "") == [f"plain,{name}" for name in sorted(COMMANDS)]
    assert completions("aenetpy", "train --s") == ["plain,--seed"]
    assert completions("aenetpy", "predict --chebyshev-domain o") == ["plain,old"]
    for command in ("generate", "md", "evaluate", "inspect", "upgrade"):
        assert completions("aenetpy", f"{command} x") == ["file,x"]
    assert completions("train.x", "--s", "train_x") == ["plain,--seed"]
    assert completions("train.x", "tr", "train_x") == ["file,tr"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_takes_the_script():
    script = (
        f'aenetpy() {{ {sys.executable} -m aenetpy "$@"; }}; export -f aenetpy\n'
        'eval "$(_AENETPY_COMPLETE=bash_source aenetpy)"; complete -p aenetpy'
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("-F _aenetpy_completion aenetpy")


def test_types_are_shipped():
    assert (ROOT / "aenetpy" / "py.typed").read_text() == ""
