"""The items of aenet's files, written down once; codecs of bytes and of text walk the lists.

An item is a record of a binary file (spec 7) and a line of its twin in text (spec 8).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol, TypeVar

from aenetpy.arrays import Float
from aenetpy.data.limits import FINITE, Limit
from aenetpy.errors import DataError

Made = TypeVar("Made")
Item = TypeVar("Item", bytes, str, covariant=True)


@dataclass(frozen=True)
class Field:
    """One item of a file.

    Parameters
    ----------
    name
        Of the value; several words name the numbers of one item.
    form
        What the item holds.
    what
        In words, for messages.
    shape
        Axes of the value, each as a number or as the name of the item before that holds
        it; none of a single value. Of text, its bytes in a binary file.
    limit
        What numbers may be.
    """

    name: str
    form: Literal["text", "logical", "species", "integers", "reals"]
    what: str
    shape: tuple[int | str, ...] = ()
    limit: Limit = FINITE


class Reader(Protocol):
    """Reads items one after the other, see `RecordReader` and `LineReader`."""

    def text(self, what: str, length: int) -> str:
        """Return text without trailing blanks."""
        ...

    def logical(self, what: str) -> bool:
        """Return true or false."""
        ...

    def species(self, what: str, count: int) -> tuple[str, ...]:
        """Return names of species."""
        ...

    def integers(self, what: str, count: int, limit: Limit) -> tuple[int, ...]:
        """Return int32 numbers within a limit."""
        ...

    def reals(self, what: str, count: int, limit: Limit) -> Float:
        """Return float64 numbers within a limit, (count,)."""
        ...

    def error(self, message: str, hint: str | None = None) -> DataError:
        """Return the error that names the file."""
        ...

    def damaged(self, what: str) -> DataError:
        """Return the error for content that contradicts itself."""
        ...

    def finish(self) -> None:
        """Check that nothing follows."""
        ...


class Writer(Protocol[Item]):
    """Writes items as bytes or as lines; of several values of an item it gets a sequence."""

    def text(self, value: str, length: int) -> Item:
        """Write text."""
        ...

    def logical(self, value: bool) -> Item:
        """Write true or false."""
        ...

    def species(self, value: str | Sequence[str]) -> Item:
        """Write names of species."""
        ...

    def integers(self, value: Any) -> Item:
        """Write int32 numbers."""
        ...

    def reals(self, value: Any) -> Item:
        """Write float64 numbers."""
        ...


def read_fields(
    reader: Reader, fields: Sequence[Field], values: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Read items.

    Parameters
    ----------
    reader
        Stands at the first item.
    fields
        The items.
    values
        Those read before, by name; the new ones are put in.

    Returns
    -------
    dict
        All values by name.

    Raises
    ------
    DataError
        The file ends, or an item is not what it should be.
    """
    values = {} if values is None else values
    for field in fields:
        names = field.name.split()
        shape = tuple(size if isinstance(size, int) else values[size] for size in field.shape)
        count = prod(shape) * len(names)
        found: Any
        match field.form:
            case "text":
                found = [reader.text(field.what, count)]
            case "logical":
                found = [reader.logical(field.what)]
            case "species":
                found = reader.species(field.what, count)
            case "integers":
                found = reader.integers(field.what, count, field.limit)
            case "reals":
                found = reader.reals(field.what, count, field.limit)
                found = found.reshape(shape) if shape else found.tolist()
        values.update(zip(names, [found] if shape and field.form != "text" else found, strict=True))
    return values


def write_fields(
    writer: Writer[Item],
    fields: Sequence[Field],
    values: Mapping[str, Any],
    exceptions: Mapping[str, Callable[[Any], Item]] | None = None,
) -> list[Item]:
    """Return items as bytes, or as text.

    Parameters
    ----------
    writer
        Writes an item.
    fields
        The items.
    values
        The value of each by its name; more of them do no harm.
    exceptions
        How items of these names are written in another way than others of their form.
    """
    items = []
    for field in fields:
        value = [values[name] for name in field.name.split()]
        value = value if len(value) > 1 else value[0]
        if exceptions and field.name in exceptions:
            items.append(exceptions[field.name](value))
        elif field.form == "text":
            items.append(writer.text(value, *field.shape))  # type: ignore[arg-type]
        else:
            items.append(getattr(writer, field.form)(value))
    return items


def made(kind: type[Made], values: Mapping[str, Any], **more: Any) -> Made:
    """Return a dataclass whose values were read by their names.

    Parameters
    ----------
    kind
        The class.
    values
        What was read; more than the class has does no harm.
    more
        Values that were not read by that name.
    """
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in names} | more)
