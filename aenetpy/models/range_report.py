"""Warnings for atoms that are unlike the atoms a potential was trained on."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from aenetpy.data.structure import Structure
from aenetpy.models.potential import Potential
from aenetpy.models.ranges import FAR, OutOfRange, describe

log = logging.getLogger("aenetpy")


class Extrapolation:
    """Names and numbers of the fingerprint values outside of the training range."""

    def __init__(self, potential: Potential) -> None:
        self._potential = potential
        self._n_structures = self._n_outside = self._n_atoms = 0
        self._worst = -np.inf
        self._worst_text = ""

    def count(self, structure: Structure, out_of_range: OutOfRange) -> None:
        """Add the values of one structure that are out of range to the summary."""
        self._n_structures += 1
        if len(out_of_range) == 0:
            return
        self._n_outside += 1
        self._n_atoms += out_of_range.n_atoms
        if out_of_range.deviations_k[0] > self._worst:
            self._worst = float(out_of_range.deviations_k[0])
            self._worst_text = f"{structure.name}, {self.describe(structure, out_of_range)}"

    def summarise(self) -> None:
        """Tell the user in one line, if there is anything to tell; far ones as a warning."""
        if self._n_outside == 0:
            return
        atoms = "1 atom" if self._n_atoms == 1 else f"{self._n_atoms} atoms"
        log.log(
            logging.WARNING if self._worst >= FAR else logging.INFO,
            "%s in %d of %d structures outside of the training range; worst: %s%s",
            atoms,
            self._n_outside,
            self._n_structures,
            self._worst_text,
            "" if self._n_atoms == 1 else "; --json lists all",
        )

    def describe(self, structure: Structure, out_of_range: OutOfRange) -> str:
        """Return the worst value in words: ``radial 3 of atom 7 (Ti) by 2.5 deviations``."""
        return describe(self._potential.component_names, structure.species, out_of_range)

    def warnings(self, structure: Structure, out_of_range: OutOfRange) -> list[str]:
        """Return the warning on one structure, if it is far outside."""
        if len(out_of_range) == 0 or out_of_range.deviations_k[0] < FAR:
            return []
        return [f"outside of the training range: {self.describe(structure, out_of_range)}"]

    def listed(self, structure: Structure, out_of_range: OutOfRange) -> list[dict[str, Any]]:
        """Return all values with their names and ranges, the worst first, atoms from 1."""
        parts = zip(self._potential.species, self._potential.atomic_potentials, strict=True)
        ranges = {symbol: atomic.ranges for symbol, atomic in parts}
        entries = []
        for atom, component, value, deviations in zip(
            out_of_range.atoms_k.tolist(),
            out_of_range.components_k.tolist(),
            out_of_range.values_k.tolist(),
            out_of_range.deviations_k.tolist(),
            strict=True,
        ):
            symbol = structure.species[atom]
            entries.append(
                {
                    "component": self._potential.component_names[symbol][component],
                    "atom": atom + 1,
                    "species": symbol,
                    "value": value,
                    "minimum": float(ranges[symbol].minimum_g[component]),
                    "maximum": float(ranges[symbol].maximum_g[component]),
                    "standard_deviations": deviations,
                }
            )
        return entries
