"""Damage to files: what disks, editors, mail and hurried people do, and what numbers can be."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Damage = Callable[[Rng, bytes], bytes]

NUMBERS = [
    *("nan", "inf", "-inf", "-1", "0", "1", "1e308", "-1e308", "1e-308", "1" + 30 * "0"),
    *("99999999", 400 * "9", "5000*1", "1.5d0", "0x10", "1_000", "--", "@::10", "1e", "\u0663"),
]
WORDS = [*NUMBERS, "", " ", "/", "'", '"', "=", ",", "#", "!", "Ti", "T", "F", "*", "\t", "\x00"]
WORDS += ["\udcff", "Xx", "\u00e9", "..", "STOP", 300 * "a"]
REALS = [np.nan, np.inf, -np.inf, -1.0, 0.0, 1e308, -1e308, 1e-308, 1e30, -0.0, 3.5]
INTEGERS = [-1, 0, 1, 2, 7, 255, 10**6, 2**31 - 1, -(2**31)]
VALUES: list[Any] = [None, True, -1, 0, 0.5, 1e308, 10**30, 10**400, float("nan"), float("-inf")]
VALUES += ["", "x", "\ud800", "a\x00b", "Ti", [], [[]], {}, {"a": 1}, [None], 40 * [1]]

_WORD = re.compile(r"[^\s=,]+")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\w.+-]*")


def damaged(rng: Rng, content: bytes, kinds: list[Damage]) -> bytes:
    """Return a content with one, two or three damages of some kinds."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        content = chosen(rng, kinds)(rng, content)
    return content


def chosen(rng: Rng, items: list[Any]) -> Any:
    """Return one of the items, as it is (NumPy would convert it)."""
    return items[int(rng.integers(len(items)))]


def truncated(rng: Rng, content: bytes) -> bytes:
    """Cut the end off."""
    return content[: int(rng.integers(len(content) + 1))]


def flipped(rng: Rng, content: bytes) -> bytes:
    """Change some bytes."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5)) if content else 0):
        changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    return bytes(changed)


def inserted(rng: Rng, content: bytes) -> bytes:
    """Insert bytes, or a piece of the content itself."""
    at, start = (int(k) for k in rng.integers(len(content) + 1, size=2))
    length = int(rng.integers(1, 40))
    piece = content[start : start + length] if rng.integers(2) else rng.bytes(length)
    return content[:at] + piece + content[at:]


def cut_out(rng: Rng, content: bytes) -> bytes:
    """Leave out a piece."""
    at = int(rng.integers(len(content) + 1))
    return content[:at] + content[at + int(rng.integers(1, 100)) :]


BYTES: list[Damage] = [truncated, flipped, inserted, cut_out]


def _lines(change: Callable[[Rng, list[str]], None]) -> Damage:
    def damage(rng: Rng, content: bytes) -> bytes:
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        change(rng, lines)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    return damage


def _drop_line(rng: Rng, lines: list[str]) -> None:
    del lines[int(rng.integers(len(lines)))]
    lines or lines.append("")


def _repeat_line(rng: Rng, lines: list[str]) -> None:
    lines.insert(int(rng.integers(len(lines) + 1)), chosen(rng, lines))


def _swap_lines(rng: Rng, lines: list[str]) -> None:
    i, j = (int(k) for k in rng.integers(len(lines), size=2))
    lines[i], lines[j] = lines[j], lines[i]


def _change(pattern: re.Pattern[str], replacements: list[str]) -> Callable[..., None]:
    def change(rng: Rng, lines: list[str]) -> None:
        found = [(k, match) for k, line in enumerate(lines) for match in pattern.finditer(line)]
        if found:
            k, match = chosen(rng, found)
            word = chosen(rng, replacements)
            lines[k] = lines[k][: match.start()] + word + lines[k][match.end() :]

    return change


def _repeat_word(rng: Rng, lines: list[str]) -> None:
    k = int(rng.integers(len(lines)))
    words = lines[k].split(" ")
    words.insert(int(rng.integers(len(words) + 1)), chosen(rng, words))
    lines[k] = " ".join(words)


_CHANGES = [
    _drop_line,
    _repeat_line,
    _swap_lines,
    _repeat_word,
    _change(_WORD, WORDS),
    _change(_NUMBER, NUMBERS),
    _change(_NUMBER, NUMBERS),
]
TEXT: list[Damage] = [*map(_lines, _CHANGES), *BYTES]


def _records(content: bytes) -> list[bytes]:
    records, at = [], 0
    while at + 8 <= len(content):
        (length,) = struct.unpack_from("<i", content, at)
        if length < 0 or at + length + 8 > len(content):
            break
        records.append(content[at + 4 : at + 4 + length])
        at += length + 8
    return records


def record_changed(rng: Rng, content: bytes) -> bytes:
    """Drop, repeat, swap or change records of Fortran, frames intact."""
    records = _records(content)
    if not records:
        return content
    i, j = (int(k) for k in rng.integers(len(records), size=2))
    match int(rng.integers(8)):
        case 0:
            del records[i]
        case 1:
            records.insert(i, records[j])
        case 2:
            records[i], records[j] = records[j], records[i]
        case 3 | 4 | 5:
            sized = [k for k, data in enumerate(records) if data and len(data) % 8 == 0]
            k = chosen(rng, sized) if sized else i
            records[k] = _number(rng, records[k], "<d", 8, REALS)
        case _:
            sized = [k for k, data in enumerate(records) if data and len(data) % 4 == 0]
            k = chosen(rng, sized) if sized else i
            records[k] = _number(rng, records[k], "<i", 4, INTEGERS)
    return b"".join(
        struct.pack("<i", len(data)) + data + struct.pack("<i", len(data)) for data in records
    )


def _number(rng: Rng, data: bytes, form: str, size: int, values: list[Any]) -> bytes:
    if len(data) < size:
        return data
    at = size * int(rng.integers(len(data) // size))
    return data[:at] + struct.pack(form, chosen(rng, values)) + data[at + size :]


RECORDS: list[Damage] = [record_changed, record_changed, record_changed, *BYTES]


def archive_changed(rng: Rng, content: bytes) -> bytes:
    """Change kinds, shapes, numbers and names of the arrays of an archive, checksums intact."""
    try:
        with np.load(io.BytesIO(content)) as archive:
            arrays = dict(archive.items())
    except Exception:  # damaged before
        return content
    name = chosen(rng, sorted(arrays))
    array = arrays[name]
    match int(rng.integers(9)):
        case 0:
            del arrays[name]
        case 1:
            arrays[name + "x"] = arrays.pop(name)
        case 2:
            kinds = ["U9", "S9"] if array.dtype.kind in "US" else ["U9", "S9", "c16", "f4", "i8"]
            with np.errstate(invalid="ignore"):
                arrays[name] = array.astype(chosen(rng, kinds))
        case 3:
            arrays[name] = array[np.newaxis]
        case 4:
            arrays[name] = array.ravel()[: array.size // 2]
        case 5:
            arrays[name] = np.asarray(chosen(rng, [*REALS, *INTEGERS, "x", "", "\u00e9", True]))
        case 6:
            arrays[name] = arrays[chosen(rng, sorted(arrays))]
        case _ if array.dtype.kind in "fi" and array.size:
            array = array.copy()
            values = REALS if array.dtype.kind == "f" else INTEGERS[:7]
            array.flat[int(rng.integers(array.size))] = chosen(rng, values)
            arrays[name] = array
        case _:
            arrays[name] = np.concatenate([array.ravel(), array.ravel()])
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


ARCHIVE: list[Damage] = [archive_changed, archive_changed, archive_changed, *BYTES]


def json_changed(rng: Rng, content: bytes) -> bytes:
    """Change a value anywhere in a JSON file, or a key."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return content
    places = _places(tree)
    if not places:
        return json.dumps(chosen(rng, VALUES)).encode()
    parent, key = chosen(rng, places)
    match int(rng.integers(4)):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[chosen(rng, ["", "x", "\ud800", "a\x00b", "Xx"])] = parent.pop(key)
        case _:
            parent[key] = chosen(rng, VALUES)
    return _dumped(tree)


def _dumped(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=True).encode()


def _places(tree: Any) -> list[tuple[Any, Any]]:
    if not isinstance(tree, dict | list):
        return []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, value in items:
        found += [(tree, key), *_places(value)]
    return found


JSON: list[Damage] = [json_changed, json_changed, json_changed, *TEXT]
