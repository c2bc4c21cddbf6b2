"""YAML input whose every value knows its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from aenetpy.errors import InputError
from aenetpy.inputs.kinds import refuse_other_kind
from aenetpy.inputs.lines import LARGEST_SEED, Place, parse_integer, parse_real, read_text, suggest
from aenetpy.inputs.spec import Item

MOST_VALUES = 10_000
"""Of a file, counted as often as aliases repeat them, which grows as a power in a few lines."""

LARGEST = 1_000_000
"""Characters; the parser takes a second and 100 MB for as many."""

DEEPEST = 20
"""Levels of nesting; more of them is a file that refers to itself."""

_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class YamlValue:
    """A value of a YAML file: text, a sequence or a mapping.

    Scalars stay the text that the user wrote, so that ``no`` is a name and ``1e-3`` a number.
    """

    data: Any
    place: Place
    name: str
    quoted: bool = False

    def error(self, message: str, hint: str | None = None) -> InputError:
        """Return the error of this value, to be raised."""
        return self.place.error(f"{self.name} {message}" if self.name else message, hint)

    def mapping(self) -> dict[str, YamlValue]:
        """Return the values by key."""
        if self.data is None:
            return {}
        if not isinstance(self.data, dict):
            raise self.error("needs keys and values", "write 'key: value', or {} for none")
        return self.data

    def only(self, known: Sequence[str]) -> dict[str, YamlValue]:
        """Return the values by key, none of them unknown."""
        for key, value in self.mapping().items():
            if key not in known:
                names = ", ".join(known)
                raise value.place.error(
                    f"unknown key '{value.name}'", f"known are {names}{suggest(key, known)}"
                )
        return self.mapping()

    def sequence(self) -> list[YamlValue]:
        """Return the values of a sequence; a single value counts as one."""
        items: list[YamlValue] = self.data if isinstance(self.data, list) else [self]
        if not items:
            raise self.error("is empty", "give at least one value")
        return items

    def text(self) -> str:
        """Return the text of a scalar."""
        if not isinstance(self.data, str) or not self.data:
            raise self.error("needs a single value")
        return self.data

    def choice(self, words: Sequence[str]) -> str:
        """Return one of some words."""
        text = self.text().lower()
        if text not in words:
            known = " or ".join(words)
            raise self.error(f"is '{self.text()}'", f"write {known}{suggest(text, words)}")
        return text

    def integer(self, minimum: int) -> int:
        """Return an integer that is not too small."""
        try:
            value = parse_integer(self.text(), LARGEST_SEED)
        except ValueError as reason:
            raise self.error(f"needs an integer: {reason}") from None
        if value < minimum:
            raise self.error(f"is {value}", f"it must be at least {minimum}")
        return value

    def real(self) -> float:
        """Return a number."""
        try:
            return parse_real(self.text())
        except ValueError as reason:
            raise self.error(f"needs a number: {reason}") from None

    def within(self, item: Item) -> Any:
        """Return the integer or number that an item of a table wants, within its bounds."""
        if item.kind == "integer":
            number: float = self.integer(int(item.bounds.least))
        else:
            number = self.real()
        if (objection := item.bounds.objection(number)) is not None:
            raise self.error(f"{self.text()} {objection}", item.hint)
        return number

    def value_of(self, item: Item) -> Any:
        """Return the value that an item of a table wants: a number, one of its words, or text."""
        if item.kind in ("integer", "number"):
            return self.within(item)
        return self.choice(item.choices) if item.choices else self.text()

    def values_of(self, items: Iterable[Item]) -> dict[str, Any]:
        """Return by key the values of all given keys that have a single one."""
        keys = self.mapping()
        return {
            item.name: keys[item.name].value_of(item)
            for item in items
            if item.name in keys and item.kind != "lines"
        }

    def plain(self) -> Any:
        """Return the data without places."""
        if isinstance(self.data, dict):
            return {key: value.plain() for key, value in self.data.items()}
        if isinstance(self.data, list):
            return [value.plain() for value in self.data]
        return self.data

    def typed(self) -> Any:
        """Return the data without places; numbers, true, false and null are of their own types."""
        if isinstance(self.data, dict):
            return {key: value.typed() for key, value in self.data.items()}
        if isinstance(self.data, list):
            return [value.typed() for value in self.data]
        if self.quoted or self.data is None:
            return self.data
        if self.data.lower() in _CONSTANTS:
            return _CONSTANTS[self.data.lower()]
        if _INTEGER.fullmatch(self.data):
            return int(self.data)
        return float(self.data) if _REAL.fullmatch(self.data) else self.data


def results_folder(path: str | Path, suffix: str) -> str:
    """Return the folder of results that goes with a file: its name without, or with, a suffix."""
    stem = Path(path).stem
    return stem if stem != Path(path).name else f"{stem}.{suffix}"


def yaml_text(text: str) -> str:
    """Return a text in quotes, as a YAML file can hold any name of a file."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in quoted)


def read_yaml(path: str | Path, kind: str) -> YamlValue:
    """Read a YAML file that holds one mapping; ``kind`` is its usual name."""
    import yaml

    text = read_text(path)
    if len(text) > LARGEST:
        raise InputError(f"has {len(text)} characters", file=path, hint=f"at most {LARGEST}")
    refuse_other_kind(path, text, kind)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        raise InputError(f"is not YAML: {error.problem}", file=path, line=line) from None
    except yaml.YAMLError as error:
        raise InputError(f"is not YAML: {error}", file=path) from None
    except RecursionError:
        raise InputError("is not YAML: nested too deeply", file=path) from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError("holds no keys", file=path, hint="write 'key: value' lines")
    return _value(root, str(path), "", 0, count(1))


def _value(node: Any, path: str, name: str, depth: int, numbers: Iterator[int]) -> YamlValue:
    import yaml

    place = Place(path, node.start_mark.line + 1)
    if next(numbers) > MOST_VALUES:
        raise place.error(f"more than {MOST_VALUES} values", "use fewer aliases of aliases")
    if depth > DEEPEST:
        raise place.error("nested too deeply", "remove references of a value to itself")
    if isinstance(node, yaml.SequenceNode):
        items = [_value(item, path, name, depth + 1, numbers) for item in node.value]
        return YamlValue(items, place, name)
    if isinstance(node, yaml.MappingNode):
        values: dict[str, YamlValue] = {}
        for key, item in node.value:
            here = Place(path, key.start_mark.line + 1)
            if not isinstance(key, yaml.ScalarNode):
                raise here.error("a key must be a word")
            if not key.value.isprintable():
                raise here.error(f"key {key.value!a} cannot be printed")
            if key.value in values:
                raise here.error(f"key '{key.value}' is given twice", "remove one")
            full = f"{name}.{key.value}" if name else key.value
            value = _value(item, path, full, depth + 1, numbers)
            values[key.value] = YamlValue(value.data, here, full, value.quoted)
        return YamlValue(values, place, name)
    try:
        node.value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise place.error(f"{name or 'a value'} holds half a character") from None
    empty = node.tag == "tag:yaml.org,2002:null" and node.value in ("", "~")
    return YamlValue(None if empty else node.value, place, name, node.style in ("'", '"'))
