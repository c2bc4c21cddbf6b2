"""Whether the atomic energies of TYPES suit the structures."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from aenetpy.analysis.atomic_energies import fit_atomic_energies
from aenetpy.io.free_form import times
from aenetpy.io.generate_in import GenerateInput
from aenetpy.workflows.collection import Evaluated

FAR_BETTER = 0.5
"""Fitted atomic energies are worth a word if they leave at most this share of the spread ..."""

WORTH_A_WORD = 0.005
"""... and at least this much less, eV per atom."""

log = logging.getLogger("aenetpy")


class AtomicEnergyCheck:
    """Compares the atomic energies of TYPES with those that fit the structures best.

    A network has a constant of its own for each species, but finds it late: a spread of energies
    that composition explains is better taken out before.

    Parameters
    ----------
    settings
        Contents of ``generate.in``.
    """

    def __init__(self, settings: GenerateInput) -> None:
        self._settings = settings
        self._counts: list[np.ndarray] = []
        self._energies: list[float] = []

    def add(self, evaluated: Evaluated) -> None:
        """Take a structure into account, unless its energy does not depend on TYPES."""
        structure = evaluated.structure
        if structure.parent is None and not structure.cohesive_energy:
            types_n = evaluated.fingerprints.types_n
            self._counts.append(np.bincount(types_n, minlength=len(self._settings.species)))
            self._energies.append(evaluated.energy)

    def summarise(self) -> None:
        """Tell the user, and what to paste, if others are far better."""
        if not self._energies:
            return
        fit = fit_atomic_energies(np.array(self._counts), np.array(self._energies))
        gain = fit.rmse_of_mean - fit.rmse
        if not (fit.rmse <= FAR_BETTER * fit.rmse_of_mean and gain >= WORTH_A_WORD):
            return
        species = self._settings.species
        energies_t = np.asarray(self._settings.atomic_energies_t) + fit.energies_t
        log.warning(
            "%s:%d: the atomic energies leave a spread of %.0f meV/atom (RMS) to be learnt, those"
            " fitted to %s only %.0f%s; to use them, replace TYPES by",
            self._settings.path,
            self._settings.lines["TYPES"],
            1000 * fit.rmse_of_mean,
            times(len(self._energies), "structure"),
            1000 * fit.rmse,
            ""
            if fit.unique
            else " (other values fit as well: compositions do not tell them apart)",
            extra={"block": types_block(species, energies_t)},
        )


def types_block(species: Sequence[str], energies_t: np.ndarray) -> str:
    """Return the block TYPES of ``generate.in``, ready to be pasted."""
    lines = [f"{symbol} {e:.6f}" for symbol, e in zip(species, energies_t, strict=True)]
    return "\n".join(["TYPES", str(len(species)), *lines])
