"""Recognise aenet's files by their content, not by their name."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aenetpy.errors import DataError
from aenetpy.files.files import read_bytes
from aenetpy.formats.records import RecordReader

TRAINING_SET = "training set"
TRAINING_SET_TEXT = "training set as text"
POTENTIAL = "potential"
POTENTIAL_TEXT = "potential as text"
SETUP = "fingerprint setup"
DERIVATIVES = "derivatives of fingerprints"
RESTART = "restart file"
RANDOM_NUMBERS = "random number state"
TRAIN_STATE = "state of a training run"
GEOMETRY = "geometry of a training set"

_HEAD_BYTES = 4096
_INTEGER = re.compile(r"\s*\d+\s*")
_LOGICAL = re.compile(r"\s*\.?[TtFf]\w*\.?\s*")
_STP_KEYWORD = re.compile(
    r"^\s*(DESCR|ATOM\s+\w|ENV\s+\d|(BASIS|FUNCTIONS|SYMMFUNC)\s+type)",
    re.IGNORECASE | re.MULTILINE,
)
_KNOWN = (
    "training sets and their .geometry, potentials, setups, derivatives, "
    "train.restart, .state and .rngstate"
)


def recognise(path: str | Path) -> str:
    """Return the kind of a file: one of the names above.

    Binary files differ in the lengths of their first records (spec 7), text files in
    their first three lines (spec 6.1, 8.1-8.3).
    """
    head = read_bytes(path, _HEAD_BYTES)
    if not head:
        raise DataError("is empty", file=path, hint="write it again")
    if head.startswith(b"PK\x03\x04"):  # an archive of NumPy; its reader knows the rest
        return GEOMETRY if "aenetpy geometry".encode("utf-32-le") in head else TRAIN_STATE
    found = _recognise_text(head) if _looks_like_text(head) else _recognise_binary(path, head)
    if found is None:
        raise DataError("is none of aenet's files", file=path, hint=f"known are {_KNOWN}")
    return found


@contextmanager
def kind_named(path: str | Path, *wanted: str) -> Iterator[None]:
    """Where reading a file fails, say which of aenet's other files it is, if it is one."""
    try:
        yield
    except DataError:
        try:
            found = recognise(path)
        except DataError:
            found = wanted[0]
        # The first bytes of other files look like derivatives.
        if found in (*wanted, DERIVATIVES):
            raise
        raise DataError(
            f"this is a {found}, not a {wanted[0]}", file=path, hint="check the file name"
        ) from None


def is_text(path: str | Path) -> bool:
    """Return whether a file is text; DataError if it cannot be read."""
    return _looks_like_text(read_bytes(path, 4))


def is_trainset_text(path: str | Path) -> bool:
    """Return whether a file is a training set as text; DataError if it cannot be read."""
    head = read_bytes(path, _HEAD_BYTES)
    return _looks_like_text(head) and _recognise_text(head) == TRAINING_SET_TEXT


def _looks_like_text(head: bytes) -> bool:
    """Binary files begin with the length of a short record, of which some bytes are zero."""
    return b"\0" not in head[:4]


def _recognise_text(head: bytes) -> str | None:
    lines = [*head.decode("utf-8", "replace").split("\n"), "", ""]
    if _INTEGER.fullmatch(lines[0]) and _INTEGER.fullmatch(lines[1]):
        return POTENTIAL_TEXT if _INTEGER.fullmatch(lines[2]) else TRAINING_SET_TEXT
    if _LOGICAL.fullmatch(lines[1]) and _is_real(lines[2]):
        return TRAINING_SET_TEXT
    return SETUP if _STP_KEYWORD.search("\n".join(lines)) else None


def _is_real(text: str) -> bool:
    try:
        float(text.lower().replace("d", "e"))
    except ValueError:
        return False
    return True


def _recognise_binary(path: str | Path, head: bytes) -> str | None:
    if head[:4] == struct.pack("<i", 50):
        return RESTART
    reader = RecordReader(path, "file", first_length=4)
    lengths = reader.next_lengths(6)
    if not lengths:
        return None
    (first,) = struct.unpack_from("<i", head, 4)
    match lengths:
        case [4, seed] if seed == 4 * first:
            return RANDOM_NUMBERS
        case [4, 4, 4, 4, *_]:
            return POTENTIAL
        case [4, 4, names, energies, *_] if (names, energies) == (2 * first, 8 * first):
            # One species and a first structure with a name of two letters begin alike.
            return DERIVATIVES if first == 1 and lengths[4:6] == [4, 4] else TRAINING_SET
        case [4, 4, _, 8, 4, *_] | [4, 4]:
            return DERIVATIVES
    return None
