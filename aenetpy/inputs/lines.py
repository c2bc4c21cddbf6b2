"""Lines, free-form values and arguments of ``*.in`` and ``.stp`` files (spec 1)."""

from __future__ import annotations

import codecs
import difflib
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aenetpy.data.limits import LARGEST
from aenetpy.errors import AenetpyError, InputError
from aenetpy.interruption import waiting

LARGEST_INTEGER = 2**31 - 1
"""Integers of aenet end here."""

LARGEST_SEED = 2**64 - 1

LARGEST_TEXT = 1_000_000_000
"""Bytes of a file that is read at once, some ten million lines."""

MOST_REPEATS = 100
"""Values of a line that counts such as ``3*0.5`` may stand for; no keyword takes more."""

_PIECE = 1 << 20
_LOG = logging.getLogger("aenetpy")
TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[^\s,;]+")
_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eEdDqQ]([+-]?\d+)|([+-]\d+))?")
_REPEATED = re.compile(r"(\d{1,4})\*(.+)")
_ARGUMENT = re.compile(r"([A-Za-z_]\w*)\s*=")
COMMENT = re.compile(r"(?:^|\s)[!#%].*")
_TEXT_BYTES = bytes(byte for byte in range(256) if byte >= 32 or 9 <= byte <= 13)


@dataclass(frozen=True)
class Place:
    """A line of an input file, where an error or a note belongs."""

    file: str
    line: int | None = None

    def error(self, message: str, hint: str | None = None) -> InputError:
        """Return the error of this line, to be raised."""
        return InputError(message, file=self.file, line=self.line, hint=hint)

    def warn(self, message: str) -> None:
        """Tell the user something about this line."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        _LOG.warning("%s: %s", where, message)


@dataclass(frozen=True)
class Entry:
    """A data line, or the part of it that matters, and its line number."""

    text: str
    line: int


def read_text(path: str | Path, error: type[AenetpyError] = InputError) -> str:
    """Return the content of a text file."""
    try:
        with waiting(), open(path, "rb") as file:
            raw = bytearray()  # at once, as much memory would be taken as is asked for
            while len(raw) <= LARGEST_TEXT and (piece := file.read(_PIECE)):
                raw += piece
    except FileNotFoundError:
        raise error("file not found", file=path, hint="check the name") from None
    except IsADirectoryError:
        raise error("is a directory, not a file", file=path) from None
    except (OSError, ValueError) as reason:
        text = reason.strerror if isinstance(reason, OSError) else None
        raise error(f"cannot be read: {text or reason}", file=path) from None
    if len(raw) > LARGEST_TEXT:
        raise error(f"is larger than {LARGEST_TEXT / 1e9:g} GB", file=path, hint="check the name")
    if raw.translate(None, _TEXT_BYTES):
        raise error("is not a text file", file=path, hint="a binary file stands in its place")
    return raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def significant_lines(text: str) -> list[Entry]:
    """Return the lines that are neither blank nor comments, stripped (spec 1.1)."""
    lines = (Entry(line.strip(), n) for n, line in enumerate(text.split("\n"), start=1))
    return [entry for entry in lines if entry.text and entry.text[0] not in "!#%"]


def split_tokens(text: str) -> list[str]:
    """Return the free-form tokens of a line, quotes removed (spec 1.4).

    A slash belongs to its token, so that paths need no quotes; aenet cuts them there.
    """
    return [unquote(token) for token in TOKEN.findall(text)]


def unquote(token: str) -> str:
    """Return a token without the quotes around it, if there are any."""
    mark = token[0]
    if mark in "'\"" and len(token) > 1 and token[-1] == mark:
        return token[1:-1].replace(2 * mark, mark)
    return token


def quote(text: str) -> str:
    """Return a path as aenet reads it completely: quoted where a slash would cut it."""
    if re.fullmatch(r"[\w.+@:=~-]+", text):
        return text
    return '"' + text.replace('"', '""') + '"'


def parse_integer(token: str, largest: int = LARGEST_INTEGER) -> int:
    """Return a Fortran integer; ``ValueError`` if it is none, or beyond the largest."""
    if not _INTEGER.fullmatch(token):
        raise ValueError(f"'{token}' is not an integer")
    if len(token) > 100 or abs(int(token)) > largest:
        raise ValueError(f"'{token}' is too large, {largest} is the largest integer")
    return int(token)


def parse_real(token: str) -> float:
    """Return a finite Fortran real such as ``1.0d-3``; ``ValueError`` if it is none."""
    match = _REAL.fullmatch(token)
    if match is None:
        raise ValueError(f"'{token}' is not a number")
    mantissa, exponent, bare_exponent = match.groups()
    value = float(f"{mantissa}e{exponent or bare_exponent or 0}")
    if not abs(value) <= LARGEST:
        raise ValueError(f"'{token}' is too large")
    return value


def expand_repeats(tokens: Iterable[str]) -> list[str]:
    """Return the tokens with Fortran repeat counts ``n*x`` written out."""
    expanded: list[str] = []
    for token in tokens:
        match = _REPEATED.fullmatch(token)
        count = 1 if match is None else int(match[1])
        if match is None or len(expanded) + count > MOST_REPEATS:
            expanded.append(token)
        else:
            expanded += [match[2]] * count
    return expanded


def parse_arguments(
    text: str, keys: Mapping[str, int], place: Place, what: str
) -> dict[str, list[str]]:
    """Return the ``key=value`` arguments of a line, each with its tokens (spec 1.5).

    Keys are compared as a whole. aenet takes the first place where the text of
    a key occurs, even inside another key; where that gives another value, a warning is logged.
    """
    text = COMMENT.sub("", text)
    matches = list(_ARGUMENT.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    stray = split_tokens(text[: matches[0].start()] if matches else text)
    arguments: dict[str, list[str]] = {}
    for match, end in zip(matches, ends, strict=False):
        key, values = match[1], expand_repeats(split_tokens(text[match.end() : end]))
        count = keys.get(key, 1)
        if key in keys and len(values) < count:
            raise place.error(f"{what}: {key} needs {times(count, 'value')}, not {len(values)}")
        stray += values[count:]
        if key not in keys:
            place.warn(f"{what} has no parameter '{key}'; ignored{suggest(key, keys)}")
        elif key in arguments:
            place.warn(f"{what}: {key} is given twice; the first value counts")
        else:
            arguments[key] = values[:count]
    for token in stray:
        if token in keys:
            raise place.error(f"{what}: {token} has no value", f"write {token}=value")
        place.warn(f"{what}: '{token}' ignored{suggest(token, keys)}")
    _warn_of_substrings(text, keys, arguments, place)
    return arguments


def _warn_of_substrings(
    text: str, keys: Iterable[str], arguments: Mapping[str, list[str]], place: Place
) -> None:
    for key in keys:
        start = text.find(key)
        equals = text.find("=", start)
        if start < 0 or equals < 0:
            continue
        theirs = expand_repeats(split_tokens(text[equals + 1 :])[:1])[:1]
        if theirs != arguments.get(key, [])[:1]:
            ours = arguments[key][0] if key in arguments else "not given"
            place.warn(
                f"{key} is {ours}; aenet 2.0.4 finds '{key}' inside another word"
                f" and takes {theirs[0] if theirs else 'nothing'}; write {key} first"
            )


def times(count: int, noun: str) -> str:
    """Return a number and its noun, in the plural where it belongs."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word that is closest to an unknown one, or nothing."""
    by_upper = {name.upper(): name for name in known}
    close = difflib.get_close_matches(word.upper(), by_upper, n=1, cutoff=0.7)
    return f"; did you mean {by_upper[close[0]]}?" if close else ""
