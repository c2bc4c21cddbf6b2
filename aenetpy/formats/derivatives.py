"""Fingerprint derivatives ``<OUTPUT>.forces`` (spec 7.4), structure by structure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aenetpy.arrays import Float, Int
from aenetpy.data.limits import COUNT, POSITIVE
from aenetpy.formats.records import RecordReader, StructuresWriter, array_record, integer_record


@dataclass(frozen=True, eq=False)
class AtomDerivatives:
    """Derivatives of the raw fingerprint of one atom.

    Parameters
    ----------
    type
        0-based species index (1-based in the file).
    neighbors_p
        0-based atom index of each neighbour, (p,) int32 (1-based in the file);
        images repeat the index, also images of the atom itself.
    central_gc
        dG/dr of the atom with its neighbours fixed, 1/Å, (g, 3) float64.
    neighbors_pgc
        dG/dr of each neighbour, 1/Å, (p, g, 3) float64.
    """

    type: int
    neighbors_p: Int
    central_gc: Float
    neighbors_pgc: Float


@dataclass(frozen=True, eq=False)
class StructureDerivatives:
    """Derivatives of the fingerprints of one structure.

    Parameters
    ----------
    name
        The file as listed in FILES.
    n_atoms, n_species
        Atoms and different species.
    atoms
        One per atom, or None where FORCESPERCENT left the structure out.
    """

    name: str
    n_atoms: int
    n_species: int
    atoms: tuple[AtomDerivatives, ...] | None


def iter_derivatives(path: str | Path) -> Iterator[StructureDerivatives]:
    """Read ``<OUTPUT>.forces`` one structure at a time (spec 7.4)."""
    reader = RecordReader(path, "derivatives file", first_length=4)
    n_structures = reader.count("number of structures")
    largest = 0
    for s in range(n_structures):
        structure = _read_structure(reader, f"structure {s + 1} of {n_structures}")
        largest = max([largest, *(len(atom.neighbors_p) for atom in structure.atoms or ())])
        yield structure
    if reader.count("largest number of neighbours") != largest:
        raise reader.damaged(f"the largest number of neighbours is {largest}")
    reader.finish()


class DerivativesWriter(StructuresWriter):
    """Write ``<OUTPUT>.forces`` structure by structure (spec 7.4), complete or not at all."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, header=integer_record(0), count_at=0)
        self._largest = 0

    def append(
        self, name: str, n_atoms: int, n_species: int, atoms: Sequence[AtomDerivatives] | None
    ) -> None:
        """Write one structure."""
        self._begin_structure(name, n_atoms, n_species)
        self._file.write(integer_record(int(atoms is not None)))
        for atom in atoms or ():
            self._file.write(_encode_atom(atom))
            self._largest = max(self._largest, len(atom.neighbors_p))

    def finish(self) -> None:
        """Write the largest number of neighbours and the number of structures."""
        self._finish(integer_record(self._largest))


def _encode_atom(atom: AtomDerivatives) -> bytes:
    """Five records; arrays column-major."""
    n_neighbors, n_features, _ = atom.neighbors_pgc.shape
    return (
        integer_record(atom.type + 1)
        + integer_record(n_features, n_neighbors)
        + array_record(atom.neighbors_p + 1, "<i4")
        + array_record(atom.central_gc.T, "<f8")
        + array_record(atom.neighbors_pgc.T, "<f8")
    )


def _read_structure(reader: RecordReader, what: str) -> StructureDerivatives:
    """Read name, sizes and, where they are given, the derivatives of one structure."""
    name = reader.text(what, reader.count(what))
    n_atoms, n_species = reader.integers(what, 2, COUNT)
    if not reader.logical(what):
        return StructureDerivatives(name, n_atoms, n_species, None)
    atoms = tuple(_read_atom(reader, what, n_atoms) for _ in range(n_atoms))
    return StructureDerivatives(name, n_atoms, n_species, atoms)


def _read_atom(reader: RecordReader, what: str, n_atoms: int) -> AtomDerivatives:
    """Read the five records of one atom."""
    t = reader.integer(what, POSITIVE) - 1
    g, p = reader.integers(what, 2, COUNT)
    neighbors_p = reader.integer_array(what, p) - 1
    if p and not (neighbors_p.min() >= 0 and neighbors_p.max() < n_atoms):
        raise reader.damaged(f"{what}: neighbours beyond its {n_atoms} atoms")
    return AtomDerivatives(
        type=t,
        neighbors_p=neighbors_p,
        central_gc=reader.reals(what, 3 * g).reshape(3, g).T,
        neighbors_pgc=reader.reals(what, 3 * g * p).reshape(3, g, p).T,
    )
