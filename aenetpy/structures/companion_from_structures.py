"""Cells, stress and known forces of a training set from the structure files that it names."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.copies import copy_source
from aenetpy.data.geometry import ROW, Geometry, geometry_of_rows, geometry_row
from aenetpy.data.structure import Structure
from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError
from aenetpy.interruption import interruptible
from aenetpy.structures.reading import iter_structures, source_of

TOLERANCE = 1e-5
"""Å, that coordinates may differ by; files have eight decimals, and wrapping costs a rounding."""

AGAIN = "put the file back as it was, or generate the set again"


def geometry_of_files(
    training_set: str | Path, trainset: TrainingSet, folder: str | Path = "."
) -> Geometry:
    """Return what forces and stress need, read from the structure files that the records name."""
    wanted = _wanted(training_set, trainset, [os.fspath(folder), os.path.dirname(training_set)])
    ends_s = np.cumsum(trainset.n_atoms_s, dtype=np.int64)
    rows_s = np.zeros(trainset.n_structures, ROW)
    for entry, numbers in interruptible(wanted.items()):
        for k, structure in enumerate(iter_structures(entry)):
            for s in numbers.pop(k, ()):
                atoms = slice(int(ends_s[s] - trainset.n_atoms_s[s]), int(ends_s[s]))
                symbols = tuple(trainset.species[t] for t in trainset.types_n[atoms].tolist())
                record = f"structure {s + 1} of {training_set}"
                check_same_atoms(structure, symbols, trainset.positions_nc[atoms], record)
                rows_s[s] = geometry_row(structure)
            if not numbers:
                break
        for k, (s, *_) in numbers.items():
            raise DataError(
                f"has no structure {k} (counted from 0), structure {s + 1} of {training_set}",
                file=entry,
                hint=AGAIN,
            )
    return geometry_of_rows(rows_s)


def _wanted(
    training_set: str | Path, trainset: TrainingSet, folders: list[str]
) -> dict[str, dict[int, list[int]]]:
    """Return for each entry which of its structures are which of the set."""
    wanted: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    gone = []
    for s, name in enumerate(trainset.names_s):
        paths = (os.path.join("" if f == "." else f, copy_source(name)) for f in folders)
        source = next(filter(None, map(source_of, paths)), None)
        if source is None:
            gone.append(name)
        else:
            entry, k = source
            wanted[entry][k].append(s)
    if gone:
        original = str(training_set).removesuffix(".scaled")
        raise DataError(
            f"the files of {len(gone)} of {trainset.n_structures} structures are gone "
            f"(first '{gone[0]}'), and there is no {original}.geometry",
            file=original,
            hint="put them back, or generate the set again",
        )
    return wanted


def check_same_atoms(
    structure: Structure, symbols: tuple[str, ...], positions_nc: Float, record: str
) -> None:
    """Refuse a structure whose atoms are not those of a record."""
    if len(structure) != len(symbols):
        difference = f"has {len(structure)} atoms, and {record} {len(symbols)}"
    elif structure.species != symbols:
        n = next(n for n, symbol in enumerate(symbols) if structure.species[n] != symbol)
        difference = f"atom {n + 1} is {structure.species[n]}, and {symbols[n]} in {record}"
    else:
        largest = _largest_distance(structure, positions_nc)
        if largest <= TOLERANCE:
            return
        difference = f"atoms lie up to {largest:.3g} Å from where they are in {record}"
    raise DataError(difference, file=structure.name, hint=AGAIN)


def _largest_distance(structure: Structure, positions_nc: Float) -> float:
    """Return the largest distance of an atom from its record or an image of it, Å."""
    apart_nc = structure.positions_in_cell() - positions_nc
    if not structure.is_isolated:
        assert structure.cell_cc is not None
        fractional_nc = np.linalg.solve(structure.cell_cc.T, apart_nc.T).T
        fractional_nc -= np.where(structure.pbc_c, np.round(fractional_nc), 0.0)
        apart_nc = fractional_nc @ structure.cell_cc
    return float(np.linalg.norm(apart_nc, axis=1).max())
