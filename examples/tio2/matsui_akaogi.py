"""The force field of Matsui and Akaogi for TiO2, as an ASE calculator.

M. Matsui and M. Akaogi, Molecular Simulation 6 (1991) 239-244: partial charges and a Buckingham
term for each pair of species. It describes rutile, anatase, brookite and TiO2-II from one set of
parameters, and is cheap enough to label a training set in seconds.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list
from ase.units import Bohr, Hartree
from scipy.special import erfc

CHARGES = {"Ti": 2.196, "O": -1.098}  # e
BUCKINGHAM = {  # A (eV), rho (Å), C (eV Å^6)
    ("Ti", "O"): (16957.53, 0.194, 12.59),
    ("O", "O"): (11782.76, 0.234, 30.22),
    ("Ti", "Ti"): (31120.20, 0.154, 5.25),
}

COULOMB = Hartree * Bohr  # e^2 / (4 pi eps0) = 14.4 eV Å
CUTOFF = 10.0  # Å: end of the Buckingham terms and of the real-space Ewald sum
SCREENING = 0.45  # 1/Å: erfc(SCREENING * CUTOFF) = 2e-10
K_MAX = 4.3  # 1/Å: exp(-(K_MAX / 2 SCREENING)^2) = 1e-10


def buckingham(atoms: Atoms, pairs) -> tuple[float, np.ndarray]:
    """Return energy and forces of the Buckingham terms, shifted to zero at the cutoff.

    E = 1/2 sum_p [V(r_p) - V(CUTOFF)],  V(r) = A exp(-r/rho) - C/r^6
    """
    i_p, j_p, r_pc, r_p = pairs
    symbols_n = np.array(atoms.get_chemical_symbols())
    energy, slope_p = 0.0, np.zeros_like(r_p)
    for (first, second), (a, rho, c) in BUCKINGHAM.items():
        forward = (symbols_n[i_p] == first) & (symbols_n[j_p] == second)
        backward = (symbols_n[i_p] == second) & (symbols_n[j_p] == first)
        chosen = forward | backward
        r = r_p[chosen]
        shift = a * np.exp(-CUTOFF / rho) - c / CUTOFF**6
        energy += 0.5 * np.sum(a * np.exp(-r / rho) - c / r**6 - shift)
        slope_p[chosen] = -a / rho * np.exp(-r / rho) + 6 * c / r**7
    return energy, pair_forces(len(atoms), i_p, r_pc, r_p, slope_p)


def ewald(positions_nc, cell_cc, charges_n, pairs) -> tuple[float, np.ndarray]:
    """Return energy and forces of point charges in a neutral periodic cell of volume V.

    E/COULOMB = 1/2 sum_p q_i q_j erfc(a r_p)/r_p - a/sqrt(pi) sum_i q_i^2
              + 2 pi/V sum_{k != 0} exp(-k^2/4a^2)/k^2 |S(k)|^2,   S(k) = sum_i q_i exp(i k.r_i)
    """
    i_p, j_p, r_pc, r_p = pairs
    qq_p = charges_n[i_p] * charges_n[j_p]
    screened_p = erfc(SCREENING * r_p) / r_p
    gauss_p = 2 * SCREENING / np.sqrt(np.pi) * np.exp(-((SCREENING * r_p) ** 2))
    energy = 0.5 * np.sum(qq_p * screened_p) - SCREENING / np.sqrt(np.pi) * np.sum(charges_n**2)
    slope_p = -qq_p * (screened_p + gauss_p) / r_p
    forces_nc = pair_forces(len(charges_n), i_p, r_pc, r_p, slope_p)

    k_kc = reciprocal_vectors(cell_cc)
    k2_k = np.sum(k_kc**2, axis=1)
    weight_k = np.exp(-k2_k / (2 * SCREENING) ** 2) / k2_k * 4 * np.pi / np.linalg.det(cell_cc)
    wave_nk = charges_n[:, None] * np.exp(1j * positions_nc @ k_kc.T)
    s_k = wave_nk.sum(axis=0)
    energy += 0.5 * np.sum(weight_k * np.abs(s_k) ** 2)
    forces_nc += (weight_k * np.imag(wave_nk * s_k.conj())) @ k_kc
    return COULOMB * energy, COULOMB * forces_nc


def reciprocal_vectors(cell_cc) -> np.ndarray:
    """Return all reciprocal lattice vectors with 0 < |k| < K_MAX, (k, 3)."""
    recip_cc = 2 * np.pi * np.linalg.inv(cell_cc).T
    reach_c = np.floor(K_MAX * np.linalg.norm(cell_cc, axis=1) / (2 * np.pi)).astype(int)
    grid = np.indices(2 * reach_c + 1).reshape(3, -1).T - reach_c
    k_kc = grid @ recip_cc
    k_k = np.linalg.norm(k_kc, axis=1)
    return k_kc[(k_k > 1e-10) & (k_k < K_MAX)]


def pair_forces(n_atoms: int, i_p, r_pc, r_p, slope_p) -> np.ndarray:
    """Return forces F_i = sum_{p of i} V'(r_p) r_p/|r_p|, r_p from atom i to its neighbour."""
    pull_pc = (slope_p / r_p)[:, None] * r_pc
    return np.stack([np.bincount(i_p, pull_pc[:, c], n_atoms) for c in range(3)], axis=1)


class MatsuiAkaogi(Calculator):
    """Energy (eV, relative to separated ions) and forces (eV/Å) of periodic TiO2."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Evaluate the short-range terms and the Ewald sum."""
        super().calculate(atoms, properties, system_changes)
        charges_n = np.array([CHARGES[s] for s in self.atoms.get_chemical_symbols()])
        i_p, j_p, r_pc, r_p = neighbor_list("ijDd", self.atoms, CUTOFF)
        pairs = (i_p, j_p, r_pc, r_p)
        short, short_nc = buckingham(self.atoms, pairs)
        long, long_nc = ewald(self.atoms.positions, self.atoms.cell.array, charges_n, pairs)
        self.results = {"energy": float(short + long), "forces": short_nc + long_nc}
