"""How our outputs are compared with those of the original program."""

from __future__ import annotations

import re
from datetime import datetime

NOW = datetime(2026, 11, 20, 20, 5, 49)
VERSION = "0.1.0"

_STAMP = re.compile(r"^ {26}\d{4}-\d\d-\d\d  \d\d:\d\d:\d\d {25}$")
_NOTICE_LINES = 8


def comparable(text: str) -> list[str]:
    """Return the lines of an output with times and the text of the copyright taken out.

    The lines of the copyright stay in place, so that their number is compared.
    """
    lines = ["<time>" if _STAMP.match(line) else line for line in text.split("\n")]
    for start, line in enumerate(lines):
        if line.startswith(" Copyright (C)"):
            notice = lines[start - 1 : start - 1 + _NOTICE_LINES]
            assert [bool(row) for row in notice] == [False, True, False, *4 * [True], False]
            lines[start - 1 : start - 1 + _NOTICE_LINES] = _NOTICE_LINES * ["<copyright>"]
            break
    return lines


def value(text: str, label: str) -> str:
    """Return what follows ``label`` and a colon, an equal sign or nothing."""
    match = re.search(rf"^ *{re.escape(label)} *[:=]? *(.*?) *$", text, re.MULTILINE)
    assert match is not None, label
    return match.group(1)
