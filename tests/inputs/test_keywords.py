"""The grammar common to all input files (spec 1)."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenetpy.data.limits import LARGEST
from aenetpy.errors import DataError, InputError
from aenetpy.inputs.keywords import SEED, Keywords
from aenetpy.inputs.lines import (
    Place,
    expand_repeats,
    parse_arguments,
    parse_integer,
    parse_real,
    quote,
    read_text,
    significant_lines,
    split_tokens,
)

VALUES = ("OUTPUT", "ITERATIONS", "TESTPERCENT", "TIMING", "FORCES", "SEED")
BLOCKS = ("TYPES", "SETUPS", "FILES", "METHOD")


@pytest.fixture
def keywords(tmp_path: Path):
    def read(text: str) -> Keywords:
        path = tmp_path / "x.in"
        path.write_text(text)
        return Keywords(path, VALUES, BLOCKS)

    return read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-2.5", -2.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("0.55d0", 0.55),
        ("1D-3", 1e-3),
        ("+1e3", 1e3),
        ("1.5q2", 150.0),
        ("1.5+2", 150.0),
    ],
)
def test_reals_are_fortran_reals(text, value):
    assert parse_real(text) == value


@pytest.mark.parametrize(
    "text", ["", "abc", "nan", "inf", "1e", "1,0", "1_0", "10%", "1e999", "0x1"]
)
def test_what_is_no_real_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a number|too large"):
        parse_real(text)


@pytest.mark.parametrize("text", ["3.0", "1e1", "", "x", "--1"])
def test_what_is_no_integer_is_refused(text):
    with pytest.raises(ValueError, match="is not an integer"):
        parse_integer(text)


@settings(deadline=None)
@given(st.floats(-LARGEST, LARGEST))
def test_reals_survive_with_any_exponent_letter(value):
    assert parse_real(repr(value)) == value
    assert parse_real(repr(value).replace("e", "D")) == value


@pytest.mark.parametrize("text", ["1e151", "-1d300", "1e999", 400 * "9"])
def test_reals_whose_squares_overflow_are_too_large(text):
    with pytest.raises(ValueError, match="is too large"):
        parse_real(text)


def test_tokens_keep_slashes_and_quotes_protect_blanks():
    text = "Ti sub/a.nn, \"b c/d.nn\"\t'it''s' ;x"
    assert split_tokens(text) == ["Ti", "sub/a.nn", "b c/d.nn", "it's", "x"]


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1))
def test_quoted_paths_come_back(path):
    assert split_tokens(f"Ti {quote(path)} 2")[1] == path


def test_repeat_counts_are_written_out():
    assert expand_repeats(["3*1.0", "2", "x*y"]) == ["1.0", "1.0", "1.0", "2", "x*y"]


def test_comments_and_blank_lines_are_skipped_and_lines_counted():
    text = "! a\r\n\r\n  # b\n % c\n \t \n\t OUTPUT x ! y\r\n"
    assert [(e.text, e.line) for e in significant_lines(text)] == [("OUTPUT x ! y", 6)]


def test_first_match_wins_in_any_case_and_order(keywords, caplog):
    found = keywords("iterations\t4\nOutput 'a b' rest\nITERATIONS 7\n")
    assert found.integer("ITERATIONS", 10) == 4
    assert found.string("OUTPUT", "") == "a b"
    assert "x.in:3: ITERATIONS repeated; line 1 counts" in caplog.text


def test_missing_keywords_have_defaults(keywords):
    found = keywords("")
    assert found.integer("ITERATIONS", 10) == 10
    assert found.real("TESTPERCENT", 10.0) == 10.0
    assert found.string("OUTPUT", "refdata.train") == "refdata.train"
    assert found.flag("TIMING") is False
    assert found.value(SEED) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", True),
        (" T", True),
        (" .TRUE.", True),
        (" true", True),
        (" ! why", True),
        (" F", False),
        ("\t.false.", False),
        (" False x", False),
    ],
)
def test_flags(keywords, text, value):
    assert keywords(f"TIMING{text}\n").flag("TIMING") is value


@pytest.mark.parametrize("value", ["yes", "no", "on", "1"])
def test_flags_that_fail_in_aenet_are_refused(keywords, value):
    with pytest.raises(InputError, match=rf"x.in:2: TIMING needs .* not '{value}'"):
        keywords(f"\nTIMING {value}").flag("TIMING")


def test_wrong_values_name_file_line_and_value(keywords):
    with pytest.raises(InputError, match=r"x.in:1: ITERATIONS needs an integer, not '3.0'"):
        keywords("ITERATIONS 3.0").integer("ITERATIONS", 1)
    with pytest.raises(InputError, match=r"x.in:1: TESTPERCENT needs a number, not '10%'; .*%"):
        keywords("TESTPERCENT 10%").real("TESTPERCENT", 1)
    with pytest.raises(InputError, match="OUTPUT has no value"):
        keywords("OUTPUT ! none").string("OUTPUT", "")
    with pytest.raises(InputError, match="OUTPUT takes no '='"):
        keywords("OUTPUT = x").string("OUTPUT", "")
    with pytest.raises(InputError, match="SEED -1 is negative"):
        keywords("SEED -1").value(SEED)


def test_values_beyond_the_first_are_comments(keywords):
    assert keywords("TESTPERCENT 20 %").real("TESTPERCENT", 0) == 20.0
    assert keywords("ITERATIONS 1*5, 6").integer("ITERATIONS", 0) == 5


def test_unknown_keywords_are_named_with_the_nearest_known(keywords, caplog):
    keywords("ITERATION 5\nITERATIONS 4\nhello world\n")
    assert "x.in:1: unknown keyword 'ITERATION' ignored; did you mean ITERATIONS?" in caplog.text
    assert "x.in:3: unknown keyword 'hello' ignored" in caplog.text
    assert len(caplog.records) == 2


def test_data_lines_are_neither_keywords_nor_unknown(keywords, caplog):
    found = keywords("FILES\n2\nforces/a.xsf\nb c.xsf\nSETUPS\nTi a\n")
    assert [e.text for e in found.files("")] == ["forces/a.xsf", "b c.xsf"]
    assert not found.flag("FORCES")
    assert caplog.text == ""


def test_files_may_follow_comments_and_blank_lines(keywords):
    found = keywords("files\n\n! how many\n2\n\n# first\n  a.xsf  \nb.xsf\n")
    assert [(e.text, e.line) for e in found.files("")] == [("a.xsf", 7), ("b.xsf", 8)]


def test_files_list_and_count_must_agree(keywords, caplog):
    with pytest.raises(InputError, match=r"x.in:2: FILES announces 3 structures but lists 1"):
        keywords("FILES\n3\na.xsf\nTIMING\n").files("")
    with pytest.raises(InputError, match="FILES list is empty"):
        keywords("FILES\n0\n").files("")
    with pytest.raises(InputError, match=r"FILES needs a number on the next line, not 'a.xsf'"):
        keywords("FILES\na.xsf\n").files("")
    with pytest.raises(InputError, match="keyword FILES is missing; add this"):
        keywords("").files("this")
    with pytest.raises(InputError, match="FILES is not followed by a number"):
        keywords("FILES\n").files("")
    assert len(keywords("FILES\n1\na.xsf\nb.xsf\n").files("")) == 1
    assert "x.in:4: FILES announces 1 structure but lists 2; the last 1 are ignored" in caplog.text


def test_paths_are_given_in_the_order_of_types(keywords, caplog):
    found = keywords("SETUPS\n! here\n O sub/O.stp 1\n\nTi 'a b.stp'\nTIMINGS\n")
    paths = found.paths_by_species("SETUPS", ("Ti", "O"), "")
    assert [(k, e.text, e.line) for k, e in paths.items()] == [
        ("Ti", "a b.stp", 5),
        ("O", "sub/O.stp", 3),
    ]
    assert "did you mean TIMING?" in caplog.text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Ti a\nN b", "x.in:3: SETUPS names N, which is not in TYPES"),
        ("Ti a\nTi b", "x.in:3: species Ti is given twice"),
        ("Ti a", "x.in:1: SETUPS has no line for O"),
        ("Ti a\nO", "x.in:3: no file for O"),
        ("Ti a\n,,", "SETUPS has no line for O"),
    ],
)
def test_paths_by_species_are_checked(keywords, body, message):
    with pytest.raises(InputError, match=message):
        keywords(f"SETUPS\n{body}\n").paths_by_species("SETUPS", ("Ti", "O"), "")


def test_arguments_are_compared_as_a_whole(caplog):
    keys = {"eta": 1, "zeta": 1, "Rc": 1}
    place = Place("O.stp", 4)
    given_args = parse_arguments(" zeta = 2.0,eta=0.01 Rc= 4.5 ", keys, place, "G4")
    assert given_args == {"zeta": ["2.0"], "eta": ["0.01"], "Rc": ["4.5"]}
    assert "O.stp:4: eta is 0.01; aenet 2.0.4 finds 'eta' inside another word" in caplog.text
    assert "takes 2.0; write eta first" in caplog.text


def test_arguments_in_aenets_order_are_not_commented(caplog):
    keys = {"eta": 1, "zeta": 1}
    parse_arguments("eta=0.01 zeta=2.0 ! zeta before", keys, Place("x"), "G4")
    assert caplog.text == ""


def test_arguments_that_are_wrong(caplog):
    with pytest.raises(InputError, match="adam: mu has no value"):
        parse_arguments("mu", {"mu": 1}, Place("x", 1), "adam")
    with pytest.raises(InputError, match="adam: mu needs 1 value, not 0"):
        parse_arguments("mu=", {"mu": 1}, Place("x", 1), "adam")
    with pytest.raises(InputError, match="RELAX: dmax needs 3 values, not 2"):
        parse_arguments("dmax=1 2 steps=3", {"dmax": 3, "steps": 1}, Place("x", 1), "RELAX")
    assert parse_arguments("dmax=3*0.5 mu=1", {"dmax": 3, "mu": 1}, Place("x"), "") == {
        "dmax": ["0.5"] * 3,
        "mu": ["1"],
    }
    caplog.clear()
    assert parse_arguments("moo=1 mu=2 mu=3 x", {"mu": 1}, Place("x"), "adam") == {"mu": ["2"]}
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "x: adam has no parameter 'moo'; ignored",
        "x: adam: mu is given twice; the first value counts",
        "x: adam: 'x' ignored",
    ]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["alpha", "beta", "Rc", "N_max"]),
        st.floats(-1e6, 1e6),
        min_size=1,
    ),
    st.sampled_from([" ", "  ", ", ", "\t"]),
    st.sampled_from(["=", " = ", "= "]),
)
def test_arguments_round_trip(values, separator, equals):
    keys = dict.fromkeys(["alpha", "beta", "Rc", "N_max"], 1)
    text = separator.join(f"{key}{equals}{value!r}" for key, value in values.items())
    found = parse_arguments(text, keys, Place("x"), "test")
    assert {key: float(tokens[0]) for key, tokens in found.items()} == values


@settings(deadline=None)
@given(st.permutations(["OUTPUT a", "ITERATIONS 3", "TESTPERCENT 5d0", "TIMING", "SEED 9"]))
def test_order_of_keywords_is_free(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("order") / "x.in"
    path.write_text("\n! comment\n".join(lines))
    found = Keywords(path, VALUES, BLOCKS)
    assert found.string("OUTPUT", "") == "a"
    assert found.integer("ITERATIONS", 0) == 3
    assert math.isclose(found.real("TESTPERCENT", 0), 5.0)
    assert found.flag("TIMING")
    assert found.value(SEED) == 9


def test_files_that_cannot_be_read_give_one_line(tmp_path):
    with pytest.raises(InputError, match="nothere: file not found"):
        read_text(tmp_path / "nothere")
    with pytest.raises(DataError, match="is a directory"):
        read_text(tmp_path, DataError)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x08\x00\x00\x00abc")
    with pytest.raises(InputError, match="is not a text file"):
        read_text(binary)
    latin = tmp_path / "latin"
    latin.write_bytes(b"# \xc5ngstr\xf6m\n")
    assert os.fsencode(read_text(latin)) == b"# \xc5ngstr\xf6m\n"  # as in names of files


def test_notes_go_to_the_library_logger(keywords, caplog):
    with caplog.at_level(logging.WARNING, logger="aenetpy"):
        keywords("nonsense\n")
    assert caplog.records[0].name == "aenetpy"
