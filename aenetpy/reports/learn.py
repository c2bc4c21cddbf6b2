"""Log of ``learn``: a line for each fit, label and end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from aenetpy.inputs.lines import times

CycleRecord: TypeAlias = Any
"""`aenetpy.learning.state.CycleRecord`, which stands above this layer."""


def fit_begins(cycle: int, n_labels: int) -> str:
    """Return that a fit begins."""
    return f"cycle {cycle}: fit, {times(n_labels, 'label')} so far\n"


def all_data_begins(n_labels: int) -> str:
    """Return that the fit to all structures begins."""
    return f"fit to all structures, {times(n_labels, 'label')} among them\n"


def fit_ends(record: CycleRecord) -> str:
    """Return the errors of a fit."""
    trained = f"{times(record.n_training, 'structure')} trained on"
    text = f"cycle {record.number}: {trained if record.n_training else 'committee as given'}"
    if record.held_out is not None:
        errors = record.held_out
        text += f", {times(record.n_test, 'structure')} held out:"
        text += f" RMSE {errors.energy_rmse:.2f} meV/atom, {errors.force_rmse:.4f} eV/Å"
    if math.isfinite(record.lower):
        text += f"; thresholds {record.lower:.3g} and {record.upper:.3g} eV/Å"
    return f"{text} ({record.seconds_fit:.0f} s)\n"


def checked(walk: str, step: int, gamma: float) -> str:
    """Return how a walk goes."""
    return f"{walk} step {step}, gamma {gamma:.3g}\n"


def labelled(record: CycleRecord) -> str:
    """Return the labelled structures, and the error of the committee."""
    gammas = ", ".join("wrong" if math.isnan(g) else f"{g:.3g}" for g in record.gammas)
    steps = ", ".join(map(str, record.steps))
    return (
        f"cycle {record.number}: {record.walk}, step {steps}: gamma {gammas};"
        f" {times(record.n_labels, 'label')}, where the committee was wrong by"
        f" {record.new_energy_rmse:.1f} meV/atom, {record.new_force_rmse:.3f} eV/Å"
        f" (at most {max(record.new_errors):.3f})\n"
    )


def failure(walk: str, step: int, reason: str) -> str:
    """Return why a structure has no label."""
    return f"no label for {walk}, step {step}: {reason}\n"


def given_up(walk: str, step: int) -> str:
    """Return that a walk is left alone."""
    return (
        f"{walk} is given up at step {step}: the committee still disagrees too much there, and"
        " has been taught as often as helps\n"
    )


def ends(cycle: int, n_labels: int, why: str, never_ran: Sequence[str], potential: str) -> str:
    """Return the reason for the end, walks that never ran, and the place of the result."""
    return (
        f"done after {times(cycle + 1, 'fit')} and {times(n_labels, 'label')}:"
        f" {_reason(why, never_ran)}; the potential is {potential}\n"
    )


def _reason(why: str, never_ran: Sequence[str]) -> str:
    return why + (f"; never ran: {', '.join(never_ran)}" if never_ran else "")


_COLUMNS = (
    ("cycle", 5),
    ("walk", 14),
    ("step", 8),
    ("gamma", 8),
    ("labels", 6),
    ("trained", 7),
    ("meV/atom", 9),
    ("eV/Å", 8),
    ("fit s", 7),
    ("walk s", 7),
    ("label s", 7),
)


def status(cycles: Sequence[CycleRecord], stage: str, ended: str, never_ran: Sequence[str]) -> str:
    """Return one line per cycle: labels, gamma, errors on held-out structures, times."""
    lines = [" ".join(f"{name:>{width}}" for name, width in _COLUMNS)]
    for record in cycles:
        errors = record.held_out
        cells = (
            str(record.number),
            (record.walk or "-")[:14],
            str(record.steps[-1]) if record.steps else "-",
            "-" if math.isnan(record.gamma) else f"{record.gamma:.3g}",
            str(record.n_labels),
            str(record.n_training),
            *(
                ("-", "-")
                if errors is None
                else (f"{errors.energy_rmse:.2f}", f"{errors.force_rmse:.4f}")
            ),
            *(
                "-" if seconds is None else f"{seconds:.1f}"
                for seconds in (record.seconds_fit, record.seconds_walk, record.seconds_label)
            ),
        )
        lines.append(
            " ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
        )
    lines += [
        f"cycle {record.number}, {one.walk}, step {one.step}: {one.reason}"
        for record in cycles
        for one in record.failures
    ]
    lines.append(
        f"done: {_reason(ended, never_ran)}" if stage == "done" else f"to do next: {stage}"
    )
    return "\n".join(lines) + "\n"
