"""The items of aenet's files, written down once; readers and writers of bytes and text walk them.

An item is a record of a binary file (spec 7) and a line of its twin in text (spec 8).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np

from aenetpy.data.limits import FINITE, Limit
from aenetpy.formats.list_directed import LineReader, list_directed_line
from aenetpy.formats.records import (
    RecordReader,
    array_record,
    encode_species,
    encode_text,
    logical_record,
    record,
)

Item = TypeVar("Item", bytes, str)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Field:
    """One item of a file.

    Parameters
    ----------
    name
        Of the value; several words name the numbers of one item.
    form
        Kind of the item.
    what
        In words, for messages.
    shape
        Axes of the value, each as a number or as the name of the item before that holds
        it; none of a single value. Of text, its bytes in a binary file.
    limit
        Condition on its numbers.
    """

    name: str
    form: Literal["text", "logical", "symbols", "integers", "reals"]
    what: str
    shape: tuple[int | str, ...] = ()
    limit: Limit = FINITE


Reader: TypeAlias = RecordReader | LineReader
Writer: TypeAlias = Mapping[str, Callable[[Any, Field], Item]]
"""How an item is written, by its form; or by its name if it is written in another way."""

RECORDS: Writer[bytes] = {
    "text": lambda text, field: record(encode_text(text, int(field.shape[0]))),
    "logical": lambda value, _: logical_record(value),
    "symbols": lambda names, field: record(encode_species(names if field.shape else [names])),
    "integers": lambda value, _: array_record(value, "<i4"),
    "reals": lambda value, _: array_record(value, "<f8"),
}
"""Records of aenet's Fortran."""

LIST_DIRECTED: Writer[str] = {
    "text": lambda text, _: f" {one_line(text)}\n",
    "logical": lambda value, _: f" {'T' if value else 'F'}\n",
    "symbols": lambda names, field: (
        "".join(f"{name:2}\n" for name in names) if field.shape else f" {names:2}\n"
    ),
    "integers": lambda value, _: list_directed_line(np.ravel(value).tolist()),
    "reals": lambda value, _: list_directed_line(np.ravel(value).tolist()),
}
"""Lines of ``write(*,*)``, each array on one line, several species one per line."""


def read_fields(
    reader: Reader, fields: Sequence[Field], values: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the values of items by name."""
    values = {} if values is None else values
    for field in fields:
        names = field.name.split()
        shape = [size if isinstance(size, int) else values[size] for size in field.shape]
        count = prod(shape) * len(names)
        found: Any
        match field.form:
            case "text":
                found = reader.text(field.what, count)
            case "logical":
                found = reader.logical(field.what)
            case "symbols":
                found = reader.species(field.what, count)
            case "integers":
                found = reader.integers(field.what, count, field.limit)
            case "reals":
                found = reader.reals(field.what, count, field.limit)
                found = found.reshape(shape) if shape else found.tolist()
        single = shape or field.form in ("text", "logical")
        values.update(zip(names, [found] if single else found, strict=True))
    return values


def write_fields(
    writer: Writer[Item], fields: Sequence[Field], values: Mapping[str, Any]
) -> list[Item]:
    """Return items as bytes, or as text."""
    items = []
    for field in fields:
        found = [values[name] for name in field.name.split()]
        write = writer.get(field.name) or writer[field.form]
        items.append(write(found if len(found) > 1 else found[0], field))
    return items


def build(kind: type[Made], values: Mapping[str, Any], **more: Any) -> Made:
    """Return a dataclass of values that were read by the names it has for them."""
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in names} | more)


def one_line(text: str) -> str:
    """Return text without line ends, which would break the order of the items."""
    return " ".join(text.splitlines())
