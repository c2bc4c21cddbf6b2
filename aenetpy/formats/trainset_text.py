"""ASCII twins ``.train.ascii`` of a training set (spec 8.1 and 8.2).

``trnset2ASCII.x`` of aenet writes no setups; ``trainbin2ASCII.x`` of
aenet-PyTorch writes everything, the footer before the structures, each array on one line.
The readers also take arrays that go over several lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.limits import ANY, COUNT, FINITE_OR_NAN
from aenetpy.data.setup import Setup
from aenetpy.data.training_set import TrainingSet
from aenetpy.files.files import read_text, write_text
from aenetpy.formats.layout import LIST_DIRECTED, Field, Writer, build, read_fields, write_fields
from aenetpy.formats.list_directed import LineReader, list_directed_line
from aenetpy.formats.setup import SETUP, read_setup, setup_values
from aenetpy.formats.trainset import (
    FOOTER,
    HEADER,
    N_ATOMS,
    N_STRUCTURES,
    SCALING,
    SPECIES,
    TYPE,
    check_trainset,
)
from aenetpy.interruption import interruptible

_AENET = (
    *SCALING,
    *SPECIES,
    N_ATOMS,
    N_STRUCTURES,
    Field("energy_minimum energy_maximum energy_average", "reals", "energy statistics", (), ANY),
)
_PYTORCH = HEADER + FOOTER
_AENET_LINES: Writer[str] = {
    **LIST_DIRECTED,
    "atomic_energies_t": lambda values_t, _: _exponents(values_t, 4) + "\n",
}
_PYTORCH_LINES: Writer[str] = {
    **LIST_DIRECTED,
    "species": lambda names, _: "".join(f"{name:2}".rjust(4) for name in names) + "\n",
}

_PER_LINE = 1000  # fingerprint values per line of trnset2ASCII.x


def read_trainset_ascii(path: str | Path) -> TrainingSet:
    """Read a training set as text, either layout (spec 8.1, 8.2)."""
    text = read_text(path)
    lines = LineReader(path, text)
    if lines.text("file name or number of species").strip().isdecimal():
        return _read(LineReader(path, text, indent=" "), _PYTORCH, with_length=True)
    return _read(lines, _AENET)


def write_trainset_ascii(
    path: str | Path, trainset: TrainingSet, *, source: str | None = None
) -> None:
    """Write a training set as text, complete or not at all."""
    text = format_pytorch(trainset) if source is None else format_aenet(trainset, source)
    write_text(path, text)


def format_aenet(trainset: TrainingSet, source: str) -> str:
    """Return the text as of ``trnset2ASCII.x`` (spec 8.1)."""
    text = [f"{source}\n", *write_fields(_AENET_LINES, _AENET, _values(trainset))]
    for s, atoms in enumerate(_features_by_structure(trainset)):
        text.append(f"{trainset.names_s[s]}\n")
        text.append(_structure_lines(trainset, s))
        for i, features_g in atoms:
            text.append(_atom_lines(trainset, i, len(features_g)))
            text.append(_exponents(features_g, _PER_LINE) + " \n")
    return "".join(text)


def format_pytorch(trainset: TrainingSet) -> str:
    """Return the text as of ``trainbin2ASCII.x`` of aenet-PyTorch (spec 8.2)."""
    text = write_fields(_PYTORCH_LINES, _PYTORCH, _values(trainset))
    for t, setup in enumerate(trainset.setups_t or ()):
        values = {"type": t + 1, **setup_values(setup)}
        text += write_fields(LIST_DIRECTED, (TYPE, *SETUP), values)
    for s, atoms in enumerate(_features_by_structure(trainset)):
        name = trainset.names_s[s]
        length = len(name.encode("utf-8", "surrogateescape"))
        text += [list_directed_line([length]), f" {name}\n", _structure_lines(trainset, s)]
        for i, features_g in atoms:
            text.append(_atom_lines(trainset, i, len(features_g)))
            text.append(list_directed_line(features_g.tolist()))
    return "".join(text)


def _values(trainset: TrainingSet) -> dict[str, Any]:
    """Values of the items that are not of structures."""
    return {
        **vars(trainset),
        "n_species": len(trainset.species),
        "n_structures": trainset.n_structures,
        "n_atoms": trainset.n_atoms,
        "has_setups": trainset.setups_t is not None,
    }


def _features_by_structure(
    trainset: TrainingSet,
) -> Iterator[list[tuple[int, Float]]]:
    """For each structure, index and fingerprint of its atoms."""
    rows_t = [iter(features_ng) for features_ng in trainset.features_tng]
    first = 0
    for n_atoms in interruptible(trainset.n_atoms_s.tolist()):
        types_n = trainset.types_n[first : first + n_atoms].tolist()
        yield [(first + i, next(rows_t[t])) for i, t in enumerate(types_n)]
        first += n_atoms


def _structure_lines(trainset: TrainingSet, s: int) -> str:
    """Numbers of atoms and species; energy."""
    n_atoms, n_species = int(trainset.n_atoms_s[s]), int(trainset.n_species_s[s])
    energy = float(trainset.energies_s[s])
    return list_directed_line([n_atoms, n_species]) + list_directed_line([energy])


def _atom_lines(trainset: TrainingSet, i: int, n_features: int) -> str:
    """Type, coordinates, forces, number of fingerprint components."""
    return (
        list_directed_line([int(trainset.types_n[i]) + 1])
        + list_directed_line(trainset.positions_nc[i].tolist())
        + list_directed_line(trainset.forces_nc[i].tolist())
        + list_directed_line([n_features])
    )


def _exponents(values: Float, per_line: int) -> str:
    """Numbers as blank + ES24.17, broken after ``per_line``."""
    fields = [f" {value:24.17E}" for value in values.tolist()]
    lines = ["".join(fields[i : i + per_line]) for i in range(0, len(fields), per_line)]
    return "\n".join(lines)


def _read(
    lines: LineReader, fields: tuple[Field, ...], *, with_length: bool = False
) -> TrainingSet:
    """Read either layout; its structures follow on all else."""
    values = read_fields(lines, fields)
    n_types = values["n_species"]
    setups_t = None
    if values.get("has_setups"):
        setups_t = tuple(_read_setup(lines, t, n_types) for t in range(n_types))
    structures = _read_structures(
        lines, n_types, values["n_structures"], setups_t, with_length=with_length
    )
    return check_trainset(build(TrainingSet, values | structures, setups_t=setups_t), lines.error)


def _read_setup(lines: LineReader, t: int, n_types: int) -> Setup:
    """Read the setup of type t, preceded by its index."""
    if read_fields(lines, (TYPE,))["type"] != t + 1:
        raise lines.error(f"setup {t + 1} of {n_types} should follow")
    return read_setup(lines)


def _read_structures(
    lines: LineReader,
    n_types: int,
    n_structures: int,
    setups_t: tuple[Setup, ...] | None,
    *,
    with_length: bool,
) -> dict[str, Any]:
    """Read all structures; the values of a training set that are of structures."""
    names, sizes, kinds, energies = [], [], [], []
    types: list[int] = []
    positions, forces = [], []
    features_t: list[list[Float]] = [[] for _ in range(n_types)]
    for s in interruptible(range(n_structures)):
        what = f"structure {s + 1} of {n_structures}"
        if with_length:
            lines.count(what)
        names.append(lines.text(what))
        n_atoms, n_species = lines.integers(what, 2, COUNT)
        sizes.append(n_atoms)
        kinds.append(n_species)
        energies.append(lines.real(what, ANY))
        for _ in range(n_atoms):
            t = lines.integer(what) - 1
            if not 0 <= t < n_types:
                raise lines.error(f"{what}: atom type {t + 1} of {n_types}")
            types.append(t)
            positions.append(lines.reals(what, 3))
            forces.append(lines.reals(what, 3, FINITE_OR_NAN))
            features_t[t].append(lines.reals(what, lines.count(what)))
            expected = len(features_t[t][0]) if setups_t is None else setups_t[t].n_features
            if len(features_t[t][-1]) != expected:
                raise lines.error(
                    f"{what}: {len(features_t[t][-1])} fingerprint components, not {expected}"
                )
    lines.finish()
    return {
        "names_s": tuple(names),
        "n_atoms_s": np.array(sizes, np.int32),
        "n_species_s": np.array(kinds, np.int32),
        "energies_s": np.array(energies, np.float64),
        "types_n": np.array(types, np.int32),
        "positions_nc": np.array(positions, np.float64).reshape(-1, 3),
        "forces_nc": np.array(forces, np.float64).reshape(-1, 3),
        "features_tng": tuple(
            np.array(rows) if rows else np.zeros((0, setups_t[t].n_features if setups_t else 0))
            for t, rows in enumerate(features_t)
        ),
    }
