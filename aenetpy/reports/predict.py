"""The text output of predict (spec 10.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from aenetpy.arrays import Float
from aenetpy.data.species_potential import SpeciesPotential
from aenetpy.data.structure import Structure
from aenetpy.formats.columns import fixed
from aenetpy.reports.blocks import (
    WIDTH,
    TrainingSetInfo,
    copyright_notice,
    ending,
    network_report,
    section,
    setup_report,
    time_stamp,
    title,
    training_set_info,
)

BOX_MARGIN = 2.0e-6
"""Margin that aenet adds to the extent of an isolated structure, Å (spec 5.2)."""


@dataclass(frozen=True)
class ForceSummary:
    """Forces of a structure in a few numbers.

    Parameters
    ----------
    mean_c, mean_absolute_c
        Mean over the atoms, per direction, eV/Å.
    maximum_c
        Force on the atom where it is longest, eV/Å.
    rms
        sqrt(sum of squared lengths / atoms), eV/Å.
    atom
        Number of the atom of ``maximum_c``, from 1.
    """

    mean_c: tuple[float, ...]
    mean_absolute_c: tuple[float, ...]
    maximum_c: tuple[float, ...]
    rms: float
    atom: int

    @classmethod
    def of(cls, forces_nc: Float) -> ForceSummary:
        """Return the summary of ``forces_nc``, eV/Å, (n, 3); the first of equal maxima wins."""
        squares_n = (forces_nc**2).sum(axis=1)
        longest = int(np.argmax(squares_n))
        return cls(
            mean_c=tuple(forces_nc.mean(axis=0).tolist()),
            mean_absolute_c=tuple(np.abs(forces_nc).mean(axis=0).tolist()),
            maximum_c=tuple(forces_nc[longest].tolist()),
            rms=float(np.sqrt(squares_n.mean())),
            atom=longest + 1,
        )


def opening(now: datetime, version: str) -> str:
    """Return banner, time stamp and copyright."""
    return (
        title("Atomic Energy Network Interpolation", rule="=")
        + time_stamp(now)
        + copyright_notice(version)
    )


def potential_report(species: str, file: str | Path, network: SpeciesPotential) -> str:
    """Return the section on a potential: training set, network and setup."""
    return (
        f" Atomic species : {species}\n"
        f" File name      : {file}\n"
        "\n"
        + training_set_info(TrainingSetInfo.of(network, network.training_file))
        + network_report(network.nodes_l, network.activations)
        + setup_report(network.setup)
    )


def evaluation_opening() -> str:
    """Return the title before the first structure."""
    return section("Energy evaluation")


def structure_report(
    structure: Structure,
    cohesive_energy: float,
    total_energy: float,
    forces_nc: Float | None = None,
    atomic_energies_n: Float | None = None,
    which: str = "input",
) -> str:
    """Return coordinates and results of a structure."""
    return (
        coordinates_table(structure, forces_nc, atomic_energies_n, which)
        + energy_lines(cohesive_energy, total_energy)
        + ("" if forces_nc is None else force_lines(ForceSummary.of(forces_nc)))
        + "\n"
    )


def structure_opening(number: int, structure: Structure) -> str:
    """Return name, size and lattice of a structure (not with VERBOSITY low)."""
    return (
        f" Structure number  : {number}\n"
        f" File name         : {structure.name}\n"
        f" Number of atoms   : {len(structure)}\n"
        f" Number of species : {len(set(structure.species))}\n"
        "\n" + lattice_vectors(structure)
    )


def unread_opening(number: int, name: str) -> str:
    """Return number and name of a structure that could not be read; aenet has no such thing."""
    return f" Structure number  : {number}\n File name         : {name}\n\n"


def failure_line(reason: str) -> str:
    """Return the text in place of the numbers of a structure that has none."""
    return f" Error: {reason}\n\n"


def lattice_vectors(structure: Structure, which: str = "") -> str:
    """Return the lattice vectors; ``which`` precedes the unit, as in "optimized, "."""
    vectors = zip("abc", lattice(structure).tolist(), strict=True)
    rows = "".join(
        f"   {name} = ( {''.join('  ' + fixed(x, 15, 8) for x in vector)} )\n"
        for name, vector in vectors
    )
    return f" Lattice vectors ({which}Angstrom):\n\n{rows}\n"


def lattice(structure: Structure) -> Float:
    """Return the lattice vectors, of an isolated structure its bounding box, Å, (3, 3)."""
    if structure.cell_cc is not None and not structure.is_isolated:
        return structure.cell_cc
    return np.diag(np.ptp(structure.positions_nc, axis=0) + BOX_MARGIN)


def coordinates_table(
    structure: Structure,
    forces_nc: Float | None = None,
    atomic_energies_n: Float | None = None,
    which: str = "input",
) -> str:
    """Return one row per atom: species, coordinates, forces, atomic energy."""
    names = "          x             y             z      "
    units = "         (Ang)         (Ang)         (Ang)   "
    columns = [structure.positions_nc]
    heading = f"Cartesian atomic coordinates ({which})"
    if forces_nc is not None:
        heading += " and corresponding atomic forces"
        names += "       Fx           Fy            Fz      "
        units += "    (eV/Ang)      (eV/Ang)      (eV/Ang)  "
        columns.append(forces_nc)
    if atomic_energies_n is not None:
        names += "     E_atom   "
        units += "      (eV)    "
        columns.append(atomic_energies_n[:, np.newaxis])
    return (
        f" {heading}:\n"
        "\n"
        f"{names}\n"
        f"{units}\n"
        f" {(len(names) - 1) * '-'}\n"
        f"{_atom_rows(structure.species, np.hstack(columns))}"
        "\n"
    )


FITTING = 9999.0
"""Numbers below fit into F12.6 with any sign, and all of a row can be written at once."""


def _atom_rows(species: Iterable[str], values_nk: Float) -> str:
    """Rows of 1x,A2,k(2x,F12.6)."""
    if (np.abs(values_nk) < FITTING).all():  # not if one is not a number
        row = " %-2s" + values_nk.shape[1] * "  %12.6f" + "\n"
        words = zip(species, *values_nk.T.tolist(), strict=True)
        return "".join([row % word for word in words])
    rows = zip(species, values_nk.tolist(), strict=True)
    return "".join([f" {symbol:<2}{_f12_6(values)}\n" for symbol, values in rows])


def _f12_6(values: Iterable[float]) -> str:
    """Numbers as 2x,F12.6."""
    return "".join(["  " + fixed(value, 12, 6) for value in values])


def energy_lines(cohesive_energy: float, total_energy: float) -> str:
    """Return the lines of the energies, eV."""
    return (
        f" Cohesive energy            :  {fixed(cohesive_energy, 20, 8)} eV\n"
        f" Total energy               :  {fixed(total_energy, 20, 8)} eV\n"
    )


def spread_lines(
    energy: float, forces_nc: Float | None, energy_is_calibrated: bool, forces_are_calibrated: bool
) -> str:
    """Return the lines of the standard deviations of a committee, eV and eV/Å; aenet has none."""

    def line(name: str, value: float, unit: str, is_calibrated: bool) -> str:
        how = "calibrated" if is_calibrated else "not calibrated"
        return f" {name:<27}:  {fixed(value, 20, 8)} {unit} ({how})\n"

    text = line("Std. deviation of energy", energy, "eV", energy_is_calibrated)
    if forces_nc is not None:
        largest = float(forces_nc.max())
        name = "Largest std. dev. of forces"
        text += line(name, largest, "eV/Angstrom", forces_are_calibrated)
    return text + "\n"


def force_lines(forces: ForceSummary) -> str:
    """Return the six lines on the forces."""
    return (
        f" Mean force (must be zero)  :{_f12_6(forces.mean_c)}\n"
        f" Mean absolute force        :{_f12_6(forces.mean_absolute_c)}\n"
        f" Maximum force              :{_f12_6(forces.maximum_c)}\n"
        f" RMS force                  :{_f12_6([forces.rms])}\n"
        f" The maximum force is acting on atom {forces.atom}.\n"
        " All forces are given in eV/Angstrom.\n"
    )


def separator() -> str:
    """Return the text between two structures."""
    return f" {WIDTH * '+'}\n\n"


def closing(now: datetime) -> str:
    """Return the end of the output (not with VERBOSITY low)."""
    return ending("Atomic Energy Network done.", now)
