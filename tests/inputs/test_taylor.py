from __future__ import annotations

from pathlib import Path

import pytest

from aenetpy.errors import InputError
from aenetpy.inputs.generate_in import format_generate_in, read_generate_in, with_more_files
from aenetpy.inputs.taylor import TaylorInput, format_delta, make_taylor, parse_delta

HEAD = "TYPES\n2\nTi 0\nO 0\nSETUPS\nTi a.stp\nO b.stp\n"
FILES = "FILES\n1\na.xsf\n"


def write(folder: Path, block: str) -> Path:
    path = folder / "generate.in"
    path.write_text(HEAD + block + FILES)
    return path


def read(folder: Path, block: str) -> TaylorInput | None:
    return read_generate_in(write(folder, block)).taylor


def test_without_a_block_there_are_no_copies(tmp_path: Path) -> None:
    assert read(tmp_path, "") is None


def test_block_on_one_line_or_several(tmp_path: Path) -> None:
    expected = TaylorInput("random", 0.02, 10, seed=3, order=2, potential="../a b", max_force=4.0)
    block = (
        "TAYLOR strategy=random  ! all atoms\n"
        "delta = 2.0d-2  a=10 seed=3\n"
        "# the second order\n"
        'order=2 potential="../a b" max_force=4\n'
    )
    assert read(tmp_path, block) == expected
    assert read(tmp_path, "TAYLOR\ndelta=Ti:0.01,O:0.02, a=6, max-force=3\n") == TaylorInput(
        "axis", {"Ti": 0.01, "O": 0.02}, 6, max_force=3.0
    )
    assert read(tmp_path, "taylor\ndelta=0.03 a=6\n") == TaylorInput("axis", 0.03, 6)


@pytest.mark.parametrize(
    "taylor",
    [
        TaylorInput("pyita", 0.03, 6),
        TaylorInput("axis", None, 2, seed=9, spread="random"),
        TaylorInput("axis", 0.0123456789012, 2),
        TaylorInput("axis", 0.02, fraction=12.5, n_max=90, outfile="d.train"),
        TaylorInput("random", 0.02, fraction=12.5, n_max=90, outfile="all of it/d.train"),
        TaylorInput("random", {"Ti": 0.01, "O": 0.025}, 3, min_distance=0.9),
        TaylorInput("random", 0.05, 4, order=2, potential="old potential/x"),
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, taylor: TaylorInput) -> None:
    from dataclasses import replace

    content = replace(read_generate_in(write(tmp_path, "")), taylor=taylor)
    path = tmp_path / "again.in"
    path.write_text(format_generate_in(content))
    assert read_generate_in(path).taylor == taylor


@pytest.mark.parametrize(
    ("text", "delta"), [("0.03", 0.03), ("auto", None), ("Ti:0.02,O:1d-2", {"Ti": 0.02, "O": 0.01})]
)
def test_delta(text: str, delta: object) -> None:
    assert parse_delta(text) == delta
    assert parse_delta(format_delta(parse_delta(text))) == delta


def test_block_of_the_python_package(tmp_path: Path) -> None:
    line = "method=taylor delta=0.02 fraction=16.0 outfile=d.train disp_all={} N_max=500\n"
    found = read(tmp_path, "DERIVATIVES\n" + line.format(1))
    expected = TaylorInput("random", 0.02, fraction=16.0, outfile="d.train", n_max=500)
    assert found == expected
    assert read(tmp_path, "DERIVATIVES\n" + line.format(0)) is not None
    assert read(tmp_path, "DERIVATIVES\n" + line.format(0)).strategy == "axis"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a=6", "delta is missing"),
        ("delta=0.1", "a is missing"),
        ("delta=0 a=6", "delta 0 is no positive number, at most 1; it is in Å"),
        ("delta=-0.1 a=6", "delta -0.1 is no positive number"),
        ("delta=3 a=6", "delta 3 is no positive number, at most 1; it is in Å"),
        ("delta=0.1 a=1e12", "a 1000000000000 is no positive number, at most 1000000"),
        ("delta=0.1 a=1 min_distance=100", "min_distance 100 is no positive number, at most 5"),
        ("delta=Ti:0.1,Ti:0.2 a=1", "Ti is given twice"),
        ("delta=x a=6", "'x' is not a number"),
        ("delta=Ti0.1,O:0.1 a=6", "'Ti0.1' is not of the form Ti:0.02"),
        ("delta=0.1 a=0", "a 0 is no positive number"),
        ("delta=0.1 a=2.5", "a: '2.5' is not an integer"),
        ("delta=0.1 a=2 order=3", "order 3 is not between 1 and 2"),
        ("delta=0.1 a=2 order=2", "order 2 needs a potential"),
        ("delta=0.1 a=2 strategy=pyita order=2 potential=x", "pyita is of order 1"),
        ("delta=0.1 a=2 strategy=all", "unknown strategy 'all'; known are axis, random, pyita"),
        ("delta=0.1 a=2 spread=wide", "unknown spread"),
        ("delta=0.1 a=2 strategy=random spread=random", "spread has no effect"),
        ('delta="Ti=0.1" a=2', "by species it is Ti:0.02,O:0.03"),
        ("delta=0.1 a=2 max_force=0", "max_force 0 is no positive number; it is in eV/Å"),
        ("delta=0.1 a=2 seed=-1", "seed -1 is negative"),
        ("delta=0.1 a=2 delta=0.2", "delta is given twice"),
        ("delta=0.1 a=2 strategie=axis", "no key 'strategie'; did you mean strategy?"),
        ("delta=0.1 a=2 axis", "'axis' is not of the form key=value"),
    ],
)
def test_wrong_blocks_are_told_with_their_line(tmp_path: Path, given: str, message: str) -> None:
    path = write(tmp_path, f"TAYLOR\n{given}\n")
    with pytest.raises(InputError) as error:
        read_generate_in(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}:9: TAYLOR")


def test_the_two_blocks_exclude_each_other(tmp_path: Path) -> None:
    block = "TAYLOR\ndelta=0.1 a=1\nDERIVATIVES\nmethod=taylor\n"
    with pytest.raises(InputError, match="ask for the same"):
        read(tmp_path, block)
    with pytest.raises(InputError, match="unknown method 'analytical'"):
        read(tmp_path, "DERIVATIVES\nmethod=analytical\n")


def test_integers_may_be_written_as_reals() -> None:
    assert make_taylor({"delta": "0.03", "a": "6.0"}).copies_per_structure == 6


def test_more_files_leave_everything_else_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "generate.in"
    text = (
        "! my set\nFILES  ! here\n\n2 ! structures\na.xsf\n! note\nb 1.xsf\n\nOUTPUT  x.train\n"
        "TYPES\n2\nTi 0\nO 0\nSETUPS\nTi a.stp\nO b.stp\n"
    )
    path.write_text(text)
    found = with_more_files(text, read_generate_in(path), ["c/1.xsf", "c/2.xsf"])
    assert found == text.replace("2 ! structures", "4 ! structures").replace(
        "b 1.xsf\n", "b 1.xsf\nc/1.xsf\nc/2.xsf\n"
    )
