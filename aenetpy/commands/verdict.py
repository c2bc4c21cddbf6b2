"""The end of ``train``: errors of both sets, their largest parts, and the next step."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from aenetpy.analysis.comparison import errors_of
from aenetpy.arrays import Float, Index
from aenetpy.inputs.lines import times
from aenetpy.reports.errors import UNITS, ByQuantity, errors_table
from aenetpy.training.objective import Loss, Objective, Quantity

HALF = 0.5
"""Part of the squared error that the structures named carry, if few of them carry as much."""

MOST_NAMED, PART_NAMED, FEWEST = 5, 20, 3
"""At most 5 structures, and every twentieth, are few; of less than 3 structures none is."""

OVERFIT = 2.0
"""Times that the test error is above the training error, from which more data are the next step."""

log = logging.getLogger("aenetpy")


def errors_of_loss(quantities: Sequence[Quantity], loss: Loss) -> ByQuantity:
    """Return the errors of each quantity of an objective that has values."""
    pairs = zip(quantities, loss.errors, strict=True)
    return {one.name: errors_of([errors_k]) for one, errors_k in pairs if len(errors_k)}


def log_verdict(
    files: Mapping[str, str],
    last_w: Float,
    best_w: Float | None,
    parts: Mapping[str, tuple[Objective, Index]],
    names_s: Sequence[str],
) -> None:
    """Log the errors of the recommended networks."""
    suffix, weights_w = ("", last_w) if best_w is None else ("-best", best_w)
    networks = ", ".join(f"{file}{suffix}" for file in files.values())
    quantities = parts["training"][0].quantities
    losses = {which: part.evaluate(weights_w, gradient=False) for which, (part, _) in parts.items()}
    names = {which: [names_s[s] for s in chosen_s] for which, (_, chosen_s) in parts.items()}
    by_set = {which: errors_of_loss(quantities, loss) for which, loss in losses.items()}
    log.info("errors of %s", networks, extra={"block": errors_table(by_set)})
    carried = {which: _carriers(losses[which].errors[0], names[which]) for which in losses}
    for which, text in carried.items():
        if text:
            log.info("%s set: %s", which, text)
    log.info("next: %s", _next_step(networks, by_set, any(carried.values())))


def _carriers(errors_s: Float, names_s: Sequence[str]) -> str:
    """Return which few structures carry half of the squared error of the energies, if so few do."""
    squares_s = errors_s**2
    total = float(squares_s.sum())
    n_named = max(1, min(MOST_NAMED, len(squares_s) // PART_NAMED))
    worst: Index = np.argsort(-squares_s, kind="stable")[:n_named]
    parts = np.cumsum(squares_s[worst]) / total if total > 0.0 else np.zeros(0)
    if len(squares_s) < FEWEST or not len(parts) or not parts[-1] >= HALF:
        return ""
    n = int(np.argmax(parts >= HALF)) + 1
    unit, per_unit = UNITS["energy"]
    listed = ", ".join(f"{names_s[s]} ({per_unit * -errors_s[s]:+.4g} {unit})" for s in worst[:n])
    verb = "carries" if n == 1 else "carry"
    return (
        f"{times(n, 'structure')} of {len(squares_s)} {verb} {100 * parts[n - 1]:.0f} % of the"
        f" squared error of the energies: {listed}"
    )


def _next_step(networks: str, by_set: Mapping[str, ByQuantity], has_carriers: bool) -> str:
    """Return the usual next step."""
    if has_carriers:
        return "look at these structures ('aenetpy explore' checks data), then train again"
    if not by_set["test"]:
        return "set TESTPERCENT: without test structures the error on new structures is unknown"
    test, training = by_set["test"]["energy"].rmse, by_set["training"]["energy"].rmse
    if test > OVERFIT * training:
        return (
            "more structures, forces (FORCES) or REGULARIZATION: the test error is"
            f" {test / training:.1f} times the training error"
        )
    return f"name {networks} in predict.in; 'aenetpy parity predict.in' draws the errors by set"
