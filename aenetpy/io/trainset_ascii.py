"""ASCII twins ``.train.ascii`` of a training set (spec 8.1 and 8.2).

``trnset2ASCII.x`` of aenet writes no setups; ``trainbin2ASCII.x`` of
aenet-PyTorch writes everything, the footer before the structures, each array on one line.
The readers also take arrays that go over several lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenetpy.interruption import interruptible
from aenetpy.io.files import read_text, write_text
from aenetpy.io.fortran import MOST_SPECIES
from aenetpy.io.fortran_text import LineReader, list_directed_line
from aenetpy.io.limits import ANY, COUNT, FINITE, FINITE_OR_NAN, POSITIVE
from aenetpy.io.network_ascii import parse_setup
from aenetpy.io.setup import N_PARAMETERS, Setup
from aenetpy.io.trainset import TrainingSet, check_trainset

_PER_LINE = 1000  # fingerprint values per line of trnset2ASCII.x


def read_trainset_ascii(path: str | Path) -> TrainingSet:
    """Read a training set as text, either layout (spec 8.1, 8.2).

    Parameters
    ----------
    path
        The text file; the layout is recognised from its first line.

    Raises
    ------
    DataError
        Not found, truncated, or not numbers where numbers should be.
    """
    text = read_text(path)
    lines = LineReader(path, text)
    if lines.text("file name or number of species").strip().isdecimal():
        lines = LineReader(path, text)
        return check_trainset(_read_pytorch(lines), lines.error)
    return check_trainset(_read_aenet(lines), lines.error)


def write_trainset_ascii(
    path: str | Path, trainset: TrainingSet, *, source: str | None = None
) -> None:
    """Write a training set as text, complete or not at all.

    Parameters
    ----------
    path
        The file to make or replace.
    trainset
        What to write.
    source
        Name of the binary file: writes the layout of ``trnset2ASCII.x``
        (spec 8.1, no setups), which begins with it. None writes the layout
        of aenet-PyTorch (spec 8.2).

    Raises
    ------
    DataError
        The file cannot be written.
    """
    text = format_pytorch(trainset) if source is None else format_aenet(trainset, source)
    write_text(path, text)


def format_aenet(trainset: TrainingSet, source: str) -> str:
    """Return the text as of ``trnset2ASCII.x`` (spec 8.1).

    Parameters
    ----------
    trainset
        What to write.
    source
        Name of the binary file.
    """
    text = [
        f"{source}\n",
        f" {'T' if trainset.normalized else 'F'}\n",
        list_directed_line([trainset.scale]),
        list_directed_line([trainset.shift]),
        list_directed_line([len(trainset.species)]),
        *(f"{name:2}\n" for name in trainset.species),
        _exponents(trainset.atomic_energies_t, 4) + "\n",
        list_directed_line([trainset.n_atoms]),
        list_directed_line([trainset.n_structures]),
        list_directed_line(
            [trainset.energy_minimum, trainset.energy_maximum, trainset.energy_average]
        ),
    ]
    for s, atoms in enumerate(_features_by_structure(trainset)):
        text.append(f"{trainset.names_s[s]}\n")
        text.append(_structure_lines(trainset, s))
        for i, features_g in atoms:
            text.append(_atom_lines(trainset, i, len(features_g)))
            text.append(_exponents(features_g, _PER_LINE) + " \n")
    return "".join(text)


def format_pytorch(trainset: TrainingSet) -> str:
    """Return the text as of ``trainbin2ASCII.x`` of aenet-PyTorch (spec 8.2).

    Parameters
    ----------
    trainset
        What to write.
    """
    setups_t = trainset.setups_t
    text = [
        list_directed_line([len(trainset.species)]),
        list_directed_line([trainset.n_structures]),
        "".join(f"{name:2}".rjust(4) for name in trainset.species) + "\n",
        list_directed_line(trainset.atomic_energies_t.tolist()),
        f" {'T' if trainset.normalized else 'F'}\n",
        list_directed_line([trainset.scale]),
        list_directed_line([trainset.shift]),
        list_directed_line([trainset.n_atoms]),
        list_directed_line(
            [trainset.energy_average, trainset.energy_minimum, trainset.energy_maximum]
        ),
        f" {'F' if setups_t is None else 'T'}\n",
    ]
    for t, setup in enumerate(setups_t or ()):
        text += [list_directed_line([t + 1]), _setup_lines(setup)]
    for s, atoms in enumerate(_features_by_structure(trainset)):
        name = trainset.names_s[s]
        length = len(name.encode("utf-8", "surrogateescape"))
        text += [list_directed_line([length]), f" {name}\n", _structure_lines(trainset, s)]
        for i, features_g in atoms:
            text.append(_atom_lines(trainset, i, len(features_g)))
            text.append(list_directed_line(features_g.tolist()))
    return "".join(text)


def _features_by_structure(
    trainset: TrainingSet,
) -> Iterator[list[tuple[int, NDArray[np.float64]]]]:
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


def _exponents(values: NDArray[np.float64], per_line: int) -> str:
    """Numbers as blank + ES24.17, broken after ``per_line``."""
    fields = [f" {value:24.17E}" for value in values.tolist()]
    lines = ["".join(fields[i : i + per_line]) for i in range(0, len(fields), per_line)]
    return "\n".join(lines)


def _setup_lines(setup: Setup) -> str:
    """Index and 17 items of a setup, environment species one per line."""
    g = setup.n_features
    known = setup.known_statistics
    arrays: list[Any] = [known.minimum_g, known.maximum_g, known.mean_g, known.mean_square_g]
    return "".join(
        [
            f" {' '.join(setup.description.splitlines())}\n",
            f" {setup.species:2}\n",
            list_directed_line([len(setup.environment)]),
            *(f"{name:2}\n" for name in setup.environment),
            list_directed_line([setup.r_min]),
            list_directed_line([setup.r_max]),
            f" {setup.kind}\n",
            list_directed_line([g]),
            list_directed_line([N_PARAMETERS]),
            list_directed_line(setup.functions_g.tolist()),
            list_directed_line(setup.parameters_gp.ravel().tolist()),
            list_directed_line(setup.partners_g2.ravel().tolist()),
            list_directed_line([known.count]),
            *(list_directed_line(array.tolist()) for array in arrays),
        ]
    )


def _read_aenet(lines: LineReader) -> TrainingSet:
    """Read the layout of ``trnset2ASCII.x`` after its first line."""
    normalized = lines.logical("normalized")
    scale = lines.real("scale", POSITIVE)
    shift = lines.real("shift")
    n_types = lines.count("number of species")
    species = _read_species(lines, n_types)
    atomic_energies_t = lines.reals("atomic energies", n_types)
    lines.count("number of atoms")
    n_structures = lines.count("number of structures")
    energies = lines.reals("energy statistics", 3, FINITE if n_structures else ANY)
    minimum, maximum, average = energies.tolist()
    structures = _read_structures(lines, n_types, n_structures)
    return replace(
        structures,
        species=species,
        atomic_energies_t=atomic_energies_t,
        normalized=normalized,
        scale=scale,
        shift=shift,
        energy_average=average,
        energy_minimum=minimum,
        energy_maximum=maximum,
    )


def _read_pytorch(lines: LineReader) -> TrainingSet:
    """Read the layout of ``trainbin2ASCII.x``."""
    n_types = lines.count("number of species")
    n_structures = lines.count("number of structures")
    species = _read_species(lines, n_types)
    atomic_energies_t = lines.reals("atomic energies", n_types)
    normalized = lines.logical("normalized")
    scale = lines.real("scale", POSITIVE)
    shift = lines.real("shift")
    lines.count("number of atoms")
    energies = lines.reals("energy statistics", 3, FINITE if n_structures else ANY)
    average, minimum, maximum = energies.tolist()
    setups_t = None
    if lines.logical("has setups"):
        setups_t = tuple(_read_setup(lines, t, n_types) for t in range(n_types))
    structures = _read_structures(lines, n_types, n_structures, setups_t, with_length=True)
    return replace(
        structures,
        species=species,
        atomic_energies_t=atomic_energies_t,
        normalized=normalized,
        scale=scale,
        shift=shift,
        energy_average=average,
        energy_minimum=minimum,
        energy_maximum=maximum,
    )


def _read_species(lines: LineReader, n_types: int) -> tuple[str, ...]:
    if n_types > MOST_SPECIES:
        raise lines.error(f"{n_types} species", f"there are at most {MOST_SPECIES}")
    return tuple(lines.words("species", n_types))


def _read_setup(lines: LineReader, t: int, n_types: int) -> Setup:
    """Read the setup of type t, preceded by its index."""
    if lines.integer("type of the setup") != t + 1:
        raise lines.error(f"setup {t + 1} of {n_types} should follow")
    return parse_setup(lines, indent=" ")


def _read_structures(
    lines: LineReader,
    n_types: int,
    n_structures: int,
    setups_t: tuple[Setup, ...] | None = None,
    *,
    with_length: bool = False,
) -> TrainingSet:
    """Read all structures into a training set that has no header yet."""
    names, sizes, kinds, energies = [], [], [], []
    types: list[int] = []
    positions, forces = [], []
    features_t: list[list[NDArray[np.float64]]] = [[] for _ in range(n_types)]
    for s in interruptible(range(n_structures)):
        what = f"structure {s + 1} of {n_structures}"
        if with_length:
            lines.count(what)
        name = lines.text(what)
        names.append(name.removeprefix(" ") if with_length else name)
        n_atoms, n_species = lines.integers(what, 2, COUNT).tolist()
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
    return TrainingSet(
        species=(),
        atomic_energies_t=np.zeros(0),
        normalized=False,
        scale=1.0,
        shift=0.0,
        names_s=tuple(names),
        n_atoms_s=np.array(sizes, np.int32),
        n_species_s=np.array(kinds, np.int32),
        energies_s=np.array(energies, np.float64),
        types_n=np.array(types, np.int32),
        positions_nc=np.array(positions, np.float64).reshape(-1, 3),
        forces_nc=np.array(forces, np.float64).reshape(-1, 3),
        features_tng=tuple(
            np.array(rows) if rows else np.zeros((0, setups_t[t].n_features if setups_t else 0))
            for t, rows in enumerate(features_t)
        ),
        energy_average=0.0,
        energy_minimum=0.0,
        energy_maximum=0.0,
        setups_t=setups_t,
    )
