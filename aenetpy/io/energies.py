"""Reference and predicted energies: ``energies.train.0``, ``energies.test.0`` (spec 10.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float, Long
from aenetpy.errors import DataError
from aenetpy.io.files import read_bytes, write_text
from aenetpy.io.fortran_formats import integer, scientific

N_COLUMNS = 7
"""Columns before those of the species."""

_BARE_EXPONENT = re.compile(r"(?<=\d)([+-]\d+)$")


@dataclass(frozen=True, eq=False)
class EnergyTable:
    """Energies of the structures of a training or test set.

    Parameters
    ----------
    species
        In TYPES order, (t,).
    names_s
        File of each structure.
    n_atoms_s, counts_st
        Atoms of each structure, altogether and of each species, int64.
    reference_s, predicted_s
        Cohesive energies, eV, (s,) float64.
    reference_per_atom_s, predicted_per_atom_s, error_s
        The same per atom and their difference (reference less prediction), eV/atom.
    scaled_error_s
        ``error_s`` in the scaled units of the training.
    """

    species: tuple[str, ...]
    names_s: tuple[str, ...]
    n_atoms_s: Long
    counts_st: Long
    reference_s: Float
    predicted_s: Float
    reference_per_atom_s: Float
    predicted_per_atom_s: Float
    error_s: Float
    scaled_error_s: Float


def energy_table(
    species: Sequence[str],
    names_s: Sequence[str],
    counts_st: Long,
    reference_s: Float,
    predicted_s: Float,
    scale: float,
) -> EnergyTable:
    """Return the table of given energies.

    Parameters
    ----------
    species, names_s, counts_st, reference_s, predicted_s
        As in ``EnergyTable``.
    scale
        Energy scaling factor of the training set.
    """
    n_atoms_s = np.asarray(counts_st, dtype=np.int64).sum(axis=1)
    error_s = (reference_s - predicted_s) / n_atoms_s
    return EnergyTable(
        species=tuple(species),
        names_s=tuple(names_s),
        n_atoms_s=n_atoms_s,
        counts_st=np.asarray(counts_st, dtype=np.int64),
        reference_s=reference_s,
        predicted_s=predicted_s,
        reference_per_atom_s=reference_s / n_atoms_s,
        predicted_per_atom_s=predicted_s / n_atoms_s,
        error_s=error_s,
        scaled_error_s=scale * error_s,
    )


def format_energies(table: EnergyTable) -> str:
    """Return the file content: a heading, then one row per structure.

    Row: 1x,2(ES14.6,1x),I5,1x,4(ES14.6,1x), then 1x,I4 per species, 1x and the
    path (spec 10.3).
    """
    types = "".join(f" #{name:<2} " for name in table.species)
    head = (
        "  Ref(eV)        ANN(eV)      #atoms  Ref(eV/atom)   ANN(eV/atom) Ref-ANN(eV/atom)"
        f"    Cost-Func  {types}  Path-of-input-file\n"
    )
    rows = zip(
        np.stack([table.reference_s, table.predicted_s], axis=1).tolist(),
        table.n_atoms_s.tolist(),
        np.stack(
            [
                table.reference_per_atom_s,
                table.predicted_per_atom_s,
                table.error_s,
                table.scaled_error_s,
            ],
            axis=1,
        ).tolist(),
        table.counts_st.tolist(),
        table.names_s,
        strict=True,
    )
    return head + "".join(
        f" {_es14_6(energies)}{integer(n_atoms, 5)} {_es14_6(per_atom)}"
        f"{''.join(' ' + integer(count, 4) for count in counts)} {name}\n"
        for energies, n_atoms, per_atom, counts, name in rows
    )


def _es14_6(values: Sequence[float]) -> str:
    """Numbers as ES14.6,1x."""
    return "".join(scientific(value, 14, 6) + " " for value in values)


def write_energies(path: str | Path, table: EnergyTable) -> None:
    """Write ``energies.train.0`` or ``energies.test.0``.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    write_text(path, format_energies(table))


def read_energies(path: str | Path) -> EnergyTable:
    """Read ``energies.train.0`` or ``energies.test.0``, headings of older versions too.

    Raises
    ------
    DataError
        If the file cannot be read or a row is not complete.
    """
    head, *lines = read_bytes(path).decode("utf-8", "surrogateescape").split("\n")
    species = tuple(word[1:] for word in head.split() if _is_species_column(word))
    if "Ref(eV)" not in head:
        raise DataError(
            "this is no table of energies", file=path, line=1, hint="expected the heading Ref(eV)"
        )
    rows = [
        _parse_row(line, len(species), path, number)
        for number, line in enumerate(lines, start=2)
        if line.strip()
    ]
    numbers_sk = np.array([numbers for numbers, _ in rows], dtype=np.float64)
    numbers_sk = numbers_sk.reshape(len(rows), N_COLUMNS + len(species))
    reference_s, predicted_s, n_atoms_s, *per_atom = numbers_sk[:, :N_COLUMNS].T
    return EnergyTable(
        species=species,
        names_s=tuple(name for _, name in rows),
        n_atoms_s=n_atoms_s.astype(np.int64),
        counts_st=numbers_sk[:, N_COLUMNS:].astype(np.int64),
        reference_s=reference_s,
        predicted_s=predicted_s,
        reference_per_atom_s=per_atom[0],
        predicted_per_atom_s=per_atom[1],
        error_s=per_atom[2],
        scaled_error_s=per_atom[3],
    )


def _is_species_column(word: str) -> bool:
    """Return whether ``word`` is like ``#Ti``, unlike ``#atoms`` and a lone ``#``."""
    return word.startswith("#") and 1 < len(word) <= 3


def _parse_row(line: str, n_species: int, path: str | Path, number: int) -> tuple[list[float], str]:
    """Numbers and name of one row."""
    *words, name = line.split(maxsplit=N_COLUMNS + n_species)
    try:
        if len(words) != N_COLUMNS + n_species:
            raise ValueError
        return [_real(word) for word in words], name.rstrip()
    except ValueError:
        raise DataError(
            f"not a row of {N_COLUMNS + n_species} numbers and a path: {line.strip()!r}",
            file=path,
            line=number,
            hint="write the table again with SAVE_ENERGIES",
        ) from None


def _real(word: str) -> float:
    """Return a Fortran real; the E of three-digit exponents may be missing."""
    return float(_BARE_EXPONENT.sub(r"E\1", word))
