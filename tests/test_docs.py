"""References of the code to the texts in docs/ lead somewhere."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

TEXTS = {"spec": "aenet-formats.md", "design": "design.md"}


@pytest.mark.parametrize("word", TEXTS)
def test_sections_that_the_code_names_exist(word):
    text = (ROOT / "docs" / TEXTS[word]).read_text()
    headings = set(re.findall(r"^(?:#+ |\*\*)(\d+(?:\.\d+)?)[. ]", text, re.MULTILINE))
    named = {
        (number, str(path.relative_to(ROOT)))
        for path in (ROOT / "aenetpy").rglob("*.py")
        for reference in re.findall(
            rf"\b{word} ((?:\d+(?:\.\d+)?(?:, | and )?)+)", path.read_text(), re.I
        )
        for number in re.findall(r"\d+(?:\.\d+)?", reference)
    }
    assert named
    assert {(number, path) for number, path in named if number not in headings} == set()
