"""Archives of NumPy (``.npz``) as this program writes them: no array larger than its file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from aenetpy.files.files import read_bytes, replace_file


def write_archive(path: str | Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays by name, complete or not at all."""
    with replace_file(path) as file:
        np.savez(file, **arrays)


def read_archive(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file that `write_archive` wrote, by name.

    What is compressed is refused: ``numpy.savez`` does not, and a kilobyte may hold a gigabyte.
    """
    content = read_bytes(path)
    try:
        with ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != ZIP_STORED for member in members):
                raise ValueError("is compressed")
            if sum(member.file_size for member in members) > len(content):
                raise ValueError("announces more than it holds")
            return {
                member.filename.removesuffix(".npy"): _array(archive.read(member))
                for member in members
            }
    except Exception as reason:  # zipfile and NumPy raise nearly anything
        raise ValueError(str(reason)) from None


def _array(data: bytes) -> NDArray[Any]:
    """Decode an array whose header announces as many bytes as there are."""
    stream = BytesIO(data)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("is of another version")
    shape, _, dtype = npy.read_array_header_1_0(stream)
    if math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError("announces more or less than it holds")
    array: NDArray[Any] = npy.read_array(BytesIO(data), allow_pickle=False)
    return array
