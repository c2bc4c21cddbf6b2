"""``state.json``: how far learning has come, all that the same command needs to go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from aenetpy.files.sealed import read_sealed, write_sealed

FORMAT = "aenetpy learn state 2"

Stage: TypeAlias = Literal["train", "explore", "label", "done"]


@dataclass
class LearnState:
    """How far learning has come.

    A cycle is a fit, the walk with it, and the labels that end it, which the next fit uses.

    Parameters
    ----------
    digest
        Of all settings that the result depends on.
    stage
        What is to be done next.
    cycle
        Number of the fit, from 0.
    walk
        Index of the walk.
    point
        Where the walk was trusted last, see `Point.as_json`; None before it begins.
    repeats
        Cycles in a row that have begun at this point.
    failed
        Cycles in a row without a label, because the reference failed.
    shaken
        Failures after which the walk went on with other velocities.
    labelled
        Steps of the structures that were labelled, by the name of the walk.
    test
        Names of the structures that are held out.
    lower, upper
        Thresholds of this cycle, eV/Å; None if the committee is not asked.
    cycles
        What there is to tell of each cycle.
    failures
        What there is to tell of each reference calculation that failed.
    sizes
        Bytes of files that grow, so that what a killed call has appended since is cut off.
    reference
        Properties according to the reference, None for those that it does not have; None before
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
    shaken: int = 0
    labelled: dict[str, list[int]] = field(default_factory=dict)
    test: list[str] = field(default_factory=list)
    lower: float | None = None
    upper: float | None = None
    cycles: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    reference: dict[str, float | None] | None = None
    ended: str = ""
    full: dict[str, Any] | None = None

    @property
    def n_labels(self) -> int:
        """Labels so far."""
        return sum(cycle.get("n_labels", 0) for cycle in self.cycles)


def write_state(path: str | Path, state: LearnState) -> None:
    """Write a state, complete or not at all."""
    write_sealed(path, {"format": FORMAT, **asdict(state)})


def read_state(path: str | Path) -> LearnState:
    """Read a state that `write_state` wrote."""
    return LearnState(**read_sealed(path, FORMAT, "remove the folder to start anew"))
