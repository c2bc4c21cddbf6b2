"""Training sets and potentials from binary to text and back."""

from __future__ import annotations

import logging
from pathlib import Path

from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError, UsageError
from aenetpy.files.files import check_new
from aenetpy.formats.network import read_network, write_network, write_network_ascii
from aenetpy.formats.recognise import is_text
from aenetpy.formats.trainset import read_trainset, write_trainset
from aenetpy.formats.trainset_text import read_trainset_ascii, write_trainset_ascii
from aenetpy.training.normalise import normalise

log = logging.getLogger("aenetpy")


def read_any_trainset(path: str | Path) -> TrainingSet:
    """Read a training set, binary or text."""
    return read_trainset_ascii(path) if is_text(path) else read_trainset(path)


def trainset_to_text(source: str, target: str, *, raw: bool = False) -> None:
    """Write a binary training set as text without setups (spec 8.1)."""
    _check_names(source, target)
    trainset = read_trainset(source)
    name = source
    if not raw and not trainset.normalized:
        trainset, name = _normalised(trainset, source), f"{source}.scaled"
    write_trainset_ascii(target, trainset, source=name)


def trainset_from_text(source: str, target: str) -> None:
    """Write a training set in text form as a new binary file, normalised or not as it is."""
    _check_names(source, target)
    if not is_text(source):
        raise DataError(
            "is binary already", file=source, hint="leave out --to-binary to convert it to text"
        )
    check_new(target)
    trainset = read_trainset_ascii(source)
    if trainset.setups_t is None:
        log.warning(
            "%s holds no setups, so that nothing can be trained on %s; "
            "trainbin2ascii writes text with setups",
            source,
            target,
        )
    write_trainset(target, trainset)


def convert_trainset(source: str, target: str) -> None:
    """Write a binary training set as text with setups (spec 8.2), or a text one as new binary."""
    _check_names(source, target)
    if is_text(source):
        check_new(target)
        write_trainset(target, read_trainset_ascii(source))
    else:
        write_trainset_ascii(target, read_trainset(source))


def convert_network(source: str, target: str, *, to_ascii: bool = False) -> None:
    """Write a potential in text form (spec 8.3) as binary, or with ``to_ascii`` back."""
    _check_names(source, target)
    if is_text(source) == to_ascii:
        form, option = ("text", "--to-binary") if to_ascii else ("binary", "--to-ascii")
        raise DataError(f"is {form} already", file=source, hint=f"{option} goes the other way")
    network = read_network(source)
    if to_ascii:
        write_network_ascii(target, network)
    else:
        write_network(target, network)


def _normalised(trainset: TrainingSet, source: str) -> TrainingSet:
    try:
        return normalise(trainset).trainset
    except DataError as error:
        error.file = error.file or source
        raise


def _check_names(source: str, target: str) -> None:
    """Refuse to replace the file that is read."""
    if Path(source).exists() and Path(target).exists() and Path(source).samefile(target):
        raise UsageError(f"{source} is both read and written", hint="name another output file")
