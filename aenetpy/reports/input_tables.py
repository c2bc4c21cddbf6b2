"""The tables of the input files, as text for a terminal and in Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

from aenetpy.inputs.generate_in import GENERATE_IN
from aenetpy.inputs.learn import LEARN_YAML
from aenetpy.inputs.md_json import MD_JSON
from aenetpy.inputs.predict_in import PREDICT_IN
from aenetpy.inputs.spec import Item, Table
from aenetpy.inputs.stp import STP
from aenetpy.inputs.study import STUDY_YAML
from aenetpy.inputs.train_in import TRAIN_IN

TABLES = (GENERATE_IN, TRAIN_IN, PREDICT_IN, STP, STUDY_YAML, LEARN_YAML, MD_JSON)
"""In the order of the help."""

_BY_WORD = {
    "generate": GENERATE_IN,
    "train": TRAIN_IN,
    "predict": PREDICT_IN,
    "stp": STP,
    "study": STUDY_YAML,
    "learn": LEARN_YAML,
    "md": MD_JSON,
    "evaluate": MD_JSON,
}
_BY_SUFFIX = {".stp": STP, ".yaml": STUDY_YAML, ".yml": STUDY_YAML, ".json": MD_JSON}
_INDENT = "    "


def table_of(name: str) -> Table | None:
    """Return the table of a kind of file by the name of such a file; None without a table."""
    base = PurePath(name).name.lower()
    if base.lstrip(".") in _BY_WORD:
        return _BY_WORD[base.lstrip(".")]
    suffix = PurePath(base).suffix
    if suffix == ".in":
        return next(
            (_BY_WORD[word] for word in ("generate", "train", "predict") if word in base), None
        )
    if suffix in (".yaml", ".yml") and "learn" in base:
        return LEARN_YAML
    return _BY_SUFFIX.get(suffix)


def find(items: Iterable[Item], name: str) -> list[Item]:
    """Return the items of a name in any case; inside of another, its name stands before."""
    found: list[Item] = []
    for item in items:
        found += [item] if item.name.lower() == name.lower() else []
        found += [replace(key, name=f"{item.name} {key.name}") for key in find(item.keys, name)]
    return found


def search(word: str) -> list[tuple[str, list[Item]]]:
    """Return the items of each table whose name or sentence has a word, in any case.

    Items whose name has the word come first; without them, those whose sentence has it.
    """
    word = word.lower()
    items = [(table.name, list(_with_keys(table))) for table in TABLES]
    for text_of in (_name, _sentence):
        found = [(name, [i for i in all_ if word in text_of(i).lower()]) for name, all_ in items]
        if any(some for _, some in found):
            return [(name, some) for name, some in found if some]
    return []


def _with_keys(items: Iterable[Item], before: str = "") -> Iterator[Item]:
    for item in items:
        named = replace(item, name=f"{before}{item.name}", keys=())
        yield named
        yield from _with_keys(item.keys, f"{named.name} ")


def _name(item: Item) -> str:
    return item.name


def _sentence(item: Item) -> str:
    return item.sentence


def all_names(items: Iterable[Item]) -> list[str]:
    """Return the names of items and of those inside of them, each once."""
    found: dict[str, None] = {}
    for item in items:
        found.update(dict.fromkeys((item.name, *all_names(item.keys))))
    return list(found)


def list_of_tables() -> list[tuple[str, str]]:
    """Return the name and the subject of each table."""
    return [(table.name, _plain(table.about)) for table in TABLES]


def format_table(table: Table, width: int = 80) -> str:
    """Return a whole table as text."""
    head = [table.name, "", *_wrapped(_plain(table.about), width)]
    if table.rules:
        head += ["", *_wrapped(_plain(table.rules), width)]
    return "\n".join([*head, "", format_items(table, width)])


def format_items(items: Iterable[Item], width: int = 80) -> str:
    """Return items as text, their keys indented."""
    return "\n".join(line for item in items for line in _lines(item, width)) + "\n"


def format_markdown(column: str, items: Iterable[Item]) -> str:
    """Return items as a table in Markdown, without their keys.

    Where none has a default, that column is left out.
    """
    rows = [(f"`{item.name}`", item.shape, item.sentence, item.otherwise) for item in items]
    lines = [(column, "form", "meaning", "default"), ("---",) * 4, *rows]
    n_columns = 3 if all(row[3] == "none" for row in rows) else 4
    return "".join(f"| {' | '.join(cells[:n_columns])} |\n" for cells in lines)


def _lines(item: Item, width: int, indent: str = "") -> Iterator[str]:
    inner = indent + _INDENT
    yield from _wrapped(f"{item.name}  {_plain(item.shape)}", width, indent, inner)
    text = f"{_plain(item.sentence)} {_default(item)}".strip()
    yield from _wrapped(text, width, inner, inner)
    for key in item.keys:
        yield from _lines(key, width, inner)


def _default(item: Item) -> str:
    text = _plain(item.otherwise)
    if text in ("off", "none"):
        return ""
    return f"[{text}]" if text.startswith("required") else f"[default: {text}]"


def _plain(text: str) -> str:
    """Return Markdown as it looks best where nothing renders it."""
    return text.replace("`", "")


def _wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
        break_long_words=False,
    )
