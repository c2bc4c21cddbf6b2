"""Displaced copies as files and in training sets, from the command line."""

from __future__ import annotations

import math
import os
import re
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import aenetpy
from aenetpy.cli.main import run
from aenetpy.commands import augment as workflow
from aenetpy.data.copies import is_copy, parent_of
from aenetpy.descriptors.repeats import RepeatedStructures
from aenetpy.formats.trainset import read_trainset
from aenetpy.inputs.generate_in import read_generate_in
from aenetpy.inputs.taylor import TaylorInput
from aenetpy.structures.xsf import read_xsf
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "tio2"
NAMES = ["rutile-03", "anatase-07", "brookite-03", "columbite-05", "rutile-11"]


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("xsf").mkdir()
    for name in NAMES:
        os.symlink(EXAMPLE / "xsf" / f"{name}.xsf", f"xsf/{name}.xsf")
    write_input()
    return tmp_path


def write_input(block: str = "", output: str = "a.train", name: str = "generate.in") -> None:
    listed = "".join(f"xsf/{name}.xsf\n" for name in NAMES)
    Path(name).write_text(
        f"OUTPUT {output}\nTYPES\n2\nTi 0.0\nO 0.0\nSETUPS\n"
        f"Ti {EXAMPLE}/Ti.fingerprint.stp\nO {EXAMPLE}/O.fingerprint.stp\n"
        f"{block}FILES\n{len(NAMES)}\n{listed}"
    )


def contents(folder: str = "augmented") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def augment(*options: str) -> int:
    return run(["augment", *options])


@pytest.mark.parametrize("case", ["08-augment", "08b-augment-all"])
def test_pyita_in_every_byte(golden, case, tmp_path, monkeypatch) -> None:
    for path in golden.joinpath(case).iterdir():
        if path.name != "expected":
            Path("work").mkdir(exist_ok=True)
            os.symlink(path, Path("work") / path.name)
    monkeypatch.chdir("work")
    delta, old, new, folder, a = Path("answers.txt").read_text().split()
    options = ["--strategy", "pyita", "--delta", delta, "--a", a]
    assert augment(old, *options, "--folder", folder, "--output", new) == 0
    expected = golden / case / "expected"
    assert Path(new).read_bytes() == (expected / "generate-augmented.in").read_bytes()
    with tarfile.open(expected / "augmented.tar.xz") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        found = {Path(m.name).name: archive.extractfile(m).read() for m in members}
    assert contents() == found


@pytest.mark.parametrize("strategy", ["axis", "random"])
def test_files_for_aenet_have_forces_that_we_do_not_use(strategy, capsys) -> None:
    options = ["--delta", "0.03", "--a", "2", "--strategy", strategy, "--for-aenet"]
    assert augment(*options) == 0
    parents = [read_xsf(f"xsf/{name}.xsf") for name in NAMES]
    for path in sorted(Path("augmented").iterdir()):
        copy = read_xsf(path)
        parent = next(one for one in parents if Path(one.name).name == Path(copy.parent).name)
        rows = [line.split() for line in path.read_text().splitlines() if len(line.split()) == 7]
        forces_nc = np.array([[float(word) for word in row[4:]] for row in rows])
        np.testing.assert_allclose(forces_nc, parent.forces_nc, rtol=0, atol=1e-8)
        assert copy.forces_nc is None
    assert run(["generate", "generate-augmented.in"]) == 0
    given = [name for name in read_trainset("a-augmented.train").names_s if not is_copy(name)]
    assert len(given) == len(NAMES)


def test_the_plain_command(capsys) -> None:
    assert augment("--delta", "0.03", "--a", "6") == 0
    assert capsys.readouterr().out == (
        "30 copies of 5 of 5 structures in augmented, listed in generate-augmented.in\n"
    )
    settings = read_generate_in("generate-augmented.in")
    listed = [entry.text for entry in settings.files]
    assert listed[:5] == [f"xsf/{name}.xsf" for name in NAMES]
    assert listed[5:] == [f"augmented/structure{k:04d}.xsf" for k in range(1, 31)]
    for k, path in enumerate(listed[5:]):
        copy, parent = read_xsf(path), read_xsf(listed[k // 6])
        assert copy.parent == f"../{parent.name}"
        [(atom, axis)] = np.argwhere(np.abs(copy.positions_nc - parent.positions_nc) > 1e-7)
        step = copy.positions_nc[atom, axis] - parent.positions_nc[atom, axis]
        assert abs(step) == pytest.approx(0.03, abs=1e-8)
        change = copy.energy - parent.energy
        assert change == pytest.approx(-parent.forces_nc[atom, axis] * step, abs=2e-8)


@pytest.mark.parametrize("strategy", ["axis", "random", "pyita"])
def test_files_depend_on_the_seed_not_on_the_threads(strategy: str) -> None:
    options = ["--strategy", strategy, "--delta", "0.03", "--a", "4"]
    options += ["--spread", "random"] if strategy == "axis" else []
    for folder, more in (("one", ["-j", "1"]), ("two", ["-j", "2"]), ("other", ["--seed", "2"])):
        assert augment(*options, "--folder", folder, "--output", f"{folder}.in", *more) == 0
    assert contents("one") == contents("two")
    assert (contents("one") == contents("other")) == (strategy == "pyita")


def fails_at_the_eleventh(monkeypatch, error: BaseException) -> None:
    """Let the eleventh copy be the last that is begun."""
    write = Path.write_bytes

    def write_or_fail(path: Path, content: bytes) -> int:
        if path.name != "structure0011.xsf":
            return write(path, content)
        write(path, content[:100])
        raise error

    monkeypatch.setattr(Path, "write_bytes", write_or_fail)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device"), 4, "cannot be written (No space left on device)"),
    ],
)
def test_all_copies_or_none(error, code, message, monkeypatch, capsys) -> None:
    options = ["--strategy", "random", "--delta", "0.03", "--a", "6", "-j", "1"]
    with monkeypatch.context() as broken:
        fails_at_the_eleventh(broken, error)
        assert augment(*options) == code
    (told,) = capsys.readouterr().err.splitlines()
    assert message in told
    assert sorted(os.listdir()) == ["generate.in", "xsf"]
    assert augment(*options) == 0
    whole, listed = contents(), Path("generate-augmented.in").read_bytes()
    with monkeypatch.context() as broken:
        fails_at_the_eleventh(broken, error)
        assert augment(*options, "--seed", "2", "--force") == code
    # What was there is still there.
    assert (contents(), Path("generate-augmented.in").read_bytes()) == (whole, listed)
    assert sorted(os.listdir()) == ["augmented", "generate-augmented.in", "generate.in", "xsf"]
    assert augment(*options, "--force") == 0
    assert contents() == whole


def test_disk_that_is_too_small_is_told_before(monkeypatch, capsys) -> None:
    monkeypatch.setattr(workflow.shutil, "disk_usage", lambda path: type("U", (), {"free": 10}))
    assert augment("--delta", "0.03", "--a", "6") == 4
    assert "the disk has 0 MB" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["generate.in", "xsf"]


def test_dry_run_tells_the_size(capsys) -> None:
    options = ["--delta", "0.02", "--a", "6", "--strategy", "random"]
    assert augment(*options, "--dry-run") == 0
    told = capsys.readouterr()
    assert sorted(os.listdir()) == ["generate.in", "xsf"]
    assert augment(*options) == 0
    size = sum(4096 * math.ceil(len(content) / 4096) for content in contents().values())
    expected = f"30 copies of 5 of 5 structures, {size / 1e6:.1f} MB on disk in augmented\n"
    assert told.out == expected
    capsys.readouterr()
    assert augment(*options, "--dry-run") == 0  # what is there does not matter
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--delta", "0", "--a", "6"], 2, "delta 0 is no positive number"),
        (["--delta", "-0.03", "--a", "6"], 2, "delta -0.03 is no positive number"),
        (["--delta", "0.03", "--a", "0"], 2, "a 0 is no positive number"),
        (["--delta", "0.03", "--a", "1.5"], 2, "a: '1.5' is not an integer"),
        (["--delta", "0.03", "--a", "6", "--folder", "xsf/new"], 2, "lies in 'xsf'"),
        (["--delta", "0.03", "--a", "6", "--folder", "xsf"], 2, "lies in 'xsf'"),
        (["--delta", "0.03", "--a", "6", "--output", "generate.in"], 2, "is an input"),
        (["--delta", "0.03", "--a", "6", "--folder", "full"], 4, "full: exists already"),
        (
            ["--delta", "0.03", "--a", "6", "--folder", "full", "--force"],
            4,
            "generate-augmented.in does not list mine.txt",
        ),
        (["--delta", "0.03", "--a", "6", "--folder", "mine.in", "--force"], 4, "is no folder"),
        (["--delta", "0.03", "--a", "6", "--output", "mine.in"], 4, "mine.in: exists already"),
        (["--delta", "Ti:0.03", "--a", "6"], 3, "delta has no value for O"),
        (["--delta", "0.03", "--a", "6", "--order", "2", "--potential", "none"], 4, "none"),
        (["--delta", "auto", "--a", "6"], 4, "do not tell a stiffness"),
        (["--delta", "0.03", "--a", "6", "--folder", " new"], 2, "cannot stand in FILES"),
        (["--delta", "0.03", "--a", "6", "--output", "no/new.in"], 4, "folder does not exist"),
        (["--delta", "0.03", "--a", "6", "--output", "xsf", "--force"], 4, "xsf: is a folder"),
        (
            ["--delta", "0.03", "--a", "6", "--output", "xsf/rutile-03.xsf", "--force"],
            2,
            "is an input",
        ),
        (["none.in", "--delta", "0.03", "--a", "6"], 3, "none.in: file not found"),
    ],
)
def test_bad_options_leave_nothing_behind(options, code, message, capsys) -> None:
    Path("full").mkdir()
    Path("full/mine.txt").touch()
    Path("mine.in").touch()
    before = sorted(os.listdir())
    assert augment(*options) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert sorted(os.listdir()) == before


def test_force_replaces_only_earlier_results(capsys) -> None:
    options = ["--delta", "0.03", "--a", "2", "--folder", "mine"]
    Path("mine").mkdir()
    Path("mine/structure0001.xsf").write_text("precious")
    assert augment(*options, "--force") == 4
    assert "generate-augmented.in does not list structure0001.xsf" in capsys.readouterr().err
    assert Path("mine/structure0001.xsf").read_text() == "precious"
    Path("mine/structure0001.xsf").unlink()
    assert augment(*options, "--force") == 0
    assert augment(*options) == 4
    assert augment(*options, "--a", "3", "--force") == 0
    assert len(contents("mine")) == 15


def test_folder_may_be_a_link_and_leftovers_go_away() -> None:
    Path("real").mkdir()
    os.symlink("real", "augmented")
    options = ["--delta", "0.03", "--a", "2", "--force"]
    Path(".real.unfinished").mkdir()
    Path(".real.unfinished", "x").touch()
    assert augment(*options) == 0
    assert augment(*options) == 0
    assert Path("augmented").is_symlink()
    assert len(contents("real")) == 10
    assert sorted(os.listdir()) == [
        "augmented",
        "generate-augmented.in",
        "generate.in",
        "real",
        "xsf",
    ]


def test_partly_periodic_structures_have_no_files(capsys) -> None:
    from ase.build import fcc111
    from ase.calculators.emt import EMT

    slab = fcc111("Cu", (2, 2, 2), vacuum=5.0)
    slab.rattle(0.1, seed=1)
    slab.calc = EMT()
    slab.get_forces()
    slab.info.clear()
    slab.write("slab.xyz")
    Path("Cu.stp").write_text(
        (EXAMPLE / "Ti.fingerprint.stp").read_text().replace("ATOM Ti", "ATOM Cu")
    )
    text = re.sub(r"ENV.*?RMIN", "ENV 1\nCu\nRMIN", Path("Cu.stp").read_text(), flags=re.DOTALL)
    Path("Cu.stp").write_text(text)
    head = "OUTPUT cu.train\nTYPES\n1\nCu 0\nSETUPS\nCu Cu.stp\n"
    Path("cu.in").write_text(f"{head}FILES\n1\nslab.xyz\n")
    assert augment("cu.in", "--delta", "0.03", "--a", "2") == 4
    assert "slab.xyz: periodic in some directions only" in capsys.readouterr().err
    Path("cu.in").write_text(f"{head}TAYLOR\ndelta=0.03 a=2\nFILES\n1\nslab.xyz@:\n")
    assert run(["generate", "cu.in"]) == 0
    names = read_trainset("cu.train").names_s
    assert names == ("slab.xyz@0", "slab.xyz@0#taylor:1", "slab.xyz@0#taylor:2")
    assert capsys.readouterr().err == ""


def test_families_are_found_however_they_are_spelled(monkeypatch, capsys) -> None:
    assert augment("--delta", "0.03", "--a", "2") == 0
    text = Path("generate-augmented.in").read_text()
    text = text.replace("xsf/rutile-03.xsf", "./xsf/../xsf/rutile-03.xsf")
    text = text.replace("xsf/anatase-07.xsf", str(Path("xsf/anatase-07.xsf").absolute()))
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    text = text.replace("\naugmented/", "\n../augmented/").replace("\nxsf/", "\n../xsf/")
    Path("generate.in").write_text(text.replace("./xsf/..", "../xsf/../xsf/.."))
    assert run(["generate", "generate.in"]) == 0
    names = read_trainset("a-augmented.train").names_s
    given = [name for name in names if not is_copy(name)]
    assert len(given) == 5
    assert {parent_of(name) for name in names if is_copy(name)} == set(given)


def test_frames_have_families_too() -> None:
    from aenetpy.structures.atoms import atoms_from_structure

    frames = [atoms_from_structure(read_xsf(f"xsf/{name}.xsf")) for name in NAMES[:2]]
    import ase.io

    ase.io.write("run.traj", frames)
    text = Path("generate.in").read_text()
    head = text[: text.index("FILES")]
    Path("generate.in").write_text(f"{head}FILES\n2\nrun.traj@:\nrun.traj@-1\n")
    assert augment("--delta", "0.03", "--a", "2") == 0
    assert run(["generate", "generate-augmented.in"]) == 0
    names = read_trainset("a-augmented.train").names_s
    assert names[:3] == ("run.traj@0", "run.traj@1", "run.traj@-1")
    assert [parent_of(name) for name in names[3:]] == [n for n in names[:3] for _ in range(2)]


def test_the_new_input_names_a_training_set_of_its_own() -> None:
    for n, (line, expected) in enumerate(
        {
            "OUTPUT sub/a.b.train  ! here": 'OUTPUT "sub/a.b-augmented.train"  ! here',
            "output 'my set'": 'output "my set-augmented"',
            "TIMING": "OUTPUT refdata-augmented.train",
        }.items()
    ):
        write_input()
        text = Path("generate.in").read_text()
        Path("generate.in").write_text(text.replace("OUTPUT a.train\n", "") + f"{line}\n")
        assert (
            augment("--delta", "0.03", "--a", "1", "--folder", f"f{n}", "--output", f"{n}.in") == 0
        )
        lines = Path(f"{n}.in").read_text().splitlines()
        assert expected in lines
        assert sum(line.lower().startswith("output") for line in lines) == 1
        assert len(read_generate_in(f"{n}.in").files) == 10


def test_pyita_keeps_output() -> None:
    assert augment("--strategy", "pyita", "--delta", "0.03", "--a", "1") == 0
    assert read_generate_in("generate-augmented.in").output == "a.train"


def test_patterns_are_written_as_what_they_stood_for() -> None:
    listed = sorted(f"xsf/{name}.xsf" for name in NAMES)
    text = Path("generate.in").read_text()
    head = text[: text.index("FILES")]
    Path("generate.in").write_text(f"{head}FILES\n2 ! lines\n  */rutile*.xsf\nxsf/[a-q]*.xsf\n")
    assert augment("--delta", "0.03", "--a", "2") == 0
    settings = read_generate_in("generate-augmented.in")
    names = [entry.text for entry in settings.files]
    assert names[:5] == sorted(listed, key=lambda name: ("rutile" not in name, name))
    assert names[5:] == [f"augmented/structure{k:04d}.xsf" for k in range(1, 11)]
    assert "\n15 ! lines\n" in Path("generate-augmented.in").read_text()
    assert run(["generate", "generate-augmented.in"]) == 0
    assert run(["generate", "generate.in"]) == 0
    assert read_trainset("a.train").names_s == tuple(names[:5])
    assert read_trainset("a-augmented.train").n_structures == 15


def test_structures_that_repeat_others_are_told_in_one_line(capsys) -> None:
    text = Path("generate.in").read_text()
    Path("again.xsf").write_bytes(Path(f"xsf/{NAMES[1]}.xsf").read_bytes())
    more = f"xsf/{NAMES[0]}.xsf\nagain.xsf\n"
    Path("generate.in").write_text(text.replace("FILES\n5", "FILES\n7") + more)
    first = f"repeated in FILES: 2 ('xsf/{NAMES[0]}.xsf' equals 'xsf/{NAMES[0]}.xsf', ...)"
    assert run(["generate", "generate.in"]) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert f"generate.in:9: structures {first}; they weigh more in training" in note
    assert read_trainset("a.train").n_structures == 7
    assert augment("--delta", "0.03", "--a", "1") == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert f"structures {first}; each gets copies of its own" in note


def test_equal_means_all_but_the_name() -> None:
    repeats = RepeatedStructures()
    one = read_xsf(f"xsf/{NAMES[0]}.xsf")
    for other in (
        one,
        replace(one, energy=one.energy + 1e-9),
        replace(one, forces_nc=None),
        replace(one, positions_nc=one.positions_nc + 1e-9),
        replace(one, species=one.species[::-1]),
    ):
        assert list(repeats.watch([other])) == [other]
    assert len(repeats.names) == 5
    list(repeats.watch([replace(one, name="other", parent="another")]))
    assert len(repeats.names) == 5


def test_copies_that_are_too_close_tell_what_to_do(capsys) -> None:
    write_input("TAYLOR\ndelta=0.9 a=20\n", "block.train")
    assert run(["generate", "generate.in"]) == 4
    assert "use a smaller delta, or min_distance=1.2" in capsys.readouterr().err
    assert not Path("block.train").exists()
    write_input("TAYLOR\ndelta=0.9 a=20 min_distance=1.2\n", "block.train")
    assert run(["generate", "generate.in"]) == 0
    assert 5 < read_trainset("block.train").n_structures < 105


def test_copies_without_parents_are_told(capsys) -> None:
    generate("TAYLOR\ndelta=0.03 a=2\n", "block.train")
    worst = max(read_trainset("block.train").energies_s / read_trainset("block.train").n_atoms_s)
    Path("train.in").write_text(
        f"TRAININGSET block.train\nTESTPERCENT 0\nITERATIONS 0\nSEED 1\nMAXENERGY {worst - 1e-3}\n"
        "NETWORKS\nTi Ti.nn 1 3:tanh\nO O.nn 1 3:tanh\n"
    )
    assert run(["train", "train.in"]) == 0
    trainset = read_trainset("block.train.scaled")
    given = {name for name in trainset.names_s if not is_copy(name)}
    orphans = [name for name in trainset.names_s if parent_of(name) not in given]
    told = "without their parents" in capsys.readouterr().err
    assert told == bool(orphans)


def test_parents_without_labels(capsys) -> None:
    text = Path("xsf/rutile-11.xsf").read_text()
    Path("xsf/rutile-11.xsf").unlink()
    rows = [row[:50] if row[:2] in ("Ti", "O ") else row for row in text.splitlines()]
    Path("xsf/rutile-11.xsf").write_text("\n".join(rows))
    assert augment("--delta", "0.03", "--a", "6") == 4
    assert "xsf/rutile-11.xsf: no forces" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["generate.in", "xsf"]


def test_a_block_and_the_command_are_one_too_many(capsys) -> None:
    write_input("TAYLOR\ndelta=0.03 a=6\n")
    assert augment("--delta", "0.03", "--a", "6") == 3
    assert "asks for copies already" in capsys.readouterr().err


def test_structures_in_the_working_directory(monkeypatch) -> None:
    monkeypatch.chdir("xsf")
    write_input()
    Path("generate.in").write_text(Path("generate.in").read_text().replace("xsf/", "", 5))
    assert augment("--delta", "0.03", "--a", "6") == 0
    assert len(contents()) == 30


def test_large_forces_and_copies_get_no_copies(capsys) -> None:
    largest = {n: np.linalg.norm(read_xsf(f"xsf/{n}.xsf").forces_nc, axis=1).max() for n in NAMES}
    limit = sorted(largest.values())[2]
    assert augment("--delta", "0.03", "--a", "2", "--max-force", f"{limit + 1e-9:.12f}") == 0
    assert capsys.readouterr().out.startswith("6 copies of 3 of 5 structures")
    again = ["--folder", "second", "--output", "second.in", "--delta", "0.03", "--a", "1"]
    assert augment("generate-augmented.in", *again) == 0
    told = capsys.readouterr()
    assert told.out.startswith("5 copies of 5 of 11 structures")
    assert "6 structures are copies themselves" in told.err


def generate(block: str, output: str, jobs: int = 1) -> None:
    write_input(block, output, f"{output}.in")
    assert run(["generate", f"{output}.in", "-j", str(jobs)]) == 0


def test_block_and_files_give_the_same_training_set() -> None:
    assert augment("--strategy", "random", "--delta", "0.03", "--a", "4", "--seed", "5") == 0
    assert run(["generate", "generate-augmented.in"]) == 0
    generate("TAYLOR\nstrategy=random delta=0.03 a=4 seed=5\n", "block.train")
    generate("TAYLOR\nstrategy=random delta=0.03 a=4 seed=5\n", "jobs.train", jobs=2)
    assert Path("block.train").read_bytes() == Path("jobs.train").read_bytes()
    filed, block = read_trainset("a-augmented.train"), read_trainset("block.train")
    # In files the copies follow all structures, in the block each follows its parent.
    order = sorted(
        range(25), key=lambda s: (NAMES.index(Path(parent_of(filed.names_s[s])).stem), s)
    )
    assert [parent_of(filed.names_s[s]) for s in order] == [parent_of(n) for n in block.names_s]
    assert [is_copy(filed.names_s[s]) for s in order] == [is_copy(n) for n in block.names_s]
    np.testing.assert_allclose(filed.energies_s[order], block.energies_s, atol=2e-8)
    ends = np.cumsum(filed.n_atoms_s)
    atoms = np.concatenate([np.arange(ends[s] - filed.n_atoms_s[s], ends[s]) for s in order])
    np.testing.assert_allclose(filed.positions_nc[atoms], block.positions_nc, atol=1e-7)
    for t in range(2):
        rank = np.cumsum(filed.types_n == t) - 1
        rows = rank[atoms[filed.types_n[atoms] == t]]
        np.testing.assert_allclose(filed.features_tng[t][rows], block.features_tng[t], atol=1e-5)
    # The forces of copies are not known.
    unknown_n = np.isnan(block.forces_nc).all(axis=1)
    copies_n = np.repeat([is_copy(name) for name in block.names_s], block.n_atoms_s)
    np.testing.assert_array_equal(unknown_n, copies_n)


def test_a_block_needs_no_files_and_keeps_the_structures() -> None:
    generate("", "plain.train")
    generate("TAYLOR\nstrategy=axis delta=0.03 a=3\n", "block.train")
    plain, block = read_trainset("plain.train"), read_trainset("block.train")
    kept = [s for s, name in enumerate(block.names_s) if not is_copy(name)]
    assert tuple(block.names_s[s] for s in kept) == plain.names_s
    np.testing.assert_array_equal(block.energies_s[kept], plain.energies_s)
    assert block.n_structures == 4 * plain.n_structures
    assert all(".xsf#taylor:" in name for name in block.names_s if is_copy(name))


def test_derivatives_block_fills_a_file_of_its_own() -> None:
    generate("", "plain.train")
    line = "method=taylor delta=0.01 fraction=10.0 outfile=all.train disp_all=1 N_max=20\n"
    generate(f"DERIVATIVES\n{line}", "parents.train")
    assert Path("parents.train").read_bytes() == Path("plain.train").read_bytes()
    everything = read_trainset("all.train")
    assert sum(map(is_copy, everything.names_s)) == 20
    assert everything.n_structures == 25
    text = Path("parents.train.in").read_text()
    Path("same.in").write_text(
        text.replace("OUTPUT parents.train", "OUTPUT new.train").replace(
            "outfile=all", "outfile=./new"
        )
    )
    assert run(["generate", "same.in"]) == 3
    # Neither of the two is replaced.
    assert run(["generate", "parents.train.in"]) == 4
    Path("parents.train").unlink()
    assert run(["generate", "parents.train.in"]) == 4
    assert not Path("parents.train").exists()


def test_derivatives_of_fingerprints_are_those_of_the_structures_only() -> None:
    from aenetpy.formats.derivatives import iter_derivatives

    generate("FORCES\nFORCESPERCENT 100\nTAYLOR\ndelta=0.03 a=2\n", "block.train")
    found = list(iter_derivatives("block.train.forces"))
    assert [entry.atoms is not None for entry in found] == [True, False, False] * 5


def test_no_family_on_both_sides(capsys) -> None:
    generate("TAYLOR\nstrategy=random delta=0.03 a=4\n", "block.train")
    networks = "NETWORKS\nTi Ti.nn 1 3:tanh\nO O.nn 1 3:tanh\n"
    for extra, n_tested, n_trained in (("", 2, 15), ("TEST_COPIES\n", 10, 15)):
        Path("train.in").write_text(
            "TRAININGSET block.train\nTESTPERCENT 40\nITERATIONS 1\nSEED 1\nSAVE_ENERGIES\n"
            f"{extra}{networks}"
        )
        for path in (*Path().glob("*.nn*"), *Path().glob("train.[sr]*")):
            path.unlink()
        assert run(["train", "train.in"]) == 0
        train, test = (
            [line.split()[-1] for line in Path(name).read_text().splitlines() if ".xsf" in line]
            for name in ("energies.train.0", "energies.test.0")
        )
        assert (len(train), len(test)) == (n_trained, n_tested)
        assert not {parent_of(name) for name in train} & {parent_of(name) for name in test}
        assert any(map(is_copy, test)) == bool(extra)


def test_in_another_folder_and_silent(workdir, monkeypatch, capsys) -> None:
    options = ["--strategy", "random", "--delta", "0.05", "--a", "3"]
    assert augment(*options, "--folder", "a", "--output", "a.in") == 0
    capsys.readouterr()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    seen: list[int] = []
    task = aenetpy.AugmentTask(
        aenetpy.read_generate_in("../generate.in"), TaylorInput("random", 0.05, 3), output="b.in"
    )
    done = aenetpy.augment(task, "..", aenetpy.TextListener(sys.stdout, seen.append))
    assert done.files == tuple(f"augmented/structure{k:04d}.xsf" for k in range(1, 16))
    assert seen == [1] * 5
    assert capsys.readouterr().out == ""
    assert os.listdir() == []
    monkeypatch.chdir(workdir)
    assert contents() == contents("a")
    assert Path("b.in").read_text() == Path("a.in").read_text().replace("\na/", "\naugmented/")
    monkeypatch.chdir("elsewhere")
    task = replace(task, force=True, taylor=TaylorInput("random", 0.05, 2))
    assert len(aenetpy.augment(task, "..").files) == 10


def test_second_order_uses_the_potential() -> None:
    from aenetpy.models.curvature import hessian_product
    from aenetpy.models.reading import read_potential

    generate("", "plain.train")
    Path("train.in").write_text(
        "TRAININGSET plain.train\nTESTPERCENT 0\nITERATIONS 3\nSEED 1\n"
        "NETWORKS\nTi nn/Ti.nn 1 3:tanh\nO nn/O.nn 1 3:tanh\n"
    )
    Path("nn").mkdir()
    assert run(["train", "train.in"]) == 0
    for path in Path("nn").glob("*.nn-*"):
        path.unlink()
    options = ["--strategy", "random", "--delta", "0.05", "--a", "2"]
    assert augment(*options) == 0
    assert (
        augment(*options, "--order", "2", "--potential", "nn", "--folder", "b", "--output", "b.in")
        == 0
    )
    potential = read_potential("nn")
    for k in range(10):
        first, second = (read_xsf(f"{f}/structure{k + 1:04d}.xsf") for f in ("augmented", "b"))
        parent = read_xsf(f"xsf/{NAMES[k // 2]}.xsf")
        np.testing.assert_array_equal(first.positions_nc, second.positions_nc)
        move_nc = first.positions_nc - parent.positions_nc
        expected = 0.5 * (move_nc * hessian_product(potential, parent, move_nc)).sum()
        assert abs(expected) > 1e-5
        assert second.energy - first.energy == pytest.approx(expected, rel=1e-3, abs=3e-8)
