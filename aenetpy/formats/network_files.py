"""The ``.nn`` files that make one potential, found and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.errors import DataError
from aenetpy.formats.network import read_network

NetworkSource: TypeAlias = str | Path | Iterable[str | Path] | Mapping[str, str | Path]
"""A folder, a file, several files, or the file of each species."""

_BINARY = ("*.nn", "*.ann")
_TEXT = ("*.nn.ascii",)


def read_networks(source: NetworkSource) -> dict[str, tuple[Path, SpeciesPotential]]:
    """Read the potential file of each species."""
    if isinstance(source, Mapping):
        return {symbol: (Path(path), read_network(path)) for symbol, path in source.items()}
    if not isinstance(source, str | Path):
        return _by_species(source)
    folder = Path(source)
    if not folder.is_dir():
        return _by_species([folder])
    binary = _by_species(_matching(folder, _BINARY))
    found = _by_species(_matching(folder, _TEXT)) | binary
    if not found:
        raise DataError("no .nn files in this folder", file=folder, hint="name another folder")
    return found


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _by_species(paths: Iterable[str | Path]) -> dict[str, tuple[Path, SpeciesPotential]]:
    found: dict[str, tuple[Path, SpeciesPotential]] = {}
    for path in map(Path, paths):
        file = read_network(path)
        symbol = file.setup.species
        if symbol in found:
            raise DataError(
                f"networks {found[symbol][0]} and {path} are both of {symbol}",
                hint="name one file of each species",
            )
        found[symbol] = (path, file)
    return found
