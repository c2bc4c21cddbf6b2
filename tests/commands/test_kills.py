"""The same command goes on wherever it was killed, and nothing else is left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aenetpy.cli.main import run
from tests.conftest import ROOT
from tests.kill import files_in, killed_everywhere

EXAMPLE = ROOT / "examples" / "tio2"
NAMES = ["rutile-03", "anatase-07"]
DERIVATIVES = "DERIVATIVES\nmethod=taylor delta=0.01 fraction=10.0 outfile=all.train N_max=4\n"
AUGMENT = ["augment", "-j", "1", "--delta", "0.03", "--a"]


@pytest.fixture
def project(tmp_path):
    """Return a function that makes a folder and enters it."""

    def make(name: str, block: str = "") -> Path:
        folder = tmp_path / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        os.chdir(folder)
        listed = "".join(f"{EXAMPLE}/xsf/{name}.xsf\n" for name in NAMES)
        Path("generate.in").write_text(
            f"OUTPUT a.train\nTYPES\n2\nTi 0.0\nO 0.0\nSETUPS\n"
            f"Ti {EXAMPLE}/Ti.fingerprint.stp\nO {EXAMPLE}/O.fingerprint.stp\n"
            f"{block}FILES\n{len(NAMES)}\n{listed}"
        )
        return folder

    before = Path.cwd()
    yield make
    os.chdir(before)


@pytest.mark.parametrize(
    ("command", "block"),
    [
        (["generate", "generate.in", "-j", "1"], ""),
        (["generate", "generate.in", "-j", "1"], f"FORCES\n{DERIVATIVES}"),
        ([*AUGMENT, "1"], ""),
        (["init", "-s", "Ti", "-s", "O"], None),
    ],
    ids=["generate", "derivatives", "augment", "init"],
)
def test_new_files(project, command, block, capsys) -> None:
    def begin(name: str) -> Path:
        folder = project(name, block or "")
        if block is None:
            Path("generate.in").unlink()
        return folder

    whole = begin("whole")
    assert run(command) == 0
    expected = files_in(whole)
    folder = begin("killed")
    for _ in killed_everywhere(lambda: run(command)):
        code = run(command)
        error = capsys.readouterr().err
        # Killed when all was there, or before: then it goes on.
        assert code == 0 or "exists already" in error
        if files_in(folder) != expected:
            # Killed between two names: the user removes the first, as the message asks.
            for name in ("a.train", "all.train", "generate-augmented.in"):
                Path(name).unlink(missing_ok=True)
            assert run(command) == 0
        assert files_in(folder) == expected
        folder = begin("killed")


def test_a_folder_that_is_replaced(project) -> None:
    def begin(name: str) -> Path:
        folder = project(name)
        assert run([*AUGMENT, "1"]) == 0
        return folder

    again = [*AUGMENT, "2", "--force"]
    whole = begin("whole")
    assert run(again) == 0
    expected = files_in(whole)
    folder = begin("killed")
    for _ in killed_everywhere(lambda: run(again)):
        assert run(again) == 0
        assert files_in(folder) == expected
        folder = begin("killed")
