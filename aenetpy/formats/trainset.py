"""The training set file ``.train`` (spec 7.2)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Index, Int
from aenetpy.data.limits import ANY, COUNT, FINITE, N_SPECIES, POSITIVE
from aenetpy.data.setup import Setup
from aenetpy.data.training_set import TrainingSet
from aenetpy.errors import DataError
from aenetpy.files.files import Opener, replace_file
from aenetpy.formats.layout import RECORDS, Field, build, read_fields, write_fields
from aenetpy.formats.recognise import TRAINING_SET, TRAINING_SET_TEXT, kind_named
from aenetpy.formats.records import RecordReader, StructuresWriter, real_record
from aenetpy.formats.setup import SETUP, read_setup, setup_values
from aenetpy.formats.trainset_atoms import AtomsReader, encode_atoms, joined
from aenetpy.interruption import interruptible

SPECIES = (
    Field("n_species", "integers", "number of species", limit=N_SPECIES),
    Field("species", "symbols", "species", ("n_species",)),
    Field("atomic_energies_t", "reals", "atomic energies", ("n_species",)),
)
N_STRUCTURES = Field("n_structures", "integers", "number of structures", limit=COUNT)
SCALING = (
    Field("normalized", "logical", "normalized"),
    Field("scale", "reals", "scale", limit=POSITIVE),
    Field("shift", "reals", "shift"),
)
HEADER = (SPECIES[0], N_STRUCTURES, *SPECIES[1:], *SCALING)
N_ATOMS = Field("n_atoms", "integers", "number of atoms", limit=COUNT)
FOOTER = (
    N_ATOMS,
    Field("energy_average energy_minimum energy_maximum", "reals", "energy statistics", (), ANY),
    Field("has_setups", "logical", "has setups"),
)
TYPE = Field("type", "integers", "type of the setup")


def read_trainset(path: str | Path) -> TrainingSet:
    """Read a training set ``.train``, ``.train.scaled``, ``TRAIN.n`` or ``TEST.n`` (spec 7.2).

    Parameters
    ----------
    path
        The binary file.

    Returns
    -------
    TrainingSet
        With ``setups_t`` None if the file says that it has none.

    Raises
    ------
    DataError
        Not found, foreign, big-endian, truncated, damaged, or fewer structures
        than announced.
    """
    with kind_named(path, TRAINING_SET, TRAINING_SET_TEXT):
        return _read(RecordReader(path, "training set", first_length=4))


def _read(reader: RecordReader) -> TrainingSet:
    values = read_fields(reader, HEADER)
    n_types, n_structures = values["n_species"], values["n_structures"]

    names, sizes, kinds, energies = [], [], [], []
    atoms = AtomsReader(n_types)
    for s in range(n_structures):
        what = f"structure {s + 1} of {n_structures}"
        _expect_structure(reader, s, n_structures)
        names.append(reader.text(what, reader.count(what)))
        n_atoms, n_species = reader.integers(what, 2, COUNT)
        sizes.append(n_atoms)
        kinds.append(n_species)
        energies.append(reader.real(what, ANY))
        atoms.read(reader, n_atoms, what)

    read_fields(reader, FOOTER, values)
    setups_t = _read_setups(reader, n_types) if values["has_setups"] else None
    reader.finish()
    if values["n_atoms"] != sum(sizes):
        logging.getLogger("aenetpy").warning(
            "%s: the footer counts %d atoms, the structures have %d",
            reader.path,
            values["n_atoms"],
            sum(sizes),
        )
    trainset = build(
        TrainingSet,
        values,
        names_s=tuple(names),
        n_atoms_s=np.array(sizes, np.int32),
        n_species_s=np.array(kinds, np.int32),
        energies_s=np.array(energies, np.float64),
        types_n=joined(atoms.types, (0,), np.int32),
        positions_nc=joined(atoms.positions, (0, 3)),
        forces_nc=joined(atoms.forces, (0, 3)),
        features_tng=atoms.features(reader, setups_t),
        setups_t=setups_t,
    )
    return check_trainset(trainset, reader.error)


def check_trainset(trainset: TrainingSet, error: Callable[[str, str], DataError]) -> TrainingSet:
    """Return a training set that was read, if its numbers are finite and its setups in order.

    Unknown forces, as of displaced copies, are not a number for a whole structure.
    """
    hint = "generate it again"
    low, high = trainset.energy_minimum, trainset.energy_maximum
    reason = FINITE.objection([trainset.energy_average, low, high])
    if trainset.n_structures and reason is not None:
        raise error(f"energy statistics: {reason}", hint)
    if trainset.n_structures and low > high:
        raise error(f"the energies per atom go from {low:g} to {high:g}", hint)
    for symbol, setup in zip(trainset.species, trainset.setups_t or (), strict=False):
        if setup.species != symbol:
            raise error(f"a setup of {setup.species} stands where that of {symbol} should", hint)
    structure_n = np.repeat(np.arange(trainset.n_structures), trainset.n_atoms_s)
    unknown_nc = np.isnan(trainset.forces_nc)
    n_known_s = np.bincount(structure_n, ~unknown_nc.all(axis=1), trainset.n_structures)
    unknown_nc &= (n_known_s == 0)[structure_n][:, np.newaxis]
    rows: list[tuple[str, Float, Index]] = [
        ("energy", trainset.energies_s[:, np.newaxis], np.arange(trainset.n_structures)),
        ("position", trainset.positions_nc, structure_n),
        ("force", np.where(unknown_nc, 0.0, trainset.forces_nc), structure_n),
    ]
    for t, features_ng in enumerate(trainset.features_tng):
        rows.append(("fingerprint", features_ng, structure_n[trainset.types_n == t]))
    for what, values_kg, structure_k in rows:
        if FINITE.objection(values_kg) is not None:
            k = int(np.argmin(FINITE.allows(values_kg).all(axis=1)))
            s, reason = structure_k[k], FINITE.objection(values_kg[k])
            raise error(f"structure {s + 1} ({trainset.names_s[s]}): {what} {reason}", hint)
    return trainset


def write_trainset(path: str | Path, trainset: TrainingSet) -> None:
    """Write a training set (spec 7.2), complete or not at all.

    Parameters
    ----------
    path
        The file to make or replace.
    trainset
        The training set.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    ends_s = np.cumsum(trainset.n_atoms_s, dtype=np.int64)
    first_t = np.zeros(len(trainset.species), np.int64)
    with TrainingSetWriter(
        path,
        trainset.species,
        trainset.atomic_energies_t,
        normalized=trainset.normalized,
        scale=trainset.scale,
        shift=trainset.shift,
    ) as writer:
        for s, name in enumerate(interruptible(trainset.names_s)):
            atoms = slice(int(ends_s[s] - trainset.n_atoms_s[s]), int(ends_s[s]))
            types_n = trainset.types_n[atoms]
            last_t = first_t + np.bincount(types_n, minlength=len(first_t))
            writer.append(
                name,
                types_n,
                trainset.positions_nc[atoms],
                trainset.forces_nc[atoms],
                float(trainset.energies_s[s]),
                tuple(
                    features_ng[first:last]
                    for features_ng, first, last in zip(
                        trainset.features_tng, first_t, last_t, strict=True
                    )
                ),
                n_species=int(trainset.n_species_s[s]),
            )
            first_t = last_t
        writer.finish(
            trainset.energy_average,
            trainset.energy_minimum,
            trainset.energy_maximum,
            trainset.setups_t,
        )


class TrainingSetWriter(StructuresWriter):
    """Write a training set structure by structure (spec 7.2), complete or not at all."""

    def __init__(
        self,
        path: str | Path,
        species: Sequence[str],
        atomic_energies_t: Float | Sequence[float],
        *,
        normalized: bool = False,
        scale: float = 1.0,
        shift: float = 0.0,
        opener: Opener = replace_file,
    ) -> None:
        header = {
            "n_species": len(species),
            "n_structures": 0,
            "species": species,
            "atomic_energies_t": atomic_energies_t,
            "normalized": normalized,
            "scale": scale,
            "shift": shift,
        }
        records = write_fields(RECORDS, HEADER, header)
        super().__init__(path, b"".join(records), count_at=len(records[0]), opener=opener)
        self.n_atoms = 0

    def append(
        self,
        name: str,
        types_n: Int,
        positions_nc: Float,
        forces_nc: Float,
        energy: float,
        features_tng: Sequence[Float],
        *,
        n_species: int | None = None,
    ) -> None:
        """Write one structure."""
        types_n = np.asarray(types_n)
        if n_species is None:
            n_species = len(set(types_n.tolist()))
        self._begin_structure(name, len(types_n), n_species)
        self._file.write(real_record(energy))
        for run in encode_atoms(types_n, positions_nc, forces_nc, features_tng):
            self._file.write(run)
        self.n_atoms += len(types_n)

    def finish(
        self,
        energy_average: float,
        energy_minimum: float,
        energy_maximum: float,
        setups_t: Sequence[Setup] | None = None,
    ) -> None:
        """Write the footer and the number of structures."""
        footer = {
            "n_atoms": self.n_atoms,
            "energy_average": energy_average,
            "energy_minimum": energy_minimum,
            "energy_maximum": energy_maximum,
            "has_setups": setups_t is not None,
        }
        records = write_fields(RECORDS, FOOTER, footer)
        for t, setup in enumerate(setups_t or ()):
            records += write_fields(RECORDS, (TYPE, *SETUP), {"type": t + 1, **setup_values(setup)})
        self._finish(b"".join(records))


def _expect_structure(reader: RecordReader, found: int, announced: int) -> None:
    """Raise if the next records belong to the footer."""
    if reader.next_lengths(3) == [4, 24, 4]:
        raise reader.error(
            f"training set announces {announced} structures and holds {found}",
            "generate.x left out structures with species that are not in TYPES; "
            "take them off the list or add the species, and generate the set again",
        )
    if found and reader.remaining == 0:
        raise reader.error(
            f"training set is truncated: it ends after {found} of {announced} structures",
            "its writer was stopped; generate it again",
        )


def _read_setups(reader: RecordReader, n_types: int) -> tuple[Setup, ...]:
    """Read the setups of all types (F4), each preceded by the index of its type."""
    setups: dict[int, Setup] = {}
    for _ in range(n_types):
        t = read_fields(reader, (TYPE,))["type"]
        if not 1 <= t <= n_types or t in setups:
            raise reader.damaged(f"setup of type {t} of {n_types}")
        setups[t] = read_setup(reader)
    return tuple(setups[t] for t in sorted(setups))
