"""Input files as tables: each keyword with its form, bounds, default and one sentence.

The reader knows its keywords, checks and defaults from the table of its file, the writer the
defaults, which it leaves out; ``aenetpy help`` and the README print it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, fields, replace
from dataclasses import field as dataclass_field
from typing import Any, Literal

Kind = Literal["flag", "integer", "number", "word", "file", "lines"]
"""Kind of the value of a keyword; ``lines`` has a reader of its own."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of a number: ``least <= x <= most`` and ``above < x < below``."""

    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf

    def allow(self, value: float) -> bool:
        """Return whether a number is within."""
        return self.least <= value <= self.most and self.above < value < self.below

    def objection(self, value: float) -> str | None:
        """Return the objection to a number; None if it is allowed."""
        if self.allow(value):
            return None
        if math.isfinite(self.least) and math.isfinite(self.most):
            return f"is not between {in_digits(self.least)} and {in_digits(self.most)}"
        if self.least == 0 and value < 0:
            return "is negative"
        return f"is no {self.words('number')}"

    def words(self, noun: str) -> str:
        """Return a noun with its bounds, such as ``positive number, at most 1e9``."""
        text = f"positive {noun}" if self.above == 0 else noun
        # bounds that are symmetric about zero only catch nonsense
        if math.isfinite(self.least) and self.least != -self.most:
            text += f", {in_digits(self.least)} or greater"
        if math.isfinite(self.most):
            text += f", at most {in_digits(self.most)}"
        return text + (f", below {in_digits(self.below)}" if math.isfinite(self.below) else "")


@dataclass(frozen=True)
class Item:
    """A keyword, or a key, of an input file."""

    name: str
    kind: Kind
    sentence: str
    default: Any = None
    required: bool = False
    default_text: str = ""
    bounds: Bounds = Bounds()
    unit: str = ""
    choices: tuple[str, ...] = ()
    form: str = ""
    hint: str | None = None
    field: str = ""
    keys: tuple[Item, ...] = ()

    @property
    def target(self) -> str:
        """Name of the field of the input that it fills."""
        return self.field or self.name.lower()

    @property
    def shape(self) -> str:
        """The form of the value, in Markdown."""
        if self.form:
            return self.form
        if self.choices:
            *others, last = (f"`{choice}`" for choice in self.choices)
            return f"{', '.join(others)} or {last}" if others else last
        return self.bounds.words(f"{self.kind} ({self.unit})" if self.unit else self.kind)

    @property
    def otherwise(self) -> str:
        """The default, in Markdown."""
        if self.default_text or self.required:
            return self.default_text or "required"
        if self.kind == "flag":
            return "off"
        if self.default is None:
            return "none"
        return f"`{self.default}`" if isinstance(self.default, str) else in_digits(self.default)


@dataclass(frozen=True)
class Table:
    """The keywords of a kind of input file."""

    name: str
    about: str
    items: tuple[Item, ...]
    column: str = "keyword"
    rules: str = ""

    def __getitem__(self, name: str) -> Item:
        return next(item for item in self.items if item.name == name)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return names(self.items)

    @property
    def values(self) -> tuple[Item, ...]:
        """Those whose value, if any, stands on their line."""
        return tuple(item for item in self.items if item.kind != "lines")

    @property
    def blocks(self) -> tuple[Item, ...]:
        """Those with lines below."""
        return tuple(item for item in self.items if item.kind == "lines")


def names(items: tuple[Item, ...]) -> tuple[str, ...]:
    """Return the names of items."""
    return tuple(item.name for item in items)


def keyword(
    name: str,
    kind: Kind,
    sentence: str,
    default: Any = MISSING,
    *,
    required: bool = False,
    **more: Any,
) -> Any:
    """Return a field of a dataclass that a keyword fills; without a default it is required."""
    known = None if default is MISSING or callable(default) else default
    item = Item(name, kind, sentence, known, required or default is MISSING, **more)
    return filled_by(item, default=default)


def filled_by(*items: Item, default: Any = None) -> Any:
    """Return a field of a dataclass that any of the keywords fills; ``dict`` is a new one."""
    if callable(default):
        return dataclass_field(default_factory=default, metadata={"items": items})
    return dataclass_field(default=default, metadata={"items": items})


def items_of(kind: type[Any]) -> tuple[Item, ...]:
    """Return the keywords that fill the fields of a dataclass, required ones first."""
    items = [
        replace(item, field=one.name)
        for one in fields(kind)
        for item in one.metadata.get("items", ())
    ]
    return tuple(sorted(items, key=lambda item: not item.required))


def default_pairs(items: Iterable[Item]) -> str:
    """Return the defaults of keys as ``key=value`` pairs."""
    return " ".join(f"{item.name}={item.otherwise.strip('`')}" for item in items)


def in_digits(value: float) -> str:
    """Return a number as people write it: ``1e9``, ``0.001``, ``100000``."""
    if isinstance(value, int):
        return str(value)
    return f"{value:g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
