"""Whether the atomic energies of TYPES suit the structures."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from aenetpy.analysis.atomic_energies import EnergiesOfCompositions
from aenetpy.inputs.generate_in import GenerateInput
from aenetpy.inputs.lines import times

FAR_BETTER = 0.5
"""Fitted atomic energies are worth a word if they leave at most this share of the spread ..."""

WORTH_A_WORD = 0.005
"""... and at least this much less, eV per atom."""

log = logging.getLogger("aenetpy")


def tell_of_better_ones(settings: GenerateInput, energies: EnergiesOfCompositions) -> None:
    """Log other atomic energies, with lines to paste, if they are far better than the given ones.

    A network has a constant of its own for each species, but finds it late: a spread of energies
    that composition explains is better taken out before.
    """
    if len(energies) == 0:
        return
    fit = energies.fit(settings.species, settings.atomic_energies_t)
    spread = fit.rmse_of_mean
    if not (fit.rmse <= FAR_BETTER * spread and spread - fit.rmse >= WORTH_A_WORD):
        return
    log.warning(
        "%s:%d: the atomic energies leave a spread of %.0f meV/atom (RMS) to be learnt, those"
        " fitted to %s only %.0f%s; to use them, replace TYPES by",
        settings.path,
        settings.lines["TYPES"],
        1000 * spread,
        times(len(energies), "structure"),
        1000 * fit.rmse,
        "" if fit.unique else " (other values fit as well: compositions do not tell them apart)",
        extra={"block": types_block(settings.species, fit.energies_t)},
    )


def types_block(species: Sequence[str], energies_t: np.ndarray) -> str:
    """Return the block TYPES of ``generate.in``, ready to be pasted."""
    lines = [f"{symbol} {e:.6f}" for symbol, e in zip(species, energies_t, strict=True)]
    return "\n".join(["TYPES", str(len(species)), *lines])
