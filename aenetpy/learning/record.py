"""What is told of a run of learning: its cycles, and how good the potential was after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aenetpy.arrays import Float, Long

if TYPE_CHECKING:
    from aenetpy.analysis.parity import ParityGroup


@dataclass(frozen=True)
class ErrorPair:
    """Errors of energies and forces.

    Parameters
    ----------
    energy_mae, energy_rmse
        meV/atom.
    force_mae, force_rmse
        Of the components, eV/Å.
    """

    energy_mae: float
    energy_rmse: float
    force_mae: float
    force_rmse: float


@dataclass(frozen=True)
class CycleRecord:
    """One cycle: dynamics until the committee disagrees, labels, a new committee.

    Parameters
    ----------
    number
        From 1; 0 is the committee of the initial data, without dynamics.
    walk
        Name of the start structure; empty without dynamics.
    step
        Of the walk at the end of the dynamics.
    gamma
        Disagreement there, eV/Å.
    lower, upper
        Thresholds, eV/Å.
    n_labels, n_failures
        Structures that were labelled, and those that could not be, in this cycle.
    n_training
        Structures in the training set after it.
    held_out
        Errors of the new committee on structures apart.
    new_gammas_s, new_errors_s
        Of the new labels before they were trained on: the disagreement, and the largest true
        error of a force component of the mean, eV/Å.
    seconds
        By kind of work: dynamics, labelling, training.
    properties
        After the cycle, by name and unit.
    failures
        What went wrong, a line each.
    """

    number: int
    walk: str
    step: int
    gamma: float
    lower: float
    upper: float
    n_labels: int
    n_failures: int
    n_training: int
    held_out: ErrorPair | None = None
    new_gammas_s: Sequence[float] = ()
    new_errors_s: Sequence[float] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, float] = field(default_factory=dict)
    failures: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class GammaTrace:
    """Disagreement along the walks, in the order of time.

    Parameters
    ----------
    gammas_k
        eV/Å, of each check.
    steps_k
        Of the walk.
    cycles_k
        Cycle in which it was checked.
    walks_k
        Name of the start structure.
    """

    gammas_k: Float
    steps_k: Long
    cycles_k: Long
    walks_k: Sequence[str]


@dataclass(frozen=True, eq=False)
class ParityRecord:
    """Energies (eV/atom) and force components (eV/Å) of held-out structures, in groups."""

    energies: Sequence[ParityGroup]
    forces: Sequence[ParityGroup]


@dataclass(frozen=True, eq=False)
class LearnRecord:
    """A run of learning."""

    name: str
    settings: Sequence[str]
    cycles: Sequence[CycleRecord]
    trace: GammaTrace | None = None
    reference: Mapping[str, float] = field(default_factory=dict)
    full: Mapping[str, float] | None = None
    parity: Mapping[str, ParityRecord] = field(default_factory=dict)
    potential: str = ""
    ended: str = ""
    walks: Mapping[str, str] = field(default_factory=dict)
    full_spread: Mapping[str, float] = field(default_factory=dict)
