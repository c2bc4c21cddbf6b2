"""Make the TiO2 data set of this example: perturbed polymorphs, labelled by a force field.

    python make_structures.py            writes xsf/*.xsf (same seed, same files)
    python make_structures.py --check    relaxes rutile and prints it beside the published lattice

Five polymorphs at their measured lattices are strained, sheared and shaken; energies and forces
come from the force field in matsui_akaogi.py. Energies are relative to separated ions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from ase.spacegroup import crystal
from matsui_akaogi import MatsuiAkaogi
from scipy.optimize import minimize

from aenetpy.structures.atoms import structure_from_atoms
from aenetpy.structures.xsf import write_xsf

HERE = Path(__file__).resolve().parent
SEED = 20261120
PER_POLYMORPH = 65  # 60 are listed in generate.in, the last five in predict.in
AMPLITUDES = (0.02, 0.04, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20)  # Å, largest along each axis
VOLUME = (-0.06, 0.08)  # relative change of volume
SHEAR = 0.012  # standard deviation of each component of the traceless strain
MIN_DISTANCE = 1.4  # Å
MAX_FORCE = 6.0  # eV/Å, any component

# Space group, lattice and Wyckoff positions as measured:
#   rutile, anatase  Howard, Sabine, Dickson, Acta Cryst. B47 (1991) 462
#   brookite         Meagher, Lager, Can. Mineral. 17 (1979) 77
#   columbite        TiO2-II: Grey, Li, Madsen, Braunerhielm, Mater. Res. Bull. 23 (1988) 743
#   baddeleyite      lattice at 20 GPa: Sato et al., Science 251 (1991) 786; positions of ZrO2:
#                    Howard, Hill, Reichert, Acta Cryst. B44 (1988) 116
POLYMORPHS = {
    "rutile": {
        "spacegroup": 136,
        "cellpar": (4.5937, 4.5937, 2.9587, 90, 90, 90),
        "sites": {"Ti": [(0, 0, 0)], "O": [(0.30478, 0.30478, 0)]},
        "repeats": ((1, 1, 1), (1, 1, 2), (2, 1, 1), (1, 1, 3), (2, 2, 1), (2, 1, 2)),
    },
    "anatase": {  # primitive cell of six atoms
        "spacegroup": 141,
        "cellpar": (3.7845, 3.7845, 9.5143, 90, 90, 90),
        "sites": {"Ti": [(0, 0, 0)], "O": [(0, 0, 0.20806)]},
        "repeats": ((1, 1, 1), (2, 1, 1), (1, 1, 2), (3, 1, 1), (2, 2, 1), (2, 1, 2)),
    },
    "brookite": {
        "spacegroup": 61,
        "cellpar": (9.174, 5.449, 5.138, 90, 90, 90),
        "sites": {
            "Ti": [(0.1289, 0.0972, 0.8628)],
            "O": [(0.0095, 0.1491, 0.1835), (0.2314, 0.1110, 0.5366)],
        },
        "repeats": ((1, 1, 1),) * 9 + ((1, 1, 2),),
    },
    "columbite": {
        "spacegroup": 60,
        "cellpar": (4.541, 5.493, 4.906, 90, 90, 90),
        "sites": {"Ti": [(0, 0.171, 0.25)], "O": [(0.272, 0.381, 0.414)]},
        "repeats": ((1, 1, 1), (2, 1, 1), (1, 1, 1), (1, 2, 1), (1, 1, 1), (1, 1, 2)),
    },
    "baddeleyite": {
        "spacegroup": 14,
        "cellpar": (4.64, 4.76, 4.81, 90, 99.2, 90),
        "sites": {
            "Ti": [(0.2754, 0.0395, 0.2083)],
            "O": [(0.0700, 0.3317, 0.3447), (0.4496, 0.7569, 0.4792)],
        },
        "repeats": ((1, 1, 1), (2, 1, 1), (1, 1, 1), (1, 2, 1), (1, 1, 1), (1, 1, 2)),
    },
}


def polymorph(name: str) -> Atoms:
    """Return the primitive cell of a polymorph, titanium first."""
    entry = POLYMORPHS[name]
    symbols = [s for s, sites in entry["sites"].items() for _ in sites]
    basis = [site for sites in entry["sites"].values() for site in sites]
    group, cellpar = entry["spacegroup"], entry["cellpar"]
    return crystal(symbols, basis, spacegroup=group, cellpar=cellpar, primitive_cell=True)


def perturbed(ideal: Atoms, amplitude: float, rng: np.random.Generator) -> Atoms:
    """Return a copy with changed volume, sheared cell and displaced atoms."""
    shear_cc = rng.normal(scale=SHEAR, size=(3, 3))
    shear_cc = 0.5 * (shear_cc + shear_cc.T)
    shear_cc -= np.eye(3) * np.trace(shear_cc) / 3
    stretch = (1 + rng.uniform(*VOLUME)) ** (1 / 3)
    atoms = ideal.copy()
    atoms.set_cell(ideal.cell.array @ (stretch * (np.eye(3) + shear_cc)), scale_atoms=True)
    atoms.positions += rng.uniform(-amplitude, amplitude, size=(len(atoms), 3))
    return atoms


def labelled(atoms: Atoms) -> Atoms:
    """Return atoms with energy and forces, rounded first to the eight decimals of the file."""
    atoms = Atoms(atoms.symbols, atoms.positions.round(8), cell=atoms.cell.array.round(8), pbc=True)
    atoms.calc = MatsuiAkaogi()
    atoms.get_forces()
    return atoms


def is_reasonable(atoms: Atoms) -> bool:
    """Return False if two atoms touch or a force is huge."""
    touching = len(neighbor_list("i", atoms, MIN_DISTANCE)) > 0
    return not touching and np.abs(atoms.get_forces()).max() < MAX_FORCE


def structures(name: str, rng: np.random.Generator) -> Iterator[Atoms]:
    """Yield the structures of one polymorph, the unperturbed crystal first.

    A structure that is not reasonable is drawn again with smaller displacements.
    """
    unit = polymorph(name)
    yield labelled(unit)
    repeats = POLYMORPHS[name]["repeats"]
    for k in range(1, PER_POLYMORPH):
        supercell = unit.repeat(repeats[k % len(repeats)])
        amplitude = AMPLITUDES[k % len(AMPLITUDES)]
        atoms = labelled(perturbed(supercell, amplitude, rng))
        while not is_reasonable(atoms):
            amplitude *= 0.95
            atoms = labelled(perturbed(supercell, amplitude, rng))
        yield atoms


def write_all(folder: Path) -> None:
    """Write the data set and print what is in it."""
    folder.mkdir(exist_ok=True)
    for stream, name in enumerate(POLYMORPHS):
        made = list(structures(name, np.random.default_rng([SEED, stream])))
        for k, atoms in enumerate(made):
            write_xsf(folder / f"{name}-{k:02d}.xsf", structure_from_atoms(atoms, name))
        n_atoms = sum(len(atoms) for atoms in made)
        energies = [atoms.get_potential_energy() / len(atoms) for atoms in made]
        print(
            f"{name:12s} {len(made)} structures, {n_atoms} atoms, "
            f"{min(energies):.3f} to {max(energies):.3f} eV/atom"
        )


def check_rutile() -> None:
    """Relax rutile (a, c, u) and print the result beside published values."""

    def energy(acu) -> float:
        a, c, u = acu
        atoms = crystal(
            ["Ti", "O"], [(0, 0, 0), (u, u, 0)], spacegroup=136, cellpar=[a, a, c, 90, 90, 90]
        )
        return labelled(atoms).get_potential_energy()

    measured = (4.5937, 2.9587, 0.30478)
    options = {"xatol": 1e-4, "fatol": 1e-7}
    relaxed = minimize(energy, measured, method="Nelder-Mead", options=options)
    print("rutile                  a        c        u")
    print("measured           {:7.4f}  {:7.4f}  {:7.4f}".format(*measured))
    print("this force field   {:7.4f}  {:7.4f}  {:7.4f}".format(*relaxed.x))
    print(f"energy gained      {(energy(measured) - relaxed.fun) / 6:.4f} eV/atom")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="relax rutile instead")
    parser.add_argument("--folder", type=Path, default=HERE / "xsf", help="where the files go")
    arguments = parser.parse_args()
    if arguments.check:
        check_rutile()
    else:
        write_all(arguments.folder)


if __name__ == "__main__":
    main()
