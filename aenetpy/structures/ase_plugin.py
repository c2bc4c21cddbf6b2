"""ASE's entry point to aenet's XSF: ``ase.io.read(file, format="aenet-xsf")``.

ASE's own ``xsf`` takes forces for Hartree/Å and passes over the energy line. It goes on
claiming files by their content, so the format has to be named. ASE loads this module whenever
it reads or writes, so it imports next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.utils.plugins import ExternalIOFormat

if TYPE_CHECKING:
    from ase import Atoms

AENET_XSF = ExternalIOFormat(
    desc="XSF with aenet's energy line, forces in eV/Å",
    code="1S",
    module="aenetpy.structures.ase_plugin",
)


def read_aenet_xsf(filename: str) -> Atoms:
    """Return the structure of an XSF file as ASE atoms."""
    from aenetpy.structures.atoms import atoms_from_structure
    from aenetpy.structures.xsf import read_xsf

    return atoms_from_structure(read_xsf(filename))


def write_aenet_xsf(filename: str, atoms: Atoms) -> None:
    """Write atoms with their energy and forces, if calculated, as an XSF file."""
    from dataclasses import replace

    from aenetpy.errors import DataError
    from aenetpy.structures.atoms import structure_from_atoms
    from aenetpy.structures.xsf import write_xsf

    if atoms.pbc.any() and atoms.cell.rank < 3:
        raise DataError(
            "an XSF file needs three lattice vectors, or none",
            file=filename,
            hint="give the slab a vacuum",
        )
    structure = structure_from_atoms(atoms, filename)
    write_xsf(filename, replace(structure, cohesive_energy=atoms.info.get("cohesive_energy")))
