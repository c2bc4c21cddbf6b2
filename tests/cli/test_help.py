"""``aenetpy help``: the tables of the input files, on the terminal and in the README."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aenetpy.cli.main import run
from aenetpy.inputs.keywords import RULES
from aenetpy.reports.input_tables import TABLES, all_names
from tests.cli.test_main import completions
from tests.conftest import ROOT
from tests.readme import README, filled
from tests.test_architecture import HEAVY


def helped(capsys, *arguments):
    assert run(["help", *arguments]) == 0
    return capsys.readouterr().out


def test_the_readme_holds_the_tables():
    text = README.read_text()
    assert text.count("<!-- aenetpy help") == 14
    assert filled(text) == text, "python -m tests.readme"
    assert RULES in " ".join(text.split())


def test_a_change_of_a_table_is_noticed():
    text = README.read_text()
    assert filled(text.replace("| epochs; 0 only evaluates |", "| epochs |")) == text


def test_all_kinds_are_listed(capsys):
    out = helped(capsys)
    for table in TABLES:
        assert f"  {table.name}  " in out


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_keyword_is_explained(table, capsys):
    lines = helped(capsys, table.name).splitlines()
    assert max(map(len, lines)) <= 80
    assert set(all_names(table)) <= {line.split()[0] for line in lines if line}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("my/train.in", "train.in"),
        ("generate-augmented.in", "generate.in"),
        ("PREDICT.IN", "predict.in"),
        ("train", "train.in"),
        ("Ti.fingerprint.stp", ".stp"),
        ("runs/taylor.yml", "study.yaml"),
        ("input.json", "md.json"),
        ("md", "md.json"),
        ("evaluate", "md.json"),
    ],
)
def test_a_kind_is_recognised_by_the_name(name, kind, capsys):
    assert helped(capsys, name).startswith(f"{kind}\n")


def test_one_entry(capsys):
    assert helped(capsys, "train.in", "testpercent") == (
        "TESTPERCENT  number (%), 0 or greater, below 100\n"
        "    share of test structures [default: 10]\n"
    )
    assert "    batchsize=1000" not in helped(capsys, "train.in", "adam")
    assert "    strategy  axis, random or pyita\n" in helped(capsys, "generate.in", "TAYLOR")
    both = helped(capsys, "generate.in", "delta")
    assert "TAYLOR delta  " in both
    assert "DERIVATIVES delta  " in both


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["TiO2.train"], "'TiO2.train' is no input file, and no keyword has it; there are"),
        (["studie.yamll"], "did you mean study.yaml?"),
        (["train.in", "ITERATION"], "train.in has no keyword 'ITERATION'; did you mean ITERATIONS"),
        (["md", "xyz"], "md.json has no key 'xyz'; see 'aenetpy help md.json'"),
    ],
)
def test_what_there_is_no_help_for(arguments, message, capsys):
    assert run(["help", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_names_and_keywords_are_completed():
    assert completions("aenetpy", "help tr") == ["plain,train.in"]
    assert completions("aenetpy", "help my/tr") == ["file,my/tr"]
    assert completions("aenetpy", "help train.in iter") == ["plain,ITERATIONS", "plain,ITERWRITE"]


def test_help_of_a_file_imports_nothing_heavy():
    code = (
        "import sys; from aenetpy.cli.main import run; "
        "code = run(['help', 'study.yaml']); "
        f"heavy = ({HEAVY!r} | {{'yaml'}}) & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("word", "hits"),
    [
        ("forces", ["generate.in\n\nFORCES ", "train.in\n\nFORCES ", "SAVE_FORCES ", "predict.in"]),
        ("Patience", ["train.in\n\nPATIENCE "]),
        ("alpha", ["FORCES alpha "]),
        ("aenet-PyTorch", ["ITERWRITE "]),  # in a sentence
    ],
)
def test_a_word_is_looked_for_in_all_tables(word, hits, capsys):
    assert run(["help", word]) == 0
    out = capsys.readouterr().out
    assert all(hit in out for hit in hits)
