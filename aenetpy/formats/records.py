"""Fortran sequential unformatted records: int32 length, data, int32 length (spec 7).

Little-endian throughout. Text is UTF-8; bytes that are not (aenet leaves some
descriptions uninitialised) survive reading and writing as surrogate escapes.
"""

from __future__ import annotations

import os
import struct
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from aenetpy.arrays import Float, Int
from aenetpy.data.limits import ANY, COUNT, FINITE, Limit
from aenetpy.errors import DataError
from aenetpy.files.files import Opener, reading_error, replace_file
from aenetpy.interruption import waiting

Writer = TypeVar("Writer", bound="StructuresWriter")

LONGEST_RECORD = 2**31 - 9
"""Bytes; gfortran splits longer records into pieces."""

BLOCK = 2**22
"""Bytes that are read at a time, if no record is longer."""

_TEXT_BYTES = frozenset(range(32, 127)) | frozenset(b"\t\r\n")


def record(*parts: bytes) -> bytes:
    """Return one record that holds the parts one after the other."""
    data = b"".join(parts)
    if len(data) > LONGEST_RECORD:
        raise DataError(
            f"a record of {len(data)} bytes cannot be written",
            hint=f"the file format ends at {LONGEST_RECORD} bytes per record",
        )
    marker = struct.pack("<i", len(data))
    return marker + data + marker


def integer_record(*values: int) -> bytes:
    """Return a record of int32 numbers."""
    return record(struct.pack(f"<{len(values)}i", *values))


def real_record(*values: float) -> bytes:
    """Return a record of float64 numbers."""
    return record(struct.pack(f"<{len(values)}d", *values))


def array_record(values: ArrayLike, dtype: str) -> bytes:
    """Return a record of an array in C order, ``dtype`` is ``<i4`` or ``<f8``."""
    return record(np.ascontiguousarray(values, dtype).tobytes())


def logical_record(value: bool) -> bytes:
    """Return a record of one logical as gfortran writes it, 0 or 1."""
    return integer_record(int(value))


def encode_text(value: str, length: int) -> bytes:
    """Return blank-padded text, cut at ``length`` bytes as Fortran does."""
    return value.encode("utf-8", "surrogateescape")[:length].ljust(length)


def encode_species(species: Sequence[str]) -> bytes:
    """Return type names, two characters each."""
    for name in species:
        if len(name.encode("utf-8", "surrogatepass")) > 2:
            raise DataError(
                f"species `{name}' does not fit into the two characters of aenet's files",
                hint="use chemical symbols",
            )
    return b"".join(encode_text(name, 2) for name in species)


def decode_text(data: bytes) -> str:
    """Return text without its trailing blanks."""
    return data.decode("utf-8", "surrogateescape").rstrip(" ")


class RecordReader:
    """Walk over the records of a file."""

    def __init__(
        self, path: str | Path, kind: str, first_length: int, remedy: str = "write it again"
    ) -> None:
        self.path = path
        self.kind = kind
        self.remedy = remedy
        self.position = 0
        self._block, self._start = bytearray(), 0
        try:
            with waiting():
                self._file = open(path, "rb", buffering=0)  # noqa: SIM115
            weakref.finalize(self, self._file.close)
            self.size = self._file.seek(0, os.SEEK_END)
            self._as_opened = self._version()
        except OSError as error:
            raise reading_error(path, error) from None
        self._recognise(first_length)

    def bytes_at(self, position: int, length: int) -> memoryview:
        """Return bytes of the file from ``position`` on, fewer only at its end."""
        start = self._find(position, length)
        return memoryview(self._block)[start : start + length]

    def _find(self, position: int, length: int) -> int:
        """Return where in the block the bytes are, after reading another one if need be."""
        start = position - self._start
        if start < 0 or min(start + length, self.size - self._start) > len(self._block):
            self._block, self._start, start = self._read(position, max(length, BLOCK)), position, 0
        return start

    def _read(self, position: int, length: int) -> bytearray:
        block = bytearray(min(length, self.size - position))
        done = 0
        try:
            self._file.seek(position)
            while done < len(block):
                with waiting():
                    n = self._file.readinto(memoryview(block)[done:])
                if not n:
                    break
                done += n
            changed = done < len(block) or self._version() != self._as_opened
        except OSError as error:
            raise reading_error(self.path, error) from None
        if changed:
            raise self.error(
                f"{self.kind} has changed while it was being read",
                "run the command again when the program that writes it has ended",
            )
        return block

    def _version(self) -> tuple[int, int]:
        """Return size and time of the last change, which change when a file is written."""
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def _int32_at(self, position: int) -> int:
        start = self._find(position, 4)  # which may read another block
        value: int = struct.unpack_from("<i", self._block, start)[0]
        return value

    def _recognise(self, first_length: int) -> None:
        head = bytes(self.bytes_at(0, 64))
        if not head:
            raise self.error("is empty", self.remedy)
        if head[:4] == struct.pack("<i", first_length):
            return
        if head[:4] == struct.pack(">i", first_length):
            raise self.error(
                f"{self.kind} is big-endian",
                "convert it to little-endian on the machine that wrote it, "
                "or write it again without -fconvert=big-endian",
            )
        if _TEXT_BYTES.issuperset(head):
            raise self.error(f"is a text file, not a binary {self.kind}", "check the file name")
        raise self.error(f"is not a {self.kind} of aenet", "check the file name")

    def error(self, message: str, hint: str | None = None) -> DataError:
        """Return the error that names this file."""
        return DataError(message, file=self.path, hint=hint)

    def damaged(self, what: str, position: int | None = None) -> DataError:
        """Return the error for content that contradicts itself."""
        at = self.position if position is None else position
        return self.error(f"{self.kind} is damaged at byte {at} ({what})", self.remedy)

    def require(self, what: str, values: ArrayLike, limit: Limit, position: int) -> None:
        """Refuse numbers beyond a limit, read at a position."""
        if limit is ANY:
            return
        reason = limit.objection(values)
        if reason is not None:
            raise self.damaged(f"{what}: {reason}", position)

    def truncated(self, what: str) -> DataError:
        """Return the error for a file that ends too early."""
        return self.error(
            f"{self.kind} is truncated: it ends at byte {self.size} within {what}",
            f"it was copied in part or its writer was stopped; {self.remedy}",
        )

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self.size - self.position

    def next_lengths(self, count: int) -> list[int]:
        """Return the lengths of up to ``count`` records ahead, as far as they are intact."""
        lengths: list[int] = []
        position = self.position
        while len(lengths) < count and position + 8 <= self.size:
            length = self._int32_at(position)
            end = position + 4 + length
            if length < 0 or end + 4 > self.size:
                break
            if self._int32_at(end) != length:
                break
            lengths.append(length)
            position = end + 4
        return lengths

    def record(self, what: str, length: int | None = None) -> bytes:
        """Return the data of the next record, which must have ``length`` bytes."""
        start = self.position + 4
        if start > self.size:
            raise self.truncated(what)
        found = self._int32_at(self.position)
        if found < 0 and length is not None and length > LONGEST_RECORD:
            raise self.error(
                f"{what} is a record of {length} bytes in pieces, which is not supported",
                "remove the file to start anew",
            )
        if found < 0 or (length is not None and found != length):
            expected = "" if length is None else f", not {length}"
            raise self.damaged(f"{what}: record of {found} bytes{expected}")
        end = start + found
        if end + 4 > self.size:
            raise self.truncated(what)
        data = bytes(self.bytes_at(start, found))
        if self._int32_at(end) != found:
            raise self.damaged(f"{what}: record lengths disagree")
        self.position = end + 4
        return data

    def integers(self, what: str, count: int, limit: Limit = ANY) -> tuple[int, ...]:
        """Return the next record as int32 numbers within a limit."""
        position = self.position
        values = struct.unpack(f"<{count}i", self.record(what, 4 * count))
        self.require(what, values, limit, position)
        return values

    def integer(self, what: str, limit: Limit = ANY) -> int:
        """Return the next record as one int32 number within a limit."""
        return self.integers(what, 1, limit)[0]

    def count(self, what: str) -> int:
        """Return the next record as a number of things, which is not negative."""
        return self.integer(what, COUNT)

    def reals(self, what: str, count: int, limit: Limit = FINITE) -> Float:
        """Return the next record as float64 numbers within a limit, (count,)."""
        position = self.position
        values = np.frombuffer(self.record(what, 8 * count), "<f8").astype(np.float64)
        self.require(what, values, limit, position)
        return values

    def real(self, what: str, limit: Limit = FINITE) -> float:
        """Return the next record as one float64 number within a limit."""
        position = self.position
        value = float(struct.unpack("<d", self.record(what, 8))[0])
        self.require(what, value, limit, position)
        return value

    def integer_array(self, what: str, count: int, limit: Limit = ANY) -> Int:
        """Return the next record as int32 array within a limit, (count,)."""
        position = self.position
        values = np.frombuffer(self.record(what, 4 * count), "<i4").astype(np.int32)
        self.require(what, values, limit, position)
        return values

    def logical(self, what: str) -> bool:
        """Return the next record as a logical; Intel writes -1 for true."""
        return self.integer(what) != 0

    def text(self, what: str, length: int) -> str:
        """Return the next record as text without trailing blanks."""
        return decode_text(self.record(what, length))

    def species(self, what: str, count: int) -> tuple[str, ...]:
        """Return the next record as names of two characters."""
        data = self.record(what, 2 * count)
        return tuple(decode_text(data[2 * i : 2 * i + 2]) for i in range(count))

    def finish(self) -> None:
        """Check that nothing follows."""
        if self.remaining:
            raise self.error(
                f"{self.kind} is followed by {self.remaining} more bytes at byte {self.position}",
                f"it is not a single intact file; {self.remedy}",
            )


class StructuresWriter:
    """Write a file of records structure by structure, complete or not at all.

    A context manager: the file appears under its name when the block ends without an exception,
    after ``finish`` of a subclass. The record that begins at byte ``count_at`` of the header
    holds the number of structures, which is known in the end.
    """

    def __init__(
        self, path: str | Path, header: bytes, count_at: int, opener: Opener = replace_file
    ) -> None:
        self.n_structures = 0
        self._header, self._count_at = header, count_at
        self._finished = False
        self._opened = opener(path)
        self._file: BinaryIO

    def __enter__(self: Writer) -> Writer:
        self._file = self._opened.__enter__()
        self._file.write(self._header)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert kind is not None or self._finished, "finish() was not called"
        self._opened.__exit__(kind, error, traceback)

    def _begin_structure(self, name: str, n_atoms: int, n_species: int) -> None:
        """Write the records of name and sizes, with which every structure begins."""
        encoded_name = name.encode("utf-8", "surrogateescape")
        self._file.write(
            integer_record(len(encoded_name))
            + record(encoded_name)
            + integer_record(n_atoms, n_species)
        )
        self.n_structures += 1

    def _finish(self, footer: bytes) -> None:
        """Write the footer, and the number of structures in the header."""
        self._file.write(footer)
        self._file.seek(self._count_at)
        self._file.write(integer_record(self.n_structures))
        self._finished = True
