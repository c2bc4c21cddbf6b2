"""The first damaged inputs; ``run.py`` has many thousands, and says what must hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.fuzz.targets import CODES, TARGETS, Target, damage, execute, make_projects

SEED = 1
PER_TARGET = 6
SECONDS = 60


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("projects")
    make_projects(folder, os.chdir)
    os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    def too_long(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done in {SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_damaged_input(
    target: Target,
    projects: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for k in range(PER_TARGET):
        damage(
            target,
            SEED * 1_000_000 + k * len(TARGETS) + TARGETS.index(target),
            projects,
            tmp_path / str(k),
        )
        monkeypatch.chdir(tmp_path / str(k))
        assert execute(target) in CODES


@pytest.mark.parametrize("target", TARGETS[::20], ids=lambda target: target.name)
def test_damage_depends_on_the_seed_alone(target: Target, projects: Path, tmp_path: Path) -> None:
    for k, seed in enumerate((1, 1, 2, 3, 4)):
        damage(target, seed, projects, tmp_path / str(k))
    one, again, *others = ((tmp_path / str(k) / target.file).read_bytes() for k in range(5))
    assert one == again
    assert len({one, *others, (projects / target.folder / target.file).read_bytes()}) > 2
