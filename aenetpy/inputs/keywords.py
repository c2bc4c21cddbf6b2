"""Keywords of ``generate.in``, ``train.in`` and ``predict.in`` (spec 1.2, 1.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aenetpy.inputs.entries import matches
from aenetpy.inputs.kinds import refuse_other_kind
from aenetpy.inputs.lines import (
    COMMENT,
    LARGEST_INTEGER,
    LARGEST_SEED,
    Entry,
    Place,
    expand_repeats,
    parse_integer,
    parse_real,
    quote,
    read_text,
    significant_lines,
    split_tokens,
    suggest,
    times,
    unquote,
)
from aenetpy.inputs.spec import Bounds, Item, Table, names

MOST_NOTES = 20
"""Lines without meaning that are reported one by one; another file may have millions."""

RULES = (
    "Keywords stand in any order and any case, one per line; the first of two wins. Lines that"
    " begin with `!`, `#` or `%` are comments; text after a value is ignored, but not after a flag,"
    " a species in predict.in or a file in FILES. Numbers may have Fortran exponents (`1.0d-3`)."
    " Paths are relative to the folder in which the command runs. An unknown keyword is named on"
    " standard error."
)
"""Of generate.in, train.in and predict.in, for their users."""

SEED = Item(
    "SEED",
    "integer",
    "of test set and first weights",
    default_text="random, printed on standard error",
    bounds=Bounds(0),
)
"""A keyword beyond aenet."""

_FLAGS = {".true.": True, "t": True, "true": True, ".false.": False, "f": False, "false": False}


def parse_value(item: Item, text: str, parse_whole: Callable[[str], int] = parse_integer) -> Any:
    """Return the value of a keyword or key; ValueError if it cannot have that value."""
    if item.kind == "file":
        return text
    if item.kind == "word":
        if text.lower() not in item.choices:
            raise ValueError(f"unknown {item.name} '{text}'; known are {', '.join(item.choices)}")
        return text.lower()
    try:
        number = parse_whole(text) if item.kind == "integer" else parse_real(text)
    except ValueError as reason:
        raise ValueError(f"{item.name}: {reason}") from None
    objection = item.bounds.objection(number)
    if objection is not None:
        shown = str(number) if item.kind == "integer" else f"{number:g}"
        unit = f"; it is in {item.unit}" if item.unit else ""
        raise ValueError(f"{item.name} {shown} {objection}{unit}")
    return number


def parse_pairs(
    items: Iterable[Item],
    given: Mapping[str, str],
    parsers: Mapping[str, Callable[[str], Any]] | None = None,
    parse_whole: Callable[[str], int] = parse_integer,
) -> dict[str, Any]:
    """Return the fields that ``key=value`` pairs fill; ValueError if one is wrong or missing."""
    filled: dict[str, Any] = {}
    for item in items:
        if item.name not in given:
            if item.required:
                raise ValueError(f"{item.name} is missing ({item.hint})")
            continue
        text = given[item.name]
        if parsers is not None and item.name in parsers:
            filled[item.target] = parsers[item.name](text)
        else:
            filled[item.target] = parse_value(item, text, parse_whole)
    return filled


@dataclass(frozen=True)
class Section:
    """A keyword, the rest of its line, and the lines up to the next keyword."""

    keyword: str
    rest: str
    line: int
    body: tuple[Entry, ...]


class Keywords:
    """The keywords of an input file (spec 1.2).

    A keyword is the first token of a line in any case, the first of several
    counts, and their order is free. The data of a keyword reach to the next
    keyword. Unlike in aenet no word inside a data line is taken for a keyword.
    With ``once`` a repeated keyword is refused.
    """

    def __init__(
        self,
        path: str | Path,
        values: Iterable[str],
        blocks: Iterable[str],
        lines: Iterable[Entry] | None = None,
        once: bool = False,
    ) -> None:
        self.path = str(path)
        self._once = once
        self._values = tuple(values)
        self._known = (*self._values, *blocks)
        self._sections: dict[str, Section] = {}
        self._split(significant_lines(read_text(path)) if lines is None else list(lines))

    @classmethod
    def of(cls, path: str | Path, table: Table, lines: Iterable[Entry] | None = None) -> Keywords:
        """Return the keywords of a file that the table describes; see the class."""
        if lines is None:
            refuse_other_kind(path, read_text(path), table.name)
        return cls(path, names(table.values), names(table.blocks), lines)

    @property
    def lines(self) -> dict[str, int]:
        """Line of each keyword that is present."""
        return {name: section.line for name, section in self._sections.items()}

    def __contains__(self, keyword: str) -> bool:
        return keyword in self._sections

    def _split(self, lines: list[Entry]) -> None:
        heads = [i for i, entry in enumerate(lines) if self._keyword(entry.text)]
        self.ignore(lines[: heads[0] if heads else None])
        for start, end in zip(heads, [*heads[1:], len(lines)], strict=False):
            head, body = lines[start], tuple(lines[start + 1 : end])
            keyword = self._keyword(head.text)
            if keyword in self._sections:
                if self._once:
                    raise self.place(head.line).error(f"{keyword} is given twice", "keep one")
                first = self._sections[keyword].line
                self.place(head.line).warn(f"{keyword} repeated; line {first} counts")
                continue
            rest = head.text.lstrip(",;")[len(keyword) :]
            self._sections[keyword] = Section(keyword, rest, head.line, body)
            if keyword in self._values:
                self.ignore(body)

    def _keyword(self, text: str) -> str:
        words = re.split(r"[\s,;]+", text.lstrip(",;"), maxsplit=1)
        word = words[0].upper()
        return word if word in self._known else ""

    def place(self, line: int | None = None) -> Place:
        """Return a line of this file for messages."""
        return Place(self.path, line)

    def looks_misspelt(self, text: str) -> bool:
        """Return whether the first word of a line is nearly a keyword."""
        return bool(text.split() and suggest(text.split()[0], self._known))

    def ignore(self, entries: Iterable[Entry]) -> None:
        """Tell the user about lines that have no meaning; aenet ignores them in silence."""
        listed = list(entries)
        if len(listed) > MOST_NOTES:
            n_more, first = len(listed) - MOST_NOTES, self.place(listed[MOST_NOTES].line)
            first.warn(f"{times(n_more, 'further line')} ignored, too")
        for entry in listed[:MOST_NOTES]:
            word = entry.text.split()[0]
            hint = suggest(word, self._known)
            self.place(entry.line).warn(f"unknown keyword '{word}' ignored{hint}")

    def section(self, keyword: str, example: str) -> Section:
        """Return the section of a keyword that must be there."""
        if keyword not in self._sections:
            raise self.place().error(f"keyword {keyword} is missing", f"add {example}")
        return self._sections[keyword]

    def _token(self, keyword: str) -> tuple[str, Place] | None:
        """Return the value on the line of a keyword, None without the keyword."""
        if keyword not in self._sections:
            return None
        section = self._sections[keyword]
        place = self.place(section.line)
        tokens = split_tokens(section.rest)
        if not tokens or not tokens[0] or tokens[0][0] in "!#":
            raise place.error(f"{keyword} has no value", f"write '{keyword} value' on one line")
        if tokens[0] == "=":
            raise place.error(f"{keyword} takes no '='", f"write '{keyword} value'")
        return tokens[0], place

    def string(self, keyword: str, default: str) -> str:
        """Return the value of a keyword as it stands, quotes removed."""
        found = self._token(keyword)
        return default if found is None else found[0]

    def integer(self, keyword: str, default: int, largest: int = LARGEST_INTEGER) -> int:
        """Return the integer value of a keyword."""
        found = self._token(keyword)
        if found is None:
            return default
        token, place = found
        try:
            return parse_integer(expand_repeats([token])[0], largest)
        except (ValueError, IndexError):
            hint = f"{largest} is the largest" if token.lstrip("+-").isdecimal() else None
            raise place.error(f"{keyword} needs an integer, not '{token}'", hint) from None

    def real(self, keyword: str, default: float) -> float:
        """Return the real value of a keyword."""
        found = self._token(keyword)
        if found is None:
            return default
        token, place = found
        try:
            return parse_real(expand_repeats([token])[0])
        except (ValueError, IndexError):
            hint = "write the number and % apart, or no %" if token.endswith("%") else None
            raise place.error(f"{keyword} needs a number, not '{token}'", hint) from None

    def flag(self, keyword: str) -> bool:
        """Return True if a keyword is there, unless its value is false."""
        if keyword not in self._sections:
            return False
        section = self._sections[keyword]
        tokens = split_tokens(COMMENT.sub("", section.rest))
        if not tokens:
            return True
        if tokens[0].lower() not in _FLAGS:
            raise self.place(section.line).error(
                f"{keyword} needs no value, or .true. or .false., not '{tokens[0]}'"
            )
        return _FLAGS[tokens[0].lower()]

    def value(self, item: Item) -> Any:
        """Return the value of a keyword, or the default that its table has for it."""
        name = item.name
        if item.kind == "flag":
            return self.flag(name)
        if name not in self._sections:
            return item.default
        place = self.place(self._sections[name].line)
        if item.kind == "file":
            return self.string(name, "")
        if item.kind == "word":
            word = self.string(name, "").lower()
            if item.choices and word not in item.choices:
                raise place.error(
                    f"unknown {name} '{word}'", f"known are {', '.join(item.choices)}"
                )
            return word
        assert item.kind != "lines", "blocks have readers of their own"
        whole = item.kind == "integer"
        largest = LARGEST_SEED if name == SEED.name else LARGEST_INTEGER
        number = self.integer(name, 0, largest) if whole else self.real(name, 0.0)
        objection = item.bounds.objection(number)
        if objection is not None:
            shown = str(number) if whole else f"{number:g}"
            raise place.error(f"{name} {shown} {objection}", item.hint)
        return number

    def counted(self, keyword: str, example: str) -> tuple[int, tuple[Entry, ...], Place]:
        """Return the number below a keyword, the data lines below that, and the number's place."""
        section = self.section(keyword, example)
        if not section.body:
            raise self.place(section.line).error(
                f"{keyword} is not followed by a number", f"it looks like {example}"
            )
        head, *entries = section.body
        place = self.place(head.line)
        token = split_tokens(head.text)[:1]
        try:
            count = parse_integer(token[0])
        except (ValueError, IndexError):
            large = bool(token) and token[0].lstrip("+-").isdecimal()
            raise place.error(
                f"{keyword} needs a number on the next line, not '{head.text}'",
                f"{LARGEST_INTEGER} is the largest" if large else f"it looks like {example}",
            ) from None
        return count, tuple(entries), place

    def types(self, example: str) -> tuple[Entry, ...]:
        """Return the lines of TYPES, as many as announced."""
        count, entries, place = self.counted("TYPES", example)
        if count < 1:
            raise place.error(f"TYPES announces {count} species", "there must be at least one")
        if len(entries) < count:
            raise place.error(f"TYPES announces {count} species but lists {len(entries)}")
        self.ignore(entries[count:])
        return tuple(Entry(unquote(entry.text), entry.line) for entry in entries[:count])

    def species(self, entry: Entry, seen: Iterable[str]) -> str:
        """Return the symbol a data line begins with, two characters as in aenet."""
        symbol = next(iter(split_tokens(entry.text)), "")
        place = self.place(entry.line)
        if not symbol:
            raise place.error(f"no species in '{entry.text}'", "the line begins with its symbol")
        if len(symbol) > 2:
            place.warn(f"species '{symbol}' is cut to '{symbol[:2]}', as in aenet")
        if symbol[:2] in seen:
            raise place.error(f"species {symbol[:2]} is given twice")
        return symbol[:2]

    def paths_by_species(
        self, keyword: str, species: tuple[str, ...], example: str
    ) -> dict[str, Entry]:
        """Return the path each species is given by SETUPS or NETWORKS, in TYPES order."""
        section = self.section(keyword, example)
        end = next((i for i, e in enumerate(section.body) if self._ends_paths(e)), None)
        entries = section.body[:end][: len(species)]
        paths: dict[str, Entry] = {}
        for entry in entries:
            symbol, place = self.species(entry, paths), self.place(entry.line)
            if symbol not in species:
                raise place.error(
                    f"{keyword} names {symbol}, which is not in TYPES ({' '.join(species)})"
                )
            tokens = split_tokens(entry.text)
            if len(tokens) < 2 or not tokens[1]:
                raise place.error(f"no file for {symbol}", f"write '{symbol} <path>'")
            paths[symbol] = Entry(tokens[1], entry.line)
        missing = [symbol for symbol in species if symbol not in paths]
        if missing:
            raise self.place(section.line).error(
                f"{keyword} has no line for {', '.join(missing)}",
                f"it needs one line for each of {' '.join(species)}",
            )
        self.ignore(section.body[len(entries) :])
        return {symbol: paths[symbol] for symbol in species}

    def _ends_paths(self, entry: Entry) -> bool:
        word = split_tokens(entry.text)[:1]
        return not word or (len(word[0]) > 2 and self.looks_misspelt(entry.text))

    def files(self, example: str, folder: str | Path = ".") -> tuple[Entry, ...]:
        """Return the entries of FILES, as many as announced, patterns expanded in a folder."""
        count, entries, place = self.counted("FILES", example)
        if count < 1:
            raise place.error("the FILES list is empty", "list at least one structure")
        if len(entries) < count:
            raise place.error(
                f"FILES announces {times(count, 'structure')} but lists {len(entries)}",
                "correct the number or complete the list; a file named like a"
                " keyword is written ./name",
            )
        surplus = entries[count:]
        if surplus:
            self.place(surplus[0].line).warn(
                f"FILES announces {times(count, 'structure')} but lists {len(entries)};"
                f" the last {len(surplus)} are ignored, as in aenet"
            )
        return tuple(match for entry in entries[:count] for match in self._matches(entry, folder))

    def _matches(self, entry: Entry, folder: str | Path) -> list[Entry]:
        found = [Entry(name, entry.line) for name in matches(entry.text, folder)]
        if not found:
            raise self.place(entry.line).error(
                f"no file matches '{entry.text}'", "paths are relative to the folder of the run"
            )
        return found


def format_value(item: Item, value: Any, width: int = 0) -> list[str]:
    """Return the line of a keyword, or none where its default says the same."""
    if value == item.default or value is False:
        return []
    if item.kind == "flag":
        return [item.name]
    text = value if item.kind == "word" else quote(value) if item.kind == "file" else repr(value)
    return [f"{item.name:<{width}} {text}"]
