"""``state.json``: how far learning has come, all that the same command needs to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from aenetpy.files.sealed import read_sealed, write_sealed
from aenetpy.reports.json_text import plain

FORMAT = "aenetpy learn state 3"

Stage: TypeAlias = Literal["train", "explore", "label", "done"]


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
class FailureRecord:
    """A structure without a label, or a walk that was given up (``is_walk``)."""

    walk: str
    step: int
    reason: str
    is_walk: bool = False


@dataclass
class CycleRecord:
    """One cycle: a fit, the walk with its committee, and the labels that the next fit uses.

    A number that there is not is NaN, and null in the file.

    Parameters
    ----------
    number
        From 0, as the folder of the cycle.
    n_training, n_test
        Structures in the training set of the fit, and those held out.
    lower, upper
        Thresholds of the walk, eV/Å; infinite if the committee is not asked.
    held_out
        Errors of the committee on the held-out structures.
    properties
        According to the committee, by name and unit.
    walk, steps, gammas
        Name of the walk that was left, steps of the chosen structures, and the disagreement about
        each of them, eV/Å.
    n_labels
        Structures that were labelled.
    new_energy_rmse, new_force_rmse
        Errors of the committee on the new labels, meV/atom and eV/Å.
    new_errors
        The largest error of a force component of each new label, eV/Å.
    failures
        The failure.
    seconds_fit, seconds_walk, seconds_label
        By kind of work; None before it begins.
    """

    number: int
    n_training: int
    n_test: int = 0
    lower: float = math.inf
    upper: float = math.inf
    held_out: ErrorPair | None = None
    properties: Mapping[str, float] = field(default_factory=dict)
    walk: str = ""
    steps: Sequence[int] = field(default_factory=list)
    gammas: Sequence[float] = field(default_factory=list)
    n_labels: int = 0
    new_energy_rmse: float = math.nan
    new_force_rmse: float = math.nan
    new_errors: Sequence[float] = field(default_factory=list)
    failures: list[FailureRecord] = field(default_factory=list)
    seconds_fit: float | None = None
    seconds_walk: float | None = None
    seconds_label: float | None = None

    @property
    def gamma(self) -> float:
        """Largest disagreement about a chosen structure; NaN without any."""
        return max((gamma for gamma in self.gammas if not math.isnan(gamma)), default=math.nan)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CycleRecord:
        """Return the record that `write_state` has written."""
        held_out = content["held_out"]
        changed = {
            **{name: _number(content[name], math.inf) for name in ("lower", "upper")},
            **{name: _number(content[name]) for name in ("new_energy_rmse", "new_force_rmse")},
            "held_out": None if held_out is None else ErrorPair(**held_out),
            "properties": _numbers(content["properties"]),
            "gammas": [_number(gamma) for gamma in content["gammas"]],
            "failures": [FailureRecord(**one) for one in content["failures"]],
        }
        return cls(**{**content, **changed})


@dataclass
class LearnState:
    """How far learning has come.

    Parameters
    ----------
    digest
        Of all settings that the result depends on.
    stage
        The next stage.
    cycle
        Number of the cycle, from 0.
    walk
        Index of the walk.
    point
        Where the walk was trusted last, see `DynamicsState.as_json`; None before it begins.
    repeats
        Cycles in a row that have begun at this point.
    failed
        Cycles in a row without a label, because the reference failed.
    redrawn
        Failures after which the walk went on with other velocities.
    labelled
        Steps of the structures that were labelled, by the name of the walk.
    test
        Names of the structures that are held out.
    cycles
        Record of each cycle whose fit is done.
    sizes
        Bytes of files that grow, so that lines of a killed call are cut off.
    reference
        Properties according to the reference, NaN for those that it does not have; None before
        they are measured.
    ended
        Why learning is done.
    full
        Properties of a committee of all data, ``values`` and ``spread``, with the number of labels,
        ``n_labels``; None before they are measured.
    """

    digest: str
    stage: Stage = "train"
    cycle: int = 0
    walk: int = 0
    point: dict[str, Any] | None = None
    repeats: int = 0
    failed: int = 0
    redrawn: int = 0
    labelled: dict[str, list[int]] = field(default_factory=dict)
    test: list[str] = field(default_factory=list)
    cycles: list[CycleRecord] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    reference: Mapping[str, float] | None = None
    ended: str = ""
    full: dict[str, Any] | None = None

    @property
    def n_labels(self) -> int:
        """Labels so far."""
        return sum(cycle.n_labels for cycle in self.cycles)

    @property
    def failures(self) -> list[FailureRecord]:
        """Failures so far."""
        return [failure for cycle in self.cycles for failure in cycle.failures]


def write_state(path: str | Path, state: LearnState) -> None:
    """Write a state, complete or not at all."""
    write_sealed(path, {"format": FORMAT, **plain(asdict(state))})


def read_state(path: str | Path) -> LearnState:
    """Read a state that `write_state` wrote."""
    content = read_sealed(path, FORMAT, "remove the folder to start anew")
    state = LearnState(**content)
    state.cycles = [CycleRecord.from_json(one) for one in content["cycles"]]
    if state.reference is not None:
        state.reference = _numbers(state.reference)
    if state.full is not None:
        state.full.update({name: _numbers(state.full[name]) for name in ("values", "spread")})
    return state


def _number(value: float | None, missing: float = math.nan) -> float:
    return missing if value is None else value


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}
